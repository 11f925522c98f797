"""Cross-entropy on logits z, for the class y: how surprised the network is by the right answer.

    p = softmax(z),   p_k = exp(z_k) / sum over j of exp(z_j)
    forward   L  = -sum over k of t_k log p_k        t: 1 for the class y and 0 for all others, or smoothed towards 1 / K each
    delta     dL = log(sum over k of p_k exp(dz_k)) - m,   m = sum over k of t_k dz_k
                 = log1p(sum over k of p_k expm1(dz_k - m))        (1)
    backward  gz = p - t

Without smoothing, m is dz_y, and the term of y in (1) is 0: no subtraction is left in which digits could cancel, however sure the
network is of y. One logit moving alone, by d, is the case of one term then: weight p_j and step d for a wrong class j, weight
1 - p_y and step -d for y.

Szegedy et al. (2016), "Rethinking the Inception Architecture for Computer Vision", CVPR, section 7 (label smoothing).
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import EVERY, Channel, spread

NEAR = 0.5  # |sum in (1)| up to which log1p is taken of it; beyond, 1 + sum could cancel or overflow
HUGE = 30.0  # step beyond which p expm1(step) is exp(log p + step), even if p by itself is too small to be held


@dataclass(frozen=True)
class CrossEntropy:
    """Softmax and negative log-likelihood in one, an image at a time: the mean over the batch is the caller's.

    Parameters
    ----------
    smoothing : float
        How much of the target, from 0 up to but not including 1, is shared out evenly among all classes.

    Raises
    ------
    HandmadeError
        If it is outside that range.
    """

    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1:
            raise HandmadeError(f"label smoothing wants a number from 0 up to but not including 1; got {self.smoothing}")

    def forward(self, z: Array, y: Array) -> Array:
        """(N, classes) logits, (N,) class numbers -> (N,) losses, in nats."""
        log_p = log_softmax(z)
        L: Array = -log_p[np.arange(len(y)), y]
        return L if self.smoothing == 0 else (1 - self.smoothing) * L - self.smoothing * log_p.mean(axis=-1)

    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        """forward(z + dz, y) - forward(z, y), exactly; for dz (*z[:, channel].shape, nudges) it is (N, nudges)."""
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows expm1 is far, and taken from its logarithm
            if dz.ndim == z.ndim:
                return self._delta(log_softmax(z), dz[..., None], y, channel)[..., 0]
            return self._delta(log_softmax(z), dz, y, channel)

    def backward(self, z: Array, y: Array) -> Array:
        """gz = p - t, (N, classes): for the loss of each image, before any mean."""
        log_p, images = log_softmax(z), np.arange(len(y))
        gz: Array = np.exp(log_p)
        gz[images, y] = np.expm1(log_p[images, y])
        if self.smoothing:
            gz -= self.smoothing / z.shape[-1]
            gz[images, y] += self.smoothing
        return gz

    def _delta(self, log_p: Array, dz: Array, y: Array, channel: Channel) -> Array:
        """Equation (1): (N, classes), (N, logits of the channel, nudges), (N,) -> (N, nudges)."""
        if channel != EVERY and dz.shape[1] == 1 and self.smoothing == 0:
            return _delta_of_one(log_p, dz[:, 0], y, channel.start)
        dense = spread(log_p, dz, channel)
        m = np.take_along_axis(dense, y[:, None, None], axis=1)
        if self.smoothing:
            m = (1 - self.smoothing) * m + self.smoothing * dense.mean(axis=1, keepdims=True)
        steps = dense - m  # (N, classes, nudges)
        gains = np.expm1(steps)
        if steps.max() > HUGE:
            total = np.where(steps > HUGE, np.exp(log_p[..., None] + steps), np.exp(log_p)[..., None] * gains).sum(axis=1)
        else:
            total = (np.exp(log_p)[:, None] @ gains)[:, 0]
        near = np.abs(total) <= NEAR
        if near.all():
            return log1p(total)
        return np.where(near, log1p(np.where(near, total, 0)), log_sum_exp(log_p[..., None] + steps))


def _delta_of_one(log_p: Array, d: Array, y: Array, j: int) -> Array:
    """Equation (1) when logit j moves alone, by d (N, nudges): for two classes, j and all the others together."""
    images = np.arange(len(y))
    log_rest = log_sum_exp(np.delete(log_p, j, axis=1))  # log of 1 - p_j, without the subtraction
    is_y = y == j
    log_moving = np.where(is_y, log_rest, log_p[images, j])[:, None]
    log_still = np.where(is_y, log_p[images, j], log_rest)[:, None]
    steps = np.where(is_y, -1, 1).astype(d.dtype)[:, None] * d
    total = np.expm1(steps)
    total *= np.exp(log_moving)
    if steps.max() > HUGE:
        total = np.where(steps > HUGE, np.exp(log_moving + steps), total)
    near = np.abs(total) <= NEAR
    if near.all():
        return log1p(total)
    return np.where(near, log1p(np.where(near, total, 0)), np.logaddexp(log_still, log_moving + steps))


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
    """log of the sum of exp(z) over the classes: (N, classes, ...) -> (N, ...)."""
    top = z.max(axis=1)
    total: Array = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
    return total
