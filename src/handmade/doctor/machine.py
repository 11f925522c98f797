"""What the numbers of this process are worked out with: system, processor, Python, NumPy, BLAS, cores and what is installed."""

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
OUR_OWN = "KMP_DUPLICATE_LIB_OK"  # threadpoolctl sets it
EXTRAS = {
    "Pillow": "images",
    "matplotlib": "plots",
    "tensorboardX": "tensorboard",
    "watchfiles": "watch",
}  # with the extra of each


@dataclass(frozen=True)
class Blas:
    """The library behind NumPy's matrix products.

    Attributes
    ----------
    name, version : str
        Such as openblas 0.3.31.
    architecture : str
        The processor whose kernels it chose; "?" where it does not say.
    threads : int
        How many it would start by itself.
    """

    name: str
    version: str
    architecture: str
    threads: int


@dataclass(frozen=True)
class Loops:
    """The backend `compiled`, as far as it can be told without loading it.

    Attributes
    ----------
    unusable : str or None
        The reason why it cannot be used, with something to try.
    numba : str or None
        Numba's version.
    lanes : int or None
        Numbers in a vector.
    folder : str or None
        Where the machine code is kept.
    trouble : str
        What is wrong with other places for it.
    """

    unusable: str | None = None
    numba: str | None = None
    lanes: int | None = None
    folder: str | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Machine:
    """A machine and the software on it, as plain values.

    Attributes
    ----------
    system, processor, python, numpy, handmade : str
        Names and versions.
    instructions : tuple of str
        The instruction sets beyond the common ones that the processor has, in NumPy's names.
    blas : Blas or None
        None where it is one that cannot be asked.
    variables : dict
        The environment variables in force that act on BLAS, threads and memory.
    present, bound, granted : int
        Cores: in the machine, those this process is bound to, and those handmade will use (a cgroup may grant less).
    libraries : dict
        Optional libraries: the version, or None if absent.
    backend : str
        The backend of this thread, which trainings use.
    loops : Loops
        What compiled loops need.
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
        """The machine in one line, for the head of a table of measurements."""
        blas = "a BLAS that does not say its name"
        if self.blas:
            forced = " (set by OPENBLAS_CORETYPE)" if "OPENBLAS_CORETYPE" in self.variables else ""
            blas = f"{self.blas.name} {self.blas.version} with {self.blas.architecture} kernels{forced}"
        count = f"{self.granted} {'core' if self.granted == 1 else 'cores'}"
        return f"{count} ({self.processor}), {self.system}, Python {self.python}, NumPy {self.numpy}, {blas}"


def examine() -> Machine:
    """Look at the machine and this process."""
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
        variables={name: value for name, value in sorted(os.environ.items()) if name.startswith(PREFIXES) and name != OUR_OWN},
        present=os.cpu_count() or 1,
        bound=bound(),
        granted=cores(),
        libraries={library: installed(library) for library in EXTRAS},
        backend=backend.chosen()[0] if backend.is_chosen() else default,
        loops=loops,
    )


def installed(library: str) -> str | None:
    """Its version, or None if it is absent; it is not imported."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _loops() -> Loops:
    reason, found = missing(), numba_version()
    if reason is not None:
        return Loops(reason, found)
    from handmade.compiled import cache_folder, vectors  # noqa: PLC0415  they import llvmlite, which is there

    place = cache_folder.find(make=False)
    trouble, path = "; ".join(place.problems), None if place.path is None else str(place.path)
    try:
        return Loops(None, found, vectors.lanes(), path, trouble)
    except HandmadeError as error:  # the variable HANDMADE_LANES is wrong
        return Loops(str(error), found, None, path, trouble)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _instructions() -> tuple[str, ...]:
    config = np.show_config(mode="dicts")
    assert config is not None  # NumPy gives None in the other mode
    return tuple(config["SIMD Extensions"].get("found", ()))


def _blas() -> Blas | None:
    """NumPy's own, where several are loaded: the one that its files bring."""
    found = [info for info in threadpool_info() if info["user_api"] == "blas"]
    mine = [info for info in found if "numpy" in info["filepath"]] or found
    if not mine:
        return None
    info = mine[0]
    return Blas(info["internal_api"], info.get("version") or "?", info.get("architecture") or "?", info["num_threads"])
