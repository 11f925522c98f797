"""images -> prepare -> conv2d -> ReLU -> max_pool -> linear -> z
L = mean over n of (log(sum over k of exp(z[n, k])) - z[n, labels[n]])
"""

import numpy as np

SIZE = 2  # of the windows of max_pool


def prepare(images):
    """(N, H, L), 0 to 255 -> (N, H - 4, L - 4, 1), 0 to 1: two pixels are cut off on each side."""
    return images[:, 2:-2, 2:-2, np.newaxis] / 255


def conv2d(x, W, b):
    """Stride 1, no padding."""
    N, H, L, C = x.shape
    K_h, K_w, C, O = W.shape
    y = np.zeros((N, H - K_h + 1, L - K_w + 1, O))
    for n, h, w, o in np.ndindex(y.shape):
        y[n, h, w, o] = b[o]
        for c in range(C):
            patch = x[n, h : h + K_h, w : w + K_w, c]
            y[n, h, w, o] += np.sum(W[:, :, c, o] * patch)
    return y


def max_pool(x, size):
    """Windows of size x size that do not overlap. Rows and columns that are left over are not used."""
    N, H, L, C = x.shape
    y = np.zeros((N, H // size, L // size, C))
    for n in range(N):
        for c in range(C):
            for h in range(H // size):
                for w in range(L // size):
                    top, left = h * size, w * size
                    largest = x[n, top, left, c]
                    for i in range(size):
                        for j in range(size):
                            largest = max(largest, x[n, top + i, left + j, c])
                    y[n, h, w, c] = largest
    return y


def loss(z, labels):
    z = z - z.max(axis=1, keepdims=True)
    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]
    return losses.mean()


def loss_backward(z, labels):
    """Gradient of the loss with respect to z."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    one_hot = np.eye(z.shape[1])[labels]
    return (p - one_hot) / len(z)


def max_pool_backward(gy, x, size):
    gx = np.zeros(x.shape)
    for n, h, w, c in np.ndindex(gy.shape):
        window = x[n, h * size : (h + 1) * size, w * size : (w + 1) * size, c]
        i, j = np.unravel_index(window.argmax(), window.shape)
        gx[n, h * size + i, w * size + j, c] = gy[n, h, w, c]
    return gx


def conv2d_backward(gy, x, W):
    K_h, K_w, _, O = W.shape
    gW, gb = np.zeros(W.shape), np.zeros(O)
    for n, h, w, o in np.ndindex(gy.shape):
        patch = x[n, h : h + K_h, w : w + K_w]
        gW[:, :, :, o] += gy[n, h, w, o] * patch
        gb[o] += gy[n, h, w, o]
    return gW, gb


def logits(x, W1, b1, W2, b2):
    pooled = max_pool(np.maximum(conv2d(x, W1, b1), 0), SIZE)
    return pooled.reshape(len(x), -1) @ W2 + b2


def gradients(x, labels, W1, b1, W2, b2):
    """Gradients of the loss with respect to W1, b1, W2 and b2."""
    y = conv2d(x, W1, b1)
    active = np.maximum(y, 0)
    pooled = max_pool(active, SIZE)
    rows = pooled.reshape(len(x), -1)
    gz = loss_backward(rows @ W2 + b2, labels)
    gW2, gb2 = rows.T @ gz, gz.sum(axis=0)
    g_pooled = (gz @ W2.T).reshape(pooled.shape)
    gy = max_pool_backward(g_pooled, active, SIZE) * (y > 0)
    gW1, gb1 = conv2d_backward(gy, x, W1)
    return gW1, gb1, gW2, gb2


def train(x, labels, weights, epochs, batch_size, lr):
    """Gradient descent. The gradient of a batch is the mean over its images, added up image by image."""
    for _ in range(epochs):
        for start in range(0, len(x), batch_size):
            totals = [np.zeros(weight.shape) for weight in weights]
            batch = range(start, min(start + batch_size, len(x)))
            for n in batch:
                grads = gradients(x[n : n + 1], labels[n : n + 1], *weights)
                totals = [total + grad for total, grad in zip(totals, grads, strict=True)]
            weights = [weight - lr * total / len(batch) for weight, total in zip(weights, totals, strict=True)]
    return weights


if __name__ == "__main__":  # python FILE: learn to tell bright rows from bright columns
    rng = np.random.default_rng(1)
    images, labels = rng.integers(0, 100, (30, 10, 10)), np.arange(30) % 2
    for image, label, place in zip(images, labels, rng.integers(3, 7, 30), strict=True):
        image[(place, slice(None)) if label == 0 else (slice(None), place)] = 255
    x = prepare(images)
    weights = [rng.normal(size=(3, 3, 1, 2)) / 3, np.zeros(2), rng.normal(size=(8, 2)) / 3, np.zeros(2)]
    for epoch in range(10):
        print("epoch", epoch, "loss", loss(logits(x, *weights), labels))
        weights = train(x, labels, weights, 1, 5, 0.5)
