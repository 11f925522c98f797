"""Where numbers are made in a network at work: every layer, also inside others, with what it reads and what it puts out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers import Composite, Layer, Nudgeable, chain


@dataclass(frozen=True, eq=False)
class Site:
    """One layer at work on a batch.

    Attributes
    ----------
    name : str
        In full: conv1, or residual1.block.conv1.
    layer : Layer
    reads : tuple of str
        The site whose output it reads, or "input"; of a layer made of layers, the ends of its branches, which it adds up.
    x, y : Array
        Its input and its output.
    """

    name: str
    layer: Layer
    reads: tuple[str, ...]
    x: Array
    y: Array

    def nudged(self, array: str, index: Shape, h: Any) -> Array:
        """How the output moves when one weight of the layer does, by h: in one channel, by one row of its column's nudges."""
        assert isinstance(self.layer, Nudgeable)
        row = 0
        for name, weights in self.layer.parameters().items():
            if name == array:
                row += int(np.ravel_multi_index(index, weights.shape)) // weights.shape[-1]
                break
            row += weights.size // weights.shape[-1]
        dy = np.zeros_like(self.y)
        channel, moved = next(each for each in self.layer.nudges(self.x, h) if each[0].start == index[-1])
        dy[..., channel] = moved[..., row]
        return dy


def sites(layers: chain.Layers, x: Array, reads: str = "input", prefix: str = "") -> Iterator[Site]:
    """Run the layers, one after the other; those that a layer is made of come before it."""
    for name, layer in zip(chain.names(layers), layers, strict=True):
        ends = []
        for branch, inner in layer.branches.items() if isinstance(layer, Composite) else ():
            end = reads
            for site in sites(inner, x, reads, f"{prefix}{name}.{branch}."):
                yield site
                end = site.name
            ends.append(end)
        y = layer.forward(x)
        yield Site(prefix + name, layer, tuple(ends) or (reads,), x, y)
        reads, x = prefix + name, y
