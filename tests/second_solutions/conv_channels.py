"""Wrong solutions of the step conv_channels: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "bias indexed by channel of the image",
        "message values",
        """\
import numpy as np


def conv2d(x, W, b):
    kh, kw, C, O = W.shape
    N, H, L, _ = x.shape
    y = np.zeros((N, H - kh + 1, L - kw + 1, O))
    for n, h, w, o in np.ndindex(y.shape):
        for c in range(C):
            y[n, h, w, o] += (x[n, h : h + kh, w : w + kw, c] * W[:, :, c, o]).sum()
        y[n, h, w, o] += b[o % C]
    return y
""",
    ),
    (
        "the largest channel in place of the sum",
        "message values",
        """\
import numpy as np


def conv2d(x, W, b):
    kh, kw, C, O = W.shape
    N, H, L, _ = x.shape
    y = np.zeros((N, H - kh + 1, L - kw + 1, O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = max((x[n, h : h + kh, w : w + kw, c] * W[:, :, c, o]).sum() for c in range(C)) + b[o]
    return y
""",
    ),
    (
        "bias multiplied",
        "message values",
        """\
import numpy as np


def conv2d(x, W, b):
    kh, kw, C, O = W.shape
    N, H, L, _ = x.shape
    y = np.zeros((N, H - kh + 1, L - kw + 1, O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = (x[n, h : h + kh, w : w + kw] * W[..., o]).sum() * b[o]
    return y
""",
    ),
    (
        "one filter too few in the loop",
        "message values",
        """\
import numpy as np


def conv2d(x, W, b):
    kh, kw, C, O = W.shape
    N, H, L, _ = x.shape
    y = np.zeros((N, H - kh + 1, L - kw + 1, O))
    for n in range(N):
        for h in range(H - kh + 1):
            for w in range(L - kw + 1):
                for o in range(1, O):
                    y[n, h, w, o] = (x[n, h : h + kh, w : w + kw] * W[..., o]).sum() + b[o]
    return y
""",
    ),
)
