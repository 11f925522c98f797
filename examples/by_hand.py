"""Train a small network on thirty real digits with nested loops and (L(w + h) - L(w)) / h alone.

    python examples/by_hand.py

It runs this page and `handmade.engine.loops`. At the end it measures how long the same loops would need for the full
networks.
"""

import argparse
import math
import os
import sys
import time
from itertools import pairwise

import numpy as np

from handmade import data
from handmade.engine.loops import (
    Array,
    conv2d,
    flatten,
    gradient,
    linear,
    max_pool2d,
    mean_loss,
    relu,
    update,
)

DIGITS_A_CLASS = 3
BATCH = 10  # one digit of every class
LR = 0.3
H = 1e-6  # the difference of two losses keeps about ten of its sixteen digits

MEAN, SPREAD = 0.13, 0.31  # of MNIST's pixels; brought to 0 and 1, they let the weights start in the right range

MNIST_IMAGES = 60_000
YEAR = 365.25 * 24 * 3600  # in seconds
BAR = 44


def shrink(image: Array) -> Array:
    """Average 2 x 2 pixels into one: (28, 28, 1) of 0 to 255 -> (14, 14, 1), around zero."""
    small = np.empty((14, 14, 1), object)  # object: Python's own floats, which its loops handle faster than NumPy's
    for h in range(14):
        for w in range(14):
            total = 0
            for i in range(2):
                for j in range(2):
                    total += int(image[2 * h + i, 2 * w + j, 0])
            small[h, w, 0] = (total / 4 / 255 - MEAN) / SPREAD
    return small


def some_digits(images: Array, labels: Array) -> tuple[Array, Array]:
    """Take the first few of every class, dealt out so that every batch holds one of each: x (N, 14, 14, 1), y (N,)."""
    found: list[list[Array]] = [[] for _ in range(10)]
    for image, label in zip(images, labels, strict=True):
        if len(found[label]) < DIGITS_A_CLASS:
            found[label].append(shrink(image))
        if all(len(some) == DIGITS_A_CLASS for some in found):
            break
    x = [found[k][i] for i in range(DIGITS_A_CLASS) for k in range(10)]
    return np.array(x), np.array(list(range(10)) * DIGITS_A_CLASS)


def fresh(*shapes: tuple[int, ...]) -> dict[str, Array]:
    """Draw weights W1, W2, ... after He et al., with biases b1, b2, ... of zero; the last axis of a shape is the output."""
    rng = np.random.default_rng(0)
    parameters = {}
    for number, shape in enumerate(shapes, start=1):
        spread = math.sqrt(2 / math.prod(shape[:-1]))
        parameters[f"W{number}"] = (spread * rng.standard_normal(shape)).astype(object)
        parameters[f"b{number}"] = np.zeros(shape[-1]).astype(object)
    return parameters


def small_network(p: dict[str, Array], x: Array) -> Array:
    """Run the network that we train: images (N, 14, 14, 1) -> logits (N, 10)."""
    y = relu(conv2d(x, p["W1"], p["b1"], stride=(2, 2)))
    return linear(flatten(max_pool2d(y)), p["W2"], p["b2"])


def full_network(p: dict[str, Array], x: Array) -> Array:
    """Run a network that we only time: images (N, 30, 30, 1) -> logits (N, 10)."""
    y = relu(conv2d(x, p["W1"], p["b1"]))
    y = relu(conv2d(y, p["W2"], p["b2"]))
    y = linear(flatten(max_pool2d(y)), p["W3"], p["b3"])
    return linear(relu(y), p["W4"], p["b4"]) if "W4" in p else y


def size(parameters: dict[str, Array]) -> int:
    """Count the weights, biases included."""
    return sum(array.size for array in parameters.values())


def step(p: dict[str, Array], x: Array, y: Array) -> None:
    """Nudge every weight by itself, then move them all one step downhill."""

    def loss(nudged: dict[str, Array]) -> float:
        return float(mean_loss(small_network(nudged, x), y))

    update(p, gradient(loss, p, H), LR)


def report(number: int, loss: float, at_first: float, seconds_left: float) -> None:
    """Print one step as one line, with a bar as long as the loss is large."""
    bar = "#" * min(BAR, round(BAR * loss / at_first))
    print(f"{number:6d}  {loss:7.3f}  {bar:<{BAR}}  {max(0, seconds_left):6.0f} s", flush=True)


def right(p: dict[str, Array], x: Array, y: Array) -> int:
    """Count the digits whose largest logit is that of their class."""
    count = 0
    for z, label in zip(small_network(p, x), y, strict=True):
        count += list(z).index(max(z)) == label
    return count


def train(x: Array, y: Array, seconds: float) -> None:
    """Train the small network for so long, at least one step, and print how its loss falls."""
    p = fresh((3, 3, 1, 3), (27, 10))
    print(f"A network of {size(p)} weights learns {len(y)} digits. In every step, each weight by itself")
    print(f"is nudged by {H:f}, {BATCH} digits run through the network in nested loops, and")
    print("the weight is put back; then all weights move against the change that they made.\n")
    print(f"Right before training: {right(p, x, y)} of {len(y)}\n")
    print(f"{'step':>6}  {'loss':>7}  {'':{BAR}}  {'left':>8}")

    start = time.perf_counter()
    at_first = mean_loss(small_network(p, x), y)
    report(0, at_first, at_first, seconds)
    number, spent = 0, 0.0
    while number == 0 or spent + spent / number < seconds:
        batch = [(number * BATCH + i) % len(y) for i in range(BATCH)]
        step(p, x[batch], y[batch])
        number += 1
        spent = time.perf_counter() - start
        report(number, mean_loss(small_network(p, x), y), at_first, seconds - spent)

    print(f"\nRight after training: {right(p, x, y)} of the same {len(y)}\n")


def measure(image: Array) -> None:
    """Time one pass of the full networks, and print what an epoch would take."""
    print(f"And the full networks? An epoch runs each of {MNIST_IMAGES:,} images once for every")
    print("weight, and once more. With these loops, on this machine, that is about\n")
    for filters_1, filters_2, *units in ((8, 16, 10), (32, 64, 100, 10)):
        p = fresh((3, 3, 1, filters_1), (3, 3, filters_1, filters_2), *pairwise([13 * 13 * filters_2, *units]))
        start = time.perf_counter()
        full_network(p, image)
        seconds = time.perf_counter() - start
        years = seconds * (size(p) + 1) * MNIST_IMAGES / YEAR
        print(f"{size(p):>13,} weights   {seconds:6.2f} s an image   {float(f'{years:.2g}'):>7,.0f} years", flush=True)
    print("\nFor the first of them, `handmade train` takes the same quotients, a whole epoch")
    print("of them, in about a minute.")


def main() -> None:
    """Train, then measure; Ctrl-C ends it at any time."""
    parser = argparse.ArgumentParser(description="Train a small network with nested loops and difference quotients alone.")
    parser.add_argument("--seconds", type=float, default=70, help="time to train, in seconds (default: 70)")
    seconds = parser.parse_args().seconds
    try:
        digits = data.mnist().train
        train(*some_digits(digits.images, digits.labels), seconds)
        measure(data.prepare(digits.images[:1]).astype(object))
    except KeyboardInterrupt:
        print("\nStopped.")
        sys.exit(130)
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes at its end
        sys.exit(1)


if __name__ == "__main__":
    main()
