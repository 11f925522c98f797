"""Wrong solutions of the step conv_backward_dx: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "flipped filter",
        "flipped",
        """\
import numpy as np


def conv_backward_dx(gy, W, shape, stride, padding):
    K_h, K_w, C, O = W.shape
    s, t = stride
    p, q = padding
    N, H, L, _ = shape
    gx = np.zeros((N, H + 2 * p, L + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        gx[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[::-1, ::-1, :, o]
    return gx[:, p : p + H, q : q + L]
""",
    ),
    (
        "assigned",
        "overwritten",
        """\
import numpy as np


def conv_backward_dx(gy, W, shape, stride, padding):
    K_h, K_w, C, O = W.shape
    s, t = stride
    p, q = padding
    N, H, L, _ = shape
    gx = np.zeros((N, H + 2 * p, L + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        gx[n, h * s : h * s + K_h, w * t : w * t + K_w] = gy[n, h, w, o] * W[..., o]
    return gx[:, p : p + H, q : q + L]
""",
    ),
    (
        "padding is cut off with a negative slice",
        "cropped_by_minus",
        """\
import numpy as np


def conv_backward_dx(gy, W, shape, stride, padding):
    K_h, K_w, C, O = W.shape
    s, t = stride
    p, q = padding
    N, H, L, _ = shape
    gx = np.zeros((N, H + 2 * p, L + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        gx[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[..., o]
    return gx[:, p:-p, q:-q]
""",
    ),
    (
        "padding is not cut off",
        "not_cropped",
        """\
import numpy as np


def conv_backward_dx(gy, W, shape, stride, padding):
    K_h, K_w, C, O = W.shape
    s, t = stride
    p, q = padding
    N, H, L, _ = shape
    gx = np.zeros((N, H + 2 * p, L + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        gx[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[..., o]
    return gx
""",
    ),
    (
        "the first pixels are kept",
        "cropped_at_zero",
        """\
import numpy as np


def conv_backward_dx(gy, W, shape, stride, padding):
    K_h, K_w, C, O = W.shape
    s, t = stride
    p, q = padding
    N, H, L, _ = shape
    gx = np.zeros((N, H + 2 * p, L + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        gx[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[..., o]
    return gx[:, :H, :L]
""",
    ),
    (
        "p for both axes",
        "cropped_by_p_only",
        """\
import numpy as np


def conv_backward_dx(gy, W, shape, stride, padding):
    K_h, K_w, C, O = W.shape
    s, t = stride
    p, q = padding
    N, H, L, _ = shape
    gx = np.zeros((N, H + 2 * p, L + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        gx[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[..., o]
    return gx[:, p : p + H, p : p + L]
""",
    ),
)
