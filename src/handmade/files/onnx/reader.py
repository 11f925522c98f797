"""From a file, bytes or a ModelProto to a checked Graph. Nothing is run, and no other file is read unless it is allowed."""

from pathlib import Path
from typing import Any

from handmade.engine.arguments import described
from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed
from handmade.files.onnx.external import Folder
from handmade.files.onnx.graph import Graph, build

LARGEST_FILE = 2**30  # bytes: the limit of protobuf is 2 GiB


def read_graph(model: Any, *, external_data: bool = False) -> Graph:
    """Return the checked graph of a model.

    Parameters
    ----------
    model : str, Path, bytes or onnx.ModelProto
        Path of a file, its content, or the parsed model.
    external_data : bool
        True if numbers may be read from other files in the folder of the model, and only there.

    Raises
    ------
    HandmadeError
        If the file is missing, too large, damaged or contradictory.
    OutOfScope
        If it is correct, but holds what is not read.
    """
    onnx = import_onnx()
    folder = Folder()
    if isinstance(model, str | Path):
        path = Path(model)
        folder = Folder(path.parent if external_data else None)
        model = _content(path)
    if isinstance(model, bytes | bytearray | memoryview):
        parsed = onnx.ModelProto()
        try:
            parsed.ParseFromString(bytes(model))
        except Exception as error:  # noqa: BLE001  protobuf has several implementations with their own errors
            raise HandmadeError(f"the model: expected an ONNX file; it is another format, or damaged ({error})") from None
        del model
    elif isinstance(model, onnx.ModelProto):
        parsed = model
    else:
        raise HandmadeError(f"model: expected a path, bytes or an onnx.ModelProto; got {described(model)}")
    if not parsed.HasField("graph"):
        raise HandmadeError("the model: expected an ONNX file with a graph; it has none")
    _check_texts(parsed)
    return build(parsed, folder, onnx.defs.onnx_opset_version())


def import_onnx() -> Any:
    """Return the package onnx; raise HandmadeError with the command that installs it."""
    try:
        import onnx  # noqa: PLC0415  an extra, and slow to load
        import onnx.defs  # noqa: PLC0415
    except ImportError:
        raise HandmadeError(not_installed("ONNX models", "onnx", "onnx")) from None
    return onnx


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise HandmadeError(f"{path}: expected an ONNX file; it cannot be read ({error.strerror or error})") from None
    if len(content) > LARGEST_FILE:
        raise HandmadeError(f"{path}: expected a file of at most {LARGEST_FILE:,} bytes; it is larger")
    return content


def _check_texts(message: Any) -> None:
    """Raise HandmadeError unless all texts are UTF-8; protobuf returns those that are not as bytes."""
    for entry, value in message.ListFields():
        several = [value] if isinstance(value, str | bytes) or hasattr(value, "ListFields") else value
        if entry.type == entry.TYPE_MESSAGE:
            for part in several:
                _check_texts(part)
        elif entry.type == entry.TYPE_STRING and not all(isinstance(text, str) for text in several):
            raise HandmadeError(f"the model: expected texts in UTF-8; {entry.full_name} is none")
