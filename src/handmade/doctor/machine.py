"""Hardware and software of this process: system, processor, Python, NumPy, BLAS, cores and optional libraries."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from handmade.compiled.usable import missing, numba_version
from handmade.engine import backend
from handmade.engine.errors import HandmadeError
from handmade.threads import bound, cores

PREFIXES = ("OPENBLAS_", "OMP_", "GOMP_", "KMP_", "MKL_", "BLIS_", "VECLIB_", "GOTO_", "NPY_", "MALLOC_", "GLIBC_TUNABLES")
SET_BY_THREADPOOLCTL = "KMP_DUPLICATE_LIB_OK"
EXTRAS = {
    "Pillow": "images",
    "matplotlib": "plots",
    "tensorboardX": "tensorboard",
    "watchfiles": "watch",
}  # optional library: its extra of handmade


@dataclass(frozen=True)
class Blas:
    """Library for NumPy's matrix products.

    Attributes
    ----------
    name, version : str
        For example, openblas and 0.3.31.
    architecture : str
        Processor whose kernels it uses; "?" if unknown.
    threads : int
        Number of threads that it would start by default.
    """

    name: str
    version: str
    architecture: str
    threads: int


@dataclass(frozen=True)
class Loops:
    """State of the backend `compiled`, found without loading it.

    Attributes
    ----------
    unusable : str or None
        Reason why it cannot be used, with a remedy; None if it can.
    numba : str or None
        Version of Numba.
    lanes : int or None
        Count of numbers in a vector register.
    folder : str or None
        Folder in which the machine code is stored.
    trouble : str
        Problems with other folders for it.
    """

    unusable: str | None = None
    numba: str | None = None
    lanes: int | None = None
    folder: str | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Machine:
    """Machine and its software, as plain values.

    Attributes
    ----------
    system, processor, python, numpy, handmade : str
        Names and versions.
    instructions : tuple of str
        Instruction sets of the processor beyond NumPy's baseline, by NumPy's names.
    blas : Blas or None
        BLAS library of NumPy; None if it cannot be found.
    variables : dict
        Environment variables of this process that affect BLAS, threads and memory.
    present, bound, granted : int
        Number of cores: of the machine, of this process's affinity, and for handmade (a cgroup may allow fewer).
    libraries : dict
        Versions of optional libraries; None if not installed.
    backend : str
        Backend of this thread, which training uses.
    loops : Loops
        State of the compiled loops.
    """

    system: str
    processor: str
    python: str
    numpy: str
    handmade: str
    instructions: tuple[str, ...]
    blas: Blas | None
    variables: dict[str, str]
    present: int
    bound: int
    granted: int
    libraries: dict[str, str | None]
    backend: str
    loops: Loops = Loops()

    @property
    def line(self) -> str:
        """Description of the machine as one line, for the head of a table of measurements."""
        blas = "an unknown BLAS"
        if self.blas:
            forced = " (set by OPENBLAS_CORETYPE)" if "OPENBLAS_CORETYPE" in self.variables else ""
            blas = f"{self.blas.name} {self.blas.version} with {self.blas.architecture} kernels{forced}"
        count = f"{self.granted} {'core' if self.granted == 1 else 'cores'}"
        return f"{count} ({self.processor}), {self.system}, Python {self.python}, NumPy {self.numpy}, {blas}"


def examine() -> Machine:
    """Return a description of the machine and this process."""
    loops = _loops()
    default = next(name for name in backend.BACKENDS if name != "compiled" or loops.unusable is None)
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        python=platform.python_version(),
        numpy=np.__version__,
        handmade=version("handmade"),
        instructions=_instructions(),
        blas=_blas(),
        variables={
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(PREFIXES) and name != SET_BY_THREADPOOLCTL
        },
        present=os.cpu_count() or 1,
        bound=bound(),
        granted=cores(),
        libraries={library: installed(library) for library in EXTRAS},
        backend=backend.chosen()[0] if backend.is_chosen() else default,
        loops=loops,
    )


def installed(library: str) -> str | None:
    """Return the version of a library, or None if it is not installed; it is not imported."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _loops() -> Loops:
    reason, found = missing(), numba_version()
    if reason is not None:
        return Loops(reason, found)
    from handmade.compiled import cache_folder, vectors  # noqa: PLC0415  they need llvmlite, which is installed here

    place = cache_folder.find(make=False)
    trouble, path = "; ".join(place.problems), None if place.path is None else str(place.path)
    try:
        return Loops(None, found, vectors.lanes(), path, trouble)
    except HandmadeError as error:  # the variable HANDMADE_LANES has a wrong value
        return Loops(str(error), found, None, path, trouble)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not on Linux
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _instructions() -> tuple[str, ...]:
    config = np.show_config(mode="dicts")
    assert config is not None  # NumPy returns None only in the other mode
    return tuple(config["SIMD Extensions"].get("found", ()))


def _blas() -> Blas | None:
    """Return NumPy's BLAS; if several are loaded, the one in NumPy's own files."""
    found = [info for info in threadpool_info() if info["user_api"] == "blas"]
    mine = [info for info in found if "numpy" in info["filepath"]] or found
    if not mine:
        return None
    info = mine[0]
    return Blas(info["internal_api"], info.get("version") or "?", info.get("architecture") or "?", info["num_threads"])
