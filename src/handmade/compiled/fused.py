"""Fused operations for inference and backpropagation: a convolution with its ReLU and pool, a choice, a linear layer.

A convolution is fused with a following ReLU and max pool, if no other node reads the values between them. The values that
the backward pass needs are returned, `y, kept = operation.record(x)`; operations have no state except their layers.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from handmade.compiled import choices, conv2d
from handmade.compiled.patches import (
    Patches,
    channel_tile,
    filter_tile,
    forward_tile,
    padded,
    patch_tile,
    patches_of,
    pooling_windows,
    with_zero_filters,
)
from handmade.compiled.tiles import Tile
from handmade.compiled.vectors import lanes
from handmade.engine.arrays import Array, Shape
from handmade.engine.graph import Node
from handmade.engine.layers import rule
from handmade.engine.layers.geometry import Geometry
from handmade.engine.layers.windows import crop, pad
from handmade.engine.plain.operation import Operation

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
MANY = 64  # images: a gW with more numbers than their factors is computed for all images of a shard at once
SHORT = 8  # numbers in a run, below which a tile holds filters instead
ONE_PIXEL = Geometry((1, 1), (1, 1))  # windows of a ReLU alone
NO_WINNERS = np.empty((0, 0), np.int32)


def working(*arrays: Array) -> np.dtype[Any]:
    """Return the dtype of loops over these arrays: that of NumPy, or float32 or float64 if it has no vector instructions."""
    return FLOATS[np.result_type(*arrays).itemsize > 4]


def in_rows(x: Array, dtype: np.dtype[Any]) -> Array:
    """Return images (N, ...) as rows (N, numbers), always with one memory layout, so that loops are compiled only once."""
    return np.require(x.reshape(len(x), -1), dtype, ["C", "ALIGNED", "WRITEABLE"])


@dataclass(frozen=True, eq=False)
class Plan:
    """Plan of a convolution for images of one shape: everything except its weights.

    Attributes
    ----------
    groups : tuple of Patches
        Patches of each group.
    pixels : Array of int32 or None
        Windows of the following pool.
    output : tuple of int
        Output shape of an image, after the pool.
    forward, back, row : Tile
        Tiles for the forward and the backward pass, and for the channels of a pixel.
    few : bool
        True if runs are so short that a tile of `back` holds filters.
    """

    groups: tuple[Patches, ...]
    pixels: Any
    output: Shape
    forward: Tile
    back: Tile
    row: Tile
    short_runs: bool


@lru_cache(maxsize=256)
def _plan(shape: Shape, conv: Geometry, groups: int, filters: int, pool: Geometry | None, dtype: Any, _lanes: int) -> Plan:
    found = patches_of(shape, conv, groups)
    first, each = found[0], filters // groups
    down, right = first.origin.shape
    pixels = None
    output: Shape = (down, right, filters)
    if pool is not None:
        pixels = pooling_windows((down, right), pool)
        output = (*pool.count((down, right)), filters)
    elif padded(each) != each:
        pixels = pooling_windows((down, right), ONE_PIXEL)  # removes the zero filters
    short_runs = first.length < SHORT
    back = filter_tile(first, padded(each), dtype) if short_runs else patch_tile(first, each, dtype)
    return Plan(
        found,
        pixels,
        output,
        forward_tile(first, padded(each), dtype),
        back,
        channel_tile(each, first.windows, dtype),
        short_runs,
    )


class Convolution(Operation):
    """Conv2d, fused with a following ReLU and MaxPool2d, in either order.

    Parameters
    ----------
    node : Node
        Node of the convolution.
        name : str
        Last node.
    relu : bool
        True if there is a ReLU.
    pool : Layer or None
        The pool.
    """

    def __init__(self, node: Node, name: str | None = None, *, relu: bool = False, pool: Any = None) -> None:
        super().__init__(node, name)
        self.conv: Any = node.layer
        self.relu = relu
        self.pool: Geometry | None = None if pool is None else pool.geometry

    def plan(self, shape: Shape, dtype: np.dtype[Any]) -> Plan:
        """Return the plan for images (H, W, C), with computation in a dtype."""
        c = self.conv
        return _plan(shape, c.geometry, c.groups, len(c.b), self.pool, dtype, lanes())

    def forward(self, x: Array) -> Array:
        return self.record(x)[0]

    def record(self, x: Array) -> tuple[Array, Any]:
        images = self.images(x)
        plan = self.plan(x.shape[1:], images.dtype)
        parts = [self._group(plan, images, g) for g in range(len(plan.groups))]
        y = (
            parts[0][0]
            if len(parts) == 1
            else np.concatenate([part.reshape(len(x), *plan.output[:2], -1) for part, _ in parts], 3)
        )
        return y.reshape(len(x), *plan.output), (x.shape, x.dtype, images, parts)

    def backward(self, kept: Any, gy: Array, *, to_input: bool) -> tuple[Array | None, dict[str, Array]]:
        shape, dtype, images, parts = kept
        plan, groups = self.plan(shape[1:], images.dtype), self.conv.groups
        filters = len(self.conv.b) // groups
        gx = np.zeros_like(images) if to_input else None
        gW, gb = [], []
        for g, (y, winner) in enumerate(parts):
            own = gy if groups == 1 else gy[..., g * filters : (g + 1) * filters]
            found = self._group_backward(plan, g, images, y, winner, in_rows(own, images.dtype), gx)
            gW.append(found[0])
            gb.append(found[1])
        gradients = {"W": np.concatenate(gW, -1).reshape(self.conv.W.shape), "b": np.concatenate(gb)}
        if gx is None:
            return None, gradients
        (rows, columns), (H, W, C) = self.conv.geometry.sides, shape[1:]
        gx = gx.reshape(len(gy), H + sum(rows), W + sum(columns), C).astype(dtype, copy=False)
        return crop(gx, self.conv.padding), gradients

    def images(self, x: Array) -> Array:
        """Return padded images as rows of numbers, in the dtype of the computation with x and the filters."""
        return in_rows(pad(x, self.conv.padding, 0), working(x, self.conv.W, self.conv.b))

    def _filters(self, group: int, dtype: np.dtype[Any]) -> tuple[Array, Array]:
        each = len(self.conv.b) // self.conv.groups
        own = slice(group * each, (group + 1) * each)
        return self.conv.W[..., own].astype(dtype, copy=False), self.conv.b[own].astype(dtype, copy=False)

    def _group(self, plan: Plan, images: Array, group: int) -> tuple[Array, Array]:
        """Return the output of one group, and the winners of its pool."""
        p, dtype = plan.groups[group], images.dtype
        W, b = self._filters(group, dtype)
        w, bias = with_zero_filters(W).reshape(-1), with_zero_filters(b)
        geometry = (images, p.origin, p.across, p.runs, p.length, w, bias)
        if plan.pixels is None:
            y = np.empty((len(images), p.windows * len(b)), dtype)
            conv2d.correlate(plan.forward, *geometry, y, self.relu)
            return y, NO_WINNERS
        y = np.empty((len(images), len(plan.pixels) * len(b)), dtype)
        winner = np.empty(y.shape, np.int32)
        conv2d.forward_with_choice(plan.forward, plan.row, *geometry, plan.pixels, len(b), self.relu, y, winner)
        return y, winner

    def _group_backward(
        self, plan: Plan, group: int, images: Array, y: Array, winner: Array, gy: Array, gx: Array | None
    ) -> tuple[Array, Array]:
        """Return the gradients of one group's weights, (patch, filters) and (filters,); add its part to gx."""
        p, dtype = plan.groups[group], images.dtype
        W, b = self._filters(group, dtype)
        pooled = plan.pixels is not None
        if not pooled:
            winner = np.empty((len(gy), 0), np.int32)
        gradients = None
        if plan.short_runs:
            gW, gb = np.zeros((p.size, padded(len(b))), dtype), np.zeros(padded(len(b)), dtype)
            conv2d.short_run_gradients(
                plan.back, images, p.origin, p.runs, p.length, gy, y, winner, len(b), self.relu, pooled, gW.reshape(-1), gb
            )
            gradients = gW[:, : len(b)], gb[: len(b)]
            if gx is None:
                return gradients
        w = in_rows(W.reshape(p.size, len(b)).T, dtype)
        gW, gb = np.zeros((len(b), p.size), dtype), np.zeros(len(b), dtype)
        tile = patch_tile(p, len(b), dtype) if plan.short_runs else plan.back
        conv2d.backward(
            *(tile, images, p.origin, p.runs, p.length, w.reshape(-1), gy, y, winner, self.relu, pooled),
            *(gradients is None, gx is not None, gW, gb, np.empty((0, 0), dtype) if gx is None else gx),
        )
        return gradients or (gW.T, gb)


