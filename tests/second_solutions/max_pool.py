"""Wrong solutions of the step max_pool: a misunderstanding, the verdict on it, the source text."""

SOLUTIONS = (
    (
        "winner is the place in the whole image",
        "winner_in_image",
        """\
import numpy as np


def max_pool2d(x, window, stride):
    K_h, K_w = window
    s, t = stride
    N, H, L, C = x.shape
    y = np.zeros((N, (H - K_h) // s + 1, (L - K_w) // t + 1, C))
    winner = np.zeros(y.shape, dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        p = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        y[n, h, w, c] = p.max()
        i, j = divmod(p.argmax(), K_w)
        winner[n, h, w, c] = (h * s + i) * L + w * t + j
    return y, winner
""",
    ),
    (
        "winner counted column by column",
        "column_first",
        """\
import numpy as np


def max_pool2d(x, window, stride):
    K_h, K_w = window
    s, t = stride
    N, H, L, C = x.shape
    y = np.zeros((N, (H - K_h) // s + 1, (L - K_w) // t + 1, C))
    winner = np.zeros(y.shape, dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        p = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        y[n, h, w, c] = p.max()
        i, j = divmod(p.argmax(), K_w)
        winner[n, h, w, c] = j * K_h + i
    return y, winner
""",
    ),
    (
        "winner over all channels of the window",
        "over_channels",
        """\
import numpy as np


def max_pool2d(x, window, stride):
    K_h, K_w = window
    s, t = stride
    N, H, L, C = x.shape
    y = np.zeros((N, (H - K_h) // s + 1, (L - K_w) // t + 1, C))
    winner = np.zeros(y.shape, dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        p = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        q = x[n, h * s : h * s + K_h, w * t : w * t + K_w]
        y[n, h, w, c] = q.max()
        winner[n, h, w, c] = p.argmax()
    return y, winner
""",
    ),
    (
        "search that begins at 0: negative windows",
        "start_at_zero_both",
        """\
import numpy as np


def max_pool2d(x, window, stride):
    K_h, K_w = window
    s, t = stride
    N, H, L, C = x.shape
    y = np.zeros((N, (H - K_h) // s + 1, (L - K_w) // t + 1, C))
    winner = np.zeros(y.shape, dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        p = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        best = 0
        for i in range(K_h):
            for j in range(K_w):
                if p[i, j] > best:
                    best, winner[n, h, w, c] = p[i, j], i * K_w + j
        y[n, h, w, c] = best
    return y, winner
""",
    ),
    (
        "winner divided by the height",
        "row_times_height",
        """\
import numpy as np


def max_pool2d(x, window, stride):
    K_h, K_w = window
    s, t = stride
    N, H, L, C = x.shape
    y = np.zeros((N, (H - K_h) // s + 1, (L - K_w) // t + 1, C))
    winner = np.zeros(y.shape, dtype=int)
    for n, h, w, c in np.ndindex(y.shape):
        p = x[n, h * s : h * s + K_h, w * t : w * t + K_w, c]
        i, j = np.argwhere(p == p.max())[0]
        y[n, h, w, c] = p.max()
        winner[n, h, w, c] = i * K_h + j
    return y, winner
""",
    ),
)
