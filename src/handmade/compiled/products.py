"""Large matrix products by the BLAS, with one BLAS thread in each thread: the sum over shards of x^T g, added as a tree."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.parallel import parallel_map, thread_executor

NUMBERS_PER_TASK = 2**17  # of the product, so that its parts do not depend on the number of threads and stay in the cache

Rows: TypeAlias = Callable[[slice, Array], object]  # (rows, out): write some rows of the sums of a shard


def rows_of_product(x: Array, g: Array) -> Rows:
    """Return the function that writes rows of x^T g, for x (N, in) and g (N, out)."""
    return partial(_multiply, x, g)


def _multiply(x: Array, g: Array, rows: slice, out: Array) -> None:
    np.matmul(x[:, rows].T, g, out=out)


def sum_of_shards(shards: Sequence[Rows], shape: Shape, dtype: np.dtype[Any], executor: Executor | None) -> Array:
    """Return the sum of the shards, (rows, columns), added as `tree_sum` does, with some rows in each task."""
    found = np.empty(shape, dtype)
    size = max(1, NUMBERS_PER_TASK // shape[1])

    def work(first: int) -> None:
        rows = slice(first, first + size)
        _add(shards, rows, found[rows])

    for _ in parallel_map(thread_executor(executor), work, range(0, len(found), size)):
        pass
    return found


def _add(shards: Sequence[Rows], rows: slice, out: Array) -> None:
    """Write the sum of the shards: the first half is the largest power of two below their number."""
    if len(shards) == 1:
        shards[0](rows, out)
        return
    half = 1 << (len(shards) - 1).bit_length() - 1
    _add(shards[:half], rows, out)
    other = np.empty_like(out)
    _add(shards[half:], rows, other)
    out += other
