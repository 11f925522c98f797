"""The words that options of `handmade train` take."""

from enum import StrEnum


class RecipeChoice(StrEnum):
    """Other defaults for all options; see cli/recipes.py."""

    best = "best"


class GradientChoice(StrEnum):
    """How the gradient is worked out."""

    difference = "difference"
    definition = "definition"
    backprop = "backprop"


class LossChoice(StrEnum):
    """What is to become small."""

    cross_entropy = "cross-entropy"
    squares = "squares"


class SchemeChoice(StrEnum):
    """One side of the weight, or both."""

    forward = "forward"
    central = "central"


class OptimiserChoice(StrEnum):
    """What is done with the gradient."""

    gradient_descent = "gradient-descent"
    momentum = "momentum"
    nesterov = "nesterov"
    rmsprop = "rmsprop"
    adam = "adam"
    adamw = "adamw"


class ScheduleChoice(StrEnum):
    """How the learning rate goes on."""

    linear = "linear"
    constant = "constant"
    cosine = "cosine"
    step = "step"
    one_cycle = "one-cycle"


class DtypeChoice(StrEnum):
    """The precision of the numbers."""

    float32 = "float32"
    float64 = "float64"
