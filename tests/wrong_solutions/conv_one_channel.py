"""Wrong solutions of the step conv_one_channel."""

import numpy as np

NAMES = {
    "turned": "flipped",
    "size_too_small": "no_plus_one",
    "loops_too_short": "last_left_out",
    "size_of_the_image": "size_of_x",
    "zeros_around": "same_size",
    "sum_not_reset": "not_reset",
    "sum_reset_in_rows": "not_reset_in_row",
    "only_last": "last_product",
    "mean": "averaged",
    "pooling_windows": "spaced",
    "indices_swapped": "place_swapped",
    "square_kernel": "square",
    "list": "flat",
    "no_kernel": "kernel_not_used",
    "type_of_the_image": "integer_result",
    "dot_product": None,
    "result_transposed": "general.transposed",
    "window_stays": "first_window",
    "in_place": None,
    "crashes_for_rectangles": None,
}


def sizes(x, W):
    return x.shape[0] - W.shape[0] + 1, x.shape[1] - W.shape[1] + 1


def turned(x, W):
    W = np.flip(W)
    y = np.zeros(sizes(x, W))
    for h, w in np.ndindex(y.shape):
        y[h, w] = (W * x[h : h + W.shape[0], w : w + W.shape[1]]).sum()
    return y


def size_too_small(x, W):
    y = np.zeros((x.shape[0] - W.shape[0], x.shape[1] - W.shape[1]))
    for h, w in np.ndindex(y.shape):
        y[h, w] = (W * x[h : h + W.shape[0], w : w + W.shape[1]]).sum()
    return y


def loops_too_short(x, W):
    rows, columns = sizes(x, W)
    y = np.zeros((rows, columns))
    for h in range(rows - 1):
        for w in range(columns - 1):
            y[h, w] = (W * x[h : h + W.shape[0], w : w + W.shape[1]]).sum()
    return y


def size_of_the_image(x, W):
    y = np.zeros(x.shape)
    for h, w in np.ndindex(sizes(x, W)):
        y[h, w] = (W * x[h : h + W.shape[0], w : w + W.shape[1]]).sum()
    return y


def zeros_around(x, W):
    p, q = W.shape[0] // 2, W.shape[1] // 2
    wide = np.zeros((x.shape[0] + 2 * p, x.shape[1] + 2 * q))
    wide[p : p + x.shape[0], q : q + x.shape[1]] = x
    y = np.zeros(sizes(wide, W))
    for h, w in np.ndindex(y.shape):
        y[h, w] = (W * wide[h : h + W.shape[0], w : w + W.shape[1]]).sum()
    return y


def sum_not_reset(x, W):
    y = np.zeros(sizes(x, W))
    total = 0
    for h, w in np.ndindex(y.shape):
        for i, j in np.ndindex(W.shape):
            total += W[i, j] * x[h + i, w + j]
        y[h, w] = total
    return y


def sum_reset_in_rows(x, W):
    rows, columns = sizes(x, W)
    y = np.zeros((rows, columns))
    for h in range(rows):
        total = 0
        for w in range(columns):
            for i, j in np.ndindex(W.shape):
                total += W[i, j] * x[h + i, w + j]
            y[h, w] = total
    return y


def only_last(x, W):
    y = np.zeros(sizes(x, W))
    for h, w in np.ndindex(y.shape):
        for i, j in np.ndindex(W.shape):
            y[h, w] = W[i, j] * x[h + i, w + j]
    return y


def mean(x, W):
    y = np.zeros(sizes(x, W))
    for h, w in np.ndindex(y.shape):
        y[h, w] = (W * x[h : h + W.shape[0], w : w + W.shape[1]]).mean()
    return y


def pooling_windows(x, W):
    K_h, K_w = W.shape
    return np.array(
        [
            [np.sum(W * x[h : h + K_h, w : w + K_w]) for w in range(0, x.shape[1] - K_w + 1, K_w)]
            for h in range(0, x.shape[0] - K_h + 1, K_h)
        ]
    )


def indices_swapped(x, W):
    y = np.zeros(sizes(x, W))
    for h, w in np.ndindex(y.shape):
        y[h, w] = np.sum(W * x[w : w + W.shape[0], h : h + W.shape[1]])
    return y


def square_kernel(x, W):
    K = len(W)
    y = np.zeros((x.shape[0] - K + 1, x.shape[1] - K + 1))
    for h, w in np.ndindex(y.shape):
        y[h, w] = np.sum(W * x[h : h + K, w : w + K])
    return y


def list(x, W):
    y = []
    for h, w in np.ndindex(sizes(x, W)):
        y.append(np.sum(W * x[h : h + W.shape[0], w : w + W.shape[1]]))
    return np.array(y)


def no_kernel(x, W):
    y = np.zeros(sizes(x, W))
    for h, w in np.ndindex(y.shape):
        y[h, w] = np.sum(x[h : h + W.shape[0], w : w + W.shape[1]])
    return y


def type_of_the_image(x, W):
    y = np.zeros(sizes(x, W), dtype=x.dtype)
    for h, w in np.ndindex(y.shape):
        y[h, w] = np.sum(W * x[h : h + W.shape[0], w : w + W.shape[1]])
    return y


def dot_product(x, W):
    y = np.zeros(sizes(x, W))
    for h, w in np.ndindex(y.shape):
        y[h, w] = np.sum(x[h : h + W.shape[0], w : w + W.shape[1]].dot(W.T))
    return y


def result_transposed(x, W):
    rows, columns = sizes(x, W)
    y = np.zeros((columns, rows))
    for h in range(rows):
        for w in range(columns):
            y[w, h] = np.sum(W * x[h : h + W.shape[0], w : w + W.shape[1]])
    return y


def window_stays(x, W):
    y = np.zeros(sizes(x, W))
    for h, w in np.ndindex(y.shape):
        for i, j in np.ndindex(W.shape):
            y[h, w] += W[i, j] * x[i, j]
    return y


def in_place(x, W):
    for h, w in np.ndindex(sizes(x, W)):
        x[h, w] = np.sum(W * x[h : h + W.shape[0], w : w + W.shape[1]])
    rows, columns = sizes(x, W)
    return x[:rows, :columns]


def crashes_for_rectangles(x, W):
    n = x.shape[0] - W.shape[0] + 1
    y = np.zeros((n, n))
    for h, w in np.ndindex(n, n):
        y[h, w] = np.sum(W * x[h : h + W.shape[0], w : w + W.shape[1]])
    return y
