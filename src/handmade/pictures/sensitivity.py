"""Sensitivity (saliency) maps: the pixels that the loss depends on, measured in three ways.

    backpropagation   gx = dL / dx, the derivative
    nudging           (L(x + h) - L(x)) / h for each pixel alone, through the exact differences of the layers
    occlusion         L(with a patch set to 0) - L, by running the network again

The first two measure the same derivative and must look the same. Occlusion is a large step. The change that the gradient expects
of it, the sum of -gx x over the patch, is drawn beside it. The two differ where the loss is not a straight line over such a step.
Of a large image, pixels on a grid are nudged and occluded.

Simonyan, Vedaldi & Zisserman (2014), "Deep Inside Convolutional Networks", ICLR workshop (gradients).
Zeiler & Fergus (2014), "Visualizing and Understanding Convolutional Networks", ECCV, section 4.2 (occlusion).
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients import input_gradient
from handmade.engine.gradients.arguments import as_batch, checked_step
from handmade.engine.graph import INPUT
from handmade.engine.image_arguments import as_label
from handmade.engine.layers import Difference
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network
from handmade.engine.plain.differences import Propagation
from handmade.pictures.image_pixels import as_map, image_pixels
from handmade.pictures.maps import of_class
from handmade.pictures.numbers import percent, plain, signed_decimals, size
from handmade.pictures.scales import signed_scale
from handmade.pictures.sheet import MARGIN, Sheet
from handmade.pictures.style import drawn, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GREY = 1 / 255  # one grey level of a pixel
AT_ONCE = 64  # nudges that go through the network together
MOST = 4096  # numbers that are nudged


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Four maps of one image.

    Attributes
    ----------
    gradient : Array, the shape of the image
        By backpropagation: change of the loss for each unit of a pixel.
    quotients : Array
        By nudging, at the pixels of the grid.
    occluded, expected : Array
        Change of the loss when the patch around a pixel of the grid is set to 0, and the change that the gradient expects.
    grid : int
        Distance of the pixels that are nudged: 1 for all pixels.
    """

    gradient: Array
    quotients: Array
    occluded: Array
    expected: Array
    grid: int = 1

    @property
    def disagreement(self) -> float:
        """The largest difference between derivative and quotient, in the unit of the largest of them."""
        gradient = self.gradient[_grid(self.gradient.shape, self.grid)]
        largest = max(float(np.abs(gradient).max()), float(np.abs(self.quotients).max()))
        return float(np.abs(gradient - self.quotients).max()) / largest if largest else 0.0

    @property
    def correlation(self) -> float | None:
        """The correlation of the occluded and the expected changes; None if one of them is constant."""
        pair = self.occluded.ravel(), self.expected.ravel()
        return float(np.corrcoef(*pair)[0, 1]) if all(np.ptp(each) for each in pair) else None


@drawn
def sensitivity(network: Network, image: Array, label: int, *, h: float = GREY, patch: int = 3, dark: bool = False) -> "Figure":
    """Draw sensitivity (saliency) maps: which pixels the loss of an image depends on, measured in three ways.

    Parameters
    ----------
    network : Network
    image : Array, network.input_shape
        One prepared image.
    label : int
        Its class.
    h : float
        Step of a pixel; one grey level if left out.
    patch : int
        Side of the square that is set to 0, an odd number of pixels.
    dark : bool
        For a dark background.

    Returns
    -------
    Figure

    Raises
    ------
    HandmadeError
        If image, label, h or patch do not fit.
    """
    colours = theme(dark=dark)
    found = measure(network, image, label, h=h, patch=patch)
    slopes = [as_map(each) for each in (found.gradient, found.quotients)]
    changes = [as_map(each) for each in (found.occluded, found.expected)]
    sheet = Sheet(
        colours,
        f"Sensitivity (saliency) map of one image{of_class(network, label)}",
        f"Blue: the loss increases. Orange: it decreases.{_grid_note(found.grid, image)}",
    )
    column = sheet.width / 3
    side = column - 0.2
    height = side * slopes[0].shape[0] / max(slopes[0].shape)
    sheet.group(f"Derivative of the loss with respect to each pixel{_channels(image)}")
    pixels = image_pixels(image[None], network.preparation)
    sheet.captioned(f"image{pixels.suffix}", pixels.maps[0], pixels.scale, MARGIN, side)
    both = signed_scale(colours, slopes)
    sheet.captioned("backpropagation: dL / dx", slopes[0], both, MARGIN + column, side)
    sheet.captioned(f"nudging by h = {plain(h)}: dL / h", slopes[1], both, MARGIN + 2 * column, side)
    sheet.y += height + 0.6
    sheet.group(f"Occlusion: {size(patch, patch) if image.ndim > 1 else patch} pixels around each pixel set to 0")
    top = sheet.y
    sheet.paragraph(_explanation(found), side)
    below, sheet.y = sheet.y, top
    sheet.captioned("change of the loss", changes[0], signed_scale(colours, changes[:1]), MARGIN + column, side)
    sheet.captioned(
        "change expected from the gradient", changes[1], signed_scale(colours, changes[1:]), MARGIN + 2 * column, side
    )
    sheet.y = max(below, top + height + 0.6)
    return sheet.done()


