"""From the last choices through Flatten to a linear layer, with the rows that move and no others.

    dz = sum over the windows i that move of W[i] dy_i

Where 0 wins a window and no nudge can change that, dy_i = 0: on real digits that is most of them. Which windows they are hardly
changes from one block of nudges to the next, so the rows of W for those that move are gathered once.
"""

import math

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.backends.numpy.fixed_choices import Choices, Route, Sites
from handmade.engine.layers import Channel, Linear


class Tail:
    """A ReLU, a pool or both, then Flatten, then Linear, at one input.

    Parameters
    ----------
    choices : Choices
        Those of the ReLU and the pool.
    shape : tuple of int
        Of what Flatten reads, one image.
    layer : Linear
    """

    def __init__(self, choices: Choices, shape: Shape, layer: Linear) -> None:
        self._choices, self._W = choices, layer.W
        self._numbers = np.arange(math.prod(shape)).reshape(shape)
        self._gathered: dict[int, tuple[Route, list[tuple[slice, Array]]]] = {}

    def delta(self, dx: Array, channel: Channel, largest: float) -> Array:
        """The exact difference of the linear layer's output, (N, out, nudges)."""
        route, lines, others, other_lines = self._choices.moving(dx, channel, largest)
        dz = np.empty((len(dx), self._W.shape[1], dx.shape[-1]), dx.dtype)
        for image, (part, W) in enumerate(self._rows(route, len(dx), channel)):
            np.matmul(W.T, lines[part], out=dz[image])
        if others.size:
            images, inputs = np.divmod(others, route.lead.size // len(dx))
            W = self._W[self._numbers[..., channel].ravel()[inputs]]
            for image in np.unique(images):
                mine = images == image
                dz[image] += W[mine].T @ other_lines[mine]
        return dz

    def _rows(self, route: Route, images: int, channel: Channel) -> list[tuple[slice, Array]]:
        """For each image, which of the lines are its own, and the rows of W that they go through."""
        if id(route) not in self._gathered:
            numbers: Sites = self._numbers[..., channel].ravel()
            ends = np.searchsorted(route.live, np.arange(images + 1) * numbers.size)
            parts = [slice(*ends[image : image + 2]) for image in range(images)]
            self._gathered[id(route)] = route, [(part, self._W[numbers[route.live[part] % numbers.size]]) for part in parts]
        return self._gathered[id(route)][1]
