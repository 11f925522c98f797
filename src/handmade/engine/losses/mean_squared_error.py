"""Mean squared error: how far the outputs z are from 1 for the class y and 0 for all others.

    forward   L  = 1/K sum over k of (z_k - t_k)^2        t_k = 1[k = y]
    delta     dL = 1/K sum over k of dz_k (2 (z_k - t_k) + dz_k)
    backward  gz_k = 2/K (z_k - t_k)

Gauss (1809), "Theoria motus corporum coelestium", section 3.
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.layers import EVERY, Channel, select_channel
from handmade.engine.terms import Term, stored, total


@dataclass(frozen=True)
class MeanSquaredError:
    """The mean over the classes, an image at a time: the mean over the batch is the caller's."""

    def forward(self, z: Array, y: Array) -> Array:
        """(N, classes) outputs, (N,) class numbers -> (N,) losses."""
        L: Array = (_off(z, y) ** 2).mean(axis=-1)
        return L

    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        """forward(z + dz, y) - forward(z, y), exactly; for dz (*z[:, channel].shape, nudges) it is (N, nudges)."""
        dL: Array = (dz * (2 * select_channel(_off(z, y), dz, channel) + dz)).sum(axis=1) / z.shape[-1]
        return dL

    def delta_along(self, z: Array, v: Array, d: Array, y: Array) -> Array:
        """delta for dz = d v, where all outputs move along v, (classes,), by d, (N, nudges): a parabola in d."""
        slopes = 2 * (_off(z, y) @ v) / len(v)
        dL: Array = d * (slopes[:, None] + (v @ v / len(v)) * d)
        return dL

    def backward(self, z: Array, y: Array) -> Array:
        """gz, (N, classes): for the loss of each image, before any mean."""
        gz: Array = 2 / z.shape[-1] * _off(z, y)
        return gz

    def receipt(self, z: Array, y: int) -> Term:
        """The squares, one class after the other, and their mean."""
        off = [stored(z_k, "logits", k) - Term(float(k == y), label=f"t[{k}]") for k, z_k in enumerate(z)]
        return (total([each**2 for each in off], "squares") / Term(float(len(z)), label="classes")).named("mean of (z - t)^2")

    def gradient_receipt(self, z: Array, y: int, k: int) -> Term:
        """2/K (z[k] - t[k])."""
        off = stored(z[k], "logits", k) - Term(float(k == y), label=f"t[{k}]")
        return Term(2.0) / Term(float(len(z)), label="classes") * off

    def delta_receipt(self, z: Array, dz: Array, y: int) -> Term:
        """Return the share of each class in dL."""
        off = [stored(z_k, "logits", k) - Term(float(k == y), label=f"t[{k}]") for k, z_k in enumerate(z)]
        moved = [stored(dz_k, "d logits", k) for k, dz_k in enumerate(dz)]
        gains = [
            step * (2 * each.named(f"z[{k}] - t[{k}]") + step) for k, (each, step) in enumerate(zip(off, moved, strict=True))
        ]
        return (total(gains, "dz (2 (z - t) + dz)") / Term(float(len(z)), label="classes")).named("dL")


def _off(z: Array, y: Array) -> Array:
    """z - t, (N, classes)."""
    off = z.copy()
    off[np.arange(len(y)), y] -= 1
    return off
