"""Length of vectors: how many numbers one instruction of this processor processes.

16 float32 with AVX-512, 8 with AVX2, 4 elsewhere; for float64 half of this. HANDMADE_LANES forces 4, 8 or 16.
"""

import os
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from handmade.engine.errors import HandmadeError

VARIABLE = "HANDMADE_LANES"
LANES = (4, 8, 16)
REGISTERS = {4: 16, 8: 16, 16: 32}  # vector registers of processors, by their lanes


@cache
def processor_features() -> Any:
    """Return the features of this processor, as a mapping from name to True or False; empty if LLVM does not know them."""
    try:
        return llvm.get_host_cpu_features()
    except RuntimeError:  # raised by older versions
        return llvm.FeatureMap()


@cache
def of_processor() -> int:
    """Return the number of float32 in the widest vector of this processor."""
    features = processor_features()
    return 16 if features.get("avx512f") else 8 if features.get("avx2") and features.get("fma") else 4


def lanes() -> int:
    """Return the number of float32 in a vector: that of the processor, or the forced number."""
    forced = os.environ.get(VARIABLE)
    if not forced:
        return of_processor()
    if forced not in map(str, LANES):
        raise HandmadeError(f"{VARIABLE}: expected one of {', '.join(map(str, LANES))}; got {forced!r:.80}. Try to unset it")
    return int(forced)


def widest(dtype: np.dtype) -> int:
    """Return the number of values of a dtype in a vector."""
    return lanes() * 4 // dtype.itemsize


def registers() -> int:
    """Return the number of vector registers."""
    return REGISTERS[lanes()]
