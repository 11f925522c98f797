"""Reuse of freed memory, so that the next array of the same size needs no new pages.

The C library of Linux returns large freed blocks to the system, and gets them again one page fault at a time. Measured, this is a
third of the time of a difference gradient. Its threshold adapts to the program, though (mallopt(3), M_MMAP_THRESHOLD). After a
block of nearly 32 MiB, the largest size that counts, has been freed, blocks up to that size are kept. The block is never
written to, so it costs nothing. On other systems this has no effect.
"""

from functools import cache

import numpy as np

LARGEST_BLOCK = 2**25 - 2**16


@cache
def keep_freed_memory() -> None:
    """Raise the threshold of the allocator, once in each process."""
    np.empty(LARGEST_BLOCK, np.uint8)
