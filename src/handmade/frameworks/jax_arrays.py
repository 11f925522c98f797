"""Arrays of JAX and of NumPy, each as the other; what a call of JAX needs around it."""

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
    """Compute in 64 bits here, and nowhere else."""
    if hasattr(jax, "enable_x64"):
        context = jax.enable_x64(True)  # noqa: FBT003  a name of JAX's
    else:
        from jax.experimental import enable_x64  # noqa: PLC0415  its place in older versions

        context = enable_x64()
    with context:
        yield


def is_array(value: Any) -> bool:
    """Say that a value is an array of JAX's that NumPy can hold."""
    return isinstance(value, jax.Array) and not jnp.issubdtype(value.dtype, jax.dtypes.extended)


def to_numpy(array: Any) -> Array:
    """Return a copy; bfloat16 and the like, which NumPy lacks, as float32."""
    return np.array(array, np.float32 if array.dtype.kind == "V" else None)


def to_library(array: Array) -> Any:
    """Return a copy as an array of JAX's; to be called in `calling`."""
    return jnp.array(array)


def copied(value: Any, memo: dict[int, Any]) -> Any:
    """Copy an object with its arrays."""
    return copied_object(value, memo)
