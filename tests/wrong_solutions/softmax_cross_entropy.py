"""Wrong solutions of the step softmax_cross_entropy: of softmax, and of cross_entropy with a right softmax."""

import math

import numpy as np

NAMES = {
    "no_shift": "overflow",
    "total_of_everything": "all_images",
    "over_images": "axis_zero",
    "not_normalised": "not_divided",
    "shares": "no_exponential",
    "minus": "negative_exponent",
    "logistic": "sigmoid",
    "one_shift_for_all": "shifted_by_global",
    "hard": None,
}
SECOND = {
    "log_of_naive": "loss_overflow",
    "log_of_softmax": "logarithm_of_zero",
    "summed": "summed",
    "for_each_image": "not_averaged",
    "plus_sign": "sign",
    "probability_of_label": "probability",
    "misses": "one_minus",
    "log2": "base_two",
    "mean_over_everything": "divided_by_classes",
    "logit": "logits_alone",
    "return_in_loop": "first_image",
    "with_epsilon": "small_number_added",
    "squared": None,
}


def no_shift(z):
    with np.errstate(all="ignore"):
        e = np.exp(z)
        return e / np.sum(e, axis=1, keepdims=True)


def total_of_everything(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


def over_images(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


def not_normalised(z):
    return np.exp(z - z.max(axis=1, keepdims=True))


def shares(z):
    with np.errstate(all="ignore"):
        return z / z.sum(axis=1)[:, None]


def minus(z):
    e = np.exp(-(z - z.min(axis=1, keepdims=True)))
    return e / e.sum(axis=1, keepdims=True)


def logistic(z):
    with np.errstate(all="ignore"):
        return 1 / (1 + np.exp(-z))


def one_shift_for_all(z):
    with np.errstate(all="ignore"):
        e = np.exp(z - z.max())
        return e / e.sum(axis=1, keepdims=True)


def hard(z):
    return (z == z.max(axis=1, keepdims=True)).astype(float)


def good(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def good_losses(z, y):
    z = z - z.max(axis=1, keepdims=True)
    return np.log(np.exp(z).sum(axis=1)) - z[range(len(z)), y]


def log_of_naive(z, y):
    with np.errstate(all="ignore"):
        p = no_shift(z)
        return np.mean([-np.log(p[n, y[n]]) for n in range(len(z))])


def log_of_softmax(z, y):
    with np.errstate(all="ignore"):
        return -np.log(good(z)[np.arange(len(y)), y]).mean()


def summed(z, y):
    return sum(good_losses(z, y))


def for_each_image(z, y):
    return good_losses(z, y)


def plus_sign(z, y):
    return -np.mean(good_losses(z, y))


def probability_of_label(z, y):
    return np.mean(good(z)[np.arange(len(y)), y])


def misses(z, y):
    return np.mean(1 - good(z)[np.arange(len(y)), y])


def log2(z, y):
    return np.mean(good_losses(z, y)) / math.log(2)


def mean_over_everything(z, y):
    one_hot = np.eye(z.shape[1])[y]
    return np.mean(one_hot * good_losses(z, y)[:, None])


def logit(z, y):
    return np.mean([-z[n, y[n]] for n in range(len(y))])


def return_in_loop(z, y):
    for n in range(len(y)):
        return good_losses(z, y)[n]


def with_epsilon(z, y):
    return -np.log(good(z)[np.arange(len(y)), y] + 1e-8).mean()


def squared(z, y):
    return np.mean((good(z) - np.eye(z.shape[1])[y]) ** 2)
