"""Wrong solutions of the step im2col: of im2col, and of conv2d with a right im2col."""

import numpy as np

NAMES = {
    "one_patch_a_column": "transposed",
    "like_pytorch": "channels_first",
    "patch_transposed": "columns_of_patch_first",
    "loops_swapped": "columns_of_output_first",
    "image_in_inner_loop": "images_last",
    "four_axes": "places_kept",
    "for_each_image": "image_axis_kept",
    "not_reshaped": "not_flat",
    "always_one": "no_stride",
    "one_image": "first_image",
    "reversed_rows": None,
}
SECOND = {
    "without_bias": "conv_no_bias",
    "matrix": "conv_matrix",
    "weights_like_pytorch": "conv_weights_channels_first",
    "weights_by_filter": "conv_weights_filters_first",
    "channels_second": "conv_output_filters_first",
    "transposed_then_reshaped": "conv_output_mixed",
    "ignores_stride": "conv_no_stride",
    "turned": "conv_flipped",
    "bias_of_filter_zero": None,
}


def sizes(x, kernel, stride):
    return (x.shape[1] - kernel[0]) // stride[0] + 1, (x.shape[2] - kernel[1]) // stride[1] + 1


def patch(x, n, h, w, kernel, stride):
    return x[n, h * stride[0] : h * stride[0] + kernel[0], w * stride[1] : w * stride[1] + kernel[1]]


def good(x, kernel, stride):
    R, S = sizes(x, kernel, stride)
    return np.array([patch(x, n, h, w, kernel, stride).ravel() for n in range(len(x)) for h in range(R) for w in range(S)])


def one_patch_a_column(x, kernel, stride):
    return np.stack(list(good(x, kernel, stride)), axis=1)


def like_pytorch(x, kernel, stride):
    R, S = sizes(x, kernel, stride)
    rows = []
    for n in range(len(x)):
        for h in range(R):
            for w in range(S):
                rows.append(np.moveaxis(patch(x, n, h, w, kernel, stride), 2, 0).ravel())
    return np.array(rows)


def patch_transposed(x, kernel, stride):
    R, S = sizes(x, kernel, stride)
    rows = []
    for n in range(len(x)):
        for h in range(R):
            for w in range(S):
                p = patch(x, n, h, w, kernel, stride)
                rows.append([p[i, j, c] for j in range(kernel[1]) for i in range(kernel[0]) for c in range(x.shape[3])])
    return np.array(rows)


def loops_swapped(x, kernel, stride):
    R, S = sizes(x, kernel, stride)
    return np.array([patch(x, n, h, w, kernel, stride).ravel() for n in range(len(x)) for w in range(S) for h in range(R)])


def image_in_inner_loop(x, kernel, stride):
    R, S = sizes(x, kernel, stride)
    return np.array([patch(x, n, h, w, kernel, stride).ravel() for h in range(R) for w in range(S) for n in range(len(x))])


def four_axes(x, kernel, stride):
    R, S = sizes(x, kernel, stride)
    return good(x, kernel, stride).reshape(len(x), R, S, -1)


def for_each_image(x, kernel, stride):
    return np.array([good(image[None], kernel, stride) for image in x])


def not_reshaped(x, kernel, stride):
    R, S = sizes(x, kernel, stride)
    X = np.zeros((len(x), R, S, kernel[0], kernel[1], x.shape[3]))
    for n, h, w in np.ndindex(len(x), R, S):
        X[n, h, w] = patch(x, n, h, w, kernel, stride)
    return X


def always_one(x, kernel, stride):
    return good(x, kernel, (1, 1))


def one_image(x, kernel, stride):
    return good(x[0:1], kernel, stride)


def reversed_rows(x, kernel, stride):
    return good(x, kernel, stride)[::-1]


def product(x, W, b, stride):
    return good(x, W.shape[:2], stride) @ W.reshape(-1, W.shape[3]) + b


def shape(x, W, stride):
    return (len(x), *sizes(x, W.shape[:2], stride), W.shape[3])


def without_bias(x, W, b, stride):
    return product(x, W, 0, stride).reshape(shape(x, W, stride))


def matrix(x, W, b, stride):
    return product(x, W, b, stride)


def weights_like_pytorch(x, W, b, stride):
    w = np.moveaxis(W, 2, 0).reshape(-1, W.shape[3])
    return (good(x, W.shape[:2], stride) @ w + b).reshape(shape(x, W, stride))


def weights_by_filter(x, W, b, stride):
    return (good(x, W.shape[:2], stride) @ W.reshape(W.shape[3], -1).T + b).reshape(shape(x, W, stride))


def channels_second(x, W, b, stride):
    return product(x, W, b, stride).reshape(shape(x, W, stride)).transpose(0, 3, 1, 2)


def transposed_then_reshaped(x, W, b, stride):
    y = W.reshape(-1, W.shape[3]).T @ good(x, W.shape[:2], stride).T + b[:, None]
    return y.reshape(shape(x, W, stride))


def ignores_stride(x, W, b, stride):
    return product(x, W, b, (1, 1)).reshape(shape(x, W, (1, 1)))


def turned(x, W, b, stride):
    return product(x, np.flip(W, (0, 1)), b, stride).reshape(shape(x, W, stride))


def bias_of_filter_zero(x, W, b, stride):
    return product(x, W, b[0], stride).reshape(shape(x, W, stride))
