"""Reference implementation: every operation as nested loops. Read this file first.

A network is a chain of such operations. It learns by trial: nudge one weight, measure the loss, put the weight back.

    pad            y[n, h + p, w + q, c] = x[n,h,w,c], and 0 around it
    conv2d         y[n,h,w,o] = b[o] + sum over i,j,c of W[i,j,c,o] x[n, h s + i, w t + j, c], where x is padded
    relu           y = max(x, 0)
    max_pool2d     y[n,h,w,c] = max over i,j of x[n, h s + i - p, w t + j - q, c]
    flatten        y[n, (h W + w) C + c] = x[n,h,w,c]
    linear         y[n,o] = b[o] + sum over i of W[i,o] x[n,i]
    cross_entropy  L[n] = log(sum over k of exp(z[n,k])) - z[n,y[n]]

    gradient       g = (L(w + h) - L(w)) / h                  for every weight w separately
    update         w <- w - lr g

Images x are (N, H, W, C): image, row, column, channel; n, h, w, c are their indices. Strides are (s, t), paddings (p, q): for
rows, for columns. NumPy only stores the numbers; Python adds and multiplies them one by one. So they may be of any type that can
be added and multiplied: float64, float32, or mpmath.mpf with sixty digits. The classes in layers/ compute the same, fast, and are
tested against this file.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Number: TypeAlias = Any
Pair: TypeAlias = tuple[int, int]  # for rows, for columns


def pad(x: Array, padding: Pair) -> Array:
    """Surround images by zeros: (N, H, W, C) -> (N, H + 2 p, W + 2 q, C) for padding (p, q)."""
    N, H, W, C = x.shape
    p, q = padding
    y = np.zeros((N, H + 2 * p, W + 2 * q, C), x.dtype)
    for n in range(N):
        for h in range(H):
            for w in range(W):
                for c in range(C):
                    y[n, h + p, w + q, c] = x[n, h, w, c]
    return y


def output_size(size: int, window: int, stride: int) -> int:
    """Return the number of positions of a window along one axis."""
    return (size - window) // stride + 1


def patch(x: Array, n: int, h: int, w: int, kernel: Pair, stride: Pair) -> Array:
    """Return the patch of image n in window (h, w), row and column of the output: (N, H, W, C) -> (K_h, K_w, C)."""
    C = x.shape[-1]
    K_h, K_w = kernel
    s, t = stride
    window = np.empty((K_h, K_w, C), x.dtype)
    for i in range(K_h):
        for j in range(K_w):
            for c in range(C):
                window[i, j, c] = x[n, h * s + i, w * t + j, c]
    return window


def conv2d(x: Array, W: Array, b: Array, stride: Pair = (1, 1), padding: Pair = (0, 0)) -> Array:
    """Slide filters over images: x (N, H, W, C), W (K_h, K_w, C, O), b (O,) -> (N, H', W', O)."""
    x = pad(x, padding)
    N = len(x)
    K_h, K_w, C, O = W.shape
    down, across = output_size(x.shape[1], K_h, stride[0]), output_size(x.shape[2], K_w, stride[1])
    y = np.empty((N, down, across, O), np.result_type(x, W, b))
    for n in range(N):
        for h in range(down):
            for w in range(across):
                window = patch(x, n, h, w, (K_h, K_w), stride)
                for o in range(O):
                    total = b[o]
                    for i in range(K_h):
                        for j in range(K_w):
                            for c in range(C):
                                total += W[i, j, c, o] * window[i, j, c]
                    y[n, h, w, o] = total
    return y


def relu(x: Array) -> Array:
    """Replace negative numbers by zero, in an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    for at in np.ndindex(x.shape):
        y[at] = max(x[at], 0)
    return y


def max_pool2d(x: Array, window: Pair = (2, 2), stride: Pair = (2, 2), padding: Pair = (0, 0)) -> Array:
    """Return the largest number of every window: (N, H, W, C) -> (N, H', W', C). Padding is never the largest."""
    N, H, W, C = x.shape
    K_h, K_w = window
    s, t = stride
    p, q = padding
    down, across = output_size(H + 2 * p, K_h, s), output_size(W + 2 * q, K_w, t)
    y = np.empty((N, down, across, C), x.dtype)
    for n in range(N):
        for h in range(down):
            for w in range(across):
                for c in range(C):
                    largest = -math.inf
                    for i in range(K_h):
                        for j in range(K_w):
                            row, column = h * s + i - p, w * t + j - q
                            if 0 <= row < H and 0 <= column < W:
                                largest = max(largest, x[n, row, column, c])
                    y[n, h, w, c] = largest
    return y


def flatten(x: Array) -> Array:
    """Write every image as one row of numbers: (N, H, W, C) -> (N, H W C)."""
    N, H, W, C = x.shape
    y = np.empty((N, H * W * C), x.dtype)
    for n in range(N):
        for h in range(H):
            for w in range(W):
                for c in range(C):
                    y[n, (h * W + w) * C + c] = x[n, h, w, c]
    return y


def linear(x: Array, W: Array, b: Array) -> Array:
    """Return weighted sums of all inputs: x (N, in), W (in, out), b (out,) -> (N, out)."""
    N = len(x)
    inputs, outputs = W.shape
    y = np.empty((N, outputs), np.result_type(x, W, b))
    for n in range(N):
        for o in range(outputs):
            total = b[o]
            for i in range(inputs):
                total += W[i, o] * x[n, i]
            y[n, o] = total
    return y


def cross_entropy(
    z: Array,
    y: Array,
    *,
    exp: Callable[[Number], Number] = math.exp,
    log: Callable[[Number], Number] = math.log,
) -> Array:
    """Return -log softmax(z)[y], image by image: logits z (N, K), classes y (N,) -> losses (N,)."""
    N, K = z.shape
    losses = np.empty(N, z.dtype)
    for n in range(N):
        top = z[n, 0]
        for k in range(K):
            top = max(top, z[n, k])
        total = 0
        for k in range(K):
            total += exp(z[n, k] - top)  # the loss is the same for z - top, and exp cannot overflow
        losses[n] = log(total) - (z[n, y[n]] - top)
    return losses


def mean_loss(
    z: Array,
    y: Array,
    a: Array | None = None,
    *,
    exp: Callable[[Number], Number] = math.exp,
    log: Callable[[Number], Number] = math.log,
) -> Number:
    """Average the losses of a batch: logits z (N, K), classes y (N,), weights of the images a (N,) -> one number."""
    losses = cross_entropy(z, y, exp=exp, log=log)
    total = 0
    for n in range(len(z)):
        total += losses[n] if a is None else a[n] * losses[n]
    return total / len(z)


def gradient(loss: Callable[[dict[str, Array]], Number], parameters: dict[str, Array], h: Number) -> dict[str, Array]:
    """Compute the gradient by its definition, (loss(w + h) - loss(w)) / h: one complete forward pass for every weight."""
    L = loss(parameters)
    gradients = {}
    for name, W in parameters.items():
        gradients[name] = np.empty(W.shape, W.dtype)
        for at in np.ndindex(W.shape):
            w = W[at]
            W[at] = w + h
            gradients[name][at] = (loss(parameters) - L) / h
            W[at] = w
    return gradients


def update(parameters: dict[str, Array], gradients: dict[str, Array], lr: Number) -> None:
    """Take one step of gradient descent, in place: w <- w - lr g."""
    for name, W in parameters.items():
        for at in np.ndindex(W.shape):
            W[at] = W[at] - lr * gradients[name][at]
