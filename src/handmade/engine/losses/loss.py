"""Loss: a frozen value whose methods are pure functions of the logits and the classes, one image at a time.

Shortcuts and receipts of a loss are rules of its exact type (layers/registry.py):

    delta_along     (loss, z, v, d, y) -> dL      `delta` for dz = d v: logits that all move along v (classes,), by d (N, nudges)
    receipt         (loss, z, y) -> Term          the loss of one image, of its logits z (classes,) and its class y
    delta_receipt   (loss, z, dz, y) -> Term      the difference of that loss when z moves by dz (classes,)
"""

from typing import Protocol

from handmade.engine.arrays import Array
from handmade.engine.layers import EVERY, Channel


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
