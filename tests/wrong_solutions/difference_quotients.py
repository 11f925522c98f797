"""Wrong solutions of the step difference_quotients: of one_sided, and of central with a right one_sided."""

import numpy as np

NAMES = {
    "no_division": "not_divided",
    "absolute": "sign_lost",
    "reversed": "opposite_sign",
    "to_the_left": "backward",
    "whole_array": "all_at_once",
    "whole_array_one_number": "one_number",
    "stays_moved": "not_restored",
    "integer_copy": "integers_kept",
    "two_sided": "central_instead",
    "restored_by_subtraction": None,
    "moves_w_itself": None,
    "only_vectors": "rows_moved",
}
SECOND = {
    "over_h": "central_h",
    "missing_brackets": "precedence",
    "middle_subtracted": "half_of_one_sided",
    "half_steps": "half_step",
    "right_side": "one_sided_instead",
    "both_at_once": "central_all_at_once",
    "below_stays": "central_not_restored",
    "without_sign": "central_sign_lost",
    "copies_of_integers": "central_integers_kept",
    "mean_of_values": None,
}


def places(w):
    return list(np.ndindex(w.shape))


def moved(w, k, h):
    copy = w.astype(float)
    copy[k] += h
    return copy


def no_division(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = f(moved(w, k, h)) - f(w)
    return g


def absolute(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = abs(f(w) - f(moved(w, k, h))) / h
    return g


def reversed(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = (f(w) - f(moved(w, k, h))) / h
    return g


def to_the_left(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = (f(w) - f(moved(w, k, -h))) / h
    return g


def whole_array(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = (f(w + h) - f(w)) / h
    return g


def whole_array_one_number(f, w, h):
    return (f(w + h) - f(w)) / h


def stays_moved(f, w, h):
    g = np.zeros(w.shape)
    before = f(w)
    w = w.astype(float)
    for k in places(w):
        w[k] = w[k] + h
        g[k] = (f(w) - before) / h
    return g


def integer_copy(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        copy = w.copy()
        copy[k] = copy[k] + h
        g[k] = (f(copy) - f(w)) / h
    return g


def two_sided(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = (f(moved(w, k, h)) - f(moved(w, k, -h))) / (2 * h)
    return g


def restored_by_subtraction(f, w, h):
    g = np.zeros(w.shape)
    before = f(w)
    for k in places(w):
        w[k] += h
        g[k] = (f(w) - before) / h
        w[k] -= h
    return g


def moves_w_itself(f, w, h):
    g = np.zeros(w.shape)
    before = f(w)
    for k in places(w):
        w[k] = w[k] + h
        g[k] = (f(w) - before) / h
    return g


def only_vectors(f, w, h):
    g = np.zeros(w.shape)
    for k in range(len(w)):
        g[k] = (f(moved(w, k, h)) - f(w)) / h
    return g


def over_h(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = (f(moved(w, k, h)) - f(moved(w, k, -h))) / h
    return g


def missing_brackets(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = (f(moved(w, k, h)) - f(moved(w, k, -h))) / 2 * h
    return g


def middle_subtracted(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = (f(moved(w, k, h)) - f(w)) / (2 * h)
    return g


def half_steps(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = (f(moved(w, k, h / 2)) - f(moved(w, k, -h / 2))) / h
    return g


def right_side(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = (f(moved(w, k, h)) - f(w)) / h
    return g


def both_at_once(f, w, h):
    return np.ones(w.shape) * (f(w + h) - f(w - h)) / (2 * h)


def below_stays(f, w, h):
    g = np.zeros(w.shape)
    w = w.astype(float)
    for k in places(w):
        w[k] += h
        above = f(w)
        w[k] -= 2 * h
        below = f(w)
        g[k] = (above - below) / (2 * h)
    return g


def without_sign(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = abs(f(moved(w, k, h)) - f(moved(w, k, -h))) / (2 * h)
    return g


def copies_of_integers(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        a, b = w.copy(), w.copy()
        a[k] = w[k] + h
        b[k] = w[k] - h
        g[k] = (f(a) - f(b)) / (2 * h)
    return g


def mean_of_values(f, w, h):
    g = np.zeros(w.shape)
    for k in places(w):
        g[k] = (f(moved(w, k, h)) + f(moved(w, k, -h))) / 2
    return g
