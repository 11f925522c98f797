"""Contributions of the pixels to one logit: its gradient, pixel times gradient, and occlusion.

    gradient    d z[k] / d pixel
    product     pixel times that: what the gradient expects of wiping the pixel out, exact for a linear network
    occlusion   z[k] less z[k] with a patch around the pixel wiped out, by running the network again

Each map is (H, W): the channels of a pixel are added up.
"""

from collections.abc import Callable

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.receipts.upstream import Upstream
from handmade.engine.receipts.work import Work

PATCH = 3  # pixels on a side
AT_ONCE = 32  # images


class Logit:
    """A loss of its own: the logit of one class."""

    def forward(self, z: Array, y: Array) -> Array:
        """Return the logit of class y."""
        return z[np.arange(len(y)), y]

    def delta(self, z: Array, dz: Array, y: Array, channel: slice = slice(None)) -> Array:
        """Return the difference of the logit of class y."""
        return self.forward(dz, y)

    def backward(self, z: Array, y: Array) -> Array:
        """Return 1 for class y, else 0."""
        gz = np.zeros_like(z)
        gz[np.arange(len(y)), y] = 1
        return gz


def contributions(work: Work, label: int | None, check: Callable[[], None]) -> tuple[dict[str, Array], dict[str, object]]:
    """Return the three maps for a class, or for the predicted one; `check` is called now and then, and may raise.

    Raises
    ------
    HandmadeError
        If the network reads no images, or has no logits.
    """
    x, z = work.x, work.z
    if x.ndim != 4 or z.ndim != 2:
        raise HandmadeError("contributions: expected a network that reads images (H, W, C) and ends in logits")
    k = int(z[0].argmax()) if label is None else label
    if not 0 <= k < z.shape[1]:
        raise HandmadeError(f"label: expected a class from 0 to {z.shape[1] - 1}; got {k}")
    gx = Upstream(work.network, work.tape, Logit(), np.array([k])).activation("input")[0]
    maps = {"gradient": gx.sum(axis=-1), "product": (x[0] * gx).sum(axis=-1), "occlusion": _occlusion(work, k, check)}
    return {name: maps[name] for name in ("gradient", "occlusion", "product")}, {"label": k, "logit": float(z[0, k])}


def _occlusion(work: Work, k: int, check: Callable[[], None]) -> Array:
    """Return the difference that each patch makes; where a patch is blank already, it makes none."""
    x, reach = work.x[0], PATCH // 2
    inked = [
        (i, j)
        for i, j in np.ndindex(x.shape[:2])
        if x[max(0, i - reach) : i + reach + 1, max(0, j - reach) : j + reach + 1].any()
    ]
    found = np.zeros(x.shape[:2], x.dtype)
    for start in range(0, len(inked), AT_ONCE):
        check()
        some = inked[start : start + AT_ONCE]
        wiped = np.repeat(x[None], len(some), axis=0)
        for one, (i, j) in zip(wiped, some, strict=True):
            one[max(0, i - reach) : i + reach + 1, max(0, j - reach) : j + reach + 1] = 0
        z = work.network.logits(wiped)[:, k]
        found[tuple(np.transpose(some))] = work.z[0, k] - z
    return found
