"""Networks of one layer from the table of cases, for the tests of files in other formats: every layer, alone, with its input."""

from typing import Any

import numpy as np

from cases import CASES, Case
from graph_layers import Halves, Parts, Shifted, Subnetwork
from handmade.engine.arrays import Array
from handmade.engine.graph import INPUT, Node
from handmade.engine.layers import Affine, Reshape, Slice
from handmade.network import Network


def exportable(case: Case) -> Network:
    """Return a network of this layer, as it is for inference."""
    shape = case.shape[1:]
    layer = case.layer
    if isinstance(layer, Parts):
        return _of_parts(layer, shape)
    if isinstance(layer, Halves):
        return _of_halves(layer, shape)
    if isinstance(layer, Shifted):
        return Network([Node("shifted", Affine(np.ones(()), np.array(layer.shift))), _inference(Node("0", layer.layer))], shape)
    if isinstance(layer, Subnetwork):
        return Network([_inference(node) for node in layer.nodes], shape)
    return Network([_inference(Node("0", layer))], shape)


def _inference(node: Node) -> Node:
    """Return the node as it is in a file: masks and statistics of a batch are not part of it."""
    layer = node.layer
    arrays = layer.parameters() | layer.statistics()
    return node.with_layer(type(layer).restore(arrays, layer.settings()))


def _of_halves(layer: Any, shape: tuple[int, ...]) -> Network:
    size = shape[-1] // layer.parts
    nodes = [
        Node(f"part{n}", Slice((*(0,) * (len(shape) - 1), n * size), (*shape[:-1], (n + 1) * size)), INPUT)
        for n in range(layer.parts)
    ]
    return Network([*nodes, Node("join", layer.join, [node.name for node in nodes])], shape)


def _of_parts(layer: Any, shape: tuple[int, ...]) -> Network:
    nodes: list[Node] = []
    first = 0
    for n, part in enumerate(layer.shapes):
        size = int(np.prod(part))
        nodes.append(Node(f"cut{n}", Slice((first,), (first + size,)), INPUT))
        nodes.append(Node(f"part{n}", Reshape(part), f"cut{n}"))
        first += size
    names = [node.name for node in nodes if node.name.startswith("part")]
    return Network([*nodes, Node("join", layer.join, names)], shape)


def alone() -> dict[str, Network]:
    """Return a network for every case."""
    return {name: exportable(case) for name, case in CASES.items()}


def to_first(x: Array) -> Array:
    """Return images (N, H, W, C) as (N, C, H, W); other arrays as they are."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x


def to_ours(y: Array) -> Array:
    """Return images (N, C, H, W) as (N, H, W, C); other arrays as they are."""
    return np.ascontiguousarray(y.transpose(0, 2, 3, 1)) if y.ndim == 4 else y
