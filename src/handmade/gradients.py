"""Gradients, for users: three ways to them, `input_gradient` for the pixels; `check` and `check_layer` tell who is right."""

from handmade.engine.check import LayerReport, check, check_layer
from handmade.engine.gradients import backprop, definition, difference, input_gradient

__all__ = ["LayerReport", "backprop", "check", "check_layer", "definition", "difference", "input_gradient"]
