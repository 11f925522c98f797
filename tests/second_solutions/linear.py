"""Wrong solutions of the step linear: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "flatten joins the images, too",
        "all_images",
        """\
def flatten(x):
    return x.reshape(-1)


def linear(x, W, b):
    return x @ W + b
""",
    ),
    (
        "Fortran order",
        "reversed_axes",
        """\
def flatten(x):
    return x.reshape(len(x), -1, order="F")


def linear(x, W, b):
    return x @ W + b
""",
    ),
    (
        "bias added to each product",
        "bias_per_input",
        """\
import numpy as np


def flatten(x):
    return x.reshape(len(x), -1)


def linear(x, W, b):
    y = np.zeros((len(x), W.shape[1]))
    for n in range(len(x)):
        for o in range(W.shape[1]):
            for i in range(W.shape[0]):
                y[n, o] += W[i, o] * x[n, i] + b[o]
    return y
""",
    ),
    (
        "ReLU at the end of the layer",
        "relu_too",
        """\
import numpy as np


def flatten(x):
    return x.reshape(len(x), -1)


def linear(x, W, b):
    return np.maximum(x @ W + b, 0)
""",
    ),
)
