"""The checkers of gradients: for a complete network, and for one layer that a user wrote.

networks/   check: backpropagation compared with one-sided quotients; error_against_h: error of a quotient for each step size h
layers/     check_layer and check_function
"""

from handmade.engine.check.layers.check import check_function, check_layer
from handmade.engine.check.layers.report import Finding, LayerReport
from handmade.engine.check.networks.check import check
from handmade.engine.check.networks.report import ArrayReport, Report
from handmade.engine.check.networks.steps import StepErrors, error_against_h

__all__ = [
    "ArrayReport",
    "Finding",
    "LayerReport",
    "Report",
    "StepErrors",
    "check",
    "check_function",
    "check_layer",
    "error_against_h",
]
