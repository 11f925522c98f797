"""Display names of nodes: conv1 for node "0", residual1.block.conv1 for "3.block.0"; a node with a name of its own keeps it."""

from collections import Counter
from collections.abc import Sequence

from handmade.engine.graph import Node

DIGITS = 10  # of a number that names a node; a longer number counts as a name


def display_names(nodes: Sequence[Node]) -> dict[str, str]:
    """Return the display name of every node, by the name of the node.

    A node that is named by its number gets the name of its kind, and a count within its block. The last node of a block gets the
    name of the block.
    """
    own = {node.name: node for node in nodes}
    blocks = {container for name in own if (container := _container(name)[0]) in own}
    named, taken = {name: name for name in own}, set(own)
    counts: dict[str, Counter[str]] = {}
    for name in sorted(filter(_is_number, own), key=lambda name: (name.count("."), int(name.rpartition(".")[2]))):
        scope = name.rpartition(".")[0]
        container, branch = _container(name)
        if scope and container not in own:
            continue
        kind = "residual" if name in blocks else own[name].layer.kind.lower().removesuffix("2d").removeprefix("max")
        count = counts.setdefault(scope, Counter())
        prefix = f"{named[container]}.{branch}." if scope else ""
        count[kind] += 1
        while f"{prefix}{kind}{count[kind]}" in taken:  # by a node with such a name of its own
            count[kind] += 1
        named[name] = f"{prefix}{kind}{count[kind]}"
        taken.add(named[name])
    return named


def _is_number(name: str) -> bool:
    last = name.rpartition(".")[2]
    return "" not in name.split(".") and last.isascii() and last.isdecimal() and len(last) < DIGITS


def _container(name: str) -> tuple[str, str]:
    """Return the block of a node, and the branch: 3 and block for 3.block.0."""
    scope = name.rpartition(".")[0]
    container, _, branch = scope.rpartition(".")
    return container, branch
