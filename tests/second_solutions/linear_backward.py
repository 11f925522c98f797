"""Wrong solutions of the step linear_backward: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "mean over the batch for the biases",
        "gb_averaged",
        """\
def linear_backward(gy, x, W):
    return gy @ W.T, x.T @ gy, gy.mean(axis=0)
""",
    ),
    (
        "order W, x, b",
        "order_gW_gx",
        """\
def linear_backward(gy, x, W):
    return x.T @ gy, gy @ W.T, gy.sum(axis=0)
""",
    ),
    (
        "gradient of the weights without the inputs",
        "message values",
        """\
import numpy as np


def linear_backward(gy, x, W):
    return gy @ W.T, np.ones((x.shape[1], 1)) * gy.sum(axis=0), gy.sum(axis=0)
""",
    ),
    (
        "gradient of the biases per image",
        "gb_not_summed",
        """\
def linear_backward(gy, x, W):
    return gy @ W.T, x.T @ gy, gy
""",
    ),
)
