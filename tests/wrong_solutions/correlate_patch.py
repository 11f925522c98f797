"""Wrong solutions of the step correlate_patch."""

import numpy as np

NAMES = {
    "product_of_matrices": "matrix_product",
    "dot": "only_matrix_product",
    "from_the_end": "flipped",
    "indices_mixed": "transposed",
    "assigned": "last_product",
    "returns_early": "first_product",
    "returns_after_a_row": "first_row",
    "reset_in_each_row": "last_row",
    "mean_of_products": "averaged",
    "sums_first": "product_of_sums",
    "plus": "added",
    "one_loop": "diagonal",
    "no_sum": "not_summed",
    "builtin_sum": "columns_summed",
    "sum_as_integer": "decimals_lost",
    "best": "largest",
    "minus": "general.negative",
    "distance": None,
}


def product_of_matrices(p, W):
    return np.sum(np.dot(p, W))


def dot(p, W):
    return np.dot(p, W)


def from_the_end(p, W):
    total = 0
    K_h, K_w = W.shape
    for i in range(K_h):
        for j in range(K_w):
            total += W[K_h - 1 - i, K_w - 1 - j] * p[i, j]
    return total


def indices_mixed(p, W):
    return (p * W.T).sum()


def assigned(p, W):
    for i in range(len(p)):
        for j in range(len(p[0])):
            total = p[i, j] * W[i, j]
    return total


def returns_early(p, W):
    total = 0
    for i in range(len(p)):
        for j in range(len(p[0])):
            total += p[i, j] * W[i, j]
            return total


def returns_after_a_row(p, W):
    total = 0
    for i in range(len(p)):
        for j in range(len(p[0])):
            total += p[i, j] * W[i, j]
        return total


def reset_in_each_row(p, W):
    for i in range(len(p)):
        total = 0
        for j in range(len(p[0])):
            total += p[i, j] * W[i, j]
    return total


def mean_of_products(p, W):
    return (p * W).mean()


def sums_first(p, W):
    return p.sum() * W.sum()


def plus(p, W):
    total = 0
    for i in range(len(p)):
        for j in range(len(p[0])):
            total += p[i, j] + W[i, j]
    return total


def one_loop(p, W):
    total = 0
    for i in range(min(p.shape)):
        total += p[i, i] * W[i, i]
    return total


def no_sum(p, W):
    return p * W


def builtin_sum(p, W):
    return sum(p * W)


def sum_as_integer(p, W):
    total = 0
    for i in range(len(p)):
        for j in range(len(p[0])):
            total += int(p[i, j] * W[i, j])
    return total


def best(p, W):
    return max(p[i, j] * W[i, j] for i in range(p.shape[0]) for j in range(p.shape[1]))


def minus(p, W):
    total = 0
    for i in range(len(p)):
        for j in range(len(p[0])):
            total -= p[i, j] * W[i, j]
    return total


def distance(p, W):
    return np.sum((p - W) ** 2)
