"""Register tiles: some rows of some vectors of numbers, which the compiler keeps in the registers of the processor.

    t[k, :] for k < rows,   width = vectors * lanes numbers in each row

A loop over one number at a time loads, multiplies and stores it. A loop over a tile loads a vector of the filters once for all
rows, and stores nothing until the end. Each function below is one line of arithmetic on a whole tile; LLVM makes one instruction
of each vector of it. Arrays are flat, and `at` counts numbers in them. A tile function never looks where an array ends.

A `Tile` is an argument of a loop, and its shape is a part of its type. So Numba compiles a loop once for each shape, and finds the
machine code of each shape again in its cache.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import (
    NativeValue,
    intrinsic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.numpy_support import from_dtype

WORD, INDEX = ir.IntType(32), ir.IntType(64)
FLOATS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}


class Shape(types.Type):  # type: ignore[misc]  # Numba has no types
    """The Numba type of a Tile: rows, vectors in a row, numbers in a vector, and what these are."""

    def __init__(self, rows: int, vectors: int, lanes: int, dtype: Any) -> None:
        self.rows, self.vectors, self.lanes, self.dtype = rows, vectors, lanes, dtype
        super().__init__(f"Shape({rows} x {vectors} x {lanes} {dtype})")


class Numbers(types.Type):  # type: ignore[misc]
    """The Numba type of the numbers in a tile."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        super().__init__(f"Numbers({shape})")


class Tile:
    """The shape of a tile, as an argument of a loop.

    Parameters
    ----------
    rows, vectors, lanes : int
        Rows of the tile, vectors in a row, numbers in a vector.
    dtype : dtype
        float32 or float64.
    """

    def __init__(self, rows: int, vectors: int, lanes: int, dtype: Any) -> None:
        self.rows, self.width = rows, vectors * lanes
        self._numba_type_ = Shape(rows, vectors, lanes, from_dtype(np.dtype(dtype)))


@typeof_impl.register(Tile)  # type: ignore[untyped-decorator]
def _type_of(tile: Tile, _context: Any) -> Shape:
    return tile._numba_type_  # noqa: SLF001  the name that Numba looks for


@register_model(Shape)
class _ShapeModel(models.OpaqueModel):  # type: ignore[misc]
    """Nothing: all is in the type."""


@register_model(Numbers)
class _NumbersModel(models.PrimitiveModel):  # type: ignore[misc]
    """An array of vectors, which LLVM takes apart into registers."""

    def __init__(self, manager: Any, kind: Numbers) -> None:
        super().__init__(manager, kind, ir.ArrayType(_vector(kind.shape), kind.shape.rows * kind.shape.vectors))


@unbox(Shape)  # type: ignore[untyped-decorator]
def _unbox(_kind: Any, _tile: Any, c: Any) -> Any:
    return NativeValue(c.context.get_dummy_value())


# --- the shape, inside a loop ----------------------------------------------------------------------------------------------------


@intrinsic  # type: ignore[untyped-decorator]
def rows(_typing: Any, tile: Shape) -> Any:
    """Return the number of rows."""
    return types.intp(tile), lambda *_: ir.Constant(INDEX, tile.rows)


@intrinsic  # type: ignore[untyped-decorator]
def width(_typing: Any, tile: Shape) -> Any:
    """Return the length of a row."""
    return types.intp(tile), lambda *_: ir.Constant(INDEX, tile.vectors * tile.lanes)


# --- a new tile -----------------------------------------------------------------------------------------------------------------


@intrinsic  # type: ignore[untyped-decorator]
def zeros(_typing: Any, tile: Shape) -> Any:
    """t = 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(_array(tile), None)

    return Numbers(tile)(tile), generate


@intrinsic  # type: ignore[untyped-decorator]
def repeat(_typing: Any, tile: Shape, b: Any, at: Any) -> Any:
    """t[k, :] = b[at:], the same in every row."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _read(builder, tile, lambda _: _place(context, builder, signature, args, 1, args[2]))

    return Numbers(tile)(tile, b, at), generate


