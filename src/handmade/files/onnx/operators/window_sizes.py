"""Sizes of windows: kernel, strides, dilations and pads of a node, and the number of places where a window fits.

size of the output = floor((size + pads - ((kernel - 1) dilation + 1)) / stride) + 1          ceil with ceil_mode
auto_pad SAME: size of the output = ceil(size / stride), the odd zero at the end (UPPER) or at the beginning (LOWER)
"""

from dataclasses import dataclass

from handmade.engine.arrays import Shape
from handmade.files.onnx.errors import NoLayer
from handmade.files.onnx.graph import Operation

MOST = 2**16  # of a kernel, a stride, a padding or a dilation


@dataclass(frozen=True)
class Windows:
    """Kernel, stride, dilation and pads of rows and columns."""

    kernel: Shape
    stride: Shape
    dilation: Shape
    padding: tuple[tuple[int, int], ...]
    ceil: bool

    @property
    def reach(self) -> Shape:
        """Size of a window with its gaps."""
        return tuple((k - 1) * dilation + 1 for k, dilation in zip(self.kernel, self.dilation, strict=True))

    def places(self, size: Shape) -> Shape:
        """Return the size of the output; with ceil, a window that begins in the padding at the end does not count."""
        found = []
        for each, reach, stride, (before, after) in zip(size, self.reach, self.stride, self.padding, strict=True):
            room = each + before + after - reach
            count = (-(-room // stride) if self.ceil else room // stride) + 1
            found.append(count - (self.ceil and (count - 1) * stride >= each + before))
        return tuple(found)

    def in_two(self) -> "Windows":
        """Return the windows for images, also for those of rows."""
        if len(self.kernel) > 2:
            raise NoLayer(f"windows of {len(self.kernel)} axes; layers have one or two")
        if len(self.kernel) == 2:
            return self
        return Windows((1, *self.kernel), (1, *self.stride), (1, *self.dilation), ((0, 0), *self.padding), self.ceil)


def windows(node: Operation, size: Shape, kernel: Shape) -> Windows:
    """Return the windows of a node for an image of this size.

    Raises
    ------
    NoLayer
        For other numbers of axes, negative pads, and windows that do not fit.
    """
    axes = len(kernel)
    if not axes or len(size) != axes:
        raise NoLayer(f"windows of {axes} axes on images of {len(size)}")
    ones = (1,) * axes
    stride, dilation = (tuple(node.get(name) or ones) for name in ("strides", "dilations"))
    mode, ceil = node.get("auto_pad", "NOTSET"), bool(node.get("ceil_mode", 0))
    pads = tuple(node.get("pads") or (0,) * 2 * axes)
    if any(len(each) != axes for each in (stride, dilation)) or len(pads) != 2 * axes:
        raise NoLayer(f"strides {stride}, dilations {dilation} and pads {pads} for {axes} axes")
    if any(not 1 <= k <= MOST for k in (*stride, *dilation, *kernel)) or any(not 0 <= k <= MOST for k in pads):
        raise NoLayer(f"a kernel {kernel}, strides {stride}, dilations {dilation} and pads {pads}: negative, 0 or too large")
    padding = tuple((pads[k], pads[k + axes]) for k in range(axes))
    if mode in {"SAME_UPPER", "SAME_LOWER"}:
        padding = tuple(_same(*each, last=mode == "SAME_UPPER") for each in zip(size, kernel, stride, dilation, strict=True))
    elif mode == "VALID":
        padding = ((0, 0),) * axes
    elif mode not in {"NOTSET", ""}:
        raise NoLayer(f"auto_pad {mode}")
    ceil = ceil and mode in {"NOTSET", ""}
    found = Windows(tuple(kernel), stride, dilation, padding, ceil)
    if any(places < 1 for places in found.places(size)):
        raise NoLayer(f"windows of {found.reach} on an image of {size} with the padding {padding}")
    return found


def _same(size: int, kernel: int, stride: int, dilation: int, *, last: bool) -> tuple[int, int]:
    """Return the padding before and after an axis with which the output has ceil(size / stride) places."""
    needed = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    small = needed // 2
    return (small, needed - small) if last else (needed - small, small)
