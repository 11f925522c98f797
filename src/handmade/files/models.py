"""Model files: safetensors, with the description of the network in the metadata under "handmade". No code, no pickle."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.files.atomic import write_atomically

MODEL = "model.safetensors"  # file name of a model in the folder of its run
DTYPES = {"F32": np.float32, "F64": np.float64}


def write(path: Path, parameters: dict[str, Array], description: dict[str, Any]) -> None:
    """Write weights, statistics and description, completely or not at all.

    Raises
    ------
    HandmadeError
        If the arrays are not finite floats with one dtype, float32 or float64.
    OSError
        If the file cannot be written.
    """
    kinds = sorted({str(array.dtype) for array in parameters.values()})
    if len(kinds) > 1 or not set(kinds) <= {"float32", "float64"}:
        raise HandmadeError(f"{path}: expected weights all of float32 or all of float64; got {', '.join(kinds)}. Try astype")
    for name, array in parameters.items():
        if not np.isfinite(array).all():
            raise HandmadeError(f"{path}: expected finite weights; {name!r:.80} holds NaN or infinity")
    arrays = {name: np.ascontiguousarray(array) for name, array in parameters.items()}
    write_atomically(path, save(arrays, metadata={"handmade": json.dumps(description)}))


def read(path: Path) -> tuple[dict[str, Array], object]:
    """Read the weights and the description; the caller must check the description.

    Raises
    ------
    HandmadeError
        If the file is missing or damaged, or does not hold finite float arrays of one dtype and a JSON description.
    """
    if not path.is_file():
        run = path.parent if path.name == MODEL and path.parent.is_dir() else None
        if run:
            raise HandmadeError(f"{run}: expected the folder of a run; there is no {MODEL} in it. Try: handmade runs")
        raise HandmadeError(f"{path}: expected a model file, or the folder of a run; there is no such file or folder")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118  safe_open is not a mapping
            if "handmade" not in metadata:
                raise HandmadeError(f"{path}: expected a model that handmade saved; its metadata has no description of a network")
            if len(set(kinds.values())) > 1 or not set(kinds.values()) <= set(DTYPES):
                raise HandmadeError(
                    f"{path}: expected weights all of F32 or all of F64; got {', '.join(sorted(set(kinds.values())))}"
                )
            axes = max((len(file.get_slice(name).get_shape()) for name in kinds), default=0)
            if axes > 4:  # NumPy's own limit is 64
                raise HandmadeError(f"{path}: expected weights of at most 4 axes; got {axes}")
            parameters = {name: file.get_tensor(name) for name in kinds}
    except (SafetensorError, OSError) as error:
        raise HandmadeError(
            f"{path}: expected a complete safetensors file; got another format, or a damaged file ({error})"
        ) from None
    for name, array in parameters.items():
        if not np.isfinite(array).all():
            raise HandmadeError(f"{path}: expected finite weights; {name!r:.80} holds NaN or infinity")
    try:
        return parameters, json.loads(metadata["handmade"])
    except (ValueError, RecursionError) as error:
        raise HandmadeError(f"{path}: expected a description in JSON; it cannot be read ({error})") from None