def measure(network: Network, image: Array, label: int, *, h: float = GREY, patch: int = 3) -> Sensitivity:
    """Measure in all three ways, in float64; the parameters are those of `sensitivity`."""
    if patch < 1 or patch % 2 == 0:
        raise HandmadeError(f"patch: expected an odd number of pixels; got {patch}. Try patch=3")
    network = in_double(network)
    x, y = image[None].astype(np.float64), np.array([as_label(label, network.classes)])
    x, y = as_batch(network, x, y)
    checked_step(h, network)
    gradient = input_gradient(network, x, y)[1][0]
    grid = next(step for step in range(1, image.size + 1) if image[_grid(image.shape, step)].size <= MOST)
    numbers = np.arange(image.size).reshape(image.shape)[_grid(image.shape, grid)]
    quotients = _nudged(network, x, y, h, numbers.ravel()).reshape(numbers.shape)
    occluded, expected = _occluded(network, x, y, gradient, patch, grid)
    return Sensitivity(gradient, quotients, occluded, expected, grid)


def in_double(network: Network) -> Network:
    """Return the same network in float64."""
    arrays = network.parameters() | network.statistics()
    return network.replace({name: array.astype(np.float64) for name, array in arrays.items()})


def _grid(shape: tuple[int, ...], step: int) -> tuple[slice, ...]:
    """Return the pixels of a grid, each in the middle of its cell; with all channels."""
    return tuple(slice(min(step // 2, side - 1), None, step) for side in shape[:2])


def _nudged(network: Network, x: Array, y: Array, h: float, numbers: Array) -> Array:
    """Return the quotients of some numbers of x, by differences that go through the layers AT_ONCE at a time."""
    propagation = Propagation(network, x)
    quotients = np.empty(len(numbers))
    for start in range(0, len(numbers), AT_ONCE):
        some = numbers[start : start + AT_ONCE]
        dx = np.zeros((x.size, len(some)))
        dx[some, np.arange(len(some))] = h
        dz = propagation.to_logits(INPUT, Difference(dx.reshape(*x.shape, len(some))))
        quotients[start : start + AT_ONCE] = propagation.loss_of(dz, y, CrossEntropy()) / h
    return quotients


def _occluded(network: Network, x: Array, y: Array, gradient: Array, patch: int, grid: int) -> tuple[Array, Array]:
    """Return the change of the loss for the patch around each pixel of the grid, and the change expected from the gradient."""
    sides = x.shape[1:3]
    axes = [np.arange(side)[part] for side, part in zip(sides, _grid(x.shape[1:], grid), strict=True)]
    centres = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(sides))
    loss = CrossEntropy()
    base = loss.forward(network.logits(x), y)
    occluded, expected = np.empty(len(centres)), np.empty(len(centres))
    for start in range(0, len(centres), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        mask = _patches(sides, centres[some], patch).reshape(-1, *sides, *[1] * (x.ndim - 1 - len(sides)))
        occluded[some] = loss.forward(network.logits(np.where(mask, 0, x)), np.repeat(y, len(mask))) - base
        expected[some] = -(mask * (gradient * x[0])).reshape(len(mask), -1).sum(axis=1)
    shape = [len(axis) for axis in axes] + [1] * (x.ndim - 1 - len(sides))
    return occluded.reshape(shape), expected.reshape(shape)


def _patches(sides: tuple[int, ...], centres: Array, patch: int) -> Array:
    """Return the pixels of the patch around each centre, (centres, *sides) of bool."""
    near = [np.abs(centres[:, axis, None] - np.arange(side)) <= patch // 2 for axis, side in enumerate(sides)]
    both: Array = near[0] if len(near) == 1 else near[0][:, :, None] & near[1][:, None, :]
    return both


def _grid_note(grid: int, image: Array) -> str:
    if grid == 1:
        return ""
    cell = size(grid, grid) if image.ndim > 1 else str(grid)
    return f" Nudges and occlusion: one pixel of every {cell}."


def _channels(image: Array) -> str:
    channels = math.prod(image.shape[2:])
    return f" (mean of {channels} channels)" if channels > 1 else ""


def _explanation(found: Sensitivity) -> str:
    """Return how well the maps agree, in words."""
    same = (
        f"The upper two maps measure the same derivative. They differ by at most {percent(found.disagreement, 1)} of the largest "
        "value: where the loss is curved, or where a nudge crosses a kink (a point where the slope jumps), such as a tie of a "
        "max-pool on constant background."
    )
    if found.correlation is None:
        return same
    return (
        f"{same} The lower two may differ: the gradient is the slope at this image, and occlusion is a large step. "
        f"Their correlation is {signed_decimals(found.correlation, 2)}."
    )
