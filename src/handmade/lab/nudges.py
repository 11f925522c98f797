"""Nudges: what one number, moved by h, changes at every node, exactly."""

from typing import Any

import numpy as np

import handmade.engine.check.networks.kinks  # noqa: F401  it adds the rules "switched"
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT
from handmade.engine.layers import rule
from handmade.engine.receipts import places
from handmade.engine.receipts.trace import Trace, follow
from handmade.engine.receipts.work import Work
from handmade.engine.terms import Place
from handmade.lab.maps import probabilities

MOST_PLACES = 200  # of a node where a branch switches


def nudge_maps(work: Work, text: str, h: float, *, maps: bool) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the differences of all nodes that move, and what becomes of the loss and of the probabilities.

    Raises
    ------
    HandmadeError
        If there is no such number, it cannot be moved, or h is 0.
    """
    at = places.place(work.network, text)
    with np.errstate(over="ignore", under="ignore"):  # what does not fit is refused below
        step = work.network.dtype.type(h)
    if not step or not np.isfinite(step):
        raise HandmadeError(f"h: expected a number other than 0 that {work.network.dtype} can hold; got {h:g}")
    up = follow(work, at, h)
    moved = _by_name(work, up)
    z = work.z + moved.get(work.network.logits_name, np.zeros_like(work.z[0]))
    has_classes = z.ndim == 2 and z.shape[1] > 1
    meta: dict[str, Any] = {"at": str(at), "h": h, "before": up.before, "loss": up.loss, "dL": up.dL}
    meta |= {"loss_minus": None, "secant": None, "secant_minus": None, "tangent": None}
    if up.dL is not None and up.loss is not None:
        down = follow(work, at, -h).dL
        assert down is not None
        slopes = {"secant": up.dL / h, "secant_minus": -down / h, "tangent": tangent(work, at)}
        meta |= {"loss_minus": up.loss + down} | slopes
    meta["probabilities"] = probabilities(work.z)[0].tolist() if has_classes else []
    meta["probabilities_after"] = probabilities(z)[0].tolist() if has_classes else []
    meta["switches"] = _switches(work, moved)
    return {f"diff:{name}": dx for name, dx in moved.items()} if maps else {}, meta


def tangent(work: Work, at: Place) -> float:
    """Return the derivative of the loss with respect to a weight, pixel or activation."""
    if work.is_activation(at.name):
        return float(work.upstream.activation(work.name_of(at.name))[0][at.index])
    return work.upstream.weight(places.key_of(work.network, at.name), at.index)


def _by_name(work: Work, trace: Trace) -> dict[str, Array]:
    """Return the differences by the names of the nodes."""
    names = {title: name for name, title in work.network.titles.items()} | {INPUT: INPUT}
    return {names[title]: dx for title, dx in trace.differences.items()}


def _switches(work: Work, moved: dict[str, Array]) -> list[dict[str, Any]]:
    """Return the ReLUs and pools that take another branch, by node."""
    found = []
    for node in work.network.nodes:
        switched, read = rule(node.layer, "switched"), node.reads[0]
        if switched is None or read not in moved:
            continue
        mask = switched(node.layer, work.tape[read], moved[read][None])[0]
        if mask.any():
            places_of = np.argwhere(mask)
            found.append({"node": node.name, "count": len(places_of), "places": places_of[:MOST_PLACES].tolist()})
    return found
