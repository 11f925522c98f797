"""The laws, run on anybody's layer: side effects, the difference, the transpose.

    delta(x, dx) = forward(x + dx) - forward(x),   <gy, slope of forward along d> = <g, d>  for x and every weight array

The upstream gradients gy are random, for a uniform one hides what is transposed, flipped or averaged. A correct layer on a kink
is not accused: there, each output's slope may lie anywhere between its two one-sided ones.
"""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from handmade.engine.arguments import as_array, as_dtype, as_generator, described, is_number, refused
from handmade.engine.arrays import Array
from handmade.engine.check.layers.questions import Questions
from handmade.engine.check.layers.report import LayerReport
from handmade.engine.check.layers.subject import checkable

SEED = (0, 1)  # a stream of its own: x may well be the first numbers of default_rng(0)


def check_layer(
    layer: Any,
    x: ArrayLike,
    *,
    weights: Iterable[str] | None = None,
    settings: Iterable[str] | None = None,
    dtype: Any = None,
    tolerance: float | None = None,
    rng: "np.random.Generator | None" = None,
) -> LayerReport:
    """Check a layer of your own, and say in words what is wrong.

    Everything is done to copies, in float64. A few small images are enough, and quick: three of them, higher than wide.

    Parameters
    ----------
    layer : object
        It has ``forward(x)`` and ``backward``: ``backward(x, gy)``, or ``backward(gy)`` after a forward, or another way of those
        in docs/check.md. Backward returns gx, or gx and the gradients of the weights; or it leaves these in the layer: ``dW``
        beside ``W``, ``grads["W"]``, ``W.grad``. A ``zero_grad()`` is called before. ``delta(x, dx)`` is used if there is one;
        without it, slopes are subtractions, right to some six digits. `handmade.gradients.check_layer` takes modules and
        functions of PyTorch and JAX as well.
    x : Array, (N, ...)
        Inputs, images first. It may lie on kinks and ties; inputs near it, with more ties and at other scales are tried, too.
        An array of integers is handed on as it is if the layer counts with it, as an embedding does.
    weights, settings : iterable of str, optional
        Names of arrays and numbers of the layer that are its weights, or are none. If left out, they are found: a weight is an
        array of floats that moves the output, and must have a gradient.
    dtype : dtype, optional
        Of x and the weights; float64 if left out.
    tolerance : float, optional
        The relative error of a gradient that is allowed; if left out, 1e-7 for a layer that computes in float64, 2e-2 in float32.
    rng : numpy.random.Generator, optional
        Where directions and upstream gradients come from; always the same if left out.

    Returns
    -------
    LayerReport
        ``.verdict`` is "correct", "wrong" or "not tested"; the report is true only for the first. Print it.

    Raises
    ------
    HandmadeError
        If the layer has no forward or backward, or they raise for x, or x is not made of finite numbers.
    """
    return _checked(layer, x, weights, settings, dtype=dtype, tolerance=tolerance, rng=rng)


def check_function(
    f: Callable[[Array], Array],
    vjp: Callable[[Array, Array], Array],
    x: ArrayLike,
    *,
    dtype: Any = None,
    tolerance: float | None = None,
    rng: "np.random.Generator | None" = None,
) -> LayerReport:
    """Check a plain function and its backward.

    Parameters
    ----------
    f : callable
        x -> y, arrays of any shape.
    vjp : callable
        (x, gy) -> gx, the gradient of sum(gy * f(x)).
    x : Array
        An input.
    dtype, tolerance, rng
        As for `check_layer`.

    Returns
    -------
    LayerReport

    Raises
    ------
    HandmadeError
        If one of them raises for x, or x is not made of finite numbers.
    """
    name = getattr(f, "__name__", type(f).__name__)
    return _checked(_Function(f, vjp), x, dtype=dtype, tolerance=tolerance, rng=rng, function=name)


class _Function:
    """A function and its backward, as a layer without weights."""

    def __init__(self, f: Callable[[Array], Array], vjp: Callable[[Array, Array], Array]) -> None:
        self.forward, self._vjp = f, vjp

    def backward(self, x: Array, gy: Array) -> Any:
        return self._vjp(x, gy)


def _checked(
    layer: Any,
    x: ArrayLike,
    weights: Iterable[str] | None = None,
    settings: Iterable[str] | None = None,
    *,
    dtype: Any,
    tolerance: float | None,
    rng: "np.random.Generator | None",
    function: str = "",
) -> LayerReport:
    if tolerance is not None and not (is_number(tolerance) and 0 < tolerance < 1):
        raise refused("tolerance", "a number between 0 and 1", described(tolerance), "tolerance=1e-4")
    dtype = None if dtype is None else as_dtype(dtype)
    weights, settings = _names(weights, "weights"), _names(settings, "settings")
    draws = np.random.default_rng(SEED) if rng is None else as_generator(rng)
    given = as_array(x, "x")
    x = np.array(given, None if dtype is None or given.dtype.kind in "iub" else dtype)
    if x.ndim < 1 or x.size == 0:
        advice = "np.random.default_rng(0).standard_normal((3, 5))"
        raise refused("x", "an array of numbers (N, ...), one image or more", described(x), advice)
    if not np.all(np.isfinite(x)):
        place = tuple(np.argwhere(~np.isfinite(x))[0].tolist())
        raise refused("x", "finite numbers", f"{x[place]} in x[{', '.join(map(str, place))}]")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what is tried may overflow, and a layer may say so
        subject = checkable(layer, x, dtype or np.float64, weights, settings, function)
        return Questions(subject, tolerance, draws).run()


def _names(value: Any, name: str) -> list[str] | None:
    """Return names of arrays as a list; None stands for no list."""
    if value is None:
        return None
    names = [value] if isinstance(value, str) else list(value) if isinstance(value, Iterable) else [value]
    if not all(isinstance(each, str) for each in names):
        raise refused(name, "a list of names", described(value), f"{name}=['W']")
    return names
