"""Wrong solutions of conv_channels: what the student misunderstood, the verdict of the grader, and the student's file."""

SOLUTIONS = (
    (
        "The bias is forgotten.",
        "no_bias",
        """import numpy as np

def conv2d(x, W, b):
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    y = np.zeros((N, H - K_h + 1, Wd - K_w + 1, O))
    for n in range(N):
        for h in range(y.shape[1]):
            for w in range(y.shape[2]):
                for o in range(O):
                    y[n, h, w, o] = np.sum(W[:, :, :, o] * x[n, h : h + K_h, w : w + K_w])
    return y
""",
    ),
    (
        "The bias is added once for each input channel.",
        "bias_per_channel",
        """import numpy as np

def conv2d(x, W, b):
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    y = np.zeros((N, H - K_h + 1, Wd - K_w + 1, O))
    for n in range(N):
        for h in range(y.shape[1]):
            for w in range(y.shape[2]):
                for o in range(O):
                    for c in range(C):
                        y[n, h, w, o] += np.sum(W[:, :, c, o] * x[n, h : h + K_h, w : w + K_w, c]) + b[o]
    return y
""",
    ),
    (
        "The bias is added to each product, inside of the sum.",
        "bias_per_product",
        """import numpy as np

def conv2d(x, W, b):
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    y = np.zeros((N, H - K_h + 1, Wd - K_w + 1, O))
    for n in range(N):
        for h in range(y.shape[1]):
            for w in range(y.shape[2]):
                for o in range(O):
                    y[n, h, w, o] = np.sum(b[o] + W[:, :, :, o] * x[n, h : h + K_h, w : w + K_w])
    return y
""",
    ),
    (
        "Each channel replaces the one before, so only the last channel counts.",
        "last_channel",
        """import numpy as np

def conv2d(x, W, b):
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    y = np.zeros((N, H - K_h + 1, Wd - K_w + 1, O))
    for n in range(N):
        for h in range(y.shape[1]):
            for w in range(y.shape[2]):
                for o in range(O):
                    for c in range(C):
                        y[n, h, w, o] = b[o] + np.sum(W[:, :, c, o] * x[n, h : h + K_h, w : w + K_w, c])
    return y
""",
    ),
    (
        "Filter o is thought to see channel o of the image only.",
        "one_channel_each",
        """import numpy as np

def conv2d(x, W, b):
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    y = np.zeros((N, H - K_h + 1, Wd - K_w + 1, O))
    for n in range(N):
        for h in range(y.shape[1]):
            for w in range(y.shape[2]):
                for o in range(O):
                    c = o % C
                    y[n, h, w, o] = b[o] + np.sum(W[:, :, c, o] * x[n, h : h + K_h, w : w + K_w, c])
    return y
""",
    ),
    (
        "The last two axes of W are exchanged: (K_h, K_w, O, C).",
        "filters_swapped",
        """import numpy as np

def conv2d(x, W, b):
    N, H, Wd, C = x.shape
    K_h, K_w, O, _ = W.shape
    y = np.zeros((N, H - K_h + 1, Wd - K_w + 1, O))
    for n in range(N):
        for h in range(y.shape[1]):
            for w in range(y.shape[2]):
                for o in range(O):
                    y[n, h, w, o] = b[o] + np.sum(W[:, :, o, :] * x[n, h : h + K_h, w : w + K_w])
    return y
""",
    ),
    (
        "Only the first image is computed.",
        "other_images_zero",
        """import numpy as np

def conv2d(x, W, b):
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    y = np.zeros((N, H - K_h + 1, Wd - K_w + 1, O))
    for h in range(y.shape[1]):
        for w in range(y.shape[2]):
            for o in range(O):
                y[0, h, w, o] = b[o] + np.sum(W[..., o] * x[0, h : h + K_h, w : w + K_w])
    return y
""",
    ),
    (
        "The channels are thought to come first, as in PyTorch: (N, C, H, W).",
        "message raised",
        """import numpy as np

def conv2d(x, W, b):
    N, C, H, Wd = x.shape
    O, _, K_h, K_w = W.shape
    y = np.zeros((N, O, H - K_h + 1, Wd - K_w + 1))
    for n in range(N):
        for o in range(O):
            for h in range(H - K_h + 1):
                for w in range(Wd - K_w + 1):
                    y[n, o, h, w] = b[o] + np.sum(W[o] * x[n, :, h : h + K_h, w : w + K_w])
    return y
""",
    ),
    (
        "One bias is used for all filters.",
        "first_bias",
        """import numpy as np

def conv2d(x, W, b):
    windows = np.lib.stride_tricks.sliding_window_view(x, W.shape[:2], axis=(1, 2))
    return np.einsum("nhwcij,ijco->nhwo", windows, W) + b[0]
""",
    ),
    (
        "All biases are added to every channel.",
        "all_biases",
        """import numpy as np

def conv2d(x, W, b):
    windows = np.lib.stride_tricks.sliding_window_view(x, W.shape[:2], axis=(1, 2))
    return np.einsum("nhwcij,ijco->nhwo", windows, W) + np.sum(b)
""",
    ),
    (
        "The channels are added before the multiplication, in the image and in the filter.",
        "channels_added_first",
        """import numpy as np

def conv2d(x, W, b):
    grey = x.sum(axis=3)
    flat = W.sum(axis=2)
    windows = np.lib.stride_tricks.sliding_window_view(grey, W.shape[:2], axis=(1, 2))
    return np.einsum("nhwij,ijo->nhwo", windows, flat) + b
""",
    ),
    (
        "The output channels are put in front of the rows and columns.",
        "channels_first",
        """import numpy as np

def conv2d(x, W, b):
    windows = np.lib.stride_tricks.sliding_window_view(x, W.shape[:2], axis=(1, 2))
    y = np.einsum("nhwcij,ijco->nohw", windows, W)
    return y + b[:, None, None]
""",
    ),
    (
        "The filters are turned round.",
        "flipped",
        """import numpy as np

def conv2d(x, W, b):
    W = W[::-1, ::-1]
    windows = np.lib.stride_tricks.sliding_window_view(x, W.shape[:2], axis=(1, 2))
    return np.einsum("nhwcij,ijco->nhwo", windows, W) + b
""",
    ),
    (
        "The sum runs over the images, too, so every image gets the same output.",
        "images_added",
        """import numpy as np

def conv2d(x, W, b):
    windows = np.lib.stride_tricks.sliding_window_view(x, W.shape[:2], axis=(1, 2))
    one = np.einsum("nhwcij,ijco->hwo", windows, W) + b
    return np.stack([one] * len(x))
""",
    ),
    (
        "The channels are averaged.",
        "channels_averaged",
        """import numpy as np

def conv2d(x, W, b):
    N, H, Wd, C = x.shape
    K_h, K_w, _, O = W.shape
    y = np.zeros((N, H - K_h + 1, Wd - K_w + 1, O))
    for n, h, w, o in np.ndindex(y.shape):
        patch = x[n, h : h + K_h, w : w + K_w]
        y[n, h, w, o] = b[o] + (W[:, :, :, o] * patch).sum(axis=(0, 1)).mean()
    return y
""",
    ),
    (
        "Each channel is convolved alone and the results stay apart: the output has C channels.",
        "channels_kept",
        """import numpy as np

def conv2d(x, W, b):
    N, H, Wd, C = x.shape
    K_h, K_w = W.shape[:2]
    y = np.zeros((N, H - K_h + 1, Wd - K_w + 1, C))
    for n, h, w, c in np.ndindex(y.shape):
        y[n, h, w, c] = b[0] + np.sum(W[:, :, c, 0] * x[n, h : h + K_h, w : w + K_w, c])
    return y
""",
    ),
    (
        "A ReLU is added at the end, because it follows the convolution in networks.",
        "relu_too",
        """import numpy as np

def conv2d(x, W, b):
    windows = np.lib.stride_tricks.sliding_window_view(x, W.shape[:2], axis=(1, 2))
    return np.maximum(np.einsum("nhwcij,ijco->nhwo", windows, W) + b, 0)
""",
    ),
)
