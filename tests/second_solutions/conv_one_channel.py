"""Wrong solutions of the step conv_one_channel: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "accumulator not reset between places",
        "not_reset",
        """\
import numpy as np


def conv2d(x, W):
    kh, kw = W.shape
    y = np.zeros((x.shape[0] - kh + 1, x.shape[1] - kw + 1))
    s = 0.0
    for h in range(y.shape[0]):
        for w in range(y.shape[1]):
            for i in range(kh):
                for j in range(kw):
                    s += W[i, j] * x[h + i, w + j]
            y[h, w] = s
    return y
""",
    ),
    (
        "kernel moves by its own size",
        "spaced",
        """\
import numpy as np


def conv2d(x, W):
    kh, kw = W.shape
    y = np.zeros((x.shape[0] // kh, x.shape[1] // kw))
    for h in range(y.shape[0]):
        for w in range(y.shape[1]):
            y[h, w] = (x[h * kh : h * kh + kh, w * kw : w * kw + kw] * W).sum()
    return y
""",
    ),
    (
        "kernel rotated by 90 degrees",
        "message shape",
        """\
import numpy as np


def conv2d(x, W):
    W = np.rot90(W)
    kh, kw = W.shape
    y = np.zeros((x.shape[0] - kh + 1, x.shape[1] - kw + 1))
    for h in range(y.shape[0]):
        for w in range(y.shape[1]):
            y[h, w] = (x[h : h + kh, w : w + kw] * W).sum()
    return y
""",
    ),
    (
        "result of the size of the image, last places stay zero",
        "size_of_x",
        """\
import numpy as np


def conv2d(x, W):
    kh, kw = W.shape
    y = np.zeros(x.shape)
    for h in range(x.shape[0] - kh + 1):
        for w in range(x.shape[1] - kw + 1):
            y[h, w] = (x[h : h + kh, w : w + kw] * W).sum()
    return y
""",
    ),
)
