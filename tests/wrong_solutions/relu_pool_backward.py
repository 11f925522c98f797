"""Wrong solutions of the step relu_pool_backward: of relu_backward, and of max_pool_backward with a right relu_backward."""

import numpy as np

NAMES = {
    "identity": "passes_on",
    "derivative_alone": "not_multiplied",
    "zero_included": "slope_at_zero",
    "relu_again": "relu_of_gy",
    "guided": "both_positive",
    "product": "times_x",
    "negative_part": "other_side",
    "arguments_mixed": "by_gy",
    "in_place": None,
    "leaky": None,
}
SECOND = {
    "assigns": "overwritten",
    "columns_first": "by_column",
    "to_everyone": "to_all",
    "average": "shared",
    "upper_left": "first_place",
    "window_as_stride": "stride_is_window",
    "stride_missing": "no_stride",
    "strides_mixed": "swapped_stride",
    "wrong_width": "width_of_image",
    "counts": "ones",
    "mask": "only_mask",
    "flat_index": None,
}


def identity(gy, x):
    return gy


def derivative_alone(gy, x):
    return (x > 0).astype(float)


def zero_included(gy, x):
    return gy * (x >= 0)


def relu_again(gy, x):
    return np.maximum(gy, 0)


def guided(gy, x):
    return gy * (x > 0) * (gy > 0)


def product(gy, x):
    return np.maximum(x, 0) * gy


def negative_part(gy, x):
    return gy * (x <= 0)


def arguments_mixed(x, gy):
    return np.where(x > 0, gy, 0)


def in_place(gy, x):
    gy[x <= 0] = 0
    return gy


def leaky(gy, x):
    return np.where(x > 0, gy, 0.01 * gy)


def assigns(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = winner[n, h, w, c] // window[1], winner[n, h, w, c] % window[1]
        gx[n, h * stride[0] + i, w * stride[1] + j, c] = gy[n, h, w, c]
    return gx


def columns_first(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        j, i = divmod(winner[n, h, w, c], window[0])
        gx[n, h * stride[0] + i, w * stride[1] + j, c] += gy[n, h, w, c]
    return gx


def to_everyone(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        for i, j in np.ndindex(window):
            gx[n, h * stride[0] + i, w * stride[1] + j, c] += gy[n, h, w, c]
    return gx


def average(gy, winner, shape, window, stride):
    return to_everyone(gy, winner, shape, window, stride) / (window[0] * window[1])


def upper_left(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        gx[n, h * stride[0], w * stride[1], c] += gy[n, h, w, c]
    return gx


def placed(gy, winner, shape, width, s, t):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], width)
        gx[n, h * s + i, w * t + j, c] += gy[n, h, w, c]
    return gx


def window_as_stride(gy, winner, shape, window, stride):
    return placed(gy, winner, shape, window[1], *window)


def stride_missing(gy, winner, shape, window, stride):
    return placed(gy, winner, shape, window[1], 1, 1)


def strides_mixed(gy, winner, shape, window, stride):
    return placed(gy, winner, shape, window[1], stride[1], stride[0])


def wrong_width(gy, winner, shape, window, stride):
    return placed(gy, winner, shape, window[0], *stride)


def counts(gy, winner, shape, window, stride):
    return placed(np.ones(gy.shape), winner, shape, window[1], *stride)


def mask(gy, winner, shape, window, stride):
    return (counts(gy, winner, shape, window, stride) > 0).astype(float)


def flat_index(gy, winner, shape, window, stride):
    gx = np.zeros(shape).ravel()
    for at in np.ndindex(gy.shape):
        gx[winner[at]] += gy[at]
    return gx.reshape(shape)
