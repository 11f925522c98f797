"""Softmax and cross-entropy, without overflow."""

import math

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign
from handmade.learn.step import Case, Function, Mistake, Step


def right_softmax(z: Array) -> Array:
    """Return probabilities by the engine's loss: p[n, k] is exp(-L) if k is the label."""
    N, K = z.shape
    p = np.zeros((N, K))
    for k in range(K):
        for n, loss in enumerate(loops.cross_entropy(z, np.full(N, k))):
            p[n, k] = math.exp(-loss)
    return p


def right(z: Array, y: Array) -> Array:
    """Return the mean loss by the engine's loops."""
    return np.asarray(loops.mean_loss(z, y))


def losses(z: Array, y: Array) -> Array:
    """Return the losses of the images."""
    return loops.cross_entropy(z, y)


def naive(z: Array) -> Array:
    """Return softmax with overflow."""
    return np.asarray(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))


def naive_loss(z: Array, y: Array) -> Array:
    """Return the mean loss with overflow."""
    return np.asarray(-np.log(naive(z)[np.arange(len(z)), y]).mean())


def with_other_classes(z: Array, y: Array) -> Array:
    """Return the binary cross-entropy, added over all classes."""
    p, label = right_softmax(z), np.eye(z.shape[1])[y]
    return np.asarray(-np.mean((label * np.log(p) + (1 - label) * np.log(1 - p)).sum(axis=1)))


def stable_then_log(z: Array, y: Array) -> Array:
    """Return the mean loss by a stable softmax, and its logarithm: infinite where a probability is rounded to 0."""
    return np.asarray(-np.log(right_softmax(z)[np.arange(len(z)), y]).mean())


def with_base(z: Array, y: Array, base: float) -> Array:
    """Return the mean loss with another logarithm."""
    return np.asarray(losses(z, y).mean() / math.log(base))


def log_probabilities(z: Array) -> Array:
    """Return the logarithms of the probabilities, without overflow."""
    return np.stack([-losses(z, np.full(len(z), k)) for k in range(z.shape[1])], axis=1)


def sum_of_exp(z: Array, shift: Array) -> Array:
    """Return log(sum of exp(z - shift))."""
    return np.asarray(np.log(np.exp(z - shift).sum(axis=1)))


def with_small_number(z: Array, y: Array, small: float) -> Array:
    """Return the mean loss with a small number added to each probability."""
    return np.asarray(-np.log(right_softmax(z)[np.arange(len(z)), y] + small).mean())


def small_number(small: float) -> Mistake:
    """Return the mistake of adding this number."""
    return Mistake("small_number_added", lambda z, y: with_small_number(z, y, small), "cross_entropy")


def picture() -> list[Part]:
    """Draw logits, exponentials and probabilities of two images."""
    z = numbers(91, 2, 4)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return [Grid("z", z), Sign("→"), Grid("exp(z - max)", e), Sign("→"), Grid("p", right_softmax(z))]


LARGE = np.array([[1000.0, 999.0, 998.0], [-2000.0, -2001.0, -2003.0]])
WIDE = np.array([[0.0, 900.0, 3.0, -900.0], [1200.0, -5.0, 0.0, 1199.0]])


def loss_case(concept: str, seed: int, N: int, K: int) -> Case:
    """Return a case of the loss."""
    return Case(concept, (numbers(seed, N, K), np.random.default_rng(seed + 100).integers(0, K, N)), "cross_entropy")


