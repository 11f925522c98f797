"""Propagation of differences through one layer, and nudges of its weights: by the rules of its type, or by its equations.

Without a rule, a difference is a complete array and goes through `delta` for one nudge at a time. For the nudges of a weight w,
the layer runs in float64. Subtracting f(w) from f(w + h) loses digits if h is small. So larger steps, S and 2 S in the direction
of h, are tried first. If f is linear in the weight up to there, as in most layers,

    f(w + h) - f(w) = h / S (f(w + S) - f(w)),                              accurate up to rounding for any h up to S;
    f(w + h) - f(w) = t (c_1 + t (c_2 + t (c_3 + t c_4))),   t = h / s      (1)

is used for a small h otherwise: the polynomial of degree 4 through f(w), f(w + s), ..., f(w + 4s). It is accurate to about ten
digits if f is smooth up to there. A kink in the weight itself that is nearer than 4 s is not detected.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import Difference, to_dense
from handmade.engine.layers.layer import Input, Layer
from handmade.engine.layers.registry import rule

TOGETHER = 32  # nudges in a block, without a rule
FAR, NEAR, SMALL = 2.0**-3, 2.0**-12, 2.0**-20  # S, s, and a small h, relative to the size of the weights
LINEAR = 64  # times eps of the largest output: bound of the rounding of f(w + 2S) - 2 f(w + S) + f(w)
NODES = (1, 2, 3, 4)
COEFFICIENTS = np.array([[96, -72, 32, -6], [-104, 114, -56, 11], [36, -48, 28, -6], [-4, 6, -4, 1]]) / 24  # c_1 ... c_4

Propagate: TypeAlias = Callable[[Input, Any], Difference]  # x, Difference; a join: sequences, with None for no change


def propagate(layer: Layer) -> Propagate:
    """Return the function (x, difference of x) -> difference of y for one layer."""
    if layer.joins:
        joined = rule(layer, "join")
        return partial(joined, layer) if joined else partial(_join_in_full, layer)
    channel = rule(layer, "channel")
    return partial(_by_channel, layer, channel) if channel else partial(_in_full, layer)


def _by_channel(layer: Any, output_channel: Callable[..., slice], x: Array, moved: Difference) -> Difference:
    return Difference(layer.delta(x, moved.dx, moved.channel), output_channel(layer, moved.channel, x.shape[1:]))


def _in_full(layer: Layer, x: Array, moved: Difference) -> Difference:
    dense = to_dense(x, moved.dx, moved.channel)
    if dense.ndim == x.ndim:
        return Difference(layer.delta(x, dense))
    return Difference(np.stack([layer.delta(x, dense[..., n]) for n in range(dense.shape[-1])], axis=-1))


def _join_in_full(layer: Layer, x: tuple[Array, ...], moved: Sequence[Difference | None]) -> Difference:
    nudges = next(each.dx.shape[x[0].ndim :] for each in moved if each is not None)
    dense = [
        np.zeros((*x_k.shape, *nudges), x_k.dtype) if each is None else to_dense(x_k, each.dx, each.channel)
        for x_k, each in zip(x, moved, strict=True)
    ]
    if not nudges:
        return Difference(layer.delta(x, tuple(dense)))
    return Difference(np.stack([layer.delta(x, tuple(dx[..., n] for dx in dense)) for n in range(nudges[0])], axis=-1))


class Nudges:
    """Nudges of all weights of one layer, column by column, by the rule of its type.

    A column consists of all weights of one output channel, in the order of `parameters`.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer, self._nudges = layer, rule(layer, "nudges")
        self._sizes = {name: array.size for name, array in layer.parameters().items()}

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return int(next(iter(self.layer.parameters().values())).shape[-1])

    @property
    def block_size(self) -> int:
        """Number of weights in a block."""
        return sum(self._sizes.values()) // self.blocks

    def differences(self, x: Input, h: Any) -> Iterator[Difference]:
        """Yield the exact differences of the output for nudges by h, block by block; the arrays must not be changed."""
        for channel, dy in self._nudges(self.layer, x, h):
            yield Difference(dy, channel)

    def difference(self, x: Input, name: str, index: Shape, h: Any) -> Difference:
        """Return the exact difference of the output for a nudge of one weight."""
        row, column = np.divmod(self._flat(name, index), self.blocks)
        before = list(self._sizes)[: list(self._sizes).index(name)]
        row += sum(self._sizes[each] for each in before) // self.blocks
        dy, channel = next((dy, channel) for n, (channel, dy) in enumerate(self._nudges(self.layer, x, h)) if n == column)
        return Difference(dy[..., row], channel)

    def gather(self, numbers: Array) -> dict[str, Array]:
        """Return one number for each weight, in arrays like the weights; `numbers` has a row for each weight of a column."""
        ends = np.cumsum([size // self.blocks for size in self._sizes.values()])
        parts = np.split(numbers, ends[:-1])
        shapes = self.layer.parameters().items()
        return {name: part.reshape(array.shape) for part, (name, array) in zip(parts, shapes, strict=True)}

    @staticmethod
    def joined(blocks: Sequence[Array]) -> Array:
        """Return the numbers of all blocks as one array, one block in each column."""
        return np.stack(blocks, axis=-1)

    def _flat(self, name: str, index: Shape) -> int:
        return int(np.ravel_multi_index(index, self.layer.parameters()[name].shape))


class PlainNudges(Nudges):
    """Nudges of all weights of a layer without such a rule, one after the other, by equation (1)."""

    @property
    def blocks(self) -> int:
        return -(-sum(self._sizes.values()) // TOGETHER)

    @property
    def block_size(self) -> int:
        return min(TOGETHER, sum(self._sizes.values()))

    def differences(self, x: Input, h: Any) -> Iterator[Difference]:
        weights = [(name, index) for name, array in self.layer.parameters().items() for index in np.ndindex(array.shape)]
        each = self._each(x, weights, float(h))
        while block := list(islice(each, TOGETHER)):
            yield Difference(np.stack(block, axis=-1))

    def difference(self, x: Input, name: str, index: Shape, h: Any) -> Difference:
        return Difference(next(self._each(x, [(name, index)], float(h))))

    def _each(self, x: Input, weights: Sequence[tuple[str, Shape]], h: float) -> Iterator[Array]:
        """Yield the difference of the output for one weight after the other."""
        given = self.layer.parameters()
        exact = tuple(x_k.astype(np.float64) for x_k in x) if self.layer.joins else x.astype(np.float64)
        arrays = {name: array.astype(np.float64) for name, array in given.items()}
        sizes = {name: float(np.abs(array).max(initial=0.0)) or 1.0 for name, array in arrays.items()}
        base = self.layer.replace(arrays).forward(exact)
        for name, index in weights:
            array, w, size = arrays[name], float(arrays[name][index]), 2.0 ** round(math.log2(sizes[name]))

            def moved(step: float, array: Array = array, index: Shape = index, w: float = w) -> Array:
                array[index] = w + step
                return self.layer.replace(arrays).forward(exact) - base

            yield _smoothly(moved, h, size, np.abs(base)).astype(np.result_type(*given.values()))
            array[index] = w

    def gather(self, numbers: Array) -> dict[str, Array]:
        parts = np.split(numbers, np.cumsum(list(self._sizes.values()))[:-1])
        return {name: part.reshape(w.shape) for part, (name, w) in zip(parts, self.layer.parameters().items(), strict=True)}

    @staticmethod
    def joined(blocks: Sequence[Array]) -> Array:
        return np.concatenate(blocks, axis=-1)


def _smoothly(moved: Callable[[float], Array], h: float, size: float, base: Array) -> Array:
    """Return moved(h) = f(w + h) - f(w), without loss of digits for small h; `base` is |f(w)|."""
    S, s = (math.copysign(step * size, h) for step in (FAR, NEAR))
    if abs(h) <= abs(S):
        once, twice = moved(S), moved(2 * S)
        rounding = LINEAR * np.finfo(np.float64).eps * max(np.max(base, initial=0.0), np.max(np.abs(twice), initial=0.0))
        if np.all(np.abs(twice - 2 * once) <= rounding):
            return h / S * once
    if abs(h) > SMALL * size:
        return moved(h)
    c = np.tensordot(COEFFICIENTS, np.stack([moved(k * s) for k in NODES]), axes=1)
    t = h / s
    dy: Array = t * (c[0] + t * (c[1] + t * (c[2] + t * c[3])))
    return dy


def nudges(layer: Layer) -> Nudges:
    """Return the nudges of a layer's weights."""
    return Nudges(layer) if rule(layer, "nudges") else PlainNudges(layer)
