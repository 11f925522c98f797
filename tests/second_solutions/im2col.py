"""Wrong solutions of the step im2col: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "channels first in a patch",
        "channels_first",
        """\
import numpy as np


def im2col(x, kernel, stride):
    K_h, K_w = kernel
    s, t = stride
    N, H, L, C = x.shape
    R, S = (H - K_h) // s + 1, (L - K_w) // t + 1
    X = []
    for n, h, w in np.ndindex(N, R, S):
        X.append(x[n, h * s : h * s + K_h, w * t : w * t + K_w].transpose(2, 0, 1).ravel())
    return np.array(X)


def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    R, S = (x.shape[1] - K_h) // stride[0] + 1, (x.shape[2] - K_w) // stride[1] + 1
    return (im2col(x, (K_h, K_w), stride) @ W.reshape(-1, O) + b).reshape(len(x), R, S, O)
""",
    ),
    (
        "patches as columns",
        "transposed",
        """\
import numpy as np


def im2col(x, kernel, stride):
    K_h, K_w = kernel
    s, t = stride
    N, H, L, C = x.shape
    R, S = (H - K_h) // s + 1, (L - K_w) // t + 1
    X = []
    for n, h, w in np.ndindex(N, R, S):
        X.append(x[n, h * s : h * s + K_h, w * t : w * t + K_w].ravel())
    return np.array(X).T


def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    R, S = (x.shape[1] - K_h) // stride[0] + 1, (x.shape[2] - K_w) // stride[1] + 1
    return (im2col(x, (K_h, K_w), stride) @ W.reshape(-1, O) + b).reshape(len(x), R, S, O)
""",
    ),
    (
        "columns of the output before its rows",
        "columns_of_output_first",
        """\
import numpy as np


def im2col(x, kernel, stride):
    K_h, K_w = kernel
    s, t = stride
    N, H, L, C = x.shape
    R, S = (H - K_h) // s + 1, (L - K_w) // t + 1
    X = []
    for n, w, h in np.ndindex(N, S, R):
        X.append(x[n, h * s : h * s + K_h, w * t : w * t + K_w].ravel())
    return np.array(X)


def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    R, S = (x.shape[1] - K_h) // stride[0] + 1, (x.shape[2] - K_w) // stride[1] + 1
    return (im2col(x, (K_h, K_w), stride) @ W.reshape(-1, O) + b).reshape(len(x), R, S, O)
""",
    ),
    (
        "shape (N, O, R, S) by reshape",
        "conv_output_renamed",
        """\
import numpy as np


def im2col(x, kernel, stride):
    K_h, K_w = kernel
    s, t = stride
    N, H, L, C = x.shape
    R, S = (H - K_h) // s + 1, (L - K_w) // t + 1
    X = []
    for n, h, w in np.ndindex(N, R, S):
        X.append(x[n, h * s : h * s + K_h, w * t : w * t + K_w].ravel())
    return np.array(X)


def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    R, S = (x.shape[1] - K_h) // stride[0] + 1, (x.shape[2] - K_w) // stride[1] + 1
    return (im2col(x, (K_h, K_w), stride) @ W.reshape(-1, O) + b).reshape(len(x), O, R, S)
""",
    ),
    (
        "weights transposed before reshape",
        "message values",
        """\
import numpy as np


def im2col(x, kernel, stride):
    K_h, K_w = kernel
    s, t = stride
    N, H, L, C = x.shape
    R, S = (H - K_h) // s + 1, (L - K_w) // t + 1
    X = []
    for n, h, w in np.ndindex(N, R, S):
        X.append(x[n, h * s : h * s + K_h, w * t : w * t + K_w].ravel())
    return np.array(X)


def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    R, S = (x.shape[1] - K_h) // stride[0] + 1, (x.shape[2] - K_w) // stride[1] + 1
    return (im2col(x, (K_h, K_w), stride) @ W.T.reshape(O, -1).T + b).reshape(len(x), R, S, O)
""",
    ),
)
