"""Register tiles: rows of vectors of numbers, which the compiler keeps in the registers of the processor.

    t[k, :] for k < rows,   width = vectors * lanes numbers in each row

A loop over single numbers loads, multiplies and stores each number. A loop over a tile loads a vector of the filters once for all
rows, and stores nothing until the end. Each function below is one line of arithmetic on a complete tile; LLVM makes one
instruction for each vector. Arrays are flat, and `at` is an index in them. Tile functions do not check the bounds of arrays.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from handmade.compiled.tile_types import (
    INDEX,
    WORD,
    Numbers,
    Shape,
    Tile,
    add_product,
    add_product_at,
    load_vector,
    place,
    read,
    registers,
    spread_number,
    step,
    vector,
    vector_at,
)

__all__ = [
    "Tile",
    "add_products",
    "along",
    "larger",
    "load",
    "outer",
    "pick",
    "quotient",
    "rectify",
    "repeat",
    "rows",
    "spread",
    "store",
    "store_integers",
    "width",
    "zeros",
]

# --- the shape, inside a loop ---------------------------------------------------------------------------------------------------


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
    """Return a tile of zeros: t = 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(registers(tile), None)

    return Numbers(tile)(tile), generate


@intrinsic  # type: ignore[untyped-decorator]
def repeat(_typing: Any, tile: Shape, b: Any, at: Any) -> Any:
    """Return a tile with the same row everywhere: t[k, :] = b[at:]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return read(builder, tile, lambda _: place(context, builder, signature, args, 1, args[2]))

    return Numbers(tile)(tile, b, at), generate


@intrinsic  # type: ignore[untyped-decorator]
def load(_typing: Any, tile: Shape, y: Any, at: Any, dy: Any) -> Any:
    """Load a tile: t[k, :] = y[at + k dy:]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first = place(context, builder, signature, args, 1, args[2])
        return read(builder, tile, lambda k: step(builder, first, args[3], k))

    return Numbers(tile)(tile, y, at, dy), generate


