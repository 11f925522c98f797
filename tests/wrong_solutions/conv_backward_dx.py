"""Wrong solutions of the step conv_backward_dx."""

import numpy as np

NAMES = {
    "turned": "flipped",
    "assigned": "overwritten",
    "windows_assigned": "windows_overwritten",
    "one_filter": "first_filter",
    "filter_overwritten": "last_filter",
    "mean_of_filters": "filters_averaged",
    "mean_of_batch": "averaged",
    "with_border": "not_cropped",
    "cropped_from_zero": "cropped_at_zero",
    "strides_mixed": "swapped_stride",
    "without_stride": "stride_forgotten",
    "no_upstream": "gy_not_used",
    "sum_over_channels": "channels_added",
    "batch_added": "images_added",
    "crop_by_height": "cropped_by_p_only",
}


def back(gy, W, shape, stride, padding):
    N, H, B, C = shape
    gx = np.zeros((N, H + 2 * padding[0], B + 2 * padding[1], C))
    for n, h, w, o in np.ndindex(gy.shape):
        a, b = h * stride[0], w * stride[1]
        gx[n, a : a + W.shape[0], b : b + W.shape[1]] += gy[n, h, w, o] * W[..., o]
    return gx


def crop(gx, shape, padding):
    return gx[:, padding[0] : padding[0] + shape[1], padding[1] : padding[1] + shape[2]]


def turned(gy, W, shape, stride, padding):
    return crop(back(gy, W[::-1, ::-1], shape, stride, padding), shape, padding)


def assigned(gy, W, shape, stride, padding):
    N, H, B, C = shape
    gx = np.zeros((N, H + 2 * padding[0], B + 2 * padding[1], C))
    for n, h, w, o in np.ndindex(gy.shape):
        for i, j, c in np.ndindex(W.shape[:3]):
            gx[n, h * stride[0] + i, w * stride[1] + j, c] = gy[n, h, w, o] * W[i, j, c, o]
    return crop(gx, shape, padding)


def windows_assigned(gy, W, shape, stride, padding):
    N, H, B, C = shape
    gx = np.zeros((N, H + 2 * padding[0], B + 2 * padding[1], C))
    for n, h, w in np.ndindex(gy.shape[:3]):
        for i, j, c in np.ndindex(W.shape[:3]):
            gx[n, h * stride[0] + i, w * stride[1] + j, c] = np.sum(gy[n, h, w] * W[i, j, c])
    return crop(gx, shape, padding)


def one_filter(gy, W, shape, stride, padding):
    return crop(back(gy[..., :1], W[..., :1], shape, stride, padding), shape, padding)


def filter_overwritten(gy, W, shape, stride, padding):
    for o in range(W.shape[3]):
        gx = back(gy[..., o : o + 1], W[..., o : o + 1], shape, stride, padding)
    return crop(gx, shape, padding)


def mean_of_filters(gy, W, shape, stride, padding):
    return crop(back(gy, W, shape, stride, padding), shape, padding) / gy.shape[3]


def mean_of_batch(gy, W, shape, stride, padding):
    return crop(back(gy, W, shape, stride, padding), shape, padding) / shape[0]


def with_border(gy, W, shape, stride, padding):
    return back(gy, W, shape, stride, padding)


def cropped_from_zero(gy, W, shape, stride, padding):
    return back(gy, W, shape, stride, padding)[:, : shape[1], : shape[2]]


def strides_mixed(gy, W, shape, stride, padding):
    return crop(back(gy, W, shape, stride[::-1], padding), shape, padding)


def without_stride(gy, W, shape, stride, padding):
    return crop(back(gy, W, shape, (1, 1), padding), shape, padding)


def no_upstream(gy, W, shape, stride, padding):
    return crop(back(np.ones(gy.shape), W, shape, stride, padding), shape, padding)


def sum_over_channels(gy, W, shape, stride, padding):
    return crop(back(gy, W.sum(axis=2, keepdims=True) + np.zeros(W.shape), shape, stride, padding), shape, padding)


def batch_added(gy, W, shape, stride, padding):
    return crop(back(np.zeros(gy.shape) + gy.sum(axis=0), W, shape, stride, padding), shape, padding)


def crop_by_height(gy, W, shape, stride, padding):
    p = padding[0]
    gx = back(gy, W, shape, stride, padding)
    return gx[:, p : p + shape[1], p : p + shape[2]]
