"""Wrong solutions of the step conv_backward_db: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "sum over the images only",
        "images_only",
        """\
def conv_backward_db(gy):
    return gy.sum(axis=0)
""",
    ),
    (
        "sum over rows and columns, mean over images",
        "batch_averaged",
        """\
def conv_backward_db(gy):
    return gy.sum(axis=(1, 2)).mean(axis=0)
""",
    ),
    (
        "first image only",
        "first_image",
        """\
def conv_backward_db(gy):
    return gy[0].sum(axis=(0, 1))
""",
    ),
    (
        "number of outputs: the gradient of b is 1",
        "counted",
        """\
import numpy as np


def conv_backward_db(gy):
    return np.full(gy.shape[3], gy[..., 0].size)
""",
    ),
)