class Choice(Operation):
    """ReLU, MaxPool2d or both, without a convolution.

    Parameters
    ----------
    node : Node
        First node.
        name : str
        Last node.
    relu : bool
        True if there is a ReLU.
    pool : Layer or None
        The pool.
    """

    def __init__(self, node: Node, name: str | None = None, *, relu: bool, pool: Any) -> None:
        super().__init__(node, name)
        self.relu = relu
        self.pool = pool

    def forward(self, x: Array) -> Array:
        return self.record(x)[0]

    def record(self, x: Array) -> tuple[Array, Any]:
        pixels = pooling_windows(x.shape[1:], self.pool.geometry)
        C = x.shape[3]
        z = in_rows(x, working(x))
        y = np.empty((len(x), len(pixels) * C), z.dtype)
        winner = np.empty(y.shape, np.int32)
        choices.choose(channel_tile(C, len(pixels), z.dtype), z, pixels, C, C, self.relu, y, winner)
        made = y.reshape(len(x), *self.pool.output_shape(x.shape[1:])).astype(x.dtype, copy=False)
        return made, (x.shape, y, winner)

    def backward(self, kept: Any, gy: Array, *, to_input: bool) -> tuple[Array | None, dict[str, Array]]:
        shape, _, winner = kept
        if not to_input:
            return None, {}
        g = in_rows(gy, working(gy))
        gx = np.zeros((shape[0], math.prod(shape[1:])), g.dtype)
        choices.scatter_to_winners(g, winner, shape[3], shape[3], gx)
        return gx.reshape(shape).astype(gy.dtype, copy=False), {}


@dataclass(frozen=True, eq=False)
class Factors:
    """Factors of a weight gradient, x and gy of a Linear: their product is computed for a complete shard at once."""

    x: Array
    gy: Array


class Product(Operation):
    """Linear. Its gx is computed only if it is needed, and a large gW for all images of a shard at once."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._input_gradient, self._weight_gradients = (
            rule(node.layer, f"{half}") for half in ("input_gradient", "weight_gradients")
        )

    def backward(self, kept: Array, gy: Array, *, to_input: bool) -> tuple[Any, Any]:
        layer: Any = self.node.layer
        gx = self._input_gradient(layer, kept, gy) if to_input else None
        if layer.W.size > MANY * (kept.shape[1] + gy.shape[1]):
            return gx, Factors(kept, gy)
        return gx, self._weight_gradients(layer, kept, gy)
