"""One planted bug, the names that are true of it, and the two lists that collect bugs and correct layers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from handmade.engine.arrays import Array

Made = TypeVar("Made", bound=Callable[[], Any])
Weights = Callable[[Any], dict[str, Any]]

WRONG = frozenset({"wrong"})
UNSURE = frozenset({"wrong", "not tested"})  # no gradient, or no slope that is not zero, can be found to compare

NAMES = {
    "axis": "a sum runs over the wrong axis",
    "batch size": "it is right for one image, and wrong for several",
    "buffer": "a result is a view of an array that a later step or the next call writes to",
    "condition on x": "it is wrong only where x is zero, negative, positive, large or small",
    "crop": "it is shifted, or padding is cropped on the wrong side or not at all",
    "derivative elsewhere": "the derivative is taken at the output y in the place of the input x, or the other way round",
    "derivative forgotten": "a factor, the derivative, is forgotten: gy is handed on as it is",
    "dilation": "the dilation of the kernel is ignored or mistaken",
    "dtype": "the result is of another dtype than the input",
    "edge": "it is wrong only in the first or the last places along an axis, and right in most of it",
    "epsilon": "backward uses another epsilon than forward",
    "flipped": "it is flipped, or computed with flipped weights",
    "float32": "it is rounded to float32 on its way",
    "groups": "channels are put into the wrong groups",
    "ignores gy": "gy is not used, or only its mean or sum is",
    "input mutated": "x or gy is written to",
    "kink": "at a kink, the derivative is outside the two one-sided ones",
    "layout": "it is wrong for arrays that are not contiguous",
    "log-softmax sum": "the sum of gy is missing",
    "mean held constant": "the mean is differentiated as a constant",
    "misread gy": "gy is read in another order",
    "missing": "a weight has no gradient",
    "neighbour": "the derivative or mask of another number, or of another image, is used",
    "norm held constant": "a norm is differentiated as a constant",
    "not finite": "it is NaN or infinite",
    "not linear": "backward is not linear in gy",
    "not summed": "it is not summed over an axis",
    "one channel": "it is wrong for one channel alone",
    "one image": "it is wrong for one image alone",
    "one place": "all is right but for a few places",
    "overwritten": "`=` stands where `+=` is needed",
    "permuted": "images, channels or groups are in another order",
    "product rule": "one term of a derivative of a product is missing",
    "random": "the result is random",
    "ratio": "everywhere the same number of times too large",
    "shape": "the shape is wrong",
    "sign lost": "an absolute value is taken",
    "softmax axis": "softmax is differentiated along the wrong axis",
    "softmax diagonal": "of softmax's Jacobian, only the diagonal is used",
    "state": "a result depends on earlier calls",
    "stride": "the stride is forgotten or mistaken",
    "summed too far": "it is summed over an axis that it should keep",
    "swapped": "two gradients are exchanged",
    "ties": "at a tie, the gradient is none that a convention gives",
    "transposed": "it is transposed, or reshaped where it should be transposed",
    "truncated": "it is rounded to few digits or to integers",
    "unused": "backward has a gradient for what forward does not use",
    "variance held constant": "the variance is differentiated as a constant",
    "weight decay": "a penalty is added in backward",
    "weights mutated": "the weights are written to",
    "winner ignored": "every number of a window gets the gradient of the winner",
    "wrong side": "a mask or a branch is taken where it should not be: a threshold or a comparison is wrong",
    "wrong sign": "everywhere of the wrong sign",
    "zero": "it is zero everywhere",
}
"""Every name that an exhibit may have, and the sentence that has to be true of the bug."""


@dataclass(frozen=True, eq=False)
class Planted:
    """A layer with a bug.

    `names` are all the names that are true of the bug. `at` is the input on which the bug shows, if it does not on `x`;
    `weights` gives what the layer is trained by, and `gradients` what backward left for it, if these are in unusual places.
    """

    make: Callable[[], Any]
    x: Array
    names: frozenset[str]
    verdicts: frozenset[str] = WRONG
    at: Array | None = None
    weights: Weights | None = None
    gradients: Weights | None = None

    @property
    def name(self) -> str:
        return getattr(self.make, "__name__", "layer")


PLANTED: list[Planted] = []
CORRECT: list[Planted] = []


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def bug(x: Array, *names: str, verdicts: frozenset[str] = WRONG, **places: Any) -> Callable[[Made], Made]:
    """Collect a layer with a bug; `names` are all those that are true of it."""

    def add(make: Made) -> Made:
        PLANTED.append(Planted(make, x, frozenset(names), verdicts, **places))
        return make

    return add


def right(x: Array, verdicts: frozenset[str] = frozenset({"correct"}), **places: Any) -> Callable[[Made], Made]:
    """Collect a correct layer, the twin of bugs."""

    def add(make: Made) -> Made:
        CORRECT.append(Planted(make, x, frozenset(), verdicts, **places))
        return make

    return add


ROWS = draw(3, 5)
IMAGES = draw(2, 6, 5, 3)  # (N, H, W, C)
ROUND = np.round(draw(4, 5, seed=3))  # with zeros and ties
