"""Wrong solutions of the step correlate_patch: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "the mean in place of the sum",
        "averaged",
        """\
import numpy as np


def correlate(p, W):
    return np.mean(p * W)
""",
    ),
    (
        "sum of p times sum of W",
        "product_of_sums",
        """\
def correlate(p, W):
    return p.sum() * W.sum()
""",
    ),
    (
        "Python's sum adds up rows only",
        "columns_summed",
        """\
def correlate(p, W):
    return sum(p * W)
""",
    ),
    (
        "the running index is the row for both",
        "message raised",
        """\
def correlate(p, W):
    s = 0
    for i in range(p.shape[0]):
        for j in range(p.shape[1]):
            s += p[i, j] * W[i, i]
    return s
""",
    ),
)