@intrinsic  # type: ignore[untyped-decorator]
def load(_typing: Any, tile: Shape, y: Any, at: Any, dy: Any) -> Any:
    """t[k, :] = y[at + k dy:]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first = _place(context, builder, signature, args, 1, args[2])
        return _read(builder, tile, lambda k: _step(builder, first, args[3], k))

    return Numbers(tile)(tile, y, at, dy), generate


# --- arithmetic -----------------------------------------------------------------------------------------------------------------


@intrinsic  # type: ignore[untyped-decorator]
def outer(_typing: Any, t: Numbers, x: Any, at: Any, dx: Any, w: Any, wat: Any) -> Any:
    """t[k, :] += x[at + k dx] w[wat:]."""
    shape = t.shape

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t, _, at, dx, _, wat = args
        one, row = _place(context, builder, signature, args, 1, at), _place(context, builder, signature, args, 4, wat)
        vectors = [_load(builder, shape, row, u) for u in range(shape.vectors)]
        for k in range(shape.rows):
            factor = _spread(builder, shape, builder.load(_step(builder, one, dx, k)))
            t = _add_product(builder, shape, t, k, factor, vectors)
        return t

    return t(t, x, at, dx, w, wat), generate


@intrinsic  # type: ignore[untyped-decorator]
def along(_typing: Any, t: Numbers, g: Any, x: Any, at: Any, dx: Any) -> Any:
    """t[k, :] += g x[at + k dx:]."""
    shape = t.shape

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t, g, _, at, dx = args
        first, factor = _place(context, builder, signature, args, 2, at), _spread(builder, shape, g)
        for k in range(shape.rows):
            row = _step(builder, first, dx, k)
            t = _add_product(builder, shape, t, k, factor, [_load(builder, shape, row, u) for u in range(shape.vectors)])
        return t

    return t(t, g, x, at, dx), generate


@intrinsic  # type: ignore[untyped-decorator]
def rectify(_typing: Any, t: Numbers) -> Any:
    """t = max(t, 0); what is no number stays."""
    shape = t.shape

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        (t,) = args
        zero = ir.Constant(_vector(shape), [0.0] * shape.lanes)
        for n in range(shape.rows * shape.vectors):
            v = builder.extract_value(t, n)
            t = builder.insert_value(t, builder.select(builder.fcmp_ordered("<=", v, zero), zero, v), n)
        return t

    return t(t), generate


# --- back into memory -----------------------------------------------------------------------------------------------------------


@intrinsic  # type: ignore[untyped-decorator]
def store(_typing: Any, t: Numbers, y: Any, at: Any, dy: Any) -> Any:
    """y[at + k dy:] = t[k, :]."""
    shape = t.shape

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t, _, at, dy = args
        first = _place(context, builder, signature, args, 1, at)
        for k in range(shape.rows):
            row = _step(builder, first, dy, k)
            for u in range(shape.vectors):
                v = builder.extract_value(t, k * shape.vectors + u)
                builder.store(v, _at(builder, shape, row, u), align=shape.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(t, y, at, dy), generate


# --- for the functions above ----------------------------------------------------------------------------------------------------


def _vector(shape: Shape) -> Any:
    return ir.VectorType(FLOATS[shape.dtype.name], shape.lanes)


def _array(shape: Shape) -> Any:
    return ir.ArrayType(_vector(shape), shape.rows * shape.vectors)


def _place(context: Any, builder: Any, signature: Any, args: Any, number: int, at: Any) -> Any:
    """Return where argument `number`, a flat array, has its number `at`."""
    array = context.make_array(signature.args[number])(context, builder, args[number])
    return builder.gep(array.data, [at])


def _step(builder: Any, first: Any, stride: Any, k: int) -> Any:
    """Return the place k strides after the first."""
    return builder.gep(first, [builder.mul(stride, ir.Constant(stride.type, k))])


def _at(builder: Any, shape: Shape, row: Any, u: int) -> Any:
    """Return the place of vector u of a row."""
    return builder.bitcast(builder.gep(row, [ir.Constant(INDEX, u * shape.lanes)]), _vector(shape).as_pointer())


def _load(builder: Any, shape: Shape, row: Any, u: int) -> Any:
    return builder.load(_at(builder, shape, row, u), align=shape.dtype.bitwidth // 8)


def _read(builder: Any, shape: Shape, row: Any) -> Any:
    """Return a tile whose row k is read from row(k)."""
    t = ir.Constant(_array(shape), ir.Undefined)
    for k in range(shape.rows):
        place = row(k)
        for u in range(shape.vectors):
            t = builder.insert_value(t, _load(builder, shape, place, u), k * shape.vectors + u)
    return t


def _spread(builder: Any, shape: Shape, number: Any) -> Any:
    """Return a vector with the same number in every lane."""
    anything = ir.Constant(_vector(shape), ir.Undefined)
    first = builder.insert_element(anything, number, ir.Constant(WORD, 0))
    return builder.shuffle_vector(first, anything, ir.Constant(ir.VectorType(WORD, shape.lanes), [0] * shape.lanes))


def _add_product(builder: Any, shape: Shape, t: Any, k: int, factor: Any, vectors: list[Any]) -> Any:
    """Return t with factor * vectors added to row k, each by one instruction that rounds once."""
    kind = _vector(shape)
    name = f"llvm.fma.v{shape.lanes}f{shape.dtype.bitwidth}"
    fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * 3), name)
    for u, vector in enumerate(vectors):
        n = k * shape.vectors + u
        t = builder.insert_value(t, builder.call(fma, [factor, vector, builder.extract_value(t, n)]), n)
    return t
