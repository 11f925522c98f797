"""Advice for more speed on a machine: for each problem one sentence about its cause and one about the remedy."""

from collections.abc import Iterator

from handmade.doctor.machine import Machine

# OpenBLAS names its kernels after the processor for which they were first written. Instructions of each kernel:
KERNELS = {
    **dict.fromkeys(("Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Atom", "Barcelona", "Bobcat"), "SSE"),
    **dict.fromkeys(("Sandybridge", "Bulldozer", "Piledriver", "Steamroller"), "AVX"),
    **dict.fromkeys(("Haswell", "Zen", "Excavator"), "AVX2"),
    **dict.fromkeys(("SkylakeX", "Cooperlake", "SapphireRapids"), "AVX-512"),
}
WIDTHS = {
    "SSE": 1,
    "AVX": 2,
    "AVX2": 4,
    "AVX-512": 8,
}  # relative work per cycle: wider vectors, and fused multiply-add from AVX2 on
FIXED = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_MAX_")


def advice(machine: Machine) -> tuple[str, ...]:
    """Return all advice for a machine; empty if there is none."""
    return (*_kernels(machine), *_threads(machine), *_features(machine), *_allocator(machine), *_loops(machine))


def _kernels(machine: Machine) -> Iterator[str]:
    """Yield advice about a BLAS that uses older instructions than the processor has."""
    best, used = _best_instructions(machine), KERNELS.get(machine.blas.architecture) if machine.blas else None
    if machine.blas is None or used is None or best is None or WIDTHS[used] >= WIDTHS[best]:
        return
    times = WIDTHS[best] // WIDTHS[used]
    slow = f"the BLAS uses {machine.blas.architecture} kernels ({used}), but this processor has {best}"
    forced = machine.variables.get("OPENBLAS_CORETYPE")
    if forced:
        remedy = f"The cause is OPENBLAS_CORETYPE={forced}. Try: unset OPENBLAS_CORETYPE"
    elif best == "AVX-512":
        remedy = "Try: export OPENBLAS_CORETYPE=SkylakeX, or a newer NumPy"
    else:
        remedy = "Try a newer NumPy with a BLAS for this processor"
    yield f"{slow}. {remedy} (large matrix products may run up to {times} times as fast)"


def _best_instructions(machine: Machine) -> str | None:
    """Return the widest instruction set of an x86 processor that NumPy found."""
    names = machine.instructions
    if any(name == "X86_V4" or name.startswith(("AVX512F", "AVX512_SKX")) for name in names):
        return "AVX-512"
    return "AVX2" if "X86_V3" in names or "AVX2" in names else None


def _threads(machine: Machine) -> Iterator[str]:
    """Yield advice about a BLAS with more threads than available cores."""
    if machine.blas and machine.blas.threads > machine.granted:
        remedy = f"export OPENBLAS_NUM_THREADS={machine.granted}" if machine.blas.name == "openblas" else "fewer BLAS threads"
        yield f"the BLAS would start {machine.blas.threads} threads for {machine.granted} available cores. Try: {remedy}"


def _features(machine: Machine) -> Iterator[str]:
    off = machine.variables.get("NPY_DISABLE_CPU_FEATURES")
    if off:
        yield f"NPY_DISABLE_CPU_FEATURES={off} disables instructions of this processor. Try: unset NPY_DISABLE_CPU_FEATURES"


def _allocator(machine: Machine) -> Iterator[str]:
    """Yield advice about variables that stop the C library from keeping freed memory (engine/memory.py)."""
    for name in FIXED:
        if name in machine.variables:
            fixed = "fixes the limit at which freed memory returns to the system, which causes page faults"
            yield f"{name}={machine.variables[name]} {fixed}. Try: unset {name}"


def _loops(machine: Machine) -> Iterator[str]:
    """Yield advice about compiled loops that cannot be used, or whose machine code is not stored."""
    loops = machine.loops
    if loops.unusable is not None:
        yield f"training uses the backend plain, which is several times slower than compiled: {loops.unusable}"
    elif loops.numba is not None and loops.folder is None:
        problem = f"no cache folder can be used: {loops.trouble}"
        yield f"loops are compiled again in every process, because {problem}. Try another HANDMADE_CACHE"
