"""Residual: two branches and their sum as one entry of a list of layers.

    y = block(x) + shortcut(x)        both are lists of layers; an empty shortcut is the identity

As entry number 3 of a network it makes the nodes 3.block.0, 3.block.1, ..., 3.shortcut.0, ..., and an Add named 3.

He, Zhang, Ren & Sun (2016), "Deep Residual Learning for Image Recognition", CVPR, section 3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handmade.engine.arguments import described, refused
from handmade.engine.graph import Block, Node, to_nodes
from handmade.engine.layers import Add
from handmade.engine.printable import ShortRepr


@dataclass(frozen=True, eq=False)
class Residual(Block, ShortRepr):
    """Block of layers with a shortcut connection.

    Parameters
    ----------
    block : sequence of layers
        Layers of the block, at least one.
    shortcut : sequence of layers
        Layers of the shortcut, such as a 1 x 1 convolution if the block changes the shape; the identity if left out.

    Raises
    ------
    HandmadeError
        If the block is empty. A network raises it if the two branches make different shapes.
    """

    block: Sequence[Any]
    shortcut: Sequence[Any] = ()

    def __post_init__(self) -> None:
        for name, entries in {"block": self.block, "shortcut": self.shortcut}.items():
            if isinstance(entries, str | bytes | dict) or not isinstance(entries, Sequence):
                raise refused(name, "a list of layers", described(entries), f"[{name}]")
        if not self.block:
            raise refused("block", "at least one layer", "none")

    def nodes(self, name: str, reads: str) -> list[Node]:
        """Return the nodes of both branches, and the node of their sum."""
        branches = [to_nodes(self.block, reads, f"{name}.block."), to_nodes(self.shortcut, reads, f"{name}.shortcut.")]
        ends = [branch[-1].name if branch else reads for branch in branches]
        return [*branches[0], *branches[1], Node(name, Add(), ends)]
