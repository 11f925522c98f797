"""Loss with a weight for each image: its term in the mean over the batch is multiplied by its weight.

    L = 1/N sum over n of a_n L_n
    forward   a_n L_n
    delta     a_n dL_n
    backward  a_n gz_n

Each equation is linear in the terms, so a difference stays exact: the product has one rounding more. The gradients make this loss
from their argument `weights`; for a block of the batch, `for_images` selects the weights as `Network.for_images` selects masks.
"""

from dataclasses import dataclass
from typing import Any

from handmade.engine.arrays import Array
from handmade.engine.layers import EVERY, Channel
from handmade.engine.losses.loss import Loss


@dataclass(frozen=True, eq=False)
class Weighted:
    """Loss of each image, multiplied by the weight of the image.

    Parameters
    ----------
    loss : Loss
        Loss without weights.
    weights : Array, (N,)
        Weights of the images of a batch.
    """

    loss: Loss
    weights: Array

    def forward(self, z: Array, y: Array) -> Array:
        """Return the weighted losses: logits (N, classes), class numbers (N,) -> (N,)."""
        return self._times(self.loss.forward(z, y))

    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        """Return forward(z + dz, y) - forward(z, y), exactly; (N, nudges) for dz (*z[:, channel].shape, nudges)."""
        return self._times(self.loss.delta(z, dz, y, channel))

    def backward(self, z: Array, y: Array) -> Array:
        """Return gz, (N, classes), for the weighted loss of each image, before any mean."""
        return self._times(self.loss.backward(z, y))

    def _times(self, terms: Array) -> Array:
        """Return the terms (N, ...), each multiplied by its weight, in their dtype."""
        product: Array = terms * self.weights.astype(terms.dtype).reshape(-1, *(1,) * (terms.ndim - 1))
        return product


def for_images(loss: Loss, images: Any) -> Loss:
    """Return the loss for some images of its batch, given by a slice or their indices; the loss itself without weights."""
    return Weighted(loss.loss, loss.weights[images]) if isinstance(loss, Weighted) else loss


def split_weights(loss: Loss) -> tuple[Loss, Array | None]:
    """Return the loss without weights, and the weights; None if there are none."""
    return (loss.loss, loss.weights) if isinstance(loss, Weighted) else (loss, None)
