"""Losses, for users: `handmade.losses.CrossEntropy`."""

from handmade.engine.losses import CrossEntropy

__all__ = ["CrossEntropy"]
