"""Loss: a frozen value whose methods are pure functions of the logits and the classes of single images.

Shortcuts and receipts of a loss are rules for its exact type (layers/registry.py):

    delta_along     (loss, z, v, d, y) -> dL      `delta` for dz = d v: all logits move along v (classes,), by d (N, nudges)
    receipt         (loss, z, y) -> Term          the loss of one image with the logits z (classes,) and the class y
    delta_receipt   (loss, z, dz, y) -> Term      the difference of that loss when z moves by dz (classes,)
    gradient_receipt (loss, z, y, k) -> Term      the gradient of that loss with respect to z[k]
"""

from typing import Protocol

from handmade.engine.arrays import Array
from handmade.engine.layers import EVERY, Channel


class Loss(Protocol):
    """Loss of each image; the caller takes the mean over the batch."""

    def forward(self, z: Array, y: Array) -> Array:
        """Return the losses: outputs of the network (N, classes), class numbers (N,) -> (N,)."""
        ...

    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        """Return forward(z + dz, y) - forward(z, y), exactly; (N, nudges) for dz (*z[:, channel].shape, nudges)."""
        ...

    def backward(self, z: Array, y: Array) -> Array:
        """Return the gradient with respect to z: gz, (N, classes)."""
        ...
