"""The backend `numpy`: the numbers of `plain` with shortcuts, each of which can be switched off by its name.

fused_convolution  a convolution with the ReLU and the max-pool behind it, in one go: convolution.py
winograd           3 x 3 filters by 16 products for 36: tiles.py, winograd.py
halved_backward    gx is worked out only where somebody reads it: links.py
deferred_weights   a large gW is made for all images of a batch at once: links.py
fixed_choices      most windows and ReLUs cannot switch under small nudges: fixed_choices.py
constant_regions   where the paper is blank, all places move alike: constant_regions.py
tail               from the last choices to a linear layer, only by the windows that can move: tail.py
series             logits that move along a line: losses/series.py
batched_rows       rows of numbers of many columns go on together: path.py
processes          work is shared with other processes, where the caller provides them
"""

from concurrent.futures import Executor
from typing import Any, ClassVar

from handmade.engine.arrays import Array
from handmade.engine.backends.differences import Path
from handmade.engine.backends.link import Link
from handmade.engine.backends.numpy.links import fuse, total
from handmade.engine.backends.numpy.path import FastPath
from handmade.engine.backends.plain import Plain
from handmade.engine.graph import Node
from handmade.engine.network import Network


class NumPy(Plain):
    """The equations of the layers, with shortcuts."""

    name = "numpy"
    SHORTCUTS: ClassVar[tuple[str, ...]] = (
        *("fused_convolution", "winograd", "halved_backward", "deferred_weights", "fixed_choices"),
        *("constant_regions", "tail", "series", "batched_rows", "processes"),
    )

    def links(self, network: Network) -> tuple[Link, ...]:
        """Return the nodes that the logits are made of, as pieces of work in their order."""
        return fuse(network, self.without)

    def total(self, node: Node, parts: list[Any]) -> dict[str, Array]:
        """Return what the gradients of one node add up to, over the blocks of a batch."""
        return total(node, parts)

    def path(self, network: Network, x: Array) -> Path:
        """Return the way of differences through the network at some images."""
        return FastPath(network, x, self.rules(network), self.without)

    def executor(self, given: Executor | None) -> Executor | None:
        """Return where work is shared out."""
        return None if "processes" in self.without else given


BACKEND = NumPy
