"""Mean squared error between the outputs z and the one-hot target t: 1 for the class y, 0 for all others.

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
    """Mean over the classes, for each image; the caller takes the mean over the batch."""

    def forward(self, z: Array, y: Array) -> Array:
        """Return the losses: outputs (N, classes), class numbers (N,) -> (N,)."""
        L: Array = (_errors(z, y) ** 2).mean(axis=-1)
        return L

    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        """Return forward(z + dz, y) - forward(z, y), exactly; (N, nudges) for dz (*z[:, channel].shape, nudges)."""
        dL: Array = (dz * (2 * select_channel(_errors(z, y), dz, channel) + dz)).sum(axis=1) / z.shape[-1]
        return dL

    def delta_along(self, z: Array, v: Array, d: Array, y: Array) -> Array:
        """Return delta for dz = d v: all outputs move along v, (classes,), by d, (N, nudges); a quadratic function of d."""
        slopes = 2 * (_errors(z, y) @ v) / len(v)
        dL: Array = d * (slopes[:, None] + (v @ v / len(v)) * d)
        return dL

    def backward(self, z: Array, y: Array) -> Array:
        """Return gz, (N, classes), for the loss of each image, before any mean."""
        gz: Array = 2 / z.shape[-1] * _errors(z, y)
        return gz

    def receipt(self, z: Array, y: int) -> Term:
        """Return the squares of all classes, and their mean."""
        errors = [stored(z_k, "logits", k) - Term(float(k == y), label=f"t[{k}]") for k, z_k in enumerate(z)]
        return (total([each**2 for each in errors], "squares") / Term(float(len(z)), label="classes")).named("mean of (z - t)^2")

    def gradient_receipt(self, z: Array, y: int, k: int) -> Term:
        """2/K (z[k] - t[k])."""
        off = stored(z[k], "logits", k) - Term(float(k == y), label=f"t[{k}]")
        return Term(2.0) / Term(float(len(z)), label="classes") * off

    def delta_receipt(self, z: Array, dz: Array, y: int) -> Term:
        """Return the part of each class in dL."""
        errors = [stored(z_k, "logits", k) - Term(float(k == y), label=f"t[{k}]") for k, z_k in enumerate(z)]
        moved = [stored(dz_k, "d logits", k) for k, dz_k in enumerate(dz)]
        gains = [
            step * (2 * each.named(f"z[{k}] - t[{k}]") + step) for k, (each, step) in enumerate(zip(errors, moved, strict=True))
        ]
        return (total(gains, "dz (2 (z - t) + dz)") / Term(float(len(z)), label="classes")).named("dL")


def _errors(z: Array, y: Array) -> Array:
    """Return z - t, (N, classes)."""
    errors = z.copy()
    errors[np.arange(len(y)), y] -= 1
    return errors
