"""Wrong solutions of conv_stride_padding: what the student misunderstood, the verdict of the grader, and the student's file."""

SIZE = """def output_size(size, window, stride, padding):
    return (size + 2 * padding - window) // stride + 1

"""

CONV = """def conv2d(x, W, b, stride, padding):
    (s, t), (p, q) = stride, padding
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(Wd, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[:, :, :, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w])
    return y
"""

SOLUTIONS = (
    (
        "The + 1 of the output size is forgotten.",
        "size_no_plus_one",
        """import numpy as np

def output_size(size, window, stride, padding):
    return (size + 2 * padding - window) // stride

"""
        + CONV,
    ),
    (
        "The padding is counted once, not on both sides.",
        "size_padding_once",
        """import numpy as np

def output_size(size, window, stride, padding):
    return (size + padding - window) // stride + 1

"""
        + CONV,
    ),
    (
        "The division is rounded up, so the last window does not fit.",
        "size_rounded_up",
        """import math

import numpy as np

def output_size(size, window, stride, padding):
    return math.ceil((size + 2 * padding - window) / stride) + 1

"""
        + CONV,
    ),
    (
        "The division is not rounded.",
        "size_not_rounded",
        """import numpy as np

def output_size(size, window, stride, padding):
    return (size + 2 * padding - window) / stride + 1

"""
        + CONV,
    ),
    (
        "The 1 is added before the division.",
        "size_plus_one_inside",
        """import numpy as np

def output_size(size, window, stride, padding):
    return (size + 2 * padding - window + 1) // stride

"""
        + CONV,
    ),
    (
        "The division is rounded to the nearest integer.",
        "size_rounded",
        """import numpy as np

def output_size(size, window, stride, padding):
    return round((size + 2 * padding - window) / stride) + 1

"""
        + CONV,
    ),
    (
        "The padding makes the image smaller: it is subtracted.",
        "size_padding_subtracted",
        """import numpy as np

def output_size(size, window, stride, padding):
    return (size - 2 * padding - window) // stride + 1

"""
        + CONV,
    ),
    (
        "The stride is used for the output size, but the window still moves by 1.",
        "stride_not_in_place",
        """import numpy as np

"""
        + SIZE
        + """def conv2d(x, W, b, stride, padding):
    (s, t), (p, q) = stride, padding
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(Wd, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[:, :, :, o] * padded[n, h : h + K_h, w : w + K_w])
    return y
""",
    ),
    (
        "The two strides are exchanged.",
        "swapped_stride",
        """import numpy as np

"""
        + SIZE
        + """def conv2d(x, W, b, stride, padding):
    t, s = stride
    p, q = padding
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(Wd, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[:, :, :, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w])
    return y
""",
    ),
    (
        "The two paddings are exchanged.",
        "swapped_padding",
        """import numpy as np

"""
        + SIZE
        + """def conv2d(x, W, b, stride, padding):
    s, t = stride
    q, p = padding
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(Wd, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[:, :, :, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w])
    return y
""",
    ),
    (
        "Both zeros of the padding are put behind the image, none in front of it.",
        "padded_after",
        """import numpy as np

"""
        + SIZE
        + """def conv2d(x, W, b, stride, padding):
    (s, t), (p, q) = stride, padding
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
    padded[:, :H, :Wd] = x
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(Wd, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[:, :, :, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w])
    return y
""",
    ),
    (
        "The slice p:-p is used to put the image inside, which is empty without padding.",
        "message raised",
        """import numpy as np

"""
        + SIZE
        + """def conv2d(x, W, b, stride, padding):
    (s, t), (p, q) = stride, padding
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
    padded[:, p:-p, q:-q] = x
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(Wd, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[:, :, :, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w])
    return y
""",
    ),
    (
        "The border pixels are repeated in place of zeros.",
        "edge_repeated",
        """import numpy as np

"""
        + SIZE
        + """def conv2d(x, W, b, stride, padding):
    (s, t), (p, q) = stride, padding
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)), mode="edge")
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(Wd, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[:, :, :, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w])
    return y
""",
    ),
    (
        "The stride is put between the pixels of a patch, as in a dilated convolution.",
        "dilated",
        """import numpy as np

"""
        + SIZE
        + """def conv2d(x, W, b, stride, padding):
    (s, t), (p, q) = stride, padding
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(Wd, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        total = b[o]
        for i in range(K_h):
            for j in range(K_w):
                r, c = h + i * s - p, w + j * t - q
                if 0 <= r < H and 0 <= c < Wd:
                    total += np.sum(W[i, j, :, o] * x[n, r, c])
        y[n, h, w, o] = total
    return y
""",
    ),
    (
        "Indices below 0 are thought to give zeros, but they count from the end.",
        "wrapped",
        """import numpy as np

"""
        + SIZE
        + """def conv2d(x, W, b, stride, padding):
    (s, t), (p, q) = stride, padding
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(Wd, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        total = b[o]
        for i in range(K_h):
            for j in range(K_w):
                r, c = h * s + i - p, w * t + j - q
                if r < H and c < Wd:
                    total += np.sum(W[i, j, :, o] * x[n, r, c])
        y[n, h, w, o] = total
    return y
""",
    ),
    (
        "One stride and one padding are used for both axes.",
        "rows_for_both",
        """import numpy as np

"""
        + SIZE
        + """def conv2d(x, W, b, stride, padding):
    s, p = stride[0], padding[0]
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(Wd, K_w, s, p), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[:, :, :, o] * padded[n, h * s : h * s + K_h, w * s : w * s + K_w])
    return y
""",
    ),
    (
        "stride and padding are taken as single integers.",
        "message raised",
        """import numpy as np

"""
        + SIZE
        + """def conv2d(x, W, b, stride, padding):
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    s, p = stride, padding
    padded = np.zeros((N, H + 2 * p, Wd + 2 * p, C))
    padded[:, p : p + H, p : p + Wd] = x
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(Wd, K_w, s, p), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[:, :, :, o] * padded[n, h * s : h * s + K_h, w * s : w * s + K_w])
    return y
""",
    ),
    (
        "np.pad with one number pads the images and the channels, too.",
        "message raised",
        """import numpy as np

"""
        + SIZE
        + """def conv2d(x, W, b, stride, padding):
    (s, t), (p, q) = stride, padding
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    padded = np.pad(x, max(p, q))
    y = np.zeros((N, output_size(H, K_h, s, p), output_size(Wd, K_w, t, q), O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[:, :, :, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w])
    return y
""",
    ),
)
