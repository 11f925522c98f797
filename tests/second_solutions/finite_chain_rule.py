"""Wrong solutions of the step finite_chain_rule: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "derivative times change",
        "slope_before",
        """\
import numpy as np


def delta_relu(x, dx):
    return (x > 0) * dx


def delta_max(x, dx):
    return (dx - (x.max(axis=1, keepdims=True) - x)).max(axis=1)
""",
    ),
    (
        "change of the old winner",
        "winner_fixed",
        """\
import numpy as np


def delta_relu(x, dx):
    return np.maximum(dx + np.minimum(x, 0), -np.maximum(x, 0))


def delta_max(x, dx):
    return dx[np.arange(len(x)), x.argmax(axis=1)]
""",
    ),
    (
        "difference of two results",
        "max_subtracted",
        """\
import numpy as np


def delta_relu(x, dx):
    return np.maximum(dx + np.minimum(x, 0), -np.maximum(x, 0))


def delta_max(x, dx):
    return (x + dx).max(axis=1) - x.max(axis=1)
""",
    ),
    (
        "ReLU of the change",
        "relu_of_dx",
        """\
import numpy as np


def delta_relu(x, dx):
    return np.maximum(dx, 0)


def delta_max(x, dx):
    return (dx - (x.max(axis=1, keepdims=True) - x)).max(axis=1)
""",
    ),
    (
        "largest change of the row",
        "largest_change",
        """\
import numpy as np


def delta_relu(x, dx):
    return np.maximum(dx + np.minimum(x, 0), -np.maximum(x, 0))


def delta_max(x, dx):
    return dx.max(axis=1)
""",
    ),
    (
        "largest number of the whole array",
        "lead_of_all",
        """\
import numpy as np


def delta_relu(x, dx):
    return np.maximum(dx + np.minimum(x, 0), -np.maximum(x, 0))


def delta_max(x, dx):
    return (dx - (x.max() - x)).max(axis=1)
""",
    ),
)
