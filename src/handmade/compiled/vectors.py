"""Numbers that one instruction of this processor works on.

16 float32 with AVX-512, 8 with AVX2, 4 elsewhere; half as many float64. HANDMADE_LANES forces 4, 8 or 16.
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
    """Return what LLVM knows of this processor: names, and whether it has them; empty where LLVM cannot tell."""
    try:
        return llvm.get_host_cpu_features()
    except RuntimeError:  # of older versions
        return llvm.FeatureMap()


@cache
def of_processor() -> int:
    """Return the number of float32 in the widest vector of this processor."""
    features = processor_features()
    return 16 if features.get("avx512f") else 8 if features.get("avx2") and features.get("fma") else 4


def lanes() -> int:
    """Return the number of float32 in a vector: that of the processor, or the forced one."""
    forced = os.environ.get(VARIABLE)
    if not forced:
        return of_processor()
    if forced not in map(str, LANES):
        raise HandmadeError(f"{VARIABLE}: expected one of {', '.join(map(str, LANES))}; got {forced!r:.80}. Try to unset it")
    return int(forced)


def widest(dtype: np.dtype) -> int:
    """Return the number of such numbers in a vector."""
    return lanes() * 4 // dtype.itemsize


def registers() -> int:
    """Return the number of vector registers."""
    return REGISTERS[lanes()]
