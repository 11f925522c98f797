"""Planted bugs that prove the checker of layers, and beside each the correct layer that it was made from."""

from planted import convolution, dense, flat, normalisation, pointwise, pooling, sequences, side_effects, storage
from planted.exhibit import CORRECT, NAMES, PLANTED, Planted

__all__ = [
    "CORRECT",
    "NAMES",
    "PLANTED",
    "Planted",
    "convolution",
    "dense",
    "flat",
    "normalisation",
    "pointwise",
    "pooling",
    "sequences",
    "side_effects",
    "storage",
]
