"""Conversion between PyTorch tensors and NumPy arrays, and the context for calls of PyTorch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from handmade.engine.arrays import Array
from handmade.frameworks.origin import CLOSED, copied_object, parts

SEED = 0


@contextmanager
def calling() -> Iterator[None]:
    """Seed PyTorch's generator, enable autograd and use one thread; restore all three afterwards."""
    generator = torch.default_generator
    state, threads = generator.get_state(), torch.get_num_threads()
    generator.manual_seed(SEED)
    torch.set_num_threads(1)  # inputs are small: several threads take up to five times as long
    try:
        with torch.inference_mode(mode=False), torch.enable_grad():
            yield
    finally:
        generator.set_state(state)
        torch.set_num_threads(threads)


def is_array(value: Any) -> bool:
    """Return True if a value is a tensor that can become a NumPy array."""
    return isinstance(value, torch.Tensor) and value.layout == torch.strided and not value.is_quantized


def to_numpy(value: Any) -> Array:
    """Return an array that shares memory with the tensor; complex numbers become two numbers each, bfloat16 becomes float32."""
    value = value.detach()
    if value.is_complex():
        value = torch.view_as_real(value.resolve_conj())
    if value.dtype is torch.bfloat16:
        value = value.float()
    array: Array = value.resolve_neg().cpu().numpy()
    return array


def copied(value: Any, memo: dict[int, Any]) -> Any:
    """Copy a module, or an object with tensors; tensors are copied without their autograd graph."""
    for part in _with_graph(value, set()):
        memo.setdefault(id(part), part.detach().clone())
    return copied_object(value, memo)


def to_library(array: Array) -> Any:
    """Return an array as a tensor, with shared memory if PyTorch allows it."""
    if any(stride < 0 for stride in array.strides) or not array.flags.writeable or array.dtype.byteorder == ">":
        array = np.array(array, array.dtype.newbyteorder("="), order="C")  # PyTorch does not support these arrays
    return torch.from_numpy(array)


def with_strides(leaf: Any, x: Array) -> Any:
    """Return a copy of a tensor with the strides of an array, if no two numbers share memory."""
    if x.size == 0 or any(stride < 0 or stride % x.itemsize for stride in x.strides):
        return leaf.clone()
    taken = 1
    for stride, size in sorted((stride // x.itemsize, size) for stride, size in zip(x.strides, x.shape, strict=True) if size > 1):
        if stride < taken:
            return leaf.clone()
        taken = stride * size
    return torch.empty_strided(x.shape, [stride // x.itemsize for stride in x.strides], dtype=leaf.dtype).copy_(leaf)


def _with_graph(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield the tensors in a module or an object that are not leaves of the autograd graph."""
    if id(value) in seen or isinstance(value, CLOSED):
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        if not value.is_leaf:
            yield value
    elif isinstance(value, dict | list | tuple | torch.nn.Module) or type(value).__module__.partition(".")[0] != "torch":
        for part in parts(value):
            yield from _with_graph(part, seen)
