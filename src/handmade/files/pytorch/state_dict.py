"""State dicts of PyTorch: arrays by the names and in the orders that a module has there, and back.

A state dict of a chain of layers has the names of nn.Sequential, "0.weight".

Conv2d       weight (O, C / groups, K_h, K_w) = W (K_h, K_w, C / groups, O) transposed
Linear       weight (out, in) = W (in, out) transposed; after Flatten of an image, its inputs stand in the order C, H, W
BatchNorm2d  weight, bias, running_mean, running_var, num_batches_tracked
"""

import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors.numpy import save

from handmade.engine.arguments import as_array, as_path, described, refused
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.extras import library_missing
from handmade.engine.graph import join_names
from handmade.engine.network import Network, check_network
from handmade.files.atomic import write_atomically
from handmade.files.pytorch.modules import Module, module_of
from handmade.files.tensor_header import BadTensors
from handmade.files.tensors import read_with

CHECKPOINT = ("model_state_dict", "state_dict", "model")  # usual names of a state dict in a checkpoint
COUNTER = "num_batches_tracked"
FLOATS = {"float16": np.float32, "float32": np.float32, "float64": np.float64}
LARGEST = 2**32  # bytes of a .pth file


N = TypeVar("N", bound=Network)


def to_state_dict(network: Network) -> dict[str, Array]:
    """Return weights and buffers as a PyTorch module has them; `module_source` prints that module.

    Raises
    ------
    HandmadeError
        If PyTorch has no module for a layer.
    """
    check_network(network, "to_state_dict(network)")
    module, arrays = module_of(network), network.parameters() | network.statistics()
    turned = {name: np.asarray(weight.there(arrays[ours]), order="C") for name, (ours, weight) in module.weights.items()}
    return turned | module.constants


def from_state_dict(network: N, arrays: Mapping[str, Any]) -> N:
    """Return the network with the weights of a state dict.

    The names are those of `to_state_dict`, or of the layers, "conv1.weight", perhaps all of them behind one more word, such as
    "module.". If they are others, as of a class of your own, each array is recognised by its shape, provided that no two arrays
    have the same shape.

    Raises
    ------
    HandmadeError
        If the arrays are not those of this network.
    """
    check_network(network, "from_state_dict(network, arrays)")
    if not isinstance(arrays, Mapping):
        raise refused("arrays", "a dict of arrays by their names", described(arrays), "model.state_dict()")
    module, expected = module_of(network), to_state_dict(network)
    given = {name: as_array(value, f"arrays[{name!r}]") for name, value in arrays.items()}
    named = _by_name(module, expected, given)
    named = _by_shape(expected, given) if named is None else named
    surplus = sorted(named.keys() - expected.keys())
    if surplus:
        raise HandmadeError(f"state dict: expected the arrays {join_names(expected)}; got {join_names(surplus)} too")
    _check_arrays(named, expected)
    floats = np.result_type(*(named[name] for name in module.weights)) if module.weights else np.dtype(np.float32)
    floats = np.dtype(FLOATS[floats.name])
    turned = {ours: np.asarray(weight.back(named[name]), floats, order="C") for name, (ours, weight) in module.weights.items()}
    found = network.replace(turned)
    for node in found.nodes:
        type(node.layer).restore(node.layer.parameters() | node.layer.statistics(), node.layer.settings())  # or it refuses them
    return found


def _needed(expected: Mapping[str, Array]) -> dict[str, None]:
    """Return the names that a state dict must have, in order."""
    return {name: None for name in expected if not name.endswith(COUNTER)}


def _by_name(module: Module, expected: Mapping[str, Array], given: Mapping[str, Array]) -> dict[str, Array] | None:
    """Return the arrays by the expected names if they have these names, or those of the layers; None if they have not."""
    layers = {name: step.node.name for name, step in zip(module.names, module.steps, strict=True)}
    of_layers = {name: f"{layers[first]}.{key}" for name in expected for first, dot, key in [name.partition(".")] if dot}
    words = {name.partition(".")[0] for name in given}
    shorter = {name.partition(".")[2]: array for name, array in given.items()} if len(words) == 1 else {}
    for arrays in (given, shorter):
        for names in ({}, of_layers):
            there = {names.get(name, name): name for name in expected}
            found = {there.get(name, name): array for name, array in arrays.items()}
            if len(found) == len(arrays) and _needed(expected).keys() <= found.keys():
                return found
    return None


