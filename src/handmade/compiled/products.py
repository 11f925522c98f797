"""Large matrix products by the BLAS, with one BLAS thread in each thread: x^T g for all images of a batch at once."""

from concurrent.futures import Executor

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.parallel import parallel_map, thread_executor

NUMBERS_PER_TASK = 2**17  # of the product, so that its parts do not depend on the number of threads


def product(x: Array, g: Array, executor: Executor | None) -> Array:
    """Return x^T g for x (N, in) and g (N, out): (in, out), with some rows in each task."""
    found = np.empty((x.shape[1], g.shape[1]), np.result_type(x, g))
    rows = max(1, NUMBERS_PER_TASK // g.shape[1])

    def work(first: int) -> None:
        np.matmul(x[:, first : first + rows].T, g, out=found[first : first + rows])

    for _ in parallel_map(thread_executor(executor), work, range(0, len(found), rows)):
        pass
    return found
