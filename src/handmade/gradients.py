"""Gradients, for users: `handmade.gradients.definition` and `handmade.gradients.difference`."""

from handmade.engine.gradients import definition, difference

__all__ = ["definition", "difference"]
