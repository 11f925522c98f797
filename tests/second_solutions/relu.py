"""Wrong solutions of the step relu: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "leaky",
        "leaky",
        """\
import numpy as np


def relu(x):
    return np.where(x > 0, x, 0.01 * x)
""",
    ),
    (
        "negative numbers removed",
        "removed",
        """\
def relu(x):
    return x[x > 0]
""",
    ),
    (
        "clipped at 1 as for pixels",
        "clipped",
        """\
import numpy as np


def relu(x):
    return np.clip(x, 0, 1)
""",
    ),
    (
        "derivative in place of the function",
        "mask",
        """\
import numpy as np


def relu(x):
    return (x > 0).astype(x.dtype)
""",
    ),
)
