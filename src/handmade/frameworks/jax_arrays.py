"""Conversion between JAX and NumPy arrays, and the context for calls of JAX."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from handmade.engine.arrays import Array
from handmade.frameworks.origin import copied_object


@contextmanager
def calling() -> Iterator[None]:
    """Compute in 64 bits during the context only."""
    if hasattr(jax, "enable_x64"):
        context = jax.enable_x64(True)  # noqa: FBT003  the signature of JAX
    else:
        from jax.experimental import enable_x64  # noqa: PLC0415  its module in older versions

        context = enable_x64()
    with context:
        yield


def is_array(value: Any) -> bool:
    """Return True if a value is a JAX array with a NumPy dtype."""
    return isinstance(value, jax.Array) and not jnp.issubdtype(value.dtype, jax.dtypes.extended)


def to_numpy(array: Any) -> Array:
    """Return a copy as a NumPy array; dtypes that NumPy does not have, such as bfloat16, as float32."""
    return np.array(array, np.float32 if array.dtype.kind == "V" else None)


def to_library(array: Array) -> Any:
    """Return a copy as a JAX array; call it inside the context `calling`."""
    return jnp.array(array)


def copied(value: Any, memo: dict[int, Any]) -> Any:
    """Copy an object with its arrays."""
    return copied_object(value, memo)
