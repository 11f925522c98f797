"""Fusion of nodes: a ReLU and a max pool that follow a node, if no other node reads the values between them."""

from typing import Any

from handmade.engine.graph import Node
from handmade.engine.layers import rule
from handmade.engine.network import Network


def role_of(network: Network, node: Node) -> str | None:
    """Return the name of a node's compiled rule; None if there is none, or if it does not know the shapes of the node.

    A "product" is that of a Linear on one row for each image. With many rows an image, a Linear runs by its equations.
    """
    role: str | None = rule(node.layer, "compiled")
    return None if role == "product" and len(network.shape_of[node.reads[0]]) > 1 else role


def fused_nodes(network: Network, node: Node, *, relu: bool, pool: Any) -> tuple[list[str], bool, Any]:
    """Return the names from a node to the last ReLU or pool directly after it, whether there is a ReLU, and the pool.

    There is at most one of each. `relu` and `pool` describe the node itself.
    """
    names = [node.name]
    while (reader := sole_reader(network, names[-1])) is not None:
        role = rule(reader.layer, "compiled")
        if role == "relu" and not relu:
            relu = True
        elif role == "pool" and pool is None:
            pool = reader.layer
        else:
            break
        names.append(reader.name)
    return names, relu, pool


def sole_reader(network: Network, name: str) -> Node | None:
    """Return the only node on the path to the logits that reads an activation; None if there are several, or it is the logits."""
    readers = [node for node in network.readers[name] if node.name in network.below_logits]
    return readers[0] if len(readers) == 1 and name != network.logits_name else None
