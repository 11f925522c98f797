"""Preparation: the steps from a raw image to an input of a network, stored in the model file.

x = scale * pixels + shift, surrounded by `padding` rows and columns of zeros
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arrays import Array, Shape, integer
from handmade.engine.errors import HandmadeError

LAYOUTS = {"NHWC": (0, 1, 2, 3), "NCHW": (0, 2, 3, 1)}  # each with the order of its axes that makes it NHWC
LARGEST = 1e6  # of scale and shift
MOST_PADDING = 1024


@dataclass(frozen=True)
class Preparation:
    """Scale, shift and padding of raw images, and the order of their axes.

    Parameters
    ----------
    scale, shift : float or sequence of float
        Scale and shift of the pixels: one number for all channels, or one for each.
    padding : int
        Number of rows and columns of zeros around the scaled image.
    layout : {"NHWC", "NCHW"}
        Order of the axes of raw images.

    Raises
    ------
    HandmadeError
        If a setting is impossible.
    """

    scale: float | tuple[float, ...] = 1 / 255
    shift: float | tuple[float, ...] = 0.0
    padding: int = 0
    layout: str = "NHWC"

    def __post_init__(self) -> None:
        for name in ("scale", "shift"):
            object.__setattr__(self, name, _numbers(getattr(self, name), name))
        integer(self.padding, "padding", 0)
        if self.padding > MOST_PADDING:
            raise HandmadeError(f"padding: expected at most {MOST_PADDING}; got {self.padding}")
        if self.layout not in list(LAYOUTS):
            raise HandmadeError(f"layout: expected one of {', '.join(LAYOUTS)}; got {self.layout!r:.80}")

    def __call__(self, images: Array, dtype: DTypeLike = np.float32) -> Array:
        """Return inputs (N, H, W, C) for raw images (N, H, W), or with an axis of channels in this layout.

        Raises
        ------
        HandmadeError
            If the images have another shape, or their number of channels differs from the number of scales and shifts.
        """
        if not isinstance(images, np.ndarray) or images.ndim not in {3, 4}:
            got = f"the shape {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
            raise HandmadeError(
                f"prepare: expected raw images (N, H, W), or with an axis of channels as in {self.layout}; got {got}"
            )
        raw = images[..., None] if images.ndim == 3 else images.transpose(LAYOUTS[self.layout])
        self.check(raw.shape[1:])
        x = raw.astype(dtype) * np.asarray(self.scale, dtype) + np.asarray(self.shift, dtype)
        around = ((0, 0), (self.padding, self.padding), (self.padding, self.padding), (0, 0))
        return np.pad(x, around) if self.padding else x

    def check(self, shape: Shape) -> None:
        """Raise HandmadeError unless the preparation can make inputs of this shape."""
        counts = {len(each) for each in (self.scale, self.shift) if isinstance(each, tuple)} - {1}
        if len(shape) != 3 or counts - {shape[-1]}:
            raise HandmadeError(f"prepare: expected images with one scale and shift for each channel; got {self} for {shape}")

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, settings: object) -> Self:
        """Return the preparation that `to_json` wrote; raise HandmadeError if the settings are not such data."""
        names = list(cls.__dataclass_fields__)
        if not isinstance(settings, dict) or not set(settings) <= set(names):
            raise HandmadeError(f"prepare: expected some of {', '.join(names)}; got {settings!r:.80}")
        return cls(**settings)


def _numbers(value: Any, name: str) -> float | tuple[float, ...]:
    numbers = value if isinstance(value, list | tuple) else [value]
    fits = [isinstance(each, int | float) and not isinstance(each, bool) and abs(each) <= LARGEST for each in numbers]
    if not all(fits) or not numbers:  # in this form NaN does not pass
        raise HandmadeError(f"{name}: expected one number, or one for each channel; got {value!r:.80}")
    return tuple(map(float, numbers)) if isinstance(value, list | tuple) else float(value)
