"""What to change on a machine so that handmade runs faster there: one sentence of what is wrong, one of what to do."""

from collections.abc import Iterator

from handmade.doctor.machine import Machine

# OpenBLAS names its kernels after the processor they were first written for. The instructions that they use:
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
}  # work a cycle: wider vectors, and from AVX2 on the fused product
FIXED = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_MAX_")


def advice(machine: Machine) -> tuple[str, ...]:
    """Everything worth changing; empty where nothing is."""
    return (*_kernels(machine), *_threads(machine), *_features(machine), *_allocator(machine), *_loops(machine))


def _kernels(machine: Machine) -> Iterator[str]:
    """A BLAS that runs below what the processor can do."""
    best, used = _can(machine), KERNELS.get(machine.blas.architecture) if machine.blas else None
    if machine.blas is None or used is None or best is None or WIDTHS[used] >= WIDTHS[best]:
        return
    times = WIDTHS[best] // WIDTHS[used]
    slow = f"the BLAS runs {machine.blas.architecture} kernels ({used}), and this processor has {best}"
    forced = machine.variables.get("OPENBLAS_CORETYPE")
    if forced:
        remedy = f"OPENBLAS_CORETYPE={forced} forces it to. Try: unset OPENBLAS_CORETYPE"
    elif best == "AVX-512":
        remedy = "Try: export OPENBLAS_CORETYPE=SkylakeX, or a newer NumPy"
    else:
        remedy = "Try a newer NumPy, whose BLAS knows this processor"
    yield f"{slow}. {remedy} (large matrix products may run up to {times} times as fast)"


def _can(machine: Machine) -> str | None:
    """The widest instructions of an x86 processor, as NumPy found them."""
    names = machine.instructions
    if any(name == "X86_V4" or name.startswith(("AVX512F", "AVX512_SKX")) for name in names):
        return "AVX-512"
    return "AVX2" if "X86_V3" in names or "AVX2" in names else None


def _threads(machine: Machine) -> Iterator[str]:
    """A BLAS with more threads than there are cores to use."""
    if machine.blas and machine.blas.threads > machine.granted:
        wanted = f"export OPENBLAS_NUM_THREADS={machine.granted}" if machine.blas.name == "openblas" else "fewer BLAS threads"
        yield f"the BLAS would start {machine.blas.threads} threads, and {machine.granted} cores may be used. Try: {wanted}"


def _features(machine: Machine) -> Iterator[str]:
    off = machine.variables.get("NPY_DISABLE_CPU_FEATURES")
    if off:
        yield f"NPY_DISABLE_CPU_FEATURES={off} keeps NumPy from instructions that this processor has. Try: unset it"


def _allocator(machine: Machine) -> Iterator[str]:
    """What keeps the C library from learning to keep freed memory (engine/memory.py)."""
    for name in FIXED:
        if name in machine.variables:
            fixed = "fixes when freed memory goes back to the system, which costs page faults"
            yield f"{name}={machine.variables[name]} {fixed}. Try: unset {name}"


def _loops(machine: Machine) -> Iterator[str]:
    """Compiled loops that cannot be used, or whose machine code is not kept."""
    loops = machine.loops
    if loops.unusable is not None:
        yield f"trainings use the backend plain, which is several times slower than compiled: {loops.unusable}"
    elif loops.numba is not None and loops.folder is None:
        yield f"loops are compiled in every process, for there is no folder for them: {loops.trouble}. Try another HANDMADE_CACHE"
