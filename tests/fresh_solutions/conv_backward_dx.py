"""Wrong solutions of conv_backward_dx: what the student misunderstood, the verdict of the grader, and the student's file."""

SOLUTIONS = (
    (
        "Overlapping windows replace each other: = in place of +=.",
        "overwritten",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (s, t), (p, q) = shape, stride, padding
    K_h, K_w = W.shape[:2]
    padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        padded[n, h * s : h * s + K_h, w * t : w * t + K_w] = gy[n, h, w, o] * W[:, :, :, o]
    return padded[:, p : p + H, q : q + Wd]
""",
    ),
    (
        "The kernel is turned round before it is added back.",
        "flipped",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (s, t), (p, q) = shape, stride, padding
    K_h, K_w = W.shape[:2]
    flipped = W[::-1, ::-1]
    padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        padded[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * flipped[:, :, :, o]
    return padded[:, p : p + H, q : q + Wd]
""",
    ),
    (
        "The border of zeros is not cut off.",
        "not_cropped",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (s, t), (p, q) = shape, stride, padding
    K_h, K_w = W.shape[:2]
    padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        padded[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[:, :, :, o]
    return padded
""",
    ),
    (
        "The border is cut off below and right only: the first H rows are returned.",
        "cropped_at_zero",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (s, t), (p, q) = shape, stride, padding
    K_h, K_w = W.shape[:2]
    padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        padded[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[:, :, :, o]
    return padded[:, :H, :Wd]
""",
    ),
    (
        "The border is cut off with p:-p, which is empty without padding.",
        "cropped_by_minus",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (s, t), (p, q) = shape, stride, padding
    K_h, K_w = W.shape[:2]
    padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        padded[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[:, :, :, o]
    return padded[:, p:-p, q:-q]
""",
    ),
    (
        "The stride is forgotten.",
        "stride_forgotten",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (p, q) = shape, padding
    K_h, K_w = W.shape[:2]
    padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        padded[n, h : h + K_h, w : w + K_w] += gy[n, h, w, o] * W[:, :, :, o]
    return padded[:, p : p + H, q : q + Wd]
""",
    ),
    (
        "The two strides are exchanged.",
        "swapped_stride",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (t, s), (p, q) = shape, stride, padding
    K_h, K_w = W.shape[:2]
    padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        padded[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[:, :, :, o]
    return padded[:, p : p + H, q : q + Wd]
""",
    ),
    (
        "The padding is forgotten: the gradients are added into an array of the size of the image.",
        "cropped_at_zero",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    s, t = stride
    K_h, K_w = W.shape[:2]
    gx = np.zeros(shape)
    for n, h, w, o in np.ndindex(gy.shape):
        for i in range(K_h):
            for j in range(K_w):
                if h * s + i < shape[1] and w * t + j < shape[2]:
                    gx[n, h * s + i, w * t + j] += gy[n, h, w, o] * W[i, j, :, o]
    return gx
""",
    ),
    (
        "Negative indices are not left out: they count from the end of the image.",
        "wrapped",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (s, t), (p, q) = shape, stride, padding
    K_h, K_w = W.shape[:2]
    gx = np.zeros(shape)
    for n, h, w, o in np.ndindex(gy.shape):
        for i in range(K_h):
            for j in range(K_w):
                r, c = h * s + i - p, w * t + j - q
                if r < H and c < Wd:
                    gx[n, r, c] += gy[n, h, w, o] * W[i, j, :, o]
    return gx
""",
    ),
    (
        "The first row and column are thought to be padding: 0 < r in place of 0 <= r.",
        "first_left_out",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (s, t), (p, q) = shape, stride, padding
    K_h, K_w = W.shape[:2]
    gx = np.zeros(shape)
    for n, h, w, o in np.ndindex(gy.shape):
        for i in range(K_h):
            for j in range(K_w):
                r, c = h * s + i - p, w * t + j - q
                if 0 < r < H and 0 < c < Wd:
                    gx[n, r, c] += gy[n, h, w, o] * W[i, j, :, o]
    return gx
""",
    ),
    (
        "The size is worked out from gy, so rows that no window reaches are missing.",
        "size_from_gy",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (s, t), (p, q) = stride, padding
    K_h, K_w, C, O = W.shape
    N, R, S, _ = gy.shape
    full_h, full_w = (R - 1) * s + K_h, (S - 1) * t + K_w
    padded = np.zeros((N, full_h, full_w, C))
    for n, h, w, o in np.ndindex(gy.shape):
        padded[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[:, :, :, o]
    return padded[:, p : full_h - p, q : full_w - q]
""",
    ),
    (
        "Each filter replaces the one before: only the last output channel counts.",
        "last_filter",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (s, t), (p, q) = shape, stride, padding
    K_h, K_w, _, O = W.shape
    for o in range(O):
        padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
        for n, h, w in np.ndindex(gy.shape[:3]):
            padded[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[:, :, :, o]
    return padded[:, p : p + H, q : q + Wd]
""",
    ),
    (
        "The input channels are added, so every channel gets the same gradient.",
        "channels_added",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (s, t), (p, q) = shape, stride, padding
    K_h, K_w = W.shape[:2]
    padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        weights = W[:, :, :, o].sum(axis=2, keepdims=True)
        padded[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * weights
    return padded[:, p : p + H, q : q + Wd]
""",
    ),
    (
        "The two paddings are exchanged.",
        "swapped_padding",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (s, t), (q, p) = shape, stride, padding
    K_h, K_w = W.shape[:2]
    padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        padded[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[:, :, :, o]
    return padded[:, p : p + H, q : q + Wd]
""",
    ),
    (
        "The full convolution with the flipped kernel is used, which holds for stride 1 only.",
        "message raised",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (p, q) = shape, padding
    K_h, K_w = W.shape[:2]
    wide = np.pad(gy, ((0, 0), (K_h - 1 - p, H), (K_w - 1 - q, Wd), (0, 0)))
    flipped = W[::-1, ::-1]
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gx.shape):
        gx[n, h, w, c] = np.sum(flipped[:, :, c, :] * wide[n, h : h + K_h, w : w + K_w])
    return gx
""",
    ),
    (
        "The gradient is divided by the number of images.",
        "averaged",
        """import numpy as np

def conv_backward_dx(gy, W, shape, stride, padding):
    (N, H, Wd, C), (s, t), (p, q) = shape, stride, padding
    K_h, K_w = W.shape[:2]
    padded = np.zeros((N, H + 2 * p, Wd + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        padded[n, h * s : h * s + K_h, w * t : w * t + K_w] += gy[n, h, w, o] * W[:, :, :, o] / N
    return padded[:, p : p + H, q : q + Wd]
""",
    ),
)