STEP = Step(
    "softmax_cross_entropy",
    (Function("softmax", "z", right_softmax, "p"), Function("cross_entropy", "z y", right, "L")),
    (
        Case("values", (numbers(1, 1, 3),)),
        Case("values", (numbers(2, 1, 5),)),
        Case("batch", (numbers(3, 3, 4),)),
        Case("batch", (numbers(4, 4, 2),)),
        Case("batch", (numbers(5, 3, 3),)),
        Case("ties", (np.zeros((2, 4)),)),
        Case("extreme", (LARGE,)),
        Case("extreme", (WIDE,)),
        Case("extreme", (np.array([[-1500.0, -1502.0], [10.0, 12.0]]),)),
        Case("extreme", (np.array([[-5.0, 1600.0, 2.0], [3.0, 1.0, 2.0]]),)),
        Case("layout", (Strided(numbers(6, 3, 4)),)),
        loss_case("values", 11, 1, 3),
        loss_case("values", 12, 1, 5),
        loss_case("batch", 13, 3, 4),
        loss_case("batch", 14, 5, 3),
        loss_case("batch", 15, 2, 2),
        Case("ties", (np.zeros((2, 4)), np.array([1, 3])), "cross_entropy"),
        Case("extreme", (LARGE, np.array([1, 2])), "cross_entropy"),
        Case("extreme", (WIDE, np.array([0, 1])), "cross_entropy"),
        Case("extreme", (WIDE * 2, np.array([3, 2])), "cross_entropy"),
        Case("layout", (Strided(numbers(16, 3, 4)), np.array([0, 3, 1])), "cross_entropy"),
    ),
    (
        Mistake("overflow", naive),
        Mistake("all_images", lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum()),
        Mistake("axis_zero", lambda z: right_softmax(z.T).T),
        Mistake("not_divided", lambda z: np.exp(z - z.max(axis=1, keepdims=True))),
        Mistake("no_exponential", lambda z: z / z.sum(axis=1, keepdims=True)),
        Mistake("negative_exponent", lambda z: right_softmax(-z)),
        Mistake("divided_by_largest", lambda z: np.exp(z) / np.exp(z).max(axis=1, keepdims=True)),
        Mistake(
            "logarithm",
            lambda z: (
                z - z.max(axis=1, keepdims=True) - np.log(np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True))
            ),
        ),
        Mistake("sigmoid", lambda z: 1 / (1 + np.exp(-z))),
        Mistake("shifted_by_global", lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=1, keepdims=True)),
        Mistake("powers_of_two", lambda z: right_softmax(z * math.log(2))),
        Mistake("loss_overflow", naive_loss, "cross_entropy"),
        Mistake("logarithm_of_zero", stable_then_log, "cross_entropy"),
        Mistake("summed", lambda z, y: losses(z, y).sum(), "cross_entropy"),
        Mistake("not_averaged", losses, "cross_entropy"),
        Mistake("sign", lambda z, y: -losses(z, y).mean(), "cross_entropy"),
        Mistake("probability", lambda z, y: np.exp(-losses(z, y)).mean(), "cross_entropy"),
        Mistake("one_minus", lambda z, y: (1 - np.exp(-losses(z, y))).mean(), "cross_entropy"),
        Mistake("first_class", lambda z, y: losses(z, 0 * y).mean(), "cross_entropy"),
        Mistake("divided_by_classes", lambda z, y: losses(z, y).mean() / z.shape[1], "cross_entropy"),
        Mistake("base_two", lambda z, y: with_base(z, y, 2), "cross_entropy"),
        Mistake("base_ten", lambda z, y: with_base(z, y, 10), "cross_entropy"),
        Mistake("logits_alone", lambda z, y: -z[np.arange(len(z)), y].mean(), "cross_entropy"),
        Mistake("first_image", lambda z, y: losses(z, y)[0], "cross_entropy"),
        Mistake("log_of_mean", lambda z, y: -np.log(np.exp(-losses(z, y)).mean()), "cross_entropy"),
        Mistake("other_classes_too", with_other_classes, "cross_entropy"),
        Mistake("mean_subtracted", lambda z: naive(z - z.mean(axis=1, keepdims=True))),
        Mistake("shifted_once", lambda z: np.exp(z - z.max(axis=1, keepdims=True)) / np.exp(z).sum(axis=1, keepdims=True)),
        Mistake("clipped", lambda z: naive(np.clip(z, -500, 500))),
        Mistake("divided_logits", lambda z: naive(z / z.max(axis=1, keepdims=True))),
        *map(small_number, (1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7)),
        Mistake("all_labels", lambda z, y: -log_probabilities(z)[:, y].mean(), "cross_entropy"),
        Mistake("largest_class", lambda z, y: losses(z, z.argmax(axis=1)).mean(), "cross_entropy"),
        Mistake(
            "loss_shifted_once",
            lambda z, y: (sum_of_exp(z, z.max(axis=1, keepdims=True)) - z[np.arange(len(z)), y]).mean(),
            "cross_entropy",
        ),
        Mistake(
            "loss_shifted_once",
            lambda z, y: (sum_of_exp(z, 0 * z) - (z - z.max(axis=1, keepdims=True))[np.arange(len(z)), y]).mean(),
            "cross_entropy",
        ),
    ),
    picture,
)
