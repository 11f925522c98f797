"""Arrays for another process, laid side by side in memory that both can see.

Pickling can leave the numbers of arrays out and hand them over as buffers (protocol 5, PEP 574). They are copied into a block of
shared memory, each once, however many values have it; what goes through a pipe is the rest, and where they lie.
"""

import pickle
import shutil
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

LINE = 64  # bytes of a cache line, where every array begins
SYSTEM = Path("/dev/shm")  # noqa: S108  where Linux keeps shared memory; in a container, it may be small
SHARE = 2  # a block takes at most this part, a half, of what is free there

Span: TypeAlias = tuple[int, int]  # from, to: bytes of a block


def pack(value: Any) -> tuple[bytes, list[memoryview]]:
    """A value without the numbers of its arrays, and these."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    return pickled, [buffer.raw() for buffer in buffers]


def unpack(pickled: bytes, buffers: Sequence[memoryview | bytearray]) -> Any:
    """The value again; its arrays are where the buffers are. Only what a process of our own has pickled ever comes here."""
    return pickle.loads(pickled, buffers=buffers)  # noqa: S301


class Layout:
    """Where arrays come to lie in a block, from a first byte on, one behind the other; the same array only once.

    Whoever lays arrays keeps them alive as long as the layout, for an array is known by its place in memory.
    """

    def __init__(self, start: int = 0) -> None:
        self.end = start
        self._spans: dict[tuple[int, int], Span] = {}
        self._present: set[Span] = set()

    def spans(self, buffers: Sequence[memoryview]) -> list[Span]:
        """A place for each of them."""
        return [self._span(buffer) for buffer in buffers]

    def copy(self, buffers: Sequence[memoryview], spans: Sequence[Span], memory: memoryview) -> None:
        """Put them there, unless they are there already."""
        for buffer, span in zip(buffers, spans, strict=True):
            if span not in self._present:
                memory[slice(*span)] = buffer
                self._present.add(span)

    def _span(self, buffer: memoryview) -> Span:
        place = np.asarray(buffer).__array_interface__["data"][0], buffer.nbytes
        if place not in self._spans:
            self._spans[place] = self.end, self.end + buffer.nbytes
            self.end += -(-buffer.nbytes // LINE) * LINE
        return self._spans[place]


def new_block(size: int) -> SharedMemory | None:
    """A block of so many bytes, all of them really there; None where the system has too little."""
    if SYSTEM.exists() and shutil.disk_usage(SYSTEM).free < SHARE * size:
        return None
    try:
        block = SharedMemory(create=True, size=max(size, 1))
    except OSError:
        return None
    np.frombuffer(seen(block), np.uint8)[:] = 0  # a page that cannot be had later would end the process
    return block


def seen(block: SharedMemory) -> memoryview:
    """Its bytes."""
    assert block.buf is not None  # it is not closed
    return block.buf


def drop(block: SharedMemory) -> None:
    """Give a block up; its memory goes when nobody uses it any more."""
    leave(block)
    with suppress(FileNotFoundError):
        block.unlink()


def leave(block: SharedMemory) -> None:
    """Look at it no more."""
    with suppress(BufferError):  # an array in it is still alive, and takes the mapping along when it dies
        block.close()
