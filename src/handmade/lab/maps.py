"""Maps of a page's image: activations, gradients and differences of every node, ready for a frame."""

import time
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.layers import rule
from handmade.engine.layers.probabilities import log_softmax
from handmade.engine.network import Network
from handmade.engine.receipts.work import Work
from handmade.lab.images import RawImage, decided

LARGEST_ARRAY = 2_000_000  # numbers of an array of weights that is sent


def probabilities(z: Array) -> Array:
    """Return the softmax of logits (N, classes)."""
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is sent as it is
        p: Array = np.exp(log_softmax(z))
    return p


def image_maps(image: RawImage, work: Work, classes: int) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays of the image and of its activations, and the facts about them."""
    arrays: dict[str, Array] = {f"stage:{name}": stage for name, stage in image.stages.items()}
    arrays |= {"raw": image.pixels, "input": work.x[0]}
    arrays |= {f"act:{node.name}": work.tape[node.name][0] for node in work.network.nodes}
    p = probabilities(work.z)[0] if classes else np.zeros(0, work.network.dtype)
    decision = decided(work.network, image)
    meta = {
        "choice": image.choice,
        "label": work.label,
        "predicted": int(work.z[0].argmax()) if classes else None,
        "loss": loss_of(work),
        "rejection": decision and decision.rejection,
        "certainty": decision and decision.certainty,
        "measures": image.measures,
    }
    return arrays | {"probabilities": p}, meta


def loss_of(work: Work) -> float | None:
    """Return the loss of the image; None without a label."""
    if work.label is None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        return float(work.loss.forward(work.z, work.y)[0])


def weight_maps(network: Network) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return all weights and statistics by key, without those that are too large to send."""
    arrays = network.parameters() | network.statistics()
    left_out = [key for key, array in arrays.items() if array.size > LARGEST_ARRAY]
    return {key: array for key, array in arrays.items() if key not in left_out}, {"left_out": left_out}


def gradient_maps(work: Work) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the gradient of the loss with respect to every activation and every weight."""
    arrays = {f"grad:{name}": g[0] for name, g in work.upstream.activations().items()}
    left_out = [key for key, array in work.network.parameters().items() if array.size > LARGEST_ARRAY]
    for name in work.network.weighted:
        keys = {f"{name}.{each}": g for each, g in work.upstream.weights(name).items()}
        arrays |= {f"grad:{key}": g for key, g in keys.items() if key not in left_out}
    return arrays, {"loss": loss_of(work), "label": work.label, "dead": _dead(work), "left_out": left_out}


def _dead(work: Work) -> dict[str, list[int]]:
    """Return the channels or units of every ReLU that are 0 everywhere in this image, by node."""
    found = {}
    for node in work.network.nodes:
        if rule(node.layer, "rectifies"):
            active = work.tape[node.name][0]
            silent = ~active.reshape(-1, active.shape[-1]).any(axis=0)
            found[node.name] = np.flatnonzero(silent).tolist()
    return found


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self._start
