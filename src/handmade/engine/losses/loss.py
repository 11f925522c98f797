"""What a loss is: a frozen value whose methods are pure functions of the logits and the classes, one image at a time."""

from typing import Protocol, TypeGuard, runtime_checkable

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.inheritance import defined_together
from handmade.engine.layers import EVERY, Channel
from handmade.engine.terms import Term


class Loss(Protocol):
    """The loss of each image; the mean over the batch is the caller's."""

    def forward(self, z: Array, y: Array) -> Array:
        """(N, classes) outputs of the network, (N,) class numbers -> (N,) losses."""
        ...

    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        """forward(z + dz, y) - forward(z, y), exactly; for dz (*z[:, channel].shape, nudges) it is (N, nudges)."""
        ...

    def backward(self, z: Array, y: Array) -> Array:
        """gz, (N, classes)."""
        ...


class Linewise(Loss, Protocol):
    """A loss with a shortcut for logits that move along one line, as they do when a single input of the last layer moves."""

    def delta_along(self, z: Array, v: Array, d: Array, y: Array) -> Array:
        """delta for dz = d v: logits that all move along v, (classes,), by d, (N, nudges); (N, nudges)."""
        ...


@runtime_checkable
class ExplainedLoss(Protocol):
    """A loss that tells how its number is made."""

    def receipt(self, z: Array, y: int) -> Term:
        """The loss of one image, as a tree of terms: of its logits z, (classes,), and its class y."""
        ...

    def delta_receipt(self, z: Array, dz: Array, y: int) -> Term:
        """The difference of that loss when z moves by dz, (classes,), as a tree of terms."""
        ...


def is_linewise(loss: Loss) -> TypeGuard[Linewise]:
    """Whether it has that shortcut: its own, and not a parent's beside a delta that it has overridden."""
    return defined_together(type(loss), "forward", "delta", "delta_along")


def check_labels(y: Array, images: int, classes: int) -> None:
    """Raise HandmadeError unless y is one class number for each image."""
    if y.shape != (images,) or y.dtype.kind not in "iu":
        raise HandmadeError(f"labels want the shape ({images},) and whole numbers; got {y.shape} of {y.dtype}")
    if images and not (y.min() >= 0 and y.max() < classes):
        raise HandmadeError(f"labels want class numbers from 0 to {classes - 1}; got {y.min()} to {y.max()}")
