"""Wrong solutions of max_pool: what the student misunderstood, the verdict of the grader, and the student's file."""

SOLUTIONS = (
    (
        "The winner is counted in the whole image.",
        "winner_in_image",
        """import numpy as np

def max_pool2d(x, window, stride):
    (K_h, K_w), (s, t) = window, stride
    N, H, W, C = x.shape
    R, S = (H - K_h) // s + 1, (W - K_w) // t + 1
    y, winner = np.zeros((N, R, S, C)), np.zeros((N, R, S, C), dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        patch = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        i, j = divmod(int(patch.argmax()), K_w)
        y[n, h, w, c] = patch[i, j]
        winner[n, h, w, c] = (h * s + i) * W + w * t + j
    return y, winner
""",
    ),
    (
        "The places of a window are counted column by column.",
        "column_first",
        """import numpy as np

def max_pool2d(x, window, stride):
    (K_h, K_w), (s, t) = window, stride
    N, H, W, C = x.shape
    R, S = (H - K_h) // s + 1, (W - K_w) // t + 1
    y, winner = np.zeros((N, R, S, C)), np.zeros((N, R, S, C), dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        patch = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        y[n, h, w, c] = patch.max()
        i, j = divmod(int(patch.argmax()), K_w)
        winner[n, h, w, c] = j * K_h + i
    return y, winner
""",
    ),
    (
        "The row number is multiplied by the number of rows of the window.",
        "row_times_height",
        """import numpy as np

def max_pool2d(x, window, stride):
    (K_h, K_w), (s, t) = window, stride
    N, H, W, C = x.shape
    R, S = (H - K_h) // s + 1, (W - K_w) // t + 1
    y, winner = np.zeros((N, R, S, C)), np.zeros((N, R, S, C), dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        patch = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        best, place = patch[0, 0], 0
        for i in range(K_h):
            for j in range(K_w):
                if patch[i, j] > best:
                    best, place = patch[i, j], i * K_h + j
        y[n, h, w, c], winner[n, h, w, c] = best, place
    return y, winner
""",
    ),
    (
        "The last of equal numbers wins, because >= is used.",
        "last_of_equal",
        """import numpy as np

def max_pool2d(x, window, stride):
    (K_h, K_w), (s, t) = window, stride
    N, H, W, C = x.shape
    R, S = (H - K_h) // s + 1, (W - K_w) // t + 1
    y, winner = np.zeros((N, R, S, C)), np.zeros((N, R, S, C), dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        patch = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        best, place = patch[0, 0], 0
        for i in range(K_h):
            for j in range(K_w):
                if patch[i, j] >= best:
                    best, place = patch[i, j], i * K_w + j
        y[n, h, w, c], winner[n, h, w, c] = best, place
    return y, winner
""",
    ),
    (
        "The search begins with 0, so windows of negative numbers give 0.",
        "start_at_zero_both",
        """import numpy as np

def max_pool2d(x, window, stride):
    (K_h, K_w), (s, t) = window, stride
    N, H, W, C = x.shape
    R, S = (H - K_h) // s + 1, (W - K_w) // t + 1
    y, winner = np.zeros((N, R, S, C)), np.zeros((N, R, S, C), dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        best, place = 0, 0
        for i in range(K_h):
            for j in range(K_w):
                if x[n, h * s + i, w * t + j, c] > best:
                    best, place = x[n, h * s + i, w * t + j, c], i * K_w + j
        y[n, h, w, c], winner[n, h, w, c] = best, place
    return y, winner
""",
    ),
    (
        "Pooling is thought to take the mean.",
        "averaged",
        """import numpy as np

def max_pool2d(x, window, stride):
    (K_h, K_w), (s, t) = window, stride
    N, H, W, C = x.shape
    R, S = (H - K_h) // s + 1, (W - K_w) // t + 1
    y, winner = np.zeros((N, R, S, C)), np.zeros((N, R, S, C), dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        patch = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        y[n, h, w, c] = patch.mean()
        winner[n, h, w, c] = patch.argmax()
    return y, winner
""",
    ),
    (
        "The windows are thought never to overlap: the window is used as the stride.",
        "stride_is_window",
        """import numpy as np

def max_pool2d(x, window, stride):
    K_h, K_w = window
    N, H, W, C = x.shape
    R, S = H // K_h, W // K_w
    y, winner = np.zeros((N, R, S, C)), np.zeros((N, R, S, C), dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        patch = x[n, h * K_h : (h + 1) * K_h, w * K_w : (w + 1) * K_w, c]
        y[n, h, w, c] = patch.max()
        winner[n, h, w, c] = patch.argmax()
    return y, winner
""",
    ),
    (
        "The two strides are exchanged.",
        "swapped_stride",
        """import numpy as np

def max_pool2d(x, window, stride):
    K_h, K_w = window
    N, H, W, C = x.shape
    R, S = (H - K_h) // stride[1] + 1, (W - K_w) // stride[0] + 1
    y, winner = np.zeros((N, R, S, C)), np.zeros((N, R, S, C), dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        patch = x[n, h * stride[1] : h * stride[1] + K_h, w * stride[0] : w * stride[0] + K_w, c]
        y[n, h, w, c] = patch.max()
        winner[n, h, w, c] = patch.argmax()
    return y, winner
""",
    ),
    (
        "The largest number of all channels is taken.",
        "over_channels",
        """import numpy as np

def max_pool2d(x, window, stride):
    (K_h, K_w), (s, t) = window, stride
    N, H, W, C = x.shape
    R, S = (H - K_h) // s + 1, (W - K_w) // t + 1
    y, winner = np.zeros((N, R, S, C)), np.zeros((N, R, S, C), dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        patch = x[n, h * s : h * s + K_h, w * t : w * t + K_w]
        y[n, h, w, c] = patch.max()
        winner[n, h, w, c] = patch[:, :, c].argmax()
    return y, winner
""",
    ),
    (
        "The winner is written as a row and a column.",
        "winner_as_pair",
        """import numpy as np

def max_pool2d(x, window, stride):
    (K_h, K_w), (s, t) = window, stride
    N, H, W, C = x.shape
    R, S = (H - K_h) // s + 1, (W - K_w) // t + 1
    y, winner = np.zeros((N, R, S, C)), np.zeros((N, R, S, C, 2), dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        patch = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        y[n, h, w, c] = patch.max()
        winner[n, h, w, c] = np.unravel_index(patch.argmax(), patch.shape)
    return y, winner
""",
    ),
    (
        "Only the largest numbers are returned.",
        "only_y",
        """import numpy as np

def max_pool2d(x, window, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, window, axis=(1, 2))
    return windows[:, :: stride[0], :: stride[1]].max(axis=(4, 5))
""",
    ),
    (
        "The places are counted from 1.",
        "counted_from_one",
        """import numpy as np

def max_pool2d(x, window, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, window, axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1]]
    flat = windows.reshape(*windows.shape[:4], -1)
    return flat.max(axis=4), flat.argmax(axis=4) + 1
""",
    ),
    (
        "The number furthest from 0 wins.",
        "largest_absolute",
        """import numpy as np

def max_pool2d(x, window, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, window, axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1]]
    flat = windows.reshape(*windows.shape[:4], -1)
    winner = np.abs(flat).argmax(axis=4)
    return np.take_along_axis(flat, winner[..., None], axis=4)[..., 0], winner
""",
    ),
    (
        "The best number is kept from window to window.",
        "not_reset",
        """import numpy as np

def max_pool2d(x, window, stride):
    (K_h, K_w), (s, t) = window, stride
    N, H, W, C = x.shape
    R, S = (H - K_h) // s + 1, (W - K_w) // t + 1
    y, winner = np.zeros((N, R, S, C)), np.zeros((N, R, S, C), dtype=int)
    best, place = -np.inf, 0
    for n, h, w, c in np.ndindex(y.shape):
        for i in range(K_h):
            for j in range(K_w):
                if x[n, h * s + i, w * t + j, c] > best:
                    best, place = x[n, h * s + i, w * t + j, c], i * K_w + j
        y[n, h, w, c], winner[n, h, w, c] = best, place
    return y, winner
""",
    ),
    (
        "The two results are returned in the other order.",
        "order",
        """import numpy as np

def max_pool2d(x, window, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, window, axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1]]
    flat = windows.reshape(*windows.shape[:4], -1)
    return flat.argmax(axis=4), flat.max(axis=4)
""",
    ),
    (
        "The number of windows is thought to be H // s, so the last windows are cut off at the border.",
        "cut_windows",
        """import numpy as np

def max_pool2d(x, window, stride):
    (K_h, K_w), (s, t) = window, stride
    N, H, W, C = x.shape
    R, S = H // s, W // t
    y, winner = np.zeros((N, R, S, C)), np.zeros((N, R, S, C), dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        patch = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        y[n, h, w, c] = patch.max()
        winner[n, h, w, c] = patch.argmax()
    return y, winner
""",
    ),
)
