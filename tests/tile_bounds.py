"""Compiled loops whose stores are checked: each vector that a tile stores is compared with the bounds of its array.

python tile_bounds.py PRESET STEP        differences and backpropagation of a network; a store outside its array ends the process
python tile_bounds.py PRESET STEP wide   the same with tiles that are wider than a run of `readme`, which is to be noticed
"""

import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from handmade.compiled import tile_types, tiles
from handmade.compiled.vectors import widest

BYTE = ir.IntType(64)
array: list[Any] = []  # first address and end of the array whose elements are addressed


def place(context: Any, builder: Any, signature: Any, args: Any, number: int, at: Any) -> Any:
    """Remember the array of an address."""
    found = context.make_array(signature.args[number])(context, builder, args[number])
    array[:] = [builder.ptrtoint(found.data, BYTE), builder.ptrtoint(builder.gep(found.data, [found.nitems]), BYTE)]
    return tile_types.place(context, builder, signature, args, number, at)


def vector_at(builder: Any, shape: Any, row: Any, u: int) -> Any:
    """Return the address of a vector that is stored next; stop the process if it is outside the array."""
    address = tile_types.vector_at(builder, shape, row, u)
    first = builder.ptrtoint(address, BYTE)
    last = builder.add(first, ir.Constant(BYTE, shape.lanes * shape.dtype.bitwidth // 8))
    outside = builder.or_(builder.icmp_unsigned("<", first, array[0]), builder.icmp_unsigned(">", last, array[1]))
    with builder.if_then(outside):
        builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), []), "llvm.trap"), [])
    return address


vars(tiles).update(place=place, vector_at=vector_at)


def make_tiles_wide() -> None:
    """Make tiles of outputs two vectors wide, whatever the length of a run is."""
    from handmade.compiled.differences import prepared  # noqa: PLC0415  after the replacement above

    usual = prepared.across_tile

    def too_wide(patches: Any, K: int, dtype: Any) -> Any:
        tile = usual(patches, K, dtype)
        return tile and tile_types.Tile(tile.rows, 2, widest(np.dtype(dtype)), dtype)

    prepared.across_tile = too_wide


def main() -> None:
    """Compute gradients of a network by all methods."""
    import handmade  # noqa: PLC0415  after the replacement above

    if "wide" in sys.argv:
        make_tiles_wide()
    rng = np.random.default_rng(0)
    network = getattr(handmade.networks, sys.argv[1])(0)
    biases = {name: each for name, each in network.parameters().items() if name.endswith("b")}
    changed = {name: rng.normal(0, 0.1, each.shape).astype(each.dtype) for name, each in biases.items()}
    network = network.replace({**network.parameters(), **changed})  # else a ReLU stands on its kink
    x, y = rng.normal(size=(20, *network.input_shape)).astype(np.float32), rng.integers(10, size=20)
    handmade.gradients.difference(network, x, y, h=float(sys.argv[2]))
    handmade.gradients.backprop(network, x, y)
    network.logits(x)


if __name__ == "__main__":
    main()