def _by_shape(expected: Mapping[str, Array], given: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays with other names by the expected names, where each shape occurs once."""
    ours = {name: expected[name].shape for name in _needed(expected)}
    theirs = {name: array.shape for name, array in given.items() if not name.endswith(COUNTER)}
    unique = max(Counter(ours.values()).values(), default=0) == 1
    if not unique or Counter(ours.values()) != Counter(theirs.values()):
        wrong = [f"{name} {shape}" for name, shape in ours.items() if given.get(name, np.empty(())).shape != shape]
        got = [f"{name} {shape}" for name, shape in theirs.items() if expected.get(name, np.empty(())).shape != shape]
        raise HandmadeError(f"state dict: expected the arrays {join_names(wrong)}; got {join_names(got)}. Rename them")
    of_shape = {shape: name for name, shape in theirs.items()}
    return {name: given[of_shape[shape]] for name, shape in ours.items()}


def _check_arrays(named: Mapping[str, Array], expected: Mapping[str, Array]) -> None:
    for name in _needed(expected):
        array, usual = named[name], expected[name]
        if array.shape != usual.shape:
            raise HandmadeError(f"state dict: expected {name} of shape {usual.shape}; got {array.shape}")
        if usual.dtype.kind == "f" and array.dtype.name not in FLOATS:
            raise HandmadeError(f"state dict: expected {name} of float16, float32 or float64; got {array.dtype}")
        if usual.dtype.kind == "f" and not np.isfinite(array).all():
            raise HandmadeError(f"state dict: expected finite numbers; {name} holds NaN or infinity")
        if usual.dtype.kind != "f" and not np.array_equal(array, usual):
            raise HandmadeError(f"state dict: expected {name} as this network has it; got other places")


def write(network: Network, path: str | Path) -> None:
    """Write the state dict to a safetensors file, completely or not at all.

    In PyTorch: `model.load_state_dict(safetensors.torch.load_file(path))`.

    Raises
    ------
    HandmadeError
        If PyTorch has no module for a layer.
    OSError
        If the file cannot be written.
    """
    write_atomically(as_path(path, "path"), save(to_state_dict(network), metadata={"format": "pt"}))


def read(path: str | Path) -> dict[str, Array]:
    """Read a state dict from a safetensors file, or from a .pth or .pt file if PyTorch is installed.

    A checkpoint may hold the state dict beside other things, under "model_state_dict", "state_dict" or "model".

    A .pth file is a pickle, which can hold code. It is read by `torch.load(weights_only=True)`, which runs none.

    Raises
    ------
    HandmadeError
        If it is missing, damaged, or holds something else.
    """
    file = as_path(path, "path")
    if not file.is_file():
        raise HandmadeError(f"{file}: expected a file of weights; there is no such file")
    if file.suffix.lower() in {".pth", ".pt"}:
        return _from_torch(file)
    try:
        arrays: dict[str, Array] = read_with(file, lambda found: found.arrays())
    except (BadTensors, OSError) as error:
        raise HandmadeError(
            f"{file}: expected a complete safetensors file; got another format, or a damaged file ({error})"
        ) from None
    return arrays


def _from_torch(path: Path) -> dict[str, Array]:
    try:
        import torch  # noqa: PLC0415  not installed on most machines, and slow to load
    except ImportError:
        raise HandmadeError(library_missing(str(path), "torch")) from None
    if path.stat().st_size > LARGEST:
        raise HandmadeError(f"{path}: expected a file of weights; {path.stat().st_size:,} bytes are too many")
    try:
        with warnings.catch_warnings(action="ignore"):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # noqa: BLE001  PyTorch raises many kinds, with advice to load such a file nevertheless
        raise HandmadeError(
            f"{path}: expected a state dict; the file is damaged, or holds more than tensors, which could run code. "
            "Try torch.save(model.state_dict(), path) where it was made"
        ) from None
    if isinstance(found, Mapping) and any(isinstance(found.get(name), Mapping) for name in CHECKPOINT):
        found = next(found[name] for name in CHECKPOINT if isinstance(found.get(name), Mapping))
    if not isinstance(found, Mapping) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise HandmadeError(f"{path}: expected a state dict, names and tensors; got {described(found)}. Try model.state_dict()")
    return {str(name): (value.float() if value.dtype == torch.bfloat16 else value).numpy() for name, value in found.items()}
