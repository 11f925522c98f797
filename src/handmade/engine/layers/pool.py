"""Pool: settings, geometry and connections of the pooling layers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from handmade.engine.arguments import padding_of, pair, refused, true_or_false
from handmade.engine.arrays import Array, Padding, Pair, Shape, Sides
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.connections import Box
from handmade.engine.layers.geometry import Geometry
from handmade.engine.layers.layer import Layer
from handmade.engine.layers.windows import pixels

USUAL = {"dilation": [1, 1], "ceil_mode": False, "count_padding": True}  # settings that are described only if they differ


@dataclass(frozen=True, eq=False)
class Pool(Layer):
    """Pooling of images (N, H, W, C), channel by channel; windows may overlap.

    Parameters
    ----------
    window : int or (int, int)
        Height and width of a window.
    stride : int or (int, int), optional
        Step between windows; the size of the window if left out.
    padding : int, (int, int) or ((int, int), (int, int))
        Rows and columns around the image: on all sides; above and below, left and right; or ((top, bottom), (left, right)). Each
        is smaller than the window with its gaps, so that the window contains a pixel.
    dilation : int or (int, int)
        Step between the pixels of one window; for rows and columns.
    ceil_mode : bool
        False to ignore rows and columns at the end that do not fill a complete window; True for one more window there, which
        may exceed the padding. It is left out if it would begin behind the last pixel.

    Raises
    ------
    HandmadeError
        If a setting is impossible.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("window", "stride", "padding", "dilation", "ceil_mode")
    REQUIRED: ClassVar[tuple[str, ...]] = ("window",)

    window: Pair
    stride: Pair
    padding: Padding
    dilation: Pair
    ceil_mode: bool

    def __init__(
        self,
        window: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Padding = 0,
        dilation: int | Pair = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        size = pair(window, "window", 1)
        steps = size if stride is None else pair(stride, "stride", 1)
        around, apart = padding_of(padding), pair(dilation, "dilation", 1)
        found = Geometry(size, steps, around, apart, true_or_false(ceil_mode, "ceil_mode"))
        if any(side >= span for sides, span in zip(found.sides, found.span, strict=True) for side in sides):
            gaps = f", {found.span} with its gaps" if found.span != size else ""
            raise refused("padding", f"less than the window {size}{gaps} on each side, so that it sees a pixel", str(around))
        for name in ("window", "stride", "padding", "dilation", "ceil_mode"):
            object.__setattr__(self, name, getattr(found, name))

    def settings(self) -> dict[str, Any]:
        """Return the settings as plain data; those of `USUAL` are left out if they are usual, as in files of older versions."""
        return {name: value for name, value in super().settings().items() if name not in USUAL or value != USUAL[name]}

    @property
    def geometry(self) -> Geometry:
        """Position of the windows."""
        return Geometry(self.window, self.stride, self.padding, self.dilation, self.ceil_mode)

    def output_shape(self, shape: Shape) -> Shape:
        down, right = self.geometry.output_size(shape, self.kind)
        if self.geometry.is_empty(shape):
            raise HandmadeError(
                f"{self.kind}: expected images of at least {self.dilation[0]} x {self.dilation[1]} pixels, the dilation, or a "
                f"window sees no pixel; got {shape}"
            )
        return down, right, shape[-1]

    def borders(self, x: Array) -> Sides:
        """Return the padding of each side for images x (N, H, W, ...), with what the last windows read behind it."""
        return self.geometry.borders(x.shape[1:3])

    def places(self, padded: Array) -> Iterator[Array]:
        """Yield, for each place of the window, row by row, this pixel of all windows of padded images, as views."""
        return pixels(padded, self.window, self.stride, self.dilation)

    def sources(self, _shapes: Sequence[Shape], at: Shape) -> list[Box]:
        return [(*self.geometry.box(at), (at[2], at[2] + 1))]

    def targets(self, shapes: Sequence[Shape], _k: int, at: Shape) -> Box | None:
        found = self.geometry.boxes(at, self.output_shape(shapes[0]))
        return None if found is None else (*found, (at[2], at[2] + 1))
