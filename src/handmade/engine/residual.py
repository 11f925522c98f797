"""Residual: a way to write two branches and their sum.

    y = block(x) + shortcut(x)        both are lists of layers; an empty shortcut hands x on as it is

As entry number 3 of a network it writes the nodes 3.block.0, 3.block.1, ..., 3.shortcut.0, ..., and an Add named 3.

He, Zhang, Ren & Sun (2016), "Deep Residual Learning for Image Recognition", CVPR, section 3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handmade.engine.errors import HandmadeError
from handmade.engine.graph import Block, Node, written
from handmade.engine.layers import Add
from handmade.engine.printable import ShortRepr


@dataclass(frozen=True, eq=False)
class Residual(Block, ShortRepr):
    """A block of layers with a way around it.

    Parameters
    ----------
    block : sequence of layers
        At least one.
    shortcut : sequence of layers
        The way around, such as a 1 x 1 convolution where the block changes the shape; the identity if left out.

    Raises
    ------
    HandmadeError
        If the block is empty. A network raises it if the two branches make different shapes.
    """

    block: Sequence[Any]
    shortcut: Sequence[Any] = ()

    def __post_init__(self) -> None:
        if not self.block:
            raise HandmadeError("Residual: expected a block of at least one layer; got none")

    def nodes(self, name: str, reads: str) -> list[Node]:
        """Return the nodes of both branches and their sum."""
        branches = [written(self.block, reads, f"{name}.block."), written(self.shortcut, reads, f"{name}.shortcut.")]
        ends = [branch[-1].name if branch else reads for branch in branches]
        return [*branches[0], *branches[1], Node(name, Add(), ends)]
