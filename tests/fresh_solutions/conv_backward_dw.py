"""Wrong solutions of conv_backward_dw: what the student misunderstood, the verdict of the grader, and the student's file."""

SOLUTIONS = (
    (
        "The padding is forgotten: the patches are taken from x itself.",
        "padding_forgotten",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t) = kernel, stride
    N, H, W, C = x.shape
    _, R, S, O = gy.shape
    gW = np.zeros((K_h, K_w, C, O))
    for n, h, w, o in np.ndindex(gy.shape):
        patch = x[n, h * s : h * s + K_h, w * t : w * t + K_w]
        a, b, _ = patch.shape
        gW[:a, :b, :, o] += gy[n, h, w, o] * patch
    return gW
""",
    ),
    (
        "The stride is forgotten.",
        "stride_forgotten",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (p, q) = kernel, padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[:, :, :, o] += gy[n, h, w, o] * padded[n, h : h + K_h, w : w + K_w]
    return gW
""",
    ),
    (
        "The two strides are exchanged.",
        "swapped_stride",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (t, s), (p, q) = kernel, stride, padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[:, :, :, o] += gy[n, h, w, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW
""",
    ),
    (
        "The gradient is divided by the number of images.",
        "averaged",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (p, q) = kernel, stride, padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[:, :, :, o] += gy[n, h, w, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW / len(x)
""",
    ),
    (
        "Each window replaces the one before.",
        "last_window",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (p, q) = kernel, stride, padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[:, :, :, o] = gy[n, h, w, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW
""",
    ),
    (
        "The kernel is turned round, as backpropagation is thought to be always a flipped convolution.",
        "flipped",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (p, q) = kernel, stride, padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[:, :, :, o] += gy[n, h, w, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW[::-1, ::-1]
""",
    ),
    (
        "Input and output channels are exchanged: (K_h, K_w, O, C).",
        "channels_swapped",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (p, q) = kernel, stride, padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    R, S = gy.shape[1:3]
    gW = np.zeros((K_h, K_w, gy.shape[3], x.shape[3]))
    for i in range(K_h):
        for j in range(K_w):
            part = padded[:, i : i + R * s : s, j : j + S * t : t]
            gW[i, j] = np.einsum("nhwc,nhwo->oc", part[:, :R, :S], gy)
    return gW
""",
    ),
    (
        "The size of the kernel is worked out from the images, which holds for stride 1 only.",
        "kernel_from_sizes",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    p, q = padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    N, R, S, O = gy.shape
    K_h = padded.shape[1] - R + 1
    K_w = padded.shape[2] - S + 1
    gW = np.zeros((K_h, K_w, x.shape[3], O))
    for i in range(K_h):
        for j in range(K_w):
            gW[i, j] = np.einsum("nhwc,nhwo->co", padded[:, i : i + R, j : j + S], gy)
    return gW
""",
    ),
    (
        "Only the first image is used.",
        "first_image",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (p, q) = kernel, stride, padding
    padded = np.pad(x[0], ((p, p), (q, q), (0, 0)))
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for h, w, o in np.ndindex(gy.shape[1:]):
        gW[:, :, :, o] += gy[0, h, w, o] * padded[h * s : h * s + K_h, w * t : w * t + K_w]
    return gW
""",
    ),
    (
        "The zeros are put behind the image only.",
        "padding_forgotten",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (p, q) = kernel, stride, padding
    padded = np.pad(x, ((0, 0), (0, 2 * p), (0, 2 * q), (0, 0)))
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[:, :, :, o] += gy[n, h, w, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW
""",
    ),
    (
        "The channels of the patch are added, so all input channels get the same gradient.",
        "channels_added",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (p, q) = kernel, stride, padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        patch = padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
        for c in range(x.shape[3]):
            gW[:, :, c, o] += gy[n, h, w, o] * patch.sum(axis=2)
    return gW
""",
    ),
    (
        "All filters get the sum of all output channels.",
        "filters_added",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (p, q) = kernel, stride, padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for n, h, w in np.ndindex(gy.shape[:3]):
        patch = padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
        gW += patch[..., None] * gy[n, h, w].sum()
    return gW
""",
    ),
    (
        "The two paddings are exchanged.",
        "swapped_padding",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (q, p) = kernel, stride, padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[:, :, :, o] += gy[n, h, w, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW
""",
    ),
    (
        "The slice p:-p is used to fill the padded image, which is empty without padding.",
        "message raised",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (p, q) = kernel, stride, padding
    N, H, W, C = x.shape
    padded = np.zeros((N, H + 2 * p, W + 2 * q, C))
    padded[:, p:-p, q:-q] = x
    gW = np.zeros((K_h, K_w, C, gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[:, :, :, o] += gy[n, h, w, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW
""",
    ),
    (
        "The gradient is averaged over all places of the window.",
        "windows_averaged",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (p, q) = kernel, stride, padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        gW[:, :, :, o] += gy[n, h, w, o] * padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
    return gW / (gy.shape[1] * gy.shape[2])
""",
    ),
    (
        "The two axes of the kernel are exchanged.",
        "rows_and_columns_of_W",
        """import numpy as np

def conv_backward_dw(gy, x, kernel, stride, padding):
    (K_h, K_w), (s, t), (p, q) = kernel, stride, padding
    padded = np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))
    gW = np.zeros((K_w, K_h, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        patch = padded[n, h * s : h * s + K_h, w * t : w * t + K_w]
        gW[:, :, :, o] += gy[n, h, w, o] * patch.transpose(1, 0, 2)
    return gW
""",
    ),
)
