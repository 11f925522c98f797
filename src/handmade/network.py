"""The network that users hold, and the way from a file to it: a model of handmade, a run, or an ONNX model."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from handmade.engine.arguments import as_path, as_shape
from handmade.engine.errors import HandmadeError
from handmade.engine.preparation import Preparation
from handmade.files.network import MODEL, Network, load_model

__all__ = ["Network", "load"]

ONNX, PICKLES = ".onnx", {".pth", ".pt"}


def load(
    path: str | Path,
    *,
    preparation: str | Preparation | None = None,
    external_data: bool = False,
    image_shape: Sequence[int] | None = None,
) -> Network:
    """Read a network that `Network.save` wrote, or an ONNX model.

    Parameters
    ----------
    path
        Model file, the folder of a run, whose model is read, or an ONNX model.
    preparation : str or Preparation, optional
        Preparation of the images for an ONNX model, as a linear expression of a pixel: "(x/255 - 0.1307)/0.3081". If left out, it
        is the one that the model states; else, for ten classes, the usual one with which it reads training digits best; else
        "x/255".
    external_data : bool
        True if an ONNX model may read numbers from other files in its folder.
    image_shape : sequence of int, optional
        Shape of one image of an ONNX model in its own order, as (1, 28, 28), if the model leaves it open.

    Raises
    ------
    HandmadeError
        If the file is missing, damaged, or not such a model. If an ONNX model has operators that are not supported, the error is
        also a NotImplementedError, and lists all of them.
    """
    given = as_path(path, "path")
    shape = None if image_shape is None else as_shape(image_shape, "image_shape", "(1, 28, 28)")
    if given.suffix.lower() == ONNX and not given.is_dir():
        from handmade.importing.models import read_onnx  # noqa: PLC0415  onnx is loaded by those who read such a model
        from handmade.importing.notices import notify  # noqa: PLC0415

        found = read_onnx(given, preparation=preparation, external_data=external_data, image_shape=shape)
        for note in (*found.notes, found.preparation):
            notify(f"{given}: {note}")
        return found.network
    if preparation is not None:
        raise HandmadeError(f"preparation: expected it with an ONNX model alone, as other models hold theirs; got {given}")
    if given.suffix.lower() in PICKLES:
        raise HandmadeError(
            f"{given}: expected a model; a file {given.suffix} of PyTorch holds weights without layers. "
            f"Try handmade import {shlex.quote(str(given))} --like readme, with a network of the same layers"
        )
    if image_shape is not None:
        raise HandmadeError(f"image_shape: expected it with an ONNX model alone, as other models have their shapes; got {given}")
    return load_model(given / MODEL if given.is_dir() else given)
