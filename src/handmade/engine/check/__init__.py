"""The checkers: every gradient of a network against exact quotients, and a layer of anybody's own against the laws.

networks/   check: backpropagation against one-sided quotients; error_against_h: the error of a quotient, against its h
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
