"""Wrong solutions of conv_one_channel: what the student misunderstood, the verdict of the grader, and the student's file."""

SOLUTIONS = (
    (
        "The + 1 of the number of places is forgotten.",
        "no_plus_one",
        """import numpy as np

def conv2d(x, W):
    H, Wd = x.shape
    K_h, K_w = W.shape
    y = np.zeros((H - K_h, Wd - K_w))
    for h in range(H - K_h):
        for w in range(Wd - K_w):
            y[h, w] = np.sum(W * x[h : h + K_h, w : w + K_w])
    return y
""",
    ),
    (
        "The output is thought to have the size of the image: the image is padded with zeros.",
        "same_size",
        """import numpy as np

def conv2d(x, W):
    H, Wd = x.shape
    K_h, K_w = W.shape
    padded = np.zeros((H + K_h - 1, Wd + K_w - 1))
    padded[K_h // 2 : K_h // 2 + H, K_w // 2 : K_w // 2 + Wd] = x
    y = np.zeros((H, Wd))
    for h in range(H):
        for w in range(Wd):
            y[h, w] = np.sum(W * padded[h : h + K_h, w : w + K_w])
    return y
""",
    ),
    (
        "The output has the size of the image, and places where the kernel does not fit stay 0.",
        "size_of_x",
        """import numpy as np

def conv2d(x, W):
    y = np.zeros_like(x, dtype=float)
    K_h, K_w = W.shape
    for h in range(x.shape[0] - K_h + 1):
        for w in range(x.shape[1] - K_w + 1):
            y[h, w] = (W * x[h : h + K_h, w : w + K_w]).sum()
    return y
""",
    ),
    (
        "The kernel is turned round by 180 degrees.",
        "flipped",
        """import numpy as np

def conv2d(x, W):
    K_h, K_w = W.shape
    flipped = np.flip(W)
    y = np.zeros((x.shape[0] - K_h + 1, x.shape[1] - K_w + 1))
    for h in range(y.shape[0]):
        for w in range(y.shape[1]):
            y[h, w] = np.sum(flipped * x[h : h + K_h, w : w + K_w])
    return y
""",
    ),
    (
        "The windows are set side by side, so they do not overlap.",
        "spaced",
        """import numpy as np

def conv2d(x, W):
    K_h, K_w = W.shape
    rows = x.shape[0] // K_h
    columns = x.shape[1] // K_w
    y = np.zeros((rows, columns))
    for h in range(rows):
        for w in range(columns):
            y[h, w] = np.sum(W * x[h * K_h : (h + 1) * K_h, w * K_w : (w + 1) * K_w])
    return y
""",
    ),
    (
        "Rows and columns of the output are exchanged.",
        "general.transposed",
        """import numpy as np

def conv2d(x, W):
    K_h, K_w = W.shape
    rows = x.shape[0] - K_h + 1
    columns = x.shape[1] - K_w + 1
    y = np.zeros((columns, rows))
    for h in range(rows):
        for w in range(columns):
            y[w, h] = np.sum(W * x[h : h + K_h, w : w + K_w])
    return y
""",
    ),
    (
        "Image and kernel are taken as square: one size is used for both axes.",
        "one_size",
        """import numpy as np

def conv2d(x, W):
    n = x.shape[0]
    k = W.shape[0]
    m = n - k + 1
    y = np.zeros((m, m))
    for h in range(m):
        for w in range(m):
            for i in range(k):
                for j in range(k):
                    y[h, w] += W[i, j] * x[h + i, w + j]
    return y
""",
    ),
    (
        "The output gets the type of the image, so images of integers give integers.",
        "integer_result",
        """import numpy as np

def conv2d(x, W):
    K_h, K_w = W.shape
    rows, columns = x.shape[0] - K_h + 1, x.shape[1] - K_w + 1
    y = np.zeros((rows, columns), dtype=x.dtype)
    for h in range(rows):
        for w in range(columns):
            y[h, w] = np.sum(W * x[h : h + K_h, w : w + K_w])
    return y
""",
    ),
    (
        "The total is not set to 0 for the next place.",
        "not_reset",
        """import numpy as np

def conv2d(x, W):
    K_h, K_w = W.shape
    y = np.zeros((x.shape[0] - K_h + 1, x.shape[1] - K_w + 1))
    total = 0
    for h in range(y.shape[0]):
        for w in range(y.shape[1]):
            for i in range(K_h):
                for j in range(K_w):
                    total += W[i, j] * x[h + i, w + j]
            y[h, w] = total
    return y
""",
    ),
    (
        "Only the last product of each window is kept: = is written in place of +=.",
        "last_product",
        """import numpy as np

def conv2d(x, W):
    K_h, K_w = W.shape
    y = np.zeros((x.shape[0] - K_h + 1, x.shape[1] - K_w + 1))
    for h in range(y.shape[0]):
        for w in range(y.shape[1]):
            for i in range(K_h):
                for j in range(K_w):
                    y[h, w] = W[i, j] * x[h + i, w + j]
    return y
""",
    ),
    (
        "i and j are exchanged in the image, so the kernel is transposed.",
        "transposed",
        """import numpy as np

def conv2d(x, W):
    windows = np.lib.stride_tricks.sliding_window_view(x, W.T.shape)
    return np.einsum("hwij,ji->hw", windows, W)
""",
    ),
    (
        "The mean of the products is taken, as in a blur.",
        "averaged",
        """import numpy as np

def conv2d(x, W):
    windows = np.lib.stride_tricks.sliding_window_view(x, W.shape)
    return (windows * W).mean(axis=(2, 3))
""",
    ),
    (
        "The rows of the output are written into one long list.",
        "flat",
        """import numpy as np

def conv2d(x, W):
    K_h, K_w = W.shape
    y = []
    for h in range(x.shape[0] - K_h + 1):
        for w in range(x.shape[1] - K_w + 1):
            y.append(np.sum(W * x[h : h + K_h, w : w + K_w]))
    return np.array(y)
""",
    ),
    (
        "The loops run to the number of places minus 1, so the last row and column stay 0.",
        "last_left_out",
        """import numpy as np

def conv2d(x, W):
    K_h, K_w = W.shape
    rows = x.shape[0] - K_h + 1
    columns = x.shape[1] - K_w + 1
    y = np.zeros((rows, columns))
    for h in range(rows - 1):
        for w in range(columns - 1):
            y[h, w] = np.sum(W * x[h : h + K_h, w : w + K_w])
    return y
""",
    ),
    (
        "The matrix product of kernel and patch is taken.",
        "matrix_product",
        """import numpy as np

def conv2d(x, W):
    K_h, K_w = W.shape
    y = np.zeros((x.shape[0] - K_h + 1, x.shape[1] - K_w + 1))
    for h in range(y.shape[0]):
        for w in range(y.shape[1]):
            y[h, w] = np.sum(W.T @ x[h : h + K_h, w : w + K_w])
    return y
""",
    ),
)
