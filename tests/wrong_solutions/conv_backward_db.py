"""Wrong solutions of the step conv_backward_db."""

import numpy as np

NAMES = {
    "mean": "averaged",
    "divided_by_batch": "batch_averaged",
    "over_images": "images_only",
    "each_image": "for_each_image",
    "total": "one_number",
    "over_channels": "channels_summed",
    "overwritten": "last_image",
    "overwritten_everywhere": "last_number",
    "keeps_axes": "axes_kept",
    "row": "row_kept",
    "count": "counted",
    "returns_early": "first_image",
    "two_axes": "columns_left_out",
    "squares": None,
    "absolute": "general.absolute",
}


def mean(gy):
    return np.mean(gy, axis=(0, 1, 2))


def divided_by_batch(gy):
    return np.sum(gy, axis=(0, 1, 2)) / gy.shape[0]


def over_images(gy):
    return np.sum(gy, axis=0)


def each_image(gy):
    return np.array([image.sum(axis=(0, 1)) for image in gy])


def total(gy):
    gb = 0
    for at in np.ndindex(gy.shape):
        gb += gy[at]
    return gb


def over_channels(gy):
    return np.sum(gy, axis=-1)


def overwritten(gy):
    gb = np.zeros(gy.shape[3])
    for n in range(len(gy)):
        for o in range(gy.shape[3]):
            gb[o] = gy[n, :, :, o].sum()
    return gb


def overwritten_everywhere(gy):
    gb = np.zeros(gy.shape[3])
    for n, h, w, o in np.ndindex(gy.shape):
        gb[o] = gy[n, h, w, o]
    return gb


def keeps_axes(gy):
    return np.sum(gy, axis=(0, 1, 2), keepdims=True)


def row(gy):
    return gy.reshape(-1, gy.shape[3]).sum(axis=0, keepdims=True)


def count(gy):
    return np.ones_like(gy).sum(axis=(0, 1, 2))


def returns_early(gy):
    gb = np.zeros(gy.shape[3])
    for n in range(len(gy)):
        for h, w, o in np.ndindex(gy.shape[1:]):
            gb[o] += gy[n, h, w, o]
        return gb


def two_axes(gy):
    return gy.sum(axis=(0, 1))


def squares(gy):
    return (gy**2).sum(axis=(0, 1, 2))


def absolute(gy):
    return np.abs(gy.sum(axis=(0, 1, 2)))
