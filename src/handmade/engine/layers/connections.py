"""Connections: the numbers that an output reads, those that an input feeds, and the derivatives between them.

    sources      (layer, shapes, at) -> for each activation that the layer reads, a box; None for one that is not read
    targets      (layer, shapes, k, at) -> the box of outputs that read number `at` of activation k; None if there are none
    derivatives  (layer, x, k, at) -> (place of an output, d output / d x_k[at]), ...     for one image x

These are rules of exact types (registry.py). They stand beside their layer. `shapes` holds the shapes of all activations that the
layer reads, for one image; `x` is one image, for a join a tuple. A box has a half-open pair for each axis. It is the smallest box
that contains all these numbers; rows and columns of a source may lie in the padding. The outputs of `derivatives` are all that
read the number.

A layer without `sources` and `targets` counts as one that reads all numbers, as Linear does. For a layer without `derivatives`,
receipts take `backward`.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from handmade.engine.arrays import Shape
from handmade.engine.terms import Term

Span: TypeAlias = tuple[int, int]
Box: TypeAlias = tuple[Span, ...]
Derivatives: TypeAlias = Iterator[tuple[Shape, Term]]

ONE = Term(1.0)  # derivative of a number that is copied


def all_places(shape: Shape) -> Box:
    """Return the box of all numbers of an array."""
    return tuple((0, size) for size in shape)


def one_place(at: Shape) -> Box:
    """Return the box of one number."""
    return tuple((i, i + 1) for i in at)


def same_sources(_layer: object, shapes: Sequence[Shape], at: Shape) -> list[Box]:
    """Return `at` in every activation, for a layer or a join that works element by element."""
    return [one_place(at) for _ in shapes]


def same_targets(_layer: object, _shapes: Sequence[Shape], _k: int, at: Shape) -> Box:
    """Return `at` of the output, for a layer or a join that works element by element."""
    return one_place(at)
