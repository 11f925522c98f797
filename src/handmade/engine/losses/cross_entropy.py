"""Cross-entropy on logits z, for the class y: the negative logarithm of the probability of the true class.

    p = softmax(z),   p_k = exp(z_k) / sum over j of exp(z_j)
    forward   L  = -sum over k of t_k log p_k        t: 1 for the class y and 0 for all others, or smoothed towards 1 / K each
    delta     dL = log(sum over k of p_k exp(dz_k)) - m,   m = sum over k of t_k dz_k
                 = log1p(sum over k of p_k expm1(dz_k - m))        (1)
    backward  gz = p - t

Without smoothing, m is dz_y, and the term of y in (1) is 0. So no subtraction is left in which digits could cancel, even if p_y
is nearly 1. If one logit moves alone, by d, (1) has one term: weight p_j and step d for a wrong class j, weight 1 - p_y and
step -d for y.

Szegedy et al. (2016), "Rethinking the Inception Architecture for Computer Vision", CVPR, section 7 (label smoothing).
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arguments import described, is_number, refused
from handmade.engine.arrays import Array
from handmade.engine.layers import EVERY, Channel, to_dense
from handmade.engine.layers.probabilities import log_softmax
from handmade.engine.losses import series
from handmade.engine.terms import Term, made, stored, total

NEAR = 0.5  # |sum in (1)| up to which log1p(sum) is used; beyond it, 1 + sum could cancel or overflow
HUGE = 30.0  # step beyond which p expm1(step) is exp(log p + step), also if p alone underflows


@dataclass(frozen=True)
class CrossEntropy:
    """Softmax and negative log-likelihood together, for each image; the caller takes the mean over the batch.

    Parameters
    ----------
    smoothing : float
        Label smoothing: share of the target that is distributed evenly over all classes, from 0 up to but not including 1.

    Raises
    ------
    HandmadeError
        If it is outside that range.
    """

    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not is_number(self.smoothing) or not 0 <= self.smoothing < 1:
            raise refused("smoothing", "a number from 0 up to but not including 1", described(self.smoothing))
        object.__setattr__(self, "smoothing", float(self.smoothing))

    def forward(self, z: Array, y: Array) -> Array:
        """Return the losses in nats: logits (N, classes), class numbers (N,) -> (N,)."""
        log_p = log_softmax(z)
        L: Array = -log_p[np.arange(len(y)), y]
        return L if self.smoothing == 0 else (1 - self.smoothing) * L - self.smoothing * log_p.mean(axis=-1)

    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        """Return forward(z + dz, y) - forward(z, y), exactly; (N, nudges) for dz (*z[:, channel].shape, nudges)."""
        with np.errstate(over="ignore", invalid="ignore"):  # where expm1 overflows, logarithms are used
            if dz.ndim == z.ndim:
                return self._delta(log_softmax(z), dz[..., None], y, channel)[..., 0]
            return self._delta(log_softmax(z), dz, y, channel)

    def delta_along(self, z: Array, v: Array, d: Array, y: Array) -> Array:
        """Return delta for dz = d v, (N, nudges): all logits move along v, (classes,), by d, (N, nudges)."""
        m = v[y] if self.smoothing == 0 else (1 - self.smoothing) * v[y] + self.smoothing * v.mean()
        c = v - m[:, None]  # (N, classes)
        count = series.terms(series.distance(c, d), d.dtype)
        if count is None:
            return self.delta(z, v[:, None] * d[:, None], y)
        return series.series(np.exp(log_softmax(z)), c, d, count)

    def backward(self, z: Array, y: Array) -> Array:
        """Return gz = p - t, (N, classes), for the loss of each image, before any mean."""
        log_p, images = log_softmax(z), np.arange(len(y))
        gz: Array = np.exp(log_p)
        gz[images, y] = np.expm1(log_p[images, y])
        if self.smoothing:
            gz -= self.smoothing / z.shape[-1]
            gz[images, y] += self.smoothing
        return gz

    def receipt(self, z: Array, y: int) -> Term:
        """Return the steps z - max, exp, sum, log. The exp of the largest logit is the 1 in log1p."""
        shifted = _shifted(z)
        others = [made("exp", each) for k, each in enumerate(shifted) if k != z.argmax()]
        log_sum = made("log1p", total(others, "exp(z - max) of the others"), label="log(1 + that)")
        surprises = [log_sum - each for each in shifted]  # -log p_k
        if self.smoothing == 0:
            return surprises[y].named("-log p[y] = log of the sum of exp(z - max), less z[y] - max")
        mean = total([each.named(f"-log p[{k}]") for k, each in enumerate(surprises)]) / Term(float(len(z)), label="classes")
        mine = Term(1 - self.smoothing, label="1 - smoothing") * surprises[y].named("-log p[y]")
        return (mine + Term(self.smoothing, label="smoothing") * mean.named("mean")).named("-sum over k of t[k] log p[k]")

    def delta_receipt(self, z: Array, dz: Array, y: int) -> Term:
        """Return equation (1) for one image."""
        p = [Term(float(p_k), "stored", label=f"p[{k}]") for k, p_k in enumerate(np.exp(log_softmax(z[None])[0]))]
        moved = [stored(dz_k, "d logits", k) for k, dz_k in enumerate(dz)]
        m = moved[y]
        if self.smoothing:
            mean = total(moved, "dz") / Term(float(len(z)), label="classes")
            m = Term(1 - self.smoothing, label="1 - smoothing") * m + Term(self.smoothing, label="smoothing") * mean
        steps = [(step - m).named(f"dz[{k}] - m") for k, step in enumerate(moved)]
        gains = [
            p_k * made("expm1", step) for k, (p_k, step) in enumerate(zip(p, steps, strict=True)) if k != y or self.smoothing
        ]
        return made("log1p", total(gains, "sum over k of p[k] expm1(dz[k] - m)"), label="dL = log1p(that)")

    def gradient_receipt(self, z: Array, y: int, k: int) -> Term:
        """p[k] - t[k], for one image."""
        p = self.probability(z, k).named(f"p[{k}]")
        t = Term(float(k == y), label=f"t[{k}]")
        if self.smoothing:
            share = Term(self.smoothing, label="smoothing") / Term(float(len(z)), label="classes")
            t = (Term(1 - self.smoothing, label="1 - smoothing") * t + share).named(f"t[{k}]")
        return (p - t).named(f"p[{k}] - t[{k}]")

    def probability(self, z: Array, k: int) -> Term:
        """Return p_k of one image as a tree of terms, from its logits z (classes,)."""
        powers = [made("exp", each) for each in _shifted(z)]
        return (powers[k] / total(powers, "exp(z - max) of all")).named("exp(z[k] - max) / sum over j of exp(z[j] - max)")

    def _delta(self, log_p: Array, dz: Array, y: Array, channel: Channel) -> Array:
        """Return equation (1): (N, classes), (N, logits of the channel, nudges), (N,) -> (N, nudges)."""
        if channel != EVERY and dz.shape[1] == 1 and self.smoothing == 0:
            return _delta_of_one(log_p, dz[:, 0], y, channel.start)
        dense = to_dense(log_p, dz, channel)
        m = dense[np.arange(len(y)), y][:, None]
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


def _shifted(z: Array) -> list[Term]:
    """Return z - max for one image."""
    logits = [stored(z_k, "logits", k) for k, z_k in enumerate(z)]
    return [(logit - logits[int(z.argmax())]).named(f"z[{k}] - max") for k, logit in enumerate(logits)]


def _delta_of_one(log_p: Array, d: Array, y: Array, j: int) -> Array:
    """Return equation (1) if logit j moves alone, by d (N, nudges): two classes, j and all others together."""
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
    """Return log(1 + total), computed in place."""
    np.log1p(total, out=total)
    return total


def log_sum_exp(z: Array) -> Array:
    """Return the logarithm of the sum of exp(z) over the classes: (N, classes, ...) -> (N, ...)."""
    top = z.max(axis=1)
    total: Array = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
    return total
