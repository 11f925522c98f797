"""Preparation: the steps from a raw image to an input of a network, stored in the model file.

x = scale * pixels + shift, surrounded by `padding` rows and columns of the number `outside`
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from handmade.engine.arguments import (
    as_array,
    as_dtype,
    as_shape,
    check_choice,
    code_of,
    described,
    integer,
    is_number,
    number,
    refused,
)
from handmade.engine.arrays import Array, Shape
from handmade.engine.printable import ShortRepr

LAYOUTS = {"NHWC": (0, 1, 2, 3), "NCHW": (0, 2, 3, 1)}  # each with the order of its axes that makes it NHWC
LARGEST = 1e30  # of scale and shift: float32 holds it
MOST_PADDING = 1024


@dataclass(frozen=True)
class Preparation(ShortRepr):
    """Scale, shift and padding of raw images, and the order of their axes.

    Parameters
    ----------
    scale, shift : float or sequence of float
        Scale and shift of the pixels: one number for all channels, or one for each.
    padding : int
        Number of rows and columns around the scaled image.
    layout : {"NHWC", "NCHW"}
        Order of the axes of raw images.
    outside : float
        Number in these rows and columns: zero, or the shift if the image was padded before it was scaled.

    Raises
    ------
    HandmadeError
        If a setting is impossible.
    """

    scale: float | tuple[float, ...] = 1 / 255
    shift: float | tuple[float, ...] = 0.0
    padding: int = 0
    layout: str = "NHWC"
    outside: float = 0.0

    def __post_init__(self) -> None:
        for name in ("scale", "shift"):
            object.__setattr__(self, name, _numbers(getattr(self, name), name))
        object.__setattr__(self, "padding", integer(self.padding, "padding", 0))
        if self.padding > MOST_PADDING:
            raise refused("padding", f"at most {MOST_PADDING}", str(self.padding))
        check_choice(self.layout, "layout", LAYOUTS)
        object.__setattr__(self, "outside", number(self.outside, "outside", -LARGEST, LARGEST))

    def __call__(self, images: ArrayLike, dtype: DTypeLike = np.float32) -> Array:
        """Return inputs (N, H, W, C) for raw images (N, H, W), or with an axis of channels in this layout.

        Raises
        ------
        HandmadeError
            If the images have another shape, or their number of channels differs from the number of scales and shifts.
        """
        given, floats = as_array(images, "images"), as_dtype(dtype)
        if given.ndim not in {3, 4}:
            expected = f"raw images (N, H, W), or with an axis of channels as in {self.layout}"
            raise refused("images", expected, str(given.shape), f"{code_of(images, 'images')}[None]" if given.ndim == 2 else "")
        raw = given[..., None] if given.ndim == 3 else given.transpose(LAYOUTS[self.layout])
        self.check(raw.shape[1:])
        x = raw.astype(floats) * np.asarray(self.scale, floats) + np.asarray(self.shift, floats)
        around = ((0, 0), (self.padding, self.padding), (self.padding, self.padding), (0, 0))
        return np.pad(x, around, constant_values=self.outside) if self.padding else x

    def check(self, shape: Shape) -> None:
        """Raise HandmadeError unless the preparation can make inputs of this shape."""
        counts = {len(each) for each in (self.scale, self.shift) if isinstance(each, tuple)} - {1}
        sizes = as_shape(shape, "shape", "(28, 28, 1)")
        if len(sizes) != 3 or counts - {sizes[-1]}:
            channels = " or ".join(map(str, sorted(counts))) or "some"
            raise refused("images", f"images (H, W, C) with {channels} channels, as scale and shift have", str(sizes))

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain data; `outside` only if it is not zero, as older files have it."""
        settings = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {name: value for name, value in settings.items() if name != "outside" or value}

    @classmethod
    def from_json(cls, settings: object) -> Self:
        """Return the preparation that `to_json` wrote; raise HandmadeError if the settings are not such data."""
        names = list(cls.__dataclass_fields__)
        if not isinstance(settings, dict) or not set(settings) <= set(names):
            raise refused("prepare", f"some of {', '.join(names)}", described(settings))
        return cls(**settings)


def _numbers(value: Any, name: str) -> float | tuple[float, ...]:
    several = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim == 1)
    numbers = list(value) if several else [value]
    if not numbers or not all(is_number(each) and abs(each) <= LARGEST for each in numbers):  # in this form NaN does not pass
        raise refused(name, "one number, or one for each channel", described(value))
    return tuple(map(float, numbers)) if several else float(value)
