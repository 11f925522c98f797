"""Cross-entropy on logits z, for the class y: how surprised the network is by the right answer.

    p = softmax(z),   p_k = exp(z_k) / sum over j of exp(z_j)
    forward   L  = -log p_y
    delta     dL = log(sum over k of p_k exp(dz_k)) - dz_y
                 = log1p(sum over k != y of p_k expm1(dz_k - dz_y))        (1)
    backward  gz_k = p_k - 1[k = y]

The second line of delta has no subtraction left in which digits could cancel, however sure the network is of y. One logit
moving alone, by d, is the case of one term: weight p_j and step d for a wrong class j, weight 1 - p_y and step -d for y.
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import EVERY, Channel, spread

NEAR = 0.5  # |sum in (1)| up to which log1p is taken of it; beyond, 1 + sum could cancel or overflow


@dataclass(frozen=True)
class CrossEntropy:
    """Softmax and negative log-likelihood in one, an image at a time: the mean over the batch is the caller's."""

    def forward(self, z: Array, y: Array) -> Array:
        """(N, classes) logits, (N,) class numbers -> (N,) losses, in nats."""
        L: Array = -log_softmax(z)[np.arange(len(y)), y]
        return L

    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        """forward(z + dz, y) - forward(z, y), exactly; for dz (*z[:, channel].shape, nudges) it is (N, nudges)."""
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows expm1 is far, and taken from its logarithm
            return self._delta(log_softmax(z), z, dz, y, channel)

    def _delta(self, log_p: Array, z: Array, dz: Array, y: Array, channel: Channel) -> Array:
        if channel != EVERY and dz.shape[1] == 1:
            return _delta_of_one(log_p, dz[:, 0], y, channel.start)
        steps = np.moveaxis(spread(z, dz, channel), 1, -1)  # (N, classes), or (N, nudges, classes)
        if dz.ndim > z.ndim:
            log_p, y = log_p[:, None], y[:, None]
        steps = steps - np.take_along_axis(steps, np.broadcast_to(y, steps.shape[:-1])[..., None], axis=-1)
        total = np.vecdot(np.exp(log_p), np.expm1(steps))
        near = np.abs(total) <= NEAR
        if near.all():
            return log1p(total)
        return np.where(near, log1p(np.where(near, total, 0)), log_sum_exp(log_p + steps))

    def backward(self, z: Array, y: Array) -> Array:
        """gz = p - 1[k = y], (N, classes): for the loss of each image, before any mean."""
        log_p, images = log_softmax(z), np.arange(len(y))
        gz: Array = np.exp(log_p)
        gz[images, y] = np.expm1(log_p[images, y])
        return gz


def _delta_of_one(log_p: Array, d: Array, y: Array, j: int) -> Array:
    """The same when logit j moves alone, by d: for two classes, j and all the others together."""
    images = np.arange(len(y))
    log_rest = log_sum_exp(np.delete(log_p, j, axis=-1))  # log of 1 - p_j, without the subtraction
    is_y = y == j
    log_moving = np.where(is_y, log_rest, log_p[images, j])
    log_still = np.where(is_y, log_p[images, j], log_rest)
    sign = np.where(is_y, -1, 1).astype(d.dtype)
    if d.ndim > 1:
        log_moving, log_still, sign = log_moving[:, None], log_still[:, None], sign[:, None]
    step = sign * d
    total = np.expm1(step)
    total *= np.exp(log_moving)
    near = np.abs(total) <= NEAR
    if near.all():
        return log1p(total)
    return np.where(near, log1p(np.where(near, total, 0)), np.logaddexp(log_still, log_moving + step))


def log1p(total: Array) -> Array:
    """log(1 + total), in place."""
    np.log1p(total, out=total)
    return total


def log_softmax(z: Array) -> Array:
    """log p, with the largest logit taken away first so that exp cannot overflow."""
    top = z.argmax(axis=-1)[..., None]
    shifted = z - np.take_along_axis(z, top, axis=-1)
    others = np.exp(shifted)
    np.put_along_axis(others, top, 0, axis=-1)
    log_p: Array = shifted - np.log1p(others.sum(axis=-1, keepdims=True))  # the top's own 1 is the one in log1p
    return log_p


def log_sum_exp(z: Array) -> Array:
    """log of the sum of exp(z) over the last axis."""
    top = z.max(axis=-1)
    total: Array = top + np.log(np.exp(z - top[..., None]).sum(axis=-1))
    return total


def check_labels(y: Array, images: int, classes: int) -> None:
    """Raise HandmadeError unless y is one class number for each image."""
    if y.shape != (images,) or y.dtype.kind not in "iu":
        raise HandmadeError(f"labels want the shape ({images},) and whole numbers; got {y.shape} of {y.dtype}")
    if images and not (y.min() >= 0 and y.max() < classes):
        raise HandmadeError(f"labels want class numbers from 0 to {classes - 1}; got {y.min()} to {y.max()}")
