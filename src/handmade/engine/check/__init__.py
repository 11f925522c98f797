"""Who is right: every gradient of a network against exact quotients, or a layer of anybody's own against the laws.

network.py          backpropagation against one-sided quotients: agree, kink, not tested or bug
network_report.py   the same, array by array, as data and in words
rounding.py         what rounding may leave of a derivative that is zero
subtracted.py       one-sided slopes where a layer's difference is a subtraction
inactive.py         slopes that are all zero: right, or not tested
steps.py            how wrong a quotient is, against its h
kinks.py            which unit or window a nudge pushes across a kink
layer.py            the laws, run on a stranger's layer
stranger.py         how such a layer is called, in whichever style it is written
manners.py          what it must leave alone: inputs, weights, and what it remembers
comparison.py       its gradient beside a numerical one
diagnosis.py        what a wrong gradient looks like: mistakes by name
window_mistakes.py  those of convolutions and pools
report.py           what is said in the end
"""

from handmade.engine.check.layer import check_layer
from handmade.engine.check.network import ArrayReport, Report, check
from handmade.engine.check.report import Finding, LayerReport
from handmade.engine.check.steps import StepErrors, error_against_h

__all__ = ["ArrayReport", "Finding", "LayerReport", "Report", "StepErrors", "check", "check_layer", "error_against_h"]
