"""A convolution backwards: the gradient of the images."""

import numpy as np

from handmade.learn.arguments import Array, Strided, numbers
from handmade.learn.picture import Grid, Part, Sign, window
from handmade.learn.step import Case, Function, Mistake, Step
from handmade.learn.steps.convolution_gradients import SHAPES, Four, Pair, gradient_of_images, upstream

right = gradient_of_images


def wide(gy: Array, W: Array, shape: Four, stride: Pair, padding: Pair) -> Array:
    """Return the gradient of the padded image."""
    N, H, B, C = shape
    return right(gy, W, (N, H + 2 * padding[0], B + 2 * padding[1], C), stride, (0, 0))


def cropped(gy: Array, W: Array, shape: Four, stride: Pair, padding: Pair, top: int, left: int) -> Array:
    """Cut an image out of the padded one, at the given place."""
    return wide(gy, W, shape, stride, padding)[:, top : top + shape[1], left : left + shape[2]]


def overwritten(gy: Array, W: Array, shape: Four, stride: Pair, padding: Pair) -> Array:
    """Overwrite where windows overlap: the last window and the last filter stay."""
    N, H, B, C = shape
    padded = np.zeros((N, H + 2 * padding[0], B + 2 * padding[1], C))
    for n, h, w, o in np.ndindex(gy.shape):
        a, b = h * stride[0], w * stride[1]
        padded[n, a : a + W.shape[0], b : b + W.shape[1]] = gy[n, h, w, o] * W[:, :, :, o]
    return padded[:, padding[0] : padding[0] + H, padding[1] : padding[1] + B]


def filters_added_windows_overwritten(gy: Array, W: Array, shape: Four, stride: Pair, padding: Pair) -> Array:
    """Overwrite where windows overlap, with the sum over all filters."""
    N, H, B, C = shape
    padded = np.zeros((N, H + 2 * padding[0], B + 2 * padding[1], C))
    for n, h, w in np.ndindex(gy.shape[:3]):
        a, b = h * stride[0], w * stride[1]
        padded[n, a : a + W.shape[0], b : b + W.shape[1]] = W @ gy[n, h, w]
    return padded[:, padding[0] : padding[0] + H, padding[1] : padding[1] + B]


def one_filter(k: int, gy: Array, W: Array, shape: Four, stride: Pair, padding: Pair) -> Array:
    """Use one filter alone."""
    kept = np.zeros_like(gy)
    kept[..., k] = gy[..., k]
    return right(kept, W, shape, stride, padding)


def by_slices(gy: Array, W: Array, shape: Four, stride: Pair, padding: Pair) -> Array:
    """Add patches as most students do: a patch outside of the padded image is an error."""
    (N, H, B, C), (p, q), (K_h, K_w) = shape, padding, W.shape[:2]
    padded = np.zeros((N, H + 2 * p, B + 2 * q, C))
    for n, h, w, o in np.ndindex(gy.shape):
        a, b = h * stride[0], w * stride[1]
        padded[n, a : a + K_h, b : b + K_w] += gy[n, h, w, o] * W[..., o]
    return padded[:, p : p + H, q : q + B]


def cropped_by_minus(gy: Array, W: Array, shape: Four, stride: Pair, padding: Pair) -> Array:
    """Cut the border off by p:-p, which is empty for p = 0."""
    return wide(gy, W, shape, stride, padding)[:, padding[0] : -padding[0], padding[1] : -padding[1]]


def first_left_out(gy: Array, W: Array, shape: Four, stride: Pair, padding: Pair) -> Array:
    """Leave the first row and the first column out."""
    gx = right(gy, W, shape, stride, padding)
    gx[:, 0] = gx[:, :, 0] = 0
    return gx


def size_from_gy(gy: Array, W: Array, stride: Pair, padding: Pair) -> Array:
    """Compute the size of the image from gy: rows and columns that no window reaches are missing."""
    H, B = ((gy.shape[1 + k] - 1) * stride[k] + W.shape[k] for k in (0, 1))
    gx = right(gy, W, (len(gy), H, B, W.shape[2]), stride, (0, 0))
    return gx[:, padding[0] : H - padding[0], padding[1] : B - padding[1]]


def wrapped(gy: Array, W: Array, shape: Four, stride: Pair, padding: Pair) -> Array:
    """Read an index below 0 from the end of the image."""
    gx = np.zeros(shape)
    for n, h, w, i, j in np.ndindex(*gy.shape[:3], *W.shape[:2]):
        r, c = h * stride[0] + i - padding[0], w * stride[1] + j - padding[1]
        if r < shape[1] and c < shape[2]:
            gx[n, r, c] += W[i, j] @ gy[n, h, w]
    return gx


