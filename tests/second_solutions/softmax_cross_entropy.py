"""Wrong solutions of the step softmax_cross_entropy: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "maximum of the whole batch is subtracted",
        "shifted_by_global",
        """\
import numpy as np


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(z, y):
    return -np.mean(np.log(softmax(z)[np.arange(len(y)), y]))
""",
    ),
    (
        "log of softmax: infinite for large differences",
        "logarithm_of_zero",
        """\
import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(z, y):
    return -np.mean(np.log(softmax(z)[np.arange(len(y)), y]))
""",
    ),
    (
        "a small number in the logarithm",
        "small_number_added",
        """\
import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(z, y):
    return -np.mean(np.log(softmax(z)[np.arange(len(y)), y] + 1e-12))
""",
    ),
    (
        "cross-entropy of all classes with 1 - p",
        "other_classes_too",
        """\
import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(z, y):
    p = softmax(z)
    t = np.eye(z.shape[1])[y]
    return -np.mean((t * np.log(p) + (1 - t) * np.log(1 - p)).sum(axis=1))
""",
    ),
)
