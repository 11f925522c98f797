"""Gradients, for users: three ways to them, `input_gradient` for the pixels, and `check`, which tells who is right."""

from handmade.engine.gradients import backprop, check, definition, difference, input_gradient

__all__ = ["backprop", "check", "definition", "difference", "input_gradient"]
