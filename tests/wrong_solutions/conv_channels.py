"""Wrong solutions of the step conv_channels."""

import numpy as np

NAMES = {
    "bias_forgotten": "no_bias",
    "bias_in_channel_loop": "bias_per_channel",
    "bias_in_inner_loop": "bias_per_product",
    "bias_minus": "bias_subtracted",
    "whole_bias": "all_biases",
    "channel_zero": "first_channel",
    "channels_overwritten": "last_channel",
    "channels_overwritten_with_bias_before": "last_channel_no_bias",
    "mean_over_channels": "channels_averaged",
    "filter_zero": "first_filter",
    "all_filters_at_once": "filters_added",
    "weights_mixed": "filters_swapped",
    "image_zero": "first_image",
    "return_in_loop": "other_images_zero",
    "total_over_filters": "running",
    "turned": "flipped",
    "channel_axis_second": "channels_first",
    "size_too_small": "no_plus_one",
    "all_images_at_once": "images_added",
    "bias_of_image": None,
    "relu_at_the_end": "relu_too",
}


def shaped(x, W):
    return np.zeros((len(x), x.shape[1] - W.shape[0] + 1, x.shape[2] - W.shape[1] + 1, W.shape[3]))


def sums(x, W):
    y = shaped(x, W)
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = (W[..., o] * x[n, h : h + W.shape[0], w : w + W.shape[1]]).sum()
    return y


def bias_forgotten(x, W, b):
    return sums(x, W)


def bias_in_channel_loop(x, W, b):
    y = shaped(x, W)
    for n, h, w, o in np.ndindex(y.shape):
        for c in range(W.shape[2]):
            y[n, h, w, o] += (W[:, :, c, o] * x[n, h : h + W.shape[0], w : w + W.shape[1], c]).sum() + b[o]
    return y


def bias_in_inner_loop(x, W, b):
    y = shaped(x, W)
    for n, h, w, o in np.ndindex(y.shape):
        for i, j, c in np.ndindex(W.shape[:3]):
            y[n, h, w, o] += W[i, j, c, o] * x[n, h + i, w + j, c] + b[o]
    return y


def bias_minus(x, W, b):
    return sums(x, W) - b


def whole_bias(x, W, b):
    y = shaped(x, W)
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = np.sum(W[..., o] * x[n, h : h + W.shape[0], w : w + W.shape[1]]) + np.sum(b)
    return y


def channel_zero(x, W, b):
    y = shaped(x, W)
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = np.sum(W[:, :, 0, o] * x[n, h : h + W.shape[0], w : w + W.shape[1], 0]) + b[o]
    return y


def channels_overwritten(x, W, b):
    y = shaped(x, W)
    for n, h, w, o in np.ndindex(y.shape):
        for c in range(x.shape[3]):
            y[n, h, w, o] = b[o] + np.sum(W[:, :, c, o] * x[n, h : h + W.shape[0], w : w + W.shape[1], c])
    return y


def channels_overwritten_with_bias_before(x, W, b):
    y = shaped(x, W) + b
    for n, h, w, o in np.ndindex(y.shape):
        for c in range(x.shape[3]):
            y[n, h, w, o] = np.sum(W[:, :, c, o] * x[n, h : h + W.shape[0], w : w + W.shape[1], c])
    return y


def mean_over_channels(x, W, b):
    y = shaped(x, W)
    for n, h, w, o in np.ndindex(y.shape):
        products = W[..., o] * x[n, h : h + W.shape[0], w : w + W.shape[1]]
        y[n, h, w, o] = products.mean(axis=2).sum() + b[o]
    return y


def filter_zero(x, W, b):
    y = shaped(x, W)
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = np.sum(W[:, :, :, 0] * x[n, h : h + W.shape[0], w : w + W.shape[1]]) + b[o]
    return y


def all_filters_at_once(x, W, b):
    y = shaped(x, W)
    for n, h, w, o in np.ndindex(y.shape):
        for f in range(W.shape[3]):
            y[n, h, w, o] += np.sum(W[:, :, :, f] * x[n, h : h + W.shape[0], w : w + W.shape[1]])
        y[n, h, w, o] += b[o]
    return y


def weights_mixed(x, W, b):
    y = shaped(x, W)
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o]
        for i, j, c in np.ndindex(W.shape[:3]):
            y[n, h, w, o] += W[i, j, o, c] * x[n, h + i, w + j, c]
    return y


def image_zero(x, W, b):
    y = shaped(x, W)
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = np.sum(W[..., o] * x[0, h : h + W.shape[0], w : w + W.shape[1]]) + b[o]
    return y


def return_in_loop(x, W, b):
    y = shaped(x, W)
    for n in range(len(x)):
        for h, w, o in np.ndindex(y.shape[1:]):
            y[n, h, w, o] = np.sum(W[..., o] * x[n, h : h + W.shape[0], w : w + W.shape[1]]) + b[o]
        return y


def total_over_filters(x, W, b):
    y = shaped(x, W)
    for n, h, w in np.ndindex(y.shape[:3]):
        total = 0
        for o in range(W.shape[3]):
            total += np.sum(W[..., o] * x[n, h : h + W.shape[0], w : w + W.shape[1]]) + b[o]
            y[n, h, w, o] = total
    return y


def turned(x, W, b):
    return sums(x, W[::-1, ::-1]) + b


def channel_axis_second(x, W, b):
    return np.moveaxis(sums(x, W) + b, 3, 1)


def size_too_small(x, W, b):
    y = np.zeros((len(x), x.shape[1] - W.shape[0], x.shape[2] - W.shape[1], W.shape[3]))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[..., o] * x[n, h : h + W.shape[0], w : w + W.shape[1]])
    return y


def all_images_at_once(x, W, b):
    y = shaped(x, W)
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o] + np.sum(W[..., o] * x[:, h : h + W.shape[0], w : w + W.shape[1]])
    return y


def bias_of_image(x, W, b):
    y = sums(x, W)
    for n in range(len(x)):
        y[n] += b[n % len(b)]
    return y


def relu_at_the_end(x, W, b):
    return np.maximum(sums(x, W) + b, 0)
