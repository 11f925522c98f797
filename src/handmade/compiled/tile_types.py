"""Numba type of a tile: its shape, its numbers, and the instructions of loops over tiles.

A `Tile` is an argument of a loop, and its shape is a part of its type. So Numba compiles a loop once for each shape, and stores
the machine code of each shape in its cache. Inside a loop, the numbers of a tile are an array of vectors, which LLVM keeps in
registers. The operations on tiles are in tiles.py.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import (
    NativeValue,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.numpy_support import from_dtype

WORD, INDEX = ir.IntType(32), ir.IntType(64)
FLOATS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}


class Shape(types.Type):  # type: ignore[misc]  # Numba has no types
    """Numba type of a Tile: rows, vectors in a row, numbers in a vector, and their dtype."""

    def __init__(self, rows: int, vectors: int, lanes: int, dtype: Any) -> None:
        self.rows, self.vectors, self.lanes, self.dtype = rows, vectors, lanes, dtype
        super().__init__(f"Shape({rows} x {vectors} x {lanes} {dtype})")


class Numbers(types.Type):  # type: ignore[misc]
    """Numba type of the numbers in a tile."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        super().__init__(f"Numbers({shape})")


class Tile:
    """Shape of a tile, as an argument of a loop.

    Parameters
    ----------
    rows, vectors, lanes : int
        Number of rows of the tile, of vectors in a row, and of numbers in a vector.
    dtype : dtype
        float32 or float64.
    """

    def __init__(self, rows: int, vectors: int, lanes: int, dtype: Any) -> None:
        self.rows, self.width = rows, vectors * lanes
        self._numba_type_ = Shape(rows, vectors, lanes, from_dtype(np.dtype(dtype)))


@typeof_impl.register(Tile)  # type: ignore[untyped-decorator]
def _type_of(tile: Tile, _context: Any) -> Shape:
    return tile._numba_type_


@register_model(Shape)
class _ShapeModel(models.OpaqueModel):  # type: ignore[misc]
    """Model of a value without data: the type holds everything."""


@register_model(Numbers)
class _NumbersModel(models.PrimitiveModel):  # type: ignore[misc]
    """Model of the numbers: an array of vectors, which LLVM keeps in registers."""

    def __init__(self, manager: Any, kind: Numbers) -> None:
        super().__init__(manager, kind, ir.ArrayType(vector(kind.shape), kind.shape.rows * kind.shape.vectors))


@unbox(Shape)  # type: ignore[untyped-decorator]
def _unbox(_kind: Any, _tile: Any, c: Any) -> Any:
    return NativeValue(c.context.get_dummy_value())


# --- instructions ---------------------------------------------------------------------------------------------------------------


def vector(shape: Shape) -> Any:
    """Return the LLVM type of a vector."""
    return ir.VectorType(FLOATS[shape.dtype.name], shape.lanes)


def registers(shape: Shape) -> Any:
    """Return the LLVM type of all vectors of a tile."""
    return ir.ArrayType(vector(shape), shape.rows * shape.vectors)


def place(context: Any, builder: Any, signature: Any, args: Any, number: int, at: Any) -> Any:
    """Return the address of element `at` of argument `number`, a flat array."""
    array = context.make_array(signature.args[number])(context, builder, args[number])
    return builder.gep(array.data, [at])


def step(builder: Any, first: Any, stride: Any, k: int) -> Any:
    """Return the address k strides after the first."""
    return builder.gep(first, [builder.mul(stride, ir.Constant(stride.type, k))])


def vector_at(builder: Any, shape: Shape, row: Any, u: int) -> Any:
    """Return the address of vector u of a row."""
    return builder.bitcast(builder.gep(row, [ir.Constant(INDEX, u * shape.lanes)]), vector(shape).as_pointer())


def load_vector(builder: Any, shape: Shape, row: Any, u: int) -> Any:
    """Return vector u of a row in memory."""
    return builder.load(vector_at(builder, shape, row, u), align=shape.dtype.bitwidth // 8)


def read(builder: Any, shape: Shape, row: Any) -> Any:
    """Return a tile whose row k is read from row(k)."""
    t = ir.Constant(registers(shape), ir.Undefined)
    for k in range(shape.rows):
        place = row(k)
        for u in range(shape.vectors):
            t = builder.insert_value(t, load_vector(builder, shape, place, u), k * shape.vectors + u)
    return t


def spread_number(builder: Any, shape: Shape, number: Any) -> Any:
    """Return a vector with the same number in every lane."""
    anything = ir.Constant(vector(shape), ir.Undefined)
    first = builder.insert_element(anything, number, ir.Constant(WORD, 0))
    return builder.shuffle_vector(first, anything, ir.Constant(ir.VectorType(WORD, shape.lanes), [0] * shape.lanes))


def add_product(builder: Any, shape: Shape, t: Any, k: int, factor: Any, vectors: list[Any]) -> Any:
    """Return t with factor * vectors added to row k."""
    for u, each in enumerate(vectors):
        t = add_product_at(builder, shape, t, k * shape.vectors + u, factor, each)
    return t


def add_product_at(builder: Any, shape: Shape, t: Any, n: int, a: Any, b: Any) -> Any:
    """Return t with a * b added to vector n, by one instruction that rounds once."""
    kind = vector(shape)
    name = f"llvm.fma.v{shape.lanes}f{shape.dtype.bitwidth}"
    fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
    return builder.insert_value(t, builder.call(fma, [a, b, builder.extract_value(t, n)]), n)
