"""Wrong solutions of the step max_pool."""

import numpy as np

NAMES = {
    "begins_with_zero": "start_at_zero_both",
    "greater_or_equal": "last_of_equal",
    "places_by_column": "column_first",
    "winner_from_one": "counted_from_one",
    "place_in_image": "winner_in_image",
    "row_of_winner": "winner_is_row",
    "winner_forgotten": "winner_not_set",
    "minimum": "smallest",
    "mean": "averaged",
    "absolute": "largest_absolute",
    "all_channels": "over_channels",
    "moves_by_window": "stride_is_window",
    "moves_by_one": "stride_is_one",
    "window_mixed": "swapped_window",
    "stride_mixed": "swapped_stride",
    "y_alone": "only_y",
    "zero_start_and_argmax": "start_at_zero",
    "last_window_left_out": None,
    "second_largest": None,
}


def sizes(x, window, stride):
    return len(x), (x.shape[1] - window[0]) // stride[0] + 1, (x.shape[2] - window[1]) // stride[1] + 1, x.shape[3]


def windows(x, window, stride):
    for n, h, w, c in np.ndindex(sizes(x, window, stride)):
        a, b = h * stride[0], w * stride[1]
        yield (n, h, w, c), x[n, a : a + window[0], b : b + window[1], c]


def pooled(x, window, stride, value, place):
    y, winner = np.zeros(sizes(x, window, stride)), np.zeros(sizes(x, window, stride), int)
    for at, patch in windows(x, window, stride):
        y[at], winner[at] = value(patch), place(patch)
    return y, winner


def begins_with_zero(x, window, stride):
    y, winner = np.zeros(sizes(x, window, stride)), np.zeros(sizes(x, window, stride), int)
    for at, patch in windows(x, window, stride):
        best = 0
        for i, j in np.ndindex(patch.shape):
            if patch[i, j] > best:
                best = patch[i, j]
                winner[at] = i * window[1] + j
        y[at] = best
    return y, winner


def greater_or_equal(x, window, stride):
    y, winner = np.zeros(sizes(x, window, stride)), np.zeros(sizes(x, window, stride), int)
    for at, patch in windows(x, window, stride):
        best = -np.inf
        for i, j in np.ndindex(patch.shape):
            if patch[i, j] >= best:
                best = patch[i, j]
                winner[at] = i * window[1] + j
        y[at] = best
    return y, winner


def places_by_column(x, window, stride):
    def place(patch):
        i, j = np.unravel_index(patch.argmax(), patch.shape)
        return j * window[0] + i

    return pooled(x, window, stride, np.max, place)


def winner_from_one(x, window, stride):
    y, winner = pooled(x, window, stride, np.max, np.argmax)
    return y, winner + 1


def place_in_image(x, window, stride):
    y, winner = np.zeros(sizes(x, window, stride)), np.zeros(sizes(x, window, stride), int)
    for n, h, w, c in np.ndindex(y.shape):
        best = -np.inf
        for row in range(h * stride[0], h * stride[0] + window[0]):
            for column in range(w * stride[1], w * stride[1] + window[1]):
                if x[n, row, column, c] > best:
                    best = x[n, row, column, c]
                    winner[n, h, w, c] = row * x.shape[2] + column
        y[n, h, w, c] = best
    return y, winner


def row_of_winner(x, window, stride):
    return pooled(x, window, stride, np.max, lambda patch: np.unravel_index(patch.argmax(), patch.shape)[0])


def winner_forgotten(x, window, stride):
    return pooled(x, window, stride, np.max, lambda patch: 0)


def minimum(x, window, stride):
    return pooled(x, window, stride, np.min, np.argmin)


def mean(x, window, stride):
    return pooled(x, window, stride, np.mean, np.argmax)


def absolute(x, window, stride):
    def place(patch):
        return np.argmax(np.abs(patch))

    return pooled(x, window, stride, lambda patch: patch.ravel()[place(patch)], place)


def all_channels(x, window, stride):
    y, winner = np.zeros(sizes(x, window, stride)), np.zeros(sizes(x, window, stride), int)
    for n, h, w, c in np.ndindex(y.shape):
        a, b = h * stride[0], w * stride[1]
        patch = x[n, a : a + window[0], b : b + window[1]]
        y[n, h, w, c], winner[n, h, w, c] = np.max(patch), np.argmax(patch)
    return y, winner


def moves_by_window(x, window, stride):
    return pooled(x, window, window, np.max, np.argmax)


def moves_by_one(x, window, stride):
    return pooled(x, window, (1, 1), np.max, np.argmax)


def window_mixed(x, window, stride):
    K_w, K_h = window
    return pooled(x, (K_h, K_w), stride, np.max, np.argmax)


def stride_mixed(x, window, stride):
    t, s = stride
    return pooled(x, window, (s, t), np.max, np.argmax)


def y_alone(x, window, stride):
    return pooled(x, window, stride, np.max, np.argmax)[0]


def zero_start_and_argmax(x, window, stride):
    return pooled(x, window, stride, lambda patch: max(0, patch.max()), np.argmax)


def last_window_left_out(x, window, stride):
    y, winner = pooled(x, window, stride, np.max, np.argmax)
    y[:, -1, -1] = 0
    return y, winner


def second_largest(x, window, stride):
    return pooled(x, window, stride, lambda patch: np.sort(patch, axis=None)[-2:][0], np.argmax)
