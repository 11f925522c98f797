"""The checkers: every gradient of a network against exact quotients, and a layer of anybody's own against the laws.

network.py          backpropagation against one-sided quotients: agree, kink, not tested or bug
network_report.py   the same, array by array, as data and in words
rounding.py         what rounding may leave of a derivative that is zero
inactive.py         slopes that are all zero: right, or not tested
steps.py            the error of a quotient, against its h
kinks.py            which unit or window a nudge pushes across a kink
layer.py            check_layer and check_function
subject.py          a layer made ready to be checked
questions.py        the order of the questions
gradients.py        the gradients that a layer gives
agreement.py        the gradient of one array at one input: right or wrong; explanation.py, the finding about it
side_effects.py     arrays written to, results that depend on earlier calls, lost precision
slopes.py           one-sided slopes, their noise and their error bars
other_inputs.py     inputs beside the one that is given
comparison.py       a gradient beside the numerical one
diagnosis.py        the name of a mistake; mistakes/, the mistakes
report.py           the report
"""

from handmade.engine.check.layer import check_function, check_layer
from handmade.engine.check.network import ArrayReport, Report, check
from handmade.engine.check.report import Finding, LayerReport
from handmade.engine.check.steps import StepErrors, error_against_h

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
