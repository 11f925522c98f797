"""PyTorch modules and functions as layers on NumPy arrays.

    gx, gW = torch.autograd of forward, for the upstream gradient gy

Each call starts with the same buffers and draws the same random numbers, so that a slope can be compared with a gradient.
PyTorch's own state is restored afterwards.
"""

import copy
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import torch

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.frameworks.origin import attributes, constants_note, held_library, parts, reported_as
from handmade.frameworks.tensors import calling, copied, to_library, to_numpy, with_strides


def as_layer(layer: Any, x: Array, dtype: Any) -> Any:
    """Return the layer of a module, a subclass of Function, or a function of one tensor; other classes unchanged.

    Raises
    ------
    HandmadeError
        If forward fails for x in every dtype, has more inputs than x, or the weights are tensors outside a module.
    """
    owner = getattr(layer, "__self__", None)
    if isinstance(owner, type) and issubclass(owner, torch.autograd.Function):
        layer = owner  # the class of Square.apply
    if isinstance(layer, type):
        if issubclass(layer, torch.nn.Module):
            raise HandmadeError(f"{layer.__name__}: expected a module object; got its class. Try {layer.__name__}(...)")
        if not issubclass(layer, torch.autograd.Function):
            return layer
        function: Any = layer
        _check_inputs(function)
        with torch.inference_mode(mode=False):
            return _first_that_computes(function.apply, layer.__name__, x, dtype)
    if not callable(layer):
        return layer
    if not isinstance(layer, torch.nn.Module) and attributes(layer) and not inspect.isroutine(layer) and held_library(layer):
        name = type(layer).__name__
        raise HandmadeError(f"{name}: expected a backward, or a torch.nn.Module with its weights as nn.Parameter; got neither")
    with torch.inference_mode(mode=False):
        return _first_that_computes(layer, getattr(layer, "__name__", type(layer).__name__), x, dtype)


class TorchLayer:
    """PyTorch computation as a layer on NumPy arrays; its backward is that of autograd.

    Parameters
    ----------
    compute : callable
        Module, which only this layer may use, or a function. If it returns several tensors, they are concatenated.
    name : str
        Name in reports.
    dtype : torch.dtype
        Dtype of x and gy.

    Attributes
    ----------
    notes : tuple of str
        Remarks for a report: a dtype that was not accepted, weights that are frozen.
    """

    names_all_weights = True

    def __init__(self, compute: Any, name: str, dtype: torch.dtype) -> None:
        self.name = name
        self.notes: tuple[str, ...] = ()
        self.dtype = dtype
        self._compute = compute
        module = compute if isinstance(compute, torch.nn.Module) else torch.nn.Module()
        named = [(name, p) for name, p in module.named_parameters() if p.requires_grad and _has_numbers(p)]
        frozen = [p for p in module.parameters() if not p.requires_grad]
        self._weights = tuple(
            (name, p, to_numpy(p)) for name, p in named
        )  # in a tuple, so that these are not found as attributes
        self._statistics = frozen
        self._buffers = tuple(
            (owner, key, buffer) for owner in module.modules() for key, buffer in owner.named_buffers(recurse=False)
        )

    def parameters(self) -> dict[str, Array]:
        """Return the weights by name: the same arrays each time, which share memory with the module."""
        return {name: array for name, _, array in self._weights}

    def forward(self, x: Array) -> Array:
        """Return y without a copy, so that the checker can find a buffer that is used again."""
        with self._call():
            return to_numpy(self._outputs(x)[1])

    def backward(self, x: Array, gy: Array) -> tuple[Array | None, dict[str, Array]]:
        """Return gx (None for an x of integers) and the gradients by name; zero where autograd has none."""
        weights = [p for _, p, _ in self._weights]
        with self._call():
            leaf, y = self._outputs(x)
            inputs = [leaf, *weights] if leaf.requires_grad else weights
            gradients: Any = [None] * len(inputs)
            if y.requires_grad and isinstance(self._compute, torch.nn.Module):
                for p in self._compute.parameters():
                    p.grad = None
                y.backward(to_library(gy).to(y.dtype))  # as in training: this includes gradients that a module sets itself
                gradients = [tensor.grad for tensor in inputs]
            elif y.requires_grad and inputs:
                gradients = torch.autograd.grad(y, inputs, to_library(gy).to(y.dtype), allow_unused=True)
            found = [
                to_numpy(torch.zeros_like(tensor) if g is None else g).copy() for tensor, g in zip(inputs, gradients, strict=True)
            ]
        gx = found.pop(0) if leaf.requires_grad else None
        return gx, dict(zip(self.parameters(), found, strict=True))

    @torch.inference_mode(mode=False)  # type: ignore[untyped-decorator]
    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        other = type(self)(copied(self._compute, memo), self.name, self.dtype)
        other.notes = self.notes
        shared = []
        for (name, p, new), (_, _, old) in zip(other._weights, self._weights, strict=True):  # noqa: SLF001  an object of the same class
            array = memo.get(id(old), new)  # other owners of the array get the new array
            if array.dtype != new.dtype:
                array = new
            elif array is not new:
                p.data = torch.view_as_complex(to_library(array)) if p.is_complex() else to_library(array)
            memo[id(old)] = array
            shared.append((name, p, array))
        other._weights = tuple(shared)  # noqa: SLF001
        memo[id(self)] = other
        return other

    def _outputs(self, x: Array) -> tuple[Any, Any]:
        """Return x as a leaf tensor, and y; x keeps its strides, so that layers that read them wrongly are found."""
        leaf = to_library(x)
        if x.dtype.kind != "f":
            return leaf, _joined(self._compute(leaf), len(x), self.name)
        leaf = leaf.to(self.dtype).clone().requires_grad_()
        given = with_strides(leaf, x)  # not a leaf: a layer may change it in place
        source = given.grad_fn
        y = _joined(self._compute(given), len(x), self.name)
        if given.grad_fn is source and not torch.equal(given, leaf) and not torch.isnan(leaf).any():
            x[...] = to_numpy(given)  # changed without autograd: show the change to the checker
        return leaf, y

    @contextmanager
    def _call(self) -> Iterator[None]:
        """Use the same random numbers and buffers in each call."""
        kept = [(owner, key, buffer, buffer.clone()) for owner, key, buffer in self._buffers]
        frozen = [(tensor, tensor.detach().clone()) for tensor in self._statistics]
        try:
            with calling():
                yield
        finally:
            with torch.no_grad():
                for owner, key, buffer, values in kept:
                    buffer.detach().copy_(values)
                    setattr(owner, key, buffer)
                for tensor, values in frozen:
                    tensor.detach().copy_(values)


