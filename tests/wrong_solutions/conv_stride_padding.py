"""Wrong solutions of the step conv_stride_padding: of its first function, and of its second one with a right first one."""

import math

import numpy as np

NAMES = {
    "ceiling": "size_rounded_up",
    "slash": "size_not_rounded",
    "one_forgotten": "size_no_plus_one",
    "one_side_only": "size_padding_once",
    "padding_forgotten": "size_no_padding",
    "one_inside": "size_plus_one_inside",
    "stride_forgotten": "size_no_stride",
    "as_in_same": None,
    "twice_at_the_end": "size_padding_outside",
}

SECOND = {
    "no_zeros": "no_padding",
    "always_one_step": "no_stride",
    "place_without_stride": "stride_not_in_place",
    "strides_mixed": "swapped_stride",
    "paddings_mixed": "swapped_padding",
    "only_first_numbers": "rows_for_both",
    "only_first_stride": "row_stride_for_both",
    "border_repeated": "edge_repeated",
    "ones_around": "padded_with_ones",
    "zeros_before": "one_side",
    "padded_result": "result_padded",
    "stride_within_window": "dilated",
    "bias_forgotten": "no_bias",
    "crop_by_rows": None,
    "pads_channels": None,
}


def ceiling(size, window, stride, padding):
    return math.ceil((size - window + 2 * padding) / stride) + 1


def slash(size, window, stride, padding):
    return 1 + (size - window + 2 * padding) / stride


def one_forgotten(size, window, stride, padding):
    return (size - window + 2 * padding) // stride


def one_side_only(size, window, stride, padding):
    return (size - window + padding) // stride + 1


def padding_forgotten(size, window, stride, padding):
    return len(range(0, size - window + 1, stride))


def one_inside(size, window, stride, padding):
    return (size + 2 * padding - window + 1) // stride


def stride_forgotten(size, window, stride, padding):
    return size + 2 * padding - window + 1


def as_in_same(size, window, stride, padding):
    return math.ceil(size / stride)


def twice_at_the_end(size, window, stride, padding):
    return (size - window) // stride + 1 + padding + padding


def output_size(size, window, stride, padding):
    return (size + 2 * padding - window) // stride + 1


def plain(x, W, b, stride=(1, 1)):
    rows = (x.shape[1] - W.shape[0]) // stride[0] + 1
    columns = (x.shape[2] - W.shape[1]) // stride[1] + 1
    y = np.zeros((len(x), rows, columns, W.shape[3]))
    for n, h, w, o in np.ndindex(y.shape):
        r, c = h * stride[0], w * stride[1]
        y[n, h, w, o] = b[o] + np.sum(W[..., o] * x[n, r : r + W.shape[0], c : c + W.shape[1]])
    return y


def surrounded(x, p, q, value=0.0):
    N, H, B, C = x.shape
    wide = np.full((N, H + 2 * p, B + 2 * q, C), value)
    wide[:, p : p + H, q : q + B] = x
    return wide


def no_zeros(x, W, b, stride, padding):
    return plain(x, W, b, stride)


def always_one_step(x, W, b, stride, padding):
    return plain(surrounded(x, *padding), W, b)


def place_without_stride(x, W, b, stride, padding):
    rows = output_size(x.shape[1], W.shape[0], stride[0], padding[0])
    columns = output_size(x.shape[2], W.shape[1], stride[1], padding[1])
    wide = surrounded(x, *padding)
    y = np.zeros((len(x), rows, columns, W.shape[3]))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[..., o] * wide[n, h : h + W.shape[0], w : w + W.shape[1]])
    return y


def strides_mixed(x, W, b, stride, padding):
    t, s = stride
    return plain(surrounded(x, *padding), W, b, (s, t))


def paddings_mixed(x, W, b, stride, padding):
    q, p = padding
    return plain(surrounded(x, p, q), W, b, stride)


def only_first_numbers(x, W, b, stride, padding):
    return plain(surrounded(x, padding[0], padding[0]), W, b, (stride[0], stride[0]))


def only_first_stride(x, W, b, stride, padding):
    return plain(surrounded(x, *padding), W, b, (stride[0],) * 2)


def border_repeated(x, W, b, stride, padding):
    p, q = padding
    rows = np.clip(np.arange(-p, x.shape[1] + p), 0, x.shape[1] - 1)
    columns = np.clip(np.arange(-q, x.shape[2] + q), 0, x.shape[2] - 1)
    return plain(x[:, rows][:, :, columns], W, b, stride)


def ones_around(x, W, b, stride, padding):
    return plain(surrounded(x, *padding, 1.0), W, b, stride)


def zeros_before(x, W, b, stride, padding):
    p, q = padding
    wide = np.zeros((len(x), x.shape[1] + p, x.shape[2] + q, x.shape[3]))
    wide[:, p:, q:] = x
    return plain(wide, W, b, stride)


def padded_result(x, W, b, stride, padding):
    return surrounded(plain(x, W, b, stride), *padding)


def stride_within_window(x, W, b, stride, padding):
    wide = surrounded(x, *padding)
    s, t = stride
    K_h, K_w = W.shape[:2]
    y = np.zeros((len(x), wide.shape[1] - (K_h - 1) * s, wide.shape[2] - (K_w - 1) * t, W.shape[3]))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + sum(np.sum(W[i, j, :, o] * wide[n, h + i * s, w + j * t]) for i, j in np.ndindex(K_h, K_w))
    return y


def bias_forgotten(x, W, b, stride, padding):
    return plain(surrounded(x, *padding), W, np.zeros(len(b)), stride)


def crop_by_rows(x, W, b, stride, padding):
    p, _ = padding
    wide = surrounded(x, *padding)
    return plain(wide[:, :, p : x.shape[2] + p] if p else wide, W, b, stride)


def pads_channels(x, W, b, stride, padding):
    p, q = padding
    return plain(np.pad(x, ((p, p), (p, p), (q, q), (0, 0))), W, b, stride)
