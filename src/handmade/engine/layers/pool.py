"""Pool: settings and output size of the pooling layers."""

from dataclasses import dataclass
from typing import ClassVar

from handmade.engine.arguments import pair
from handmade.engine.arrays import Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.layer import Layer
from handmade.engine.layers.windows import output_size


@dataclass(frozen=True, eq=False, init=False)
class Pool(Layer):
    """Pooling of images (N, H, W, C), channel by channel.

    Parameters
    ----------
    window : int or (int, int)
        Height and width of a window.
    stride : int or (int, int), optional
        Step between windows; the size of the window if left out. Rows and columns at the end that do not fill a complete window
        are ignored.
    padding : int or (int, int)
        Rows and columns around the image: at most half a window, so that every window contains a pixel.

    Raises
    ------
    HandmadeError
        If a setting is impossible.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("window", "stride", "padding")
    REQUIRED: ClassVar[tuple[str, ...]] = ("window",)

    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    def __init__(
        self,
        window: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        size = pair(window, "window", 1)
        border = pair(padding, "padding", 0)
        if 2 * border[0] > size[0] or 2 * border[1] > size[1]:
            raise HandmadeError(f"padding: expected at most half the window {size}, or a window sees no pixel; got {border}")
        object.__setattr__(self, "window", size)
        object.__setattr__(self, "stride", size if stride is None else pair(stride, "stride", 1))
        object.__setattr__(self, "padding", border)

    def output_shape(self, shape: Shape) -> Shape:
        return (*output_size(shape, self.window, self.stride, self.padding, self.kind), shape[-1])
