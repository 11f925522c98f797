"""Wrong solutions of the step conv_stride_padding: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "true division and int of the sum: ceiling",
        "size_rounded_up",
        """\
import numpy as np


def output_size(size, window, stride, padding):
    return -((window - size - 2 * padding) // stride) + 1


def conv2d(x, W, b, stride, padding):
    s, t = stride
    p, q = padding
    K_h, K_w, _, O = W.shape
    N, H, L, C = x.shape
    x = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(L, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = (x[n, h * s : h * s + K_h, w * t : w * t + K_w] * W[..., o]).sum() + b[o]
    return y
""",
    ),
    (
        "stride divides only the image",
        "size_divided_first",
        """\
import numpy as np


def output_size(size, window, stride, padding):
    return (size + 2 * padding) // stride - window + 1


def conv2d(x, W, b, stride, padding):
    s, t = stride
    p, q = padding
    K_h, K_w, _, O = W.shape
    N, H, L, C = x.shape
    x = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(L, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = (x[n, h * s : h * s + K_h, w * t : w * t + K_w] * W[..., o]).sum() + b[o]
    return y
""",
    ),
    (
        "border repeated in place of zeros",
        "edge_repeated",
        """\
import numpy as np


def output_size(size, window, stride, padding):
    return (size + 2 * padding - window) // stride + 1


def conv2d(x, W, b, stride, padding):
    s, t = stride
    p, q = padding
    K_h, K_w, _, O = W.shape
    N, H, L, C = x.shape
    x = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)), mode="edge")
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(L, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = (x[n, h * s : h * s + K_h, w * t : w * t + K_w] * W[..., o]).sum() + b[o]
    return y
""",
    ),
    (
        "padding below and right only",
        "padded_after",
        """\
import numpy as np


def output_size(size, window, stride, padding):
    return (size + 2 * padding - window) // stride + 1


def conv2d(x, W, b, stride, padding):
    s, t = stride
    p, q = padding
    K_h, K_w, _, O = W.shape
    N, H, L, C = x.shape
    x = np.pad(x, ((0, 0), (0, 2 * p), (0, 2 * q), (0, 0)))
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(L, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = (x[n, h * s : h * s + K_h, w * t : w * t + K_w] * W[..., o]).sum() + b[o]
    return y
""",
    ),
    (
        "stride used as dilation",
        "message raised",
        """\
import numpy as np


def output_size(size, window, stride, padding):
    return (size + 2 * padding - window) // stride + 1


def conv2d(x, W, b, stride, padding):
    s, t = stride
    p, q = padding
    K_h, K_w, _, O = W.shape
    N, H, L, C = x.shape
    x = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(L, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = (x[n, h : h + K_h * s : s, w : w + K_w * t : t] * W[..., o]).sum() + b[o]
    return y
""",
    ),
)
