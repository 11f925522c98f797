"""Facts about each layer at a step of a training: the root mean square of its gradient, and the share of its dead units."""

import math
from typing import Any

import numpy as np

from handmade.engine.layers import rule
from handmade.engine.training import Step


def layer_facts(step: Step) -> list[dict[str, Any]]:
    """Return plain data about every layer that has weights or a ReLU.

    Returns
    -------
    list of dict
        "step", its number; "node" and "title"; "gradient", the root mean square of the gradient of all its weights, or None;
        "dead", the share of its units or channels that are 0 for every image of the batch, or None; "units", their number.
    """
    network, gradients = step.before, step.gradients
    rectified = [node.name for node in network.nodes if rule(node.layer, "rectifies")]
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is shown as it is
        tape = network.tape(step.x) if rectified else {}
    found = []
    for node in network.nodes:
        arrays = [gradients[key] for key in (f"{node.name}.{name}" for name in node.layer.parameters()) if key in gradients]
        dead = _dead(tape[node.name]) if node.name in rectified else None
        if arrays or dead is not None:
            found.append(
                {
                    "step": step.number,
                    "node": node.name,
                    "title": network.titles[node.name],
                    "gradient": _size(arrays) if arrays else None,
                    "dead": None if dead is None else float(dead.mean()),
                    "units": 0 if dead is None else len(dead),
                }
            )
    return found


def _size(arrays: "list[np.ndarray[Any, Any]]") -> float:
    """Return the root mean square of all numbers, in float64, so that no square underflows."""
    with np.errstate(over="ignore"):
        squares = sum(float(np.square(array, dtype=np.float64).sum()) for array in arrays)
    return math.sqrt(squares / max(1, sum(array.size for array in arrays)))


def _dead(y: "np.ndarray[Any, Any]") -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return True for each unit or channel (the last axis) that is 0 everywhere."""
    return np.logical_not(y.any(axis=tuple(range(y.ndim - 1))))
