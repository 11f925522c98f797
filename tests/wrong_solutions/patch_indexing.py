"""Wrong solutions of the step patch_indexing, as students write them: name of the function, and the name that the grader gives."""

import numpy as np

NAMES = {
    "chained": "chained_slices",
    "axes_mixed": "swapped_axes",
    "place_mixed": "swapped_place",
    "size_mixed": "swapped_size",
    "ends_at_size": "end_without_start",
    "end_included": "one_too_many",
    "end_too_early": "one_too_few",
    "loop_forgets_columns": "square",
    "upper_left": "corner",
    "list_of_numbers": "flat",
    "transposed_at_the_end": "general.transposed",
    "nothing_returned": None,
    "around_the_middle": "centred",
    "zeros_never_filled": "general.zeros",
    "last_number_missing": None,
    "one_based": "counted_from_one",
}


def chained(x, h, w, K_h, K_w):
    rows = x[h : h + K_h]
    return rows[w : w + K_w]


def axes_mixed(x, h, w, K_h, K_w):
    return x[w : w + K_w, h : h + K_h]


def place_mixed(x, h, w, K_h, K_w):
    return x[w : w + K_h, h : h + K_w]


def size_mixed(x, h, w, K_h, K_w):
    return x[h : h + K_w, w : w + K_h]


def ends_at_size(x, h, w, K_h, K_w):
    return x[h:K_h, w:K_w]


def end_included(x, h, w, K_h, K_w):
    return x[h : h + K_h + 1, w : w + K_w + 1]


def end_too_early(x, h, w, K_h, K_w):
    return x[h : h + K_h - 1, w : w + K_w - 1]


def loop_forgets_columns(x, h, w, K_h, K_w):
    return x[h : h + K_h, w : w + K_h]


def upper_left(x, h, w, K_h, K_w):
    p = np.zeros((K_h, K_w))
    for i in range(K_h):
        for j in range(K_w):
            p[i, j] = x[i, j]
    return p


def list_of_numbers(x, h, w, K_h, K_w):
    found = [x[h + i, w + j] for i in range(K_h) for j in range(K_w)]
    return np.array(found)


def transposed_at_the_end(x, h, w, K_h, K_w):
    return np.array([[x[h + i, w + j] for i in range(K_h)] for j in range(K_w)])


def nothing_returned(x, h, w, K_h, K_w):
    x[h : h + K_h, w : w + K_w]


def around_the_middle(x, h, w, K_h, K_w):
    return x[h - K_h // 2 : h - K_h // 2 + K_h, w - K_w // 2 : w - K_w // 2 + K_w]


def zeros_never_filled(x, h, w, K_h, K_w):
    p = np.zeros((K_h, K_w))
    for i in range(K_h):
        for j in range(K_w):
            x[h + i, w + j] == p[i, j]
    return p


def last_number_missing(x, h, w, K_h, K_w):
    p = x[h : h + K_h, w : w + K_w].copy()
    p[-1, -1] = 0
    return p


def one_based(x, h, w, K_h, K_w):
    p = np.zeros((K_h, K_w))
    for i in range(1, K_h + 1):
        for j in range(1, K_w + 1):
            p[i - 1, j - 1] = x[h + i - 2, w + j - 2]
    return p
