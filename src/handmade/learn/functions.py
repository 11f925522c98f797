"""Functions that are arguments of exercises. They are sent to the student's process by name."""

import numpy as np

from handmade.learn.arguments import Array


def square_sum(w: Array) -> float:
    """Return the sum of all squares."""
    return float(np.sum(w**2))


def sine_sum(w: Array) -> float:
    """Return a smooth function, in which every number has another weight."""
    return float(np.sum(np.sin(w).ravel() * np.arange(1, w.size + 1)))


def product_sum(w: Array) -> float:
    """Return a function in which neighbours depend on each other."""
    flat = w.ravel()
    return float(np.sum(flat[1:] * flat[:-1]) + np.sum(flat**3))


def neighbour_sines(w: Array) -> float:
    """Return a bounded function in which neighbours depend on each other."""
    flat = w.ravel()
    return float(np.sum(np.sin(flat[1:] + 2 * flat[:-1])))


def relu_sum(w: Array) -> float:
    """Return a function with a kink at 0."""
    return float(np.sum(np.maximum(w, 0)))


def square_gradient(w: Array, batch: float) -> Array:
    """Return the gradient of the sum of (w - batch)² / 2."""
    return np.asarray(w - batch, float)


def curved_gradient(w: Array, batch: float) -> Array:
    """Return a gradient that changes with w, and differs from batch to batch."""
    return np.asarray(np.sin(w) * batch + 0.1 * w, float)