def picture() -> list[Part]:
    """Draw one gradient of the output, a kernel, and the window of the image that it goes to."""
    gy, W = np.zeros((1, 3, 3, 1)), numbers(132, 2, 2, 1, 1)
    gy[0, 1, 2, 0], gy[0, 0, 0, 0] = 2.0, -1.0
    gx = right(gy, W, (1, 4, 4, 1), (1, 1), (0, 0))
    return [
        Grid("gy", gy[0, :, :, 0], frozenset({(1, 2)})),
        Grid("W", W[:, :, 0, 0]),
        Sign("→"),
        Grid("gx", gx[0, :, :, 0], window(1, 2, 2, 2)),
    ]


STEP = Step(
    "conv_backward_dx",
    (Function("conv_backward_dx", "gy W shape stride padding", right, "gx"),),
    (
        *(
            Case(concept, (upstream(seed, x, W, stride, padding), numbers(seed + 100, *W), x, stride, padding))
            for seed, (concept, x, W, stride, padding) in enumerate(SHAPES)
        ),
        Case("layout", (Strided(numbers(50, 2, 2, 3, 2)), Strided(numbers(51, 2, 2, 2, 2)), (2, 3, 4, 2), (1, 1), (0, 0))),
    ),
    (
        Mistake("flipped", lambda gy, W, x, s, p: right(gy, W[::-1, ::-1], x, s, p)),
        Mistake("overwritten", overwritten),
        Mistake("windows_overwritten", filters_added_windows_overwritten),
        Mistake("last_filter", lambda gy, W, x, s, p: one_filter(-1, gy, W, x, s, p)),
        Mistake("first_filter", lambda gy, W, x, s, p: one_filter(0, gy, W, x, s, p)),
        Mistake("filters_averaged", lambda gy, W, x, s, p: right(gy, W, x, s, p) / W.shape[3]),
        Mistake("averaged", lambda gy, W, x, s, p: right(gy, W, x, s, p) / x[0]),
        Mistake("not_cropped", wide),
        Mistake("cropped_at_zero", lambda gy, W, x, s, p: cropped(gy, W, x, s, p, 0, 0)),
        Mistake("cropped_by_p_only", lambda gy, W, x, s, p: cropped(gy, W, x, s, p, p[0], p[0])),
        Mistake("cropped_at_end", lambda gy, W, x, s, p: cropped(gy, W, x, s, p, 2 * p[0], 2 * p[1])),
        Mistake("swapped_stride", lambda gy, W, x, s, p: right(gy, W, x, s[::-1], p)),
        Mistake("swapped_padding", lambda gy, W, x, s, p: right(gy, W, x, s, p[::-1])),
        Mistake("stride_forgotten", lambda gy, W, x, s, p: _first_positions(gy, W, x, p)),
        Mistake("gy_not_used", lambda gy, W, x, s, p: right(np.ones_like(gy), W, x, s, p)),
        Mistake("channels_added", lambda gy, W, x, s, p: np.repeat(right(gy, W, x, s, p).sum(axis=3, keepdims=True), x[3], 3)),
        Mistake("kernel_transposed", lambda gy, W, x, s, p: right(gy, W.swapaxes(0, 1), x, s, p)),
        Mistake("gy_transposed", lambda gy, W, x, s, p: right(gy.swapaxes(1, 2), W, x, s, p)),
        Mistake("images_added", lambda gy, W, x, s, p: right(np.repeat(gy.sum(axis=0, keepdims=True), x[0], 0), W, x, s, p)),
        Mistake("swapped_stride", lambda gy, W, x, s, p: by_slices(gy, W, x, s[::-1], p)),
        Mistake("swapped_padding", lambda gy, W, x, s, p: by_slices(gy, W, x, s, p[::-1])),
        Mistake("cropped_by_minus", cropped_by_minus),
        Mistake("first_left_out", first_left_out),
        Mistake("size_from_gy", lambda gy, W, x, s, p: size_from_gy(gy, W, s, p)),
        Mistake("wrapped", wrapped),
    ),
    picture,
)


def _first_positions(gy: Array, W: Array, shape: Four, padding: Pair) -> Array:
    """Move the window by one number, whatever the stride is."""
    (p, q), (K_h, K_w) = padding, W.shape[:2]
    padded = np.zeros((shape[0], shape[1] + 2 * p, shape[2] + 2 * q, shape[3]))
    rows, columns = gy.shape[1] + K_h - 1, gy.shape[2] + K_w - 1
    padded[:, :rows, :columns] = right(gy, W, (shape[0], rows, columns, shape[3]), (1, 1), (0, 0))
    return padded[:, p : p + shape[1], q : q + shape[2]]
