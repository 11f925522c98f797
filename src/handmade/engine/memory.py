"""Keep freed memory, so that the next array of the same size needs no new pages.

The C library of Linux gives large freed blocks back to the system, and gets them again one page fault at a time: measured, a
third of a difference gradient. It learns from what a program does, though: once a block of nearly 32 MiB, the most that it
will learn from, has been freed, blocks up to that size are kept (mallopt(3), M_MMAP_THRESHOLD). The block is never touched, so
it costs nothing; other systems pay no heed.
"""

from functools import cache

import numpy as np

LARGEST_BLOCK = 2**25 - 2**16


@cache
def keep_freed_memory() -> None:
    """Teach the allocator, once a process."""
    np.empty(LARGEST_BLOCK, np.uint8)
