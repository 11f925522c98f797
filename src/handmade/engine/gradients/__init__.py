"""Gradient of the loss with respect to every weight, computed in several ways."""

from handmade.engine.gradients.backprop import backprop, input_gradient
from handmade.engine.gradients.definition import definition
from handmade.engine.gradients.difference import difference

__all__ = ["backprop", "definition", "difference", "input_gradient"]