def _first_that_computes(compute: Any, name: str, x: Array, dtype: Any) -> TorchLayer:
    """Return the layer in the first dtype in which forward and backward run, or only forward if backward always fails."""
    requested = [] if dtype is None else [to_library(np.empty(0, dtype)).dtype]
    failed: dict[torch.dtype, Exception] = {}
    runs_forward = None
    for candidate in requested or dict.fromkeys([torch.float64, _own_dtype(compute), torch.float32]):
        layer = reported_as(name, TorchLayer)(_in_dtype(compute, x, candidate), name, candidate)
        trial = copy.deepcopy(layer)
        try:
            y = trial.forward(np.array(x))
            runs_forward = runs_forward or layer
            trial.backward(np.array(x), np.ones_like(y))
        except HandmadeError:
            raise
        except Exception as error:  # noqa: BLE001  the layer may raise any exception for a wrong dtype or shape
            failed[candidate] = error
        else:
            runs_forward = layer
            break
    if runs_forward is None:
        *_, last = failed.values()
        raise HandmadeError(f"{name}: expected a layer for x of shape {np.shape(x)}; it fails: {_line(last)}") from last
    if runs_forward.dtype is not torch.float64 and not requested:
        runs_forward.notes = (
            f"computed in {str(runs_forward.dtype)[6:]}: {name} does not accept float64 ({_line(failed[torch.float64])})",
        )
    if isinstance(compute, torch.nn.Module):
        frozen = [key for key, p in compute.named_parameters() if not p.requires_grad]
        runs_forward.notes += (f"frozen, not compared: {', '.join(frozen)}",) if frozen else ()
    else:
        runs_forward.notes += constants_note(compute, name)
    return runs_forward


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _own_dtype(compute: Any) -> torch.dtype:
    dtypes = [p.dtype for p in compute.parameters()] if isinstance(compute, torch.nn.Module) else []
    return next((dtype for dtype in dtypes if dtype in {torch.float16, torch.float32}), torch.float32)


def _in_dtype(compute: Any, x: Array, dtype: torch.dtype) -> Any:
    """Return a function unchanged, and a copy of a module on the CPU with its weights and buffers in a dtype."""
    if not isinstance(compute, torch.nn.Module):
        return compute
    module = copied(compute, {}).cpu()
    if any(torch.nn.parameter.is_lazy(p) for p in module.parameters()):
        with calling(), torch.no_grad():
            module(
                to_library(x).to(torch.get_default_dtype()) if x.dtype.kind == "f" else to_library(x)
            )  # the first call sets the shapes of its weights
    tensors = [*module.parameters(), *module.buffers()]
    if not any(tensor.is_complex() for tensor in tensors):
        return module.to(dtype)
    for tensor in tensors:
        if tensor.is_complex() or tensor.is_floating_point():
            tensor.data = tensor.data.to(dtype.to_complex() if tensor.is_complex() else dtype)
    return module


def _has_numbers(parameter: Any) -> bool:
    return not torch.nn.parameter.is_lazy(parameter) and (parameter.is_floating_point() or parameter.is_complex())


def _joined(result: Any, images: int, name: str) -> Any:
    """Return the tensor of floats in a result; several are concatenated, image by image if all have the same number of images.

    Tensors without a gradient are left out if others have one.
    """
    found = [torch.view_as_real(y) if y.is_complex() else y for y in _tensors(result)]
    found = [y for y in found if y.is_floating_point()]
    found = [y for y in found if y.requires_grad] or found
    if not found:
        raise HandmadeError(f"{name}: expected a tensor of floats from forward; got {type(result).__name__}")
    if len(found) == 1:
        return found[0]
    by_image = all(y.ndim > 0 and len(y) == images for y in found)
    return torch.cat([y.reshape(images, -1) if by_image else y.reshape(-1) for y in found], dim=-1)


def _tensors(result: Any) -> Iterator[Any]:
    if isinstance(result, torch.Tensor):
        yield result
    elif isinstance(result, dict | list | tuple) or attributes(result):
        for part in parts(result):
            yield from _tensors(part)


def _check_inputs(function: Any) -> None:
    """Raise HandmadeError if forward has more inputs than x; the older of the two styles also has ctx."""
    given = list(inspect.signature(function.forward).parameters.values())
    newer = function.setup_context is not torch.autograd.Function.setup_context
    inputs = [p.name for p in given[0 if newer else 1 :] if p.kind <= p.POSITIONAL_OR_KEYWORD and p.default is p.empty]
    if len(inputs) > 1:
        name, more = function.__name__, ", ".join(inputs[1:])
        raise HandmadeError(
            f"{name}: expected one input, {inputs[0]}; it also needs {more}. Try lambda x: {name}.apply(x, {more})"
        )
