"""Model files: safetensors, with the description of the network in the metadata under "handmade". No code, no pickle."""

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.files.atomic import write_atomically
from handmade.files.network import MODEL
from handmade.files.tensor_header import BadTensors
from handmade.files.tensors import TensorFile, read_with

DTYPES = {"F32", "F64"}


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
        parameters, description = read_with(path, lambda file: _content(path, file))
    except (BadTensors, OSError) as error:
        raise HandmadeError(
            f"{path}: expected a complete safetensors file; got another format, or a damaged file ({error})"
        ) from None
    for name, array in parameters.items():
        if not np.isfinite(array).all():
            raise HandmadeError(f"{path}: expected finite weights; {name!r:.80} holds NaN or infinity")
    try:
        return parameters, json.loads(description)
    except (ValueError, RecursionError) as error:
        raise HandmadeError(f"{path}: expected a description in JSON; it cannot be read ({error})") from None


def _content(path: Path, file: TensorFile) -> tuple[dict[str, Array], str]:
    """Return arrays and description; raise HandmadeError, before an array is read, if they are of another kind."""
    kinds = {entry.dtype for entry in file.entries.values()}
    if "handmade" not in file.metadata:
        raise HandmadeError(
            f"{path}: expected a model that handmade saved; its metadata has no description of a network. "
            f"If it holds weights of PyTorch, try handmade import {shlex.quote(str(path))} --like readme"
        )
    if len(kinds) > 1 or not kinds <= DTYPES:
        raise HandmadeError(f"{path}: expected weights all of F32 or all of F64; got {', '.join(sorted(kinds))}")
    axes = max((len(entry.shape) for entry in file.entries.values()), default=0)
    if axes > 4:
        raise HandmadeError(f"{path}: expected weights of at most 4 axes; got {axes}")
    return file.arrays(), file.metadata["handmade"]
