"""Losses, for users: `handmade.losses.CrossEntropy` and `handmade.losses.MeanSquaredError`."""

from handmade.engine.losses import CrossEntropy, MeanSquaredError

__all__ = ["CrossEntropy", "MeanSquaredError"]
