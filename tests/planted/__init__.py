"""Planted bugs that prove the checker of layers, and beside each the correct layer that it was made from."""

from planted import convolution, dense, normalisation, pointwise, pooling
from planted.exhibit import CORRECT, NAMES, PLANTED, Planted

__all__ = ["CORRECT", "NAMES", "PLANTED", "Planted", "convolution", "dense", "normalisation", "pointwise", "pooling"]
