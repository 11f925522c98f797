"""JAX functions as layers on NumPy arrays.

    gx, gW = jax.vjp(forward, x, W)(gy)

Each call computes in 64 bits, without a change of the user's setting.
"""

import copy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.frameworks.jax_arrays import calling, is_array, to_numpy
from handmade.frameworks.origin import constants_note, reported_as


def as_layer(layer: Any, x: Array, dtype: Any) -> Any:
    """Return the layer of a function of one array, or of an object that can be called; any other object unchanged.

    Raises
    ------
    HandmadeError
        If the layer fails for x in float64 and in float32.
    """
    if isinstance(layer, type) or not callable(layer):
        return layer
    name = getattr(layer, "__name__", type(layer).__name__)
    requested = [] if dtype is None else [np.dtype(dtype)]
    failed: list[Exception] = []
    runs_forward = None
    for candidate in requested or [np.dtype(np.float64), np.dtype(np.float32)]:
        try:
            made = reported_as(name, JaxFunction)(layer, name, candidate)
            y = made.forward(np.array(x))
            runs_forward = runs_forward or made
            made.backward(np.array(x), np.ones_like(y))
        except HandmadeError:
            raise
        except Exception as error:  # noqa: BLE001  the function may raise any exception for a wrong dtype or shape
            failed.append(error)
        else:
            runs_forward = made
            break
    if runs_forward is None:
        raise HandmadeError(
            f"{name}: expected a function of x of shape {np.shape(x)}; it fails: {_line(failed[-1])}"
        ) from failed[-1]
    if runs_forward.dtype != np.float64 and not requested:
        runs_forward.notes = (f"computed in float32: {name} does not accept float64 ({_line(failed[0])})",)
    runs_forward.notes += constants_note(layer, name)
    return runs_forward


class JaxFunction:
    """JAX function as a layer on NumPy arrays; its backward is jax.vjp, or custom_vjp if the function defines one.

    Parameters
    ----------
    compute : callable
        Function of one array, or a callable object whose arrays of floats are weights: a registered pytree, or an object that
        holds them in attributes, lists and dicts.
    name : str
        Name in reports.
    dtype : numpy.dtype
        Dtype of x, gy and the weights.

    Attributes
    ----------
    notes : tuple of str
        Remarks for a report: a dtype that was not accepted, arrays that are not compared.
    """

    names_all_weights = True

    def __init__(self, compute: Any, name: str, dtype: Any) -> None:
        self.name = name
        self.notes: tuple[str, ...] = ()
        self.dtype = np.dtype(dtype)
        self._compute = compute
        self._registered = not jax.tree_util.treedef_is_leaf(jax.tree_util.tree_structure(compute))
        found, self._structure = jax.tree_util.tree_flatten_with_path(compute if self._registered else _held(compute))
        self._leaves = tuple(leaf for _, leaf in found)
        floats = [(n, _name(path), leaf) for n, (path, leaf) in enumerate(found) if is_array(leaf) and _is_float(leaf)]
        with calling():
            self._weights = tuple((n, name, np.array(leaf, self.dtype)) for n, name, leaf in floats)

    def parameters(self) -> dict[str, Array]:
        """Return the weights by name, the same arrays each time; the next call uses the numbers that are written to them."""
        return {name: array for _, name, array in self._weights}

    def forward(self, x: Array) -> Array:
        """Return a copy of y."""
        with calling():
            return to_numpy(self._output(self._input(x), self._arrays()))

    def backward(self, x: Array, gy: Array) -> tuple[Array | None, dict[str, Array]]:
        """Return gx (None for an x of integers) and the gradients by name."""
        with calling():
            y, transpose = jax.vjp(self._output, self._input(x), self._arrays())
            gx, gradients = transpose(jnp.array(gy, y.dtype))
            found = [to_numpy(g) for g in gradients]
            return (to_numpy(gx) if x.dtype.kind == "f" else None), dict(zip(self.parameters(), found, strict=True))

    def __deepcopy__(self, memo: dict[int, Any]) -> "JaxFunction":
        other = copy.copy(self)  # JAX arrays cannot be written to, and functions need no copy
        weights = tuple((n, name, np.asarray(copy.deepcopy(array, memo), self.dtype)) for n, name, array in self._weights)
        memo |= {id(old): new for (_, _, old), (_, _, new) in zip(self._weights, weights, strict=True)}
        other._weights = weights  # noqa: SLF001  an object of the same class
        memo[id(self)] = other
        return other

    def _input(self, x: Array) -> Any:
        return jnp.array(x, self.dtype if x.dtype.kind == "f" else x.dtype)

    def _arrays(self) -> list[Any]:
        return [jnp.array(array) for _, _, array in self._weights]

    def _output(self, x: Any, arrays: list[Any]) -> Any:
        """Return the output as one array of floats: several are concatenated, a complex number becomes two numbers."""
        result = self._with_weights(arrays)(x)
        found = [y for y in jax.tree_util.tree_leaves(result) if isinstance(y, jax.Array)]
        found = [jnp.stack([y.real, y.imag], -1) if jnp.iscomplexobj(y) else y for y in found]
        found = [y for y in found if _is_float(y)]
        if not found:
            raise HandmadeError(f"{self.name}: expected an array of floats; got {type(result).__name__}")
        if len(found) == 1:
            return found[0]
        by_image = all(y.ndim > 0 and len(y) == len(x) for y in found)
        return jnp.concatenate([y.reshape(len(x), -1) if by_image else y.reshape(-1) for y in found], axis=-1)

    def _with_weights(self, arrays: list[Any]) -> Any:
        """Return the function with arrays instead of its weights."""
        if not arrays:
            return self._compute
        leaves = list(self._leaves)
        for (n, _, _), array in zip(self._weights, arrays, strict=True):
            leaves[n] = array
        held = jax.tree_util.tree_unflatten(self._structure, leaves)
        if self._registered:
            return held
        other = copy.copy(self._compute)
        vars(other).update(held)
        return other


def _held(compute: Any) -> dict[str, Any]:
    """Return the attributes of an object of a user's class; functions hold no weights."""
    own = type(compute).__module__.partition(".")[0] not in {"jax", "jaxlib", "builtins", "functools"}
    return dict(vars(compute)) if own and hasattr(compute, "__dict__") else {}


def _is_float(array: Any) -> bool:
    return bool(jnp.issubdtype(array.dtype, jnp.floating))


def _name(path: Any) -> str:
    return ".".join(str(next(getattr(key, word) for word in ("key", "name", "idx") if hasattr(key, word))) for key in path)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
