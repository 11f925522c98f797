"""Gradients, for users: `handmade.gradients.definition`, `.difference` and `.backprop`; `.input_gradient` for the pixels."""

from handmade.engine.gradients import backprop, definition, difference, input_gradient

__all__ = ["backprop", "definition", "difference", "input_gradient"]
