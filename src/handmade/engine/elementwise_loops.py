"""Layers that work element by element, and softmax, as nested loops like those of `loops.py`: read that file first.

elu            y = x where x > 0, else a (exp(x) - 1)
clip           y = min(max(x, low), high)
hard_sigmoid   y = min(max(a x + b, 0), 1)
gelu           y = x/2 (1 + erf(x / sqrt(2)))
exp, log, sqrt
affine         y = s x + t
softmax        y[..., i, ...] = exp(x[..., i, ...]) / sum over k of exp(x[..., k, ...])
log_softmax    the logarithm of softmax
subtract       y = a - b
divide         y = a / b
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from handmade.engine.loops import Array, Number

Function: TypeAlias = Callable[[Number], Number]


def each(x: Array, function: Function) -> Array:
    """Apply a function to every number of an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    for at in np.ndindex(x.shape):
        y[at] = function(x[at])
    return y


def elu(x: Array, alpha: Number = 1.0, *, exp: Function = math.exp) -> Array:
    """Let negative numbers end at -alpha, in an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    for at in np.ndindex(x.shape):
        y[at] = x[at] if x[at] > 0 else alpha * (exp(x[at]) - 1)
    return y


def clip(x: Array, low: Number = -math.inf, high: Number = math.inf) -> Array:
    """Replace numbers beyond a bound by the bound, in an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    for at in np.ndindex(x.shape):
        y[at] = min(max(x[at], low), high)
    return y


def hard_sigmoid(x: Array, slope: Number = 0.2, shift: Number = 0.5) -> Array:
    """Map every number into the interval from 0 to 1 by three straight lines, in an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    for at in np.ndindex(x.shape):
        y[at] = min(max(slope * x[at] + shift, 0), 1)
    return y


def gelu(x: Array, *, erf: Function = math.erf, sqrt: Function = math.sqrt) -> Array:
    """Multiply every number by the probability that a normal number is below it, in an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    for at in np.ndindex(x.shape):
        y[at] = x[at] / 2 * (1 + erf(x[at] / sqrt(2)))
    return y


def affine(x: Array, scale: Array, shift: Array) -> Array:
    """Multiply images by constants and add constants; both have the shape of one image: (N, ...) -> (N, ...)."""
    y = np.empty(x.shape, np.result_type(x, scale, shift))
    for at in np.ndindex(x.shape):
        y[at] = scale[at[1:]] * x[at] + shift[at[1:]]
    return y


def softmax(x: Array, axis: int, *, exp: Function = math.exp) -> Array:
    """Divide exp of every number by the sum of exp over its axis, in an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    for at in np.ndindex(x.shape):
        total: Number = 0
        for k in range(x.shape[axis]):
            total += exp(x[(*at[:axis], k, *at[axis + 1 :])])
        y[at] = exp(x[at]) / total
    return y


def log_softmax(x: Array, axis: int, *, exp: Function = math.exp, log: Function = math.log) -> Array:
    """Return the logarithms of softmax."""
    return each(softmax(x, axis, exp=exp), log)


def subtract(a: Array, b: Array) -> Array:
    """Subtract activations of one shape, element by element."""
    y = np.empty(a.shape, a.dtype)
    for at in np.ndindex(a.shape):
        y[at] = a[at] - b[at]
    return y


def divide(a: Array, b: Array) -> Array:
    """Divide activations of one shape, element by element."""
    y = np.empty(a.shape, a.dtype)
    for at in np.ndindex(a.shape):
        y[at] = a[at] / b[at]
    return y
