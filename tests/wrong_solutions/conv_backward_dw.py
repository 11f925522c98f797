"""Wrong solutions of the step conv_backward_dw."""

import numpy as np

NAMES = {
    "turned": "flipped",
    "mean_over_batch": "averaged",
    "mean_over_windows": "windows_averaged",
    "mean_over_everything": "all_averaged",
    "assigned": "last_window",
    "image_overwritten": "last_image",
    "returns_early": "first_image",
    "no_upstream": "gy_not_used",
    "not_padded": "padding_forgotten",
    "paddings_mixed": "swapped_padding",
    "strides_mixed": "swapped_stride",
    "no_stride": "stride_forgotten",
    "axes_mixed": "channels_swapped",
    "all_channels": "channels_added",
    "all_filters": "filters_added",
    "gy_turned": "gy_flipped",
    "rows_for_columns": None,
}


def padded(x, p, q):
    return np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))


def gradient(gy, x, kernel, stride):
    K_h, K_w = kernel
    gW = np.zeros((K_h, K_w, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        a, b = h * stride[0], w * stride[1]
        gW[..., o] += gy[n, h, w, o] * x[n, a : a + K_h, b : b + K_w]
    return gW


def turned(gy, x, kernel, stride, padding):
    return np.flip(gradient(gy, padded(x, *padding), kernel, stride), (0, 1))


def mean_over_batch(gy, x, kernel, stride, padding):
    return gradient(gy, padded(x, *padding), kernel, stride) / x.shape[0]


def mean_over_windows(gy, x, kernel, stride, padding):
    return gradient(gy, padded(x, *padding), kernel, stride) / np.prod(gy.shape[1:3])


def mean_over_everything(gy, x, kernel, stride, padding):
    return gradient(gy, padded(x, *padding), kernel, stride) / np.prod(gy.shape[:3])


def assigned(gy, x, kernel, stride, padding):
    x = padded(x, *padding)
    gW = np.zeros((*kernel, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        a, b = h * stride[0], w * stride[1]
        gW[..., o] = gy[n, h, w, o] * x[n, a : a + kernel[0], b : b + kernel[1]]
    return gW


def image_overwritten(gy, x, kernel, stride, padding):
    x = padded(x, *padding)
    for n in range(len(x)):
        gW = gradient(gy[n : n + 1], x[n : n + 1], kernel, stride)
    return gW


def returns_early(gy, x, kernel, stride, padding):
    return gradient(gy[:1], padded(x, *padding)[:1], kernel, stride)


def no_upstream(gy, x, kernel, stride, padding):
    return gradient(np.ones(gy.shape), padded(x, *padding), kernel, stride)


def not_padded(gy, x, kernel, stride, padding):
    gW = np.zeros((*kernel, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        for i, j, c in np.ndindex(gW.shape[:3]):
            row, column = h * stride[0] + i, w * stride[1] + j
            if row < x.shape[1] and column < x.shape[2]:
                gW[i, j, c, o] += gy[n, h, w, o] * x[n, row, column, c]
    return gW


def paddings_mixed(gy, x, kernel, stride, padding):
    return gradient(gy, padded(x, padding[1], padding[0]), kernel, stride)


def strides_mixed(gy, x, kernel, stride, padding):
    return gradient(gy, padded(x, *padding), kernel, stride[::-1])


def no_stride(gy, x, kernel, stride, padding):
    return gradient(gy, padded(x, *padding), kernel, (1, 1))


def axes_mixed(gy, x, kernel, stride, padding):
    return gradient(gy, padded(x, *padding), kernel, stride).transpose(0, 1, 3, 2)


def all_channels(gy, x, kernel, stride, padding):
    x = padded(x, *padding)
    gW = np.zeros((*kernel, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        for i, j in np.ndindex(kernel):
            gW[i, j, :, o] += gy[n, h, w, o] * x[n, h * stride[0] + i, w * stride[1] + j].sum()
    return gW


def all_filters(gy, x, kernel, stride, padding):
    x = padded(x, *padding)
    gW = np.zeros((*kernel, x.shape[3], gy.shape[3]))
    for n, h, w, o in np.ndindex(gy.shape):
        a, b = h * stride[0], w * stride[1]
        gW[..., o] += gy[n, h, w].sum() * x[n, a : a + kernel[0], b : b + kernel[1]]
    return gW


def gy_turned(gy, x, kernel, stride, padding):
    return gradient(gy[:, ::-1, ::-1], padded(x, *padding), kernel, stride)


def rows_for_columns(gy, x, kernel, stride, padding):
    return gradient(gy, padded(x, padding[0], padding[0]), kernel, (stride[0], stride[0]))
