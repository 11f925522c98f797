"""Wrong solutions of the step conv_backward_dw: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "divided by the batch",
        "averaged",
        """\
import numpy as np


def conv_backward_dw(gy, x, kernel, stride, padding):
    K_h, K_w = kernel
    s, t = stride
    p, q = padding
    N, R, S, O = gy.shape
    x = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    L = x.shape[2]
    gW = np.zeros((K_h, K_w, x.shape[3], O))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[..., o] += gy[n, h, w, o] * x[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW / N
""",
    ),
    (
        "gradient flipped as in a true convolution",
        "flipped",
        """\
import numpy as np


def conv_backward_dw(gy, x, kernel, stride, padding):
    K_h, K_w = kernel
    s, t = stride
    p, q = padding
    N, R, S, O = gy.shape
    x = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    L = x.shape[2]
    gW = np.zeros((K_h, K_w, x.shape[3], O))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[..., o] += gy[n, h, w, o] * x[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW[::-1, ::-1]
""",
    ),
    (
        "only the last place counts",
        "last_window",
        """\
import numpy as np


def conv_backward_dw(gy, x, kernel, stride, padding):
    K_h, K_w = kernel
    s, t = stride
    p, q = padding
    N, R, S, O = gy.shape
    x = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    L = x.shape[2]
    gW = np.zeros((K_h, K_w, x.shape[3], O))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[..., o] = gy[n, h, w, o] * x[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW
""",
    ),
    (
        "stride of the rows for both axes",
        "message values",
        """\
import numpy as np


def conv_backward_dw(gy, x, kernel, stride, padding):
    K_h, K_w = kernel
    s, t = stride
    p, q = padding
    N, R, S, O = gy.shape
    x = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    L = x.shape[2]
    gW = np.zeros((K_h, K_w, x.shape[3], O))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[..., o] += gy[n, h, w, o] * x[n, h * s : h * s + K_h, min(w * s, L - K_w) : min(w * s, L - K_w) + K_w]
    return gW
""",
    ),
    (
        "image and gradient multiplied without sum over images",
        "first_image_of_x",
        """\
import numpy as np


def conv_backward_dw(gy, x, kernel, stride, padding):
    K_h, K_w = kernel
    s, t = stride
    p, q = padding
    N, R, S, O = gy.shape
    x = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    L = x.shape[2]
    gW = np.zeros((K_h, K_w, x.shape[3], O))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[..., o] += gy[n, h, w, o] * x[0, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW
""",
    ),
    (
        "zeros below and right",
        "padding_forgotten",
        """\
import numpy as np


def conv_backward_dw(gy, x, kernel, stride, padding):
    K_h, K_w = kernel
    s, t = stride
    p, q = padding
    N, R, S, O = gy.shape
    x = np.pad(x, ((0, 0), (0, 2 * p), (0, 2 * q), (0, 0)))
    L = x.shape[2]
    gW = np.zeros((K_h, K_w, x.shape[3], O))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[..., o] += gy[n, h, w, o] * x[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW
""",
    ),
)