@intrinsic  # type: ignore[untyped-decorator]
def spread(_typing: Any, tile: Shape, number: Any) -> Any:
    """Return a tile with one number everywhere: t[k, :] = number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        everywhere, t = spread_number(builder, tile, args[1]), ir.Constant(registers(tile), ir.Undefined)
        for n in range(tile.rows * tile.vectors):
            t = builder.insert_value(t, everywhere, n)
        return t

    return Numbers(tile)(tile, tile.dtype), generate


# --- arithmetic -----------------------------------------------------------------------------------------------------------------


@intrinsic  # type: ignore[untyped-decorator]
def outer(_typing: Any, t: Numbers, x: Any, at: Any, dx: Any, w: Any, wat: Any) -> Any:
    """Add an outer product: t[k, :] += x[at + k dx] w[wat:]."""
    shape = t.shape

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t, _, at, dx, _, wat = args
        one, row = place(context, builder, signature, args, 1, at), place(context, builder, signature, args, 4, wat)
        vectors = [load_vector(builder, shape, row, u) for u in range(shape.vectors)]
        for k in range(shape.rows):
            factor = spread_number(builder, shape, builder.load(step(builder, one, dx, k)))
            t = add_product(builder, shape, t, k, factor, vectors)
        return t

    return t(t, x, at, dx, w, wat), generate


@intrinsic  # type: ignore[untyped-decorator]
def along(_typing: Any, t: Numbers, g: Any, x: Any, at: Any, dx: Any) -> Any:
    """Add rows times a number: t[k, :] += g x[at + k dx:]."""
    shape = t.shape

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t, g, _, at, dx = args
        first, factor = place(context, builder, signature, args, 2, at), spread_number(builder, shape, g)
        for k in range(shape.rows):
            row = step(builder, first, dx, k)
            t = add_product(builder, shape, t, k, factor, [load_vector(builder, shape, row, u) for u in range(shape.vectors)])
        return t

    return t(t, g, x, at, dx), generate


@intrinsic  # type: ignore[untyped-decorator]
def add_products(_typing: Any, t: Numbers, a: Numbers, b: Numbers) -> Any:
    """Add products, element by element: t += a b, each rounded once."""
    shape = t.shape

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        t, a, b = args
        for n in range(shape.rows * shape.vectors):
            t = add_product_at(builder, shape, t, n, builder.extract_value(a, n), builder.extract_value(b, n))
        return t

    return t(t, a, b), generate


@intrinsic  # type: ignore[untyped-decorator]
def quotient(_typing: Any, a: Numbers, b: Numbers) -> Any:
    """Return a / b, element by element."""
    shape = a.shape

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        a, b = args
        for n in range(shape.rows * shape.vectors):
            a = builder.insert_value(a, builder.fdiv(builder.extract_value(a, n), builder.extract_value(b, n)), n)
        return a

    return a(a, b), generate


@intrinsic  # type: ignore[untyped-decorator]
def larger(_typing: Any, t: Numbers, s: Numbers) -> Any:
    """Return the maximum of t and s, element by element; NaN in t stays."""
    shape = t.shape

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t, s = args
        for n in range(shape.rows * shape.vectors):
            a, b = builder.extract_value(t, n), builder.extract_value(s, n)
            t = builder.insert_value(t, builder.select(builder.fcmp_ordered(">", b, a), b, a), n)
        return t

    return t(t, s), generate


@intrinsic  # type: ignore[untyped-decorator]
def pick(_typing: Any, a: Numbers, b: Numbers, t: Numbers, s: Numbers) -> Any:
    """Return b where s > t or s is NaN, else a, element by element."""
    shape = t.shape

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        a, b, t, s = args
        for n in range(shape.rows * shape.vectors):
            x, y = builder.extract_value(t, n), builder.extract_value(s, n)
            wins = builder.or_(builder.fcmp_ordered(">", y, x), builder.fcmp_unordered("uno", y, y))
            chosen = builder.select(wins, builder.extract_value(b, n), builder.extract_value(a, n))
            a = builder.insert_value(a, chosen, n)
        return a

    return a(a, b, t, s), generate


@intrinsic  # type: ignore[untyped-decorator]
def rectify(_typing: Any, t: Numbers) -> Any:
    """Return max(t, 0), element by element; NaN stays."""
    shape = t.shape

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        (t,) = args
        zero = ir.Constant(vector(shape), [0.0] * shape.lanes)
        for n in range(shape.rows * shape.vectors):
            v = builder.extract_value(t, n)
            t = builder.insert_value(t, builder.select(builder.fcmp_ordered("<=", v, zero), zero, v), n)
        return t

    return t(t), generate


# --- back into memory -----------------------------------------------------------------------------------------------------------


@intrinsic  # type: ignore[untyped-decorator]
def store(_typing: Any, t: Numbers, y: Any, at: Any, dy: Any) -> Any:
    """Store a tile: y[at + k dy:] = t[k, :]."""
    shape = t.shape

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t, _, at, dy = args
        first = place(context, builder, signature, args, 1, at)
        for k in range(shape.rows):
            row = step(builder, first, dy, k)
            for u in range(shape.vectors):
                v = builder.extract_value(t, k * shape.vectors + u)
                builder.store(v, vector_at(builder, shape, row, u), align=shape.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(t, y, at, dy), generate


@intrinsic  # type: ignore[untyped-decorator]
def store_integers(_typing: Any, t: Numbers, y: Any, at: Any, dy: Any) -> Any:
    """Store a tile as integers of 32 bits: y[at + k dy:] = t[k, :]."""
    shape = t.shape

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t, _, at, dy = args
        first, integers = place(context, builder, signature, args, 1, at), ir.VectorType(WORD, shape.lanes)
        for k in range(shape.rows):
            row = step(builder, first, dy, k)
            for u in range(shape.vectors):
                v = builder.fptosi(builder.extract_value(t, k * shape.vectors + u), integers)
                to = builder.gep(row, [ir.Constant(INDEX, u * shape.lanes)])
                builder.store(v, builder.bitcast(to, integers.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.none(t, y, at, dy), generate
