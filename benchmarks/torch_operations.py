"""PyTorch's rungs of every operation: its functions, autograd for backward, and two outputs subtracted for delta."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from handmade.engine.arrays import Array
from operations import KINDS, NUDGES, Inputs, Kind, Made
from peer_torch import array, tensor, weights

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "conv": lambda x, p: functional.conv2d(x, p["W"], p["b"]),
    "relu": lambda x, _: functional.relu(x),
    "pool": lambda x, _: functional.max_pool2d(x, 2),
    "linear": lambda x, p: functional.linear(x, p["W"], p["b"]),
    "loss": lambda x, p: functional.cross_entropy(x, p["y"], reduction="none"),
}


def in_torch(form: str, kind: Kind, what: str, inputs: Inputs) -> Made:
    """The way of one operation in a memory format; inputs are brought into its layout beforehand."""
    f = FUNCTIONS[next(name for name, each in KINDS.items() if each is kind)]
    x, p = tensor(inputs.x, form), {name: weights(w) for name, w in inputs.p.items()}
    if what == "forward":
        return _without_record(lambda: f(x, p)), lambda y: (array(y),)
    if what == "delta":
        moved = tensor(inputs.moved, form)
        repeated = p | {"y": p["y"].repeat(NUDGES)} if "y" in p else p
        return _without_record(lambda: f(moved, repeated).unflatten(0, (NUDGES, -1)) - f(x, p)), _differences
    variables = [each.requires_grad_() for each in (x, *(w for w in p.values() if w.is_floating_point()))]
    y, gy = f(x, p), tensor(inputs.gy, form)
    return lambda: torch.autograd.grad(y, variables, gy, retain_graph=True), _gradients


def _without_record(work: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        with torch.inference_mode():
            return work()

    return run


def _differences(found: Any) -> tuple[Array, ...]:
    return (np.stack([array(each) for each in found], axis=-1),)


def _gradients(found: Any) -> tuple[Array, ...]:
    """gx as images; gW turned back: filters (O, C, K_h, K_w), matrices (out, in)."""
    gx, *own = found
    turned = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}
    return array(gx), *(g.numpy().transpose(turned[g.ndim]) for g in own)
