"""Wrong solutions of the step linear: of flatten, and of linear with a right flatten."""

import numpy as np

NAMES = {
    "one_row": "all_images",
    "like_pytorch": "channels_first",
    "fortran": "columns_first",
    "fortran_order": None,
    "columns": "columns_as_images",
    "transposed": "images_transposed",
    "pixels": "channels_kept",
    "rows": "rows_kept",
}
SECOND = {
    "product_alone": "no_bias",
    "bias_in_loop": "bias_per_input",
    "whole_bias": "all_biases",
    "transposed_weights": "weights_transposed",
    "outputs_first": "outputs_transposed",
    "assigned": "last_product",
    "mean": "averaged",
    "first_image_only": "first_image_for_all",
    "total_not_reset": "running",
    "with_relu": "relu_too",
    "bias_of_input": None,
    "elementwise": None,
}


def one_row(x):
    return x.flatten()


def like_pytorch(x):
    rows = []
    for image in x:
        rows.append([image[h, w, c] for c in range(x.shape[3]) for h in range(x.shape[1]) for w in range(x.shape[2])])
    return np.array(rows)


def fortran(x):
    rows = []
    for image in x:
        rows.append([image[h, w, c] for w in range(x.shape[2]) for h in range(x.shape[1]) for c in range(x.shape[3])])
    return np.array(rows)


def fortran_order(x):
    return x.reshape(len(x), -1)[:, ::-1] + 0.0


def columns(x):
    return np.reshape(x, (-1, x.shape[0]))


def transposed(x):
    return np.array([image.ravel() for image in x]).T


def pixels(x):
    return x.reshape(x.shape[0], x.shape[1] * x.shape[2], x.shape[3])


def rows(x):
    return x.reshape(x.shape[0], x.shape[1], x.shape[2] * x.shape[3])


def product_alone(x, W, b):
    return np.dot(x, W)


def bias_in_loop(x, W, b):
    y = np.zeros((len(x), W.shape[1]))
    for n, o in np.ndindex(y.shape):
        for i in range(len(W)):
            y[n, o] += W[i, o] * x[n, i] + b[o]
    return y


def whole_bias(x, W, b):
    return x @ W + np.sum(b)


def transposed_weights(x, W, b):
    return x @ W.T + b


def outputs_first(x, W, b):
    return W.T @ x.T + b[:, None]


def assigned(x, W, b):
    y = np.zeros((len(x), W.shape[1]))
    for n, o in np.ndindex(y.shape):
        for i in range(len(W)):
            y[n, o] = b[o] + W[i, o] * x[n, i]
    return y


def mean(x, W, b):
    return np.array([[np.mean(W[:, o] * row) + b[o] for o in range(W.shape[1])] for row in x])


def first_image_only(x, W, b):
    y = np.zeros((len(x), W.shape[1]))
    for n, o in np.ndindex(y.shape):
        y[n, o] = b[o] + np.sum(W[:, o] * x[0])
    return y


def total_not_reset(x, W, b):
    y = np.zeros((len(x), W.shape[1]))
    for n in range(len(x)):
        total = 0
        for o in range(W.shape[1]):
            for i in range(len(W)):
                total += W[i, o] * x[n, i]
            y[n, o] = total + b[o]
    return y


def with_relu(x, W, b):
    return np.maximum(0, x @ W + b)


def bias_of_input(x, W, b):
    return (x + b[0]) @ W


def elementwise(x, W, b):
    return x * W[:, 0] + b[0]
