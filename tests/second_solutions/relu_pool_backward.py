"""Wrong solutions of the step relu_pool_backward: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "gradient where gy is positive",
        "relu_of_gy",
        """\
import numpy as np


def relu_backward(gy, x):
    return gy * (gy > 0)


def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[1])
        gx[n, h * stride[0] + i, w * stride[1] + j, c] += gy[n, h, w, c]
    return gx
""",
    ),
    (
        "x in place of gy",
        "relu_of_x",
        """\
import numpy as np


def relu_backward(gy, x):
    return np.maximum(x, 0)


def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[1])
        gx[n, h * stride[0] + i, w * stride[1] + j, c] += gy[n, h, w, c]
    return gx
""",
    ),
    (
        "assignment in place of addition",
        "overwritten",
        """\
import numpy as np


def relu_backward(gy, x):
    return gy * (x > 0)


def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[1])
        gx[n, h * stride[0] + i, w * stride[1] + j, c] = gy[n, h, w, c]
    return gx
""",
    ),
    (
        "window as stride",
        "message values",
        """\
import numpy as np


def relu_backward(gy, x):
    return gy * (x > 0)


def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[1])
        gx[n, min(h * window[0] + i, shape[1] - 1), min(w * window[1] + j, shape[2] - 1), c] += gy[n, h, w, c]
    return gx
""",
    ),
    (
        "winner divided by the height",
        "message values",
        """\
import numpy as np


def relu_backward(gy, x):
    return gy * (x > 0)


def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[0])
        gx[n, h * stride[0] + i % window[0], w * stride[1] + j % window[1], c] += gy[n, h, w, c]
    return gx
""",
    ),
    (
        "gradient to all of the window",
        "to_all",
        """\
import numpy as np


def relu_backward(gy, x):
    return gy * (x > 0)


def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        gx[n, h * stride[0] : h * stride[0] + window[0], w * stride[1] : w * stride[1] + window[1], c] += gy[n, h, w, c]
    return gx
""",
    ),
)
