"""Wrong solutions of the step linear_backward."""

import numpy as np

NAMES = {
    "not_transposed": "weights_not_transposed",
    "gW_other_way": "gW_transposed",
    "mean_over_batch": "averaged",
    "everything_divided": "gx_averaged",
    "bias_of_each_image": "gb_not_summed",
    "bias_over_outputs": "gb_over_outputs",
    "bias_one_number": "gb_one_number",
    "bias_kept_dimension": "gb_row",
    "overwritten": "last_image",
    "only_gW_overwritten": "last_image_gW",
    "gx_overwritten": "last_output",
    "sums_first": "sums_multiplied",
    "wrong_order": "order_gW_gx",
    "bias_first": "order_gb_first",
    "two_results": "no_gb",
    "ones": "gy_not_used",
    "slope_of_bias": "gb_ones",
    "changes_gy": None,
    "wrong_sign_of_gx": None,
}


def loops(gy, x, W):
    gx, gW, gb = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for n, o in np.ndindex(gy.shape):
        gb[o] += gy[n, o]
        for i in range(len(W)):
            gx[n, i] += gy[n, o] * W[i, o]
            gW[i, o] += x[n, i] * gy[n, o]
    return gx, gW, gb


def not_transposed(gy, x, W):
    return np.dot(gy, W), np.dot(x.T, gy), np.sum(gy, axis=0)


def gW_other_way(gy, x, W):
    gx, gW, gb = loops(gy, x, W)
    return gx, gW.T, gb


def mean_over_batch(gy, x, W):
    gx, gW, gb = loops(gy, x, W)
    return gx, gW / x.shape[0], gb / x.shape[0]


def everything_divided(gy, x, W):
    return loops(gy / len(gy), x, W)


def bias_of_each_image(gy, x, W):
    gx, gW, _ = loops(gy, x, W)
    return gx, gW, gy


def bias_over_outputs(gy, x, W):
    gx, gW, _ = loops(gy, x, W)
    return gx, gW, np.sum(gy, axis=1)


def bias_one_number(gy, x, W):
    gx, gW, _ = loops(gy, x, W)
    return gx, gW, np.sum(gy)


def bias_kept_dimension(gy, x, W):
    gx, gW, _ = loops(gy, x, W)
    return gx, gW, np.sum(gy, axis=0, keepdims=True)


def overwritten(gy, x, W):
    gx, gW, gb = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for n, o in np.ndindex(gy.shape):
        gb[o] = gy[n, o]
        for i in range(len(W)):
            gx[n, i] += gy[n, o] * W[i, o]
            gW[i, o] = x[n, i] * gy[n, o]
    return gx, gW, gb


def only_gW_overwritten(gy, x, W):
    gx, gW, gb = loops(gy, x, W)
    for n, o in np.ndindex(gy.shape):
        for i in range(len(W)):
            gW[i, o] = x[n, i] * gy[n, o]
    return gx, gW, gb


def gx_overwritten(gy, x, W):
    gx, gW, gb = loops(gy, x, W)
    for n, o in np.ndindex(gy.shape):
        for i in range(len(W)):
            gx[n, i] = gy[n, o] * W[i, o]
    return gx, gW, gb


def sums_first(gy, x, W):
    gx, _, gb = loops(gy, x, W)
    return gx, np.outer(x.sum(0), gy.sum(0)), gb


def wrong_order(gy, x, W):
    gx, gW, gb = loops(gy, x, W)
    return gW, gx, gb


def bias_first(gy, x, W):
    gx, gW, gb = loops(gy, x, W)
    return gb, gW, gx


def two_results(gy, x, W):
    return loops(gy, x, W)[:2]


def ones(gy, x, W):
    return loops(np.ones(gy.shape), x, W)


def slope_of_bias(gy, x, W):
    gx, gW, gb = loops(gy, x, W)
    return gx, gW, np.ones(len(gb))


def changes_gy(gy, x, W):
    gy *= 1 / len(gy)
    return loops(gy * len(gy), x, W)


def wrong_sign_of_gx(gy, x, W):
    gx, gW, gb = loops(gy, x, W)
    return -gx, gW, gb
