"""Which pixels the loss depends on, asked in three ways.

    backpropagation   gx = dL / dx, the derivative
    nudging           (L(x + h) - L(x)) / h for every pixel on its own, through the exact differences of the layers
    occlusion         L(with a patch wiped out) - L, by running the network again

The first two ask the same question and must look the same. The third asks another one; what the gradient makes of that, its sum
over the ink that is wiped out, stands beside it. Where the two differ, the loss is no straight line over so long a way.

Simonyan, Vedaldi & Zisserman (2014), "Deep Inside Convolutional Networks", ICLR workshop (gradients).
Zeiler & Fergus (2014), "Visualizing and Understanding Convolutional Networks", ECCV, section 4.2 (occlusion).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients import input_gradient
from handmade.engine.gradients.arguments import check_batch, checked_step
from handmade.engine.graph import INPUT
from handmade.engine.layers import Difference
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network
from handmade.engine.plain.differences import Propagation
from handmade.pictures.sheet import MARGIN, Sheet, digit_scale, number, on_paper, signed_scale, size
from handmade.pictures.style import drawn, theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GREY = 1 / 255  # one step of a pixel's grey
AT_ONCE = 64  # nudges that go through the network together


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Four maps of one image, each in the shape of the image.

    Attributes
    ----------
    gradient, quotients : Array
        By backpropagation and by nudging: how much the loss rises for each unit of ink.
    occluded, expected : Array
        What wiping out the patch around each pixel does to the loss, and what the gradient expects of it.
    """

    gradient: Array
    quotients: Array
    occluded: Array
    expected: Array

    @property
    def disagreement(self) -> float:
        """The largest difference between derivative and quotient, in the unit of the largest of them."""
        largest = max(float(np.abs(self.gradient).max()), float(np.abs(self.quotients).max()))
        return float(np.abs(self.gradient - self.quotients).max()) / largest if largest else 0.0

    @property
    def correlation(self) -> float | None:
        """Of what the patches do with what the gradient expects; None where one of them is the same everywhere."""
        pair = self.occluded.ravel(), self.expected.ravel()
        return float(np.corrcoef(*pair)[0, 1]) if all(np.ptp(each) for each in pair) else None


@drawn
def sensitivity(network: Network, image: Array, label: int, *, h: float = GREY, patch: int = 3, dark: bool = False) -> "Figure":
    """Draw which pixels the loss of an image depends on, in three ways side by side.

    Parameters
    ----------
    network : Network
    image : Array, network.input_shape
        One prepared image.
    label : int
        Its class.
    h : float
        How far a pixel is nudged; one step of grey if left out.
    patch : int
        The side of the square that is wiped out, an odd number of pixels.
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
    house = theme(dark=dark)
    found = measure(network, image, label, h=h, patch=patch)
    rising = [on_paper(each) for each in (found.gradient, found.quotients)]
    wiped = [on_paper(each) for each in (found.occluded, found.expected)]
    sheet = Sheet(house, f"Which pixels the loss of this {label} depends on", "Blue: the loss rises. Orange: it falls.")
    column = sheet.width / 3
    side = column - 0.2
    sheet.group("A little more ink, one pixel at a time")
    sheet.captioned("the image: ink", on_paper(image), digit_scale([image]), MARGIN, side)
    both = signed_scale(house, rising)
    sheet.captioned("backpropagation: loss / ink", rising[0], both, MARGIN + column, side)
    sheet.captioned(f"nudging by {h:.2g}: loss / ink", rising[1], both, MARGIN + 2 * column, side)
    sheet.y += side + 0.6
    sheet.group(f"{size(patch, patch)} pixels wiped out, around every pixel")
    sheet.words(_told(found), side, down=False)
    sheet.captioned("occlusion: loss", wiped[0], signed_scale(house, wiped[:1]), MARGIN + column, side)
    sheet.captioned("expected by the gradient: loss", wiped[1], signed_scale(house, wiped[1:]), MARGIN + 2 * column, side)
    sheet.y += side + 0.6
    return sheet.done()


def measure(network: Network, image: Array, label: int, *, h: float = GREY, patch: int = 3) -> Sensitivity:
    """Ask in all three ways, in float64; see `sensitivity` for what goes in."""
    if patch < 1 or patch % 2 == 0:
        raise HandmadeError(f"patch wants an odd number of pixels, such as 3; got {patch}")
    network = in_double(network)
    x, y = image[None].astype(np.float64), np.array([label])
    check_batch(network, x, y)
    checked_step(h, network)
    gradient = input_gradient(network, x, y)[1][0]
    quotients = _nudged(network, x, y, h)
    patches = _patches(image.shape, patch)
    without = np.where(patches, 0, x)
    loss = CrossEntropy()
    base = loss.forward(network.logits(x), y)
    occluded = loss.forward(network.logits(without), np.repeat(y, len(without))) - base
    expected = -(patches * (gradient * x[0])).reshape(len(patches), -1).sum(axis=1)
    centres = image.shape[:2] if image.ndim == 3 else image.shape
    return Sensitivity(gradient, quotients, _full(occluded, centres, image.ndim), _full(expected, centres, image.ndim))


def in_double(network: Network) -> Network:
    """The same network in float64."""
    arrays = network.parameters() | network.statistics()
    return network.replace({name: array.astype(np.float64) for name, array in arrays.items()})


def _nudged(network: Network, x: Array, y: Array, h: float) -> Array:
    """The quotient of every pixel, by differences that go through the layers some dozens at a time."""
    propagation = Propagation(network, x)
    quotients = np.empty(x.size)
    for start in range(0, x.size, AT_ONCE):
        pixels = np.arange(start, min(start + AT_ONCE, x.size))
        dx = np.zeros((x.size, len(pixels)))
        dx[pixels, np.arange(len(pixels))] = h
        dz = propagation.to_logits(INPUT, Difference(dx.reshape(*x.shape, len(pixels))))
        quotients[pixels] = propagation.loss_of(dz, y, CrossEntropy()) / h
    return quotients.reshape(x.shape[1:])


def _patches(shape: tuple[int, ...], patch: int) -> Array:
    """For every pixel, where the patch around it lies: (pixels, *shape) of bool."""
    sides = shape[:2] if len(shape) == 3 else shape
    near = [np.abs(np.subtract.outer(np.arange(side), np.arange(side))) <= patch // 2 for side in sides]
    if len(near) == 1:
        return near[0]
    both: Array = near[0][:, None, :, None] & near[1][None, :, None, :]
    return np.broadcast_to(both.reshape(-1, *sides, 1), (both.shape[0] * both.shape[1], *shape))


def _full(values: Array, centres: tuple[int, ...], axes: int) -> Array:
    """One number for each pixel, as an image of one channel or as a row."""
    return values.reshape(*centres, 1) if axes == 3 else values


def _told(found: Sensitivity) -> str:
    """How well the maps agree, in words."""
    same = (
        f"The upper two ask the same question. They differ by at most {100 * found.disagreement:.2g} % of the largest value: "
        "where the loss is curved, or a nudge meets a kink, such as the tie of a pool on blank paper."
    )
    if found.correlation is None:
        return same
    return (
        f"{same} The lower two need not agree: the gradient knows the slope here, occlusion goes all the way. "
        f"Their correlation is {number(round(found.correlation, 2))}."
    )
