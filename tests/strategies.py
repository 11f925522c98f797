"""Random layers and inputs for hypothesis, as rows of the table in `cases`."""

from hypothesis import assume
from hypothesis import strategies as st

from cases import (
    Case,
    Pair,
    average,
    average_of_all,
    average_sided,
    batch_norm,
    conv,
    conv_apart,
    conv_sided,
    dropout,
    flatten,
    gelu,
    largest_of_all,
    leaky,
    linear,
    pool,
    pool_sided,
    relu,
    residual,
    sigmoid,
    tanh,
)
from handmade.engine.arrays import Shape, Sides
from handmade.engine.layers.geometry import Geometry

seeds = st.integers(0, 2**32 - 1)
strides = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def convolutions(draw: st.DrawFn) -> Case:
    images, channels, filters = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    (K_h, H, p), (K_w, W, q) = draw(_axis(3, 2)), draw(_axis(3, 2))
    return conv((images, H, W, channels), (K_h, K_w), filters, draw(strides), (p, q))


@st.composite
def convolutions_apart(draw: st.DrawFn) -> Case:
    """Dilated and in groups."""
    images, groups, seen, filters = (draw(st.integers(1, most)) for most in (2, 3, 2, 2))
    (K_h, H, p, d), (K_w, W, q, e) = draw(_dilated_axis()), draw(_dilated_axis())
    shape = (images, H, W, groups * seen)
    return conv_apart(shape, (K_h, K_w), groups * filters, draw(strides), (p, q), (d, e), groups)


@st.composite
def averages(draw: st.DrawFn) -> Case:
    images, channels = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    (K_h, H, p), (K_w, W, q) = draw(_axis(4, 2, half=True)), draw(_axis(4, 2, half=True))
    return average((images, H, W, channels), (K_h, K_w), draw(strides), (p, q))


@st.composite
def averages_of_all(draw: st.DrawFn) -> Case:
    return average_of_all(tuple(draw(st.lists(st.integers(1, 4), min_size=4, max_size=4))))


@st.composite
def curves(draw: st.DrawFn) -> Case:
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=4, max_size=4) | st.lists(st.integers(1, 7), min_size=2, max_size=2)))
    return draw(st.sampled_from([leaky, sigmoid, tanh, gelu]))(shape)


@st.composite
def pools(draw: st.DrawFn) -> Case:
    images, channels = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    (K_h, H, p), (K_w, W, q) = draw(_axis(4, 2, half=True)), draw(_axis(4, 2, half=True))
    return pool((images, H, W, channels), (K_h, K_w), draw(strides), (p, q))


@st.composite
def convolutions_sided(draw: st.DrawFn) -> Case:
    """With a padding of each side."""
    images, groups, seen, filters = (draw(st.integers(1, most)) for most in (2, 2, 2, 2))
    (H, K_h, s, p, d), (W, K_w, t, q, e) = draw(_sided_axis()), draw(_sided_axis())
    return conv_sided((images, H, W, groups * seen), (K_h, K_w), groups * filters, (s, t), (p, q), (d, e), groups)


@st.composite
def maxima_sided(draw: st.DrawFn) -> Case:
    """Pools with every setting."""
    shape, window, stride, padding, dilation, ceil = draw(_sided_windows())
    return pool_sided(shape, window, stride, padding, dilation, ceil=ceil)


@st.composite
def averages_sided(draw: st.DrawFn) -> Case:
    shape, window, stride, padding, dilation, ceil = draw(_sided_windows())
    return average_sided(shape, window, stride, padding, dilation, ceil=ceil, count=draw(st.booleans()))


@st.composite
def largest_ones(draw: st.DrawFn) -> Case:
    return largest_of_all(tuple(draw(st.lists(st.integers(1, 4), min_size=4, max_size=4))))


@st.composite
def linears(draw: st.DrawFn) -> Case:
    return linear(draw(st.integers(1, 3)), draw(st.integers(1, 7)), draw(st.integers(1, 4)))


@st.composite
def rectifiers(draw: st.DrawFn) -> Case:
    return relu(
        tuple(draw(st.lists(st.integers(1, 4), min_size=4, max_size=4) | st.lists(st.integers(1, 7), min_size=2, max_size=2)))
    )


@st.composite
def flattenings(draw: st.DrawFn) -> Case:
    return flatten(tuple(draw(st.lists(st.integers(1, 4), min_size=4, max_size=4))))


@st.composite
def dropouts(draw: st.DrawFn) -> Case:
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=4, max_size=4) | st.lists(st.integers(1, 7), min_size=2, max_size=2)))
    return dropout(shape, draw(st.sampled_from([0, 0.1, 0.5, 0.9])), training=draw(st.booleans()))


@st.composite
def batch_norms(draw: st.DrawFn) -> Case:
    """With an even number of images, so that either half has two values a channel."""
    images, *rest = draw(
        st.lists(st.integers(2, 3), min_size=4, max_size=4) | st.lists(st.integers(2, 5), min_size=2, max_size=2)
    )
    return batch_norm((2 * images, *rest), training=draw(st.booleans()))


@st.composite
def residuals(draw: st.DrawFn) -> Case:
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(3, 4)), draw(st.integers(1, 2)))
    return residual(shape, projected=draw(st.booleans()))


@st.composite
def _axis(draw: st.DrawFn, longest: int, widest: int, *, half: bool = False) -> tuple[int, int, int]:
    """A window, an image that holds it once padded, and the padding: along one axis."""
    window = draw(st.integers(1, longest))
    padding = draw(st.integers(0, min(widest, window // 2) if half else widest))
    size = draw(st.integers(max(1, window - 2 * padding), 6))
    return window, size, padding


@st.composite
def _dilated_axis(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """As `_axis`, and the dilation of the window."""
    window, dilation, padding = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 2))
    reach = (window - 1) * dilation + 1
    return window, draw(st.integers(max(1, reach - 2 * padding), max(6, reach))), padding, dilation


@st.composite
def _sided_axis(draw: st.DrawFn, *, ceil: bool = False) -> tuple[int, int, int, tuple[int, int], int]:
    """An image that holds a window once padded, the window, its stride, the padding of both sides, and the dilation."""
    window, stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    reach = (window - 1) * dilation + 1
    before, behind = (draw(st.integers(0, min(2, reach - 1))) for _ in range(2))
    least = max(1, reach - before - behind - (stride - 1 if ceil else 0))
    return draw(st.integers(least, max(6, least))), window, stride, (before, behind), dilation


@st.composite
def _sided_windows(draw: st.DrawFn) -> tuple[Shape, Pair, Pair, Sides, Pair, bool]:
    """Images, and the settings of a pool whose windows all contain a pixel."""
    ceil = draw(st.booleans())
    (H, K_h, s, p, d), (W, K_w, t, q, e) = draw(_sided_axis(ceil=ceil)), draw(_sided_axis(ceil=ceil))
    settings = (K_h, K_w), (s, t), (p, q), (d, e), ceil
    assume(not Geometry(*settings).is_empty((H, W)))
    return (draw(st.integers(1, 2)), H, W, draw(st.integers(1, 2))), *settings


plain = st.one_of(convolutions(), pools(), linears(), rectifiers(), flattenings())
further = st.one_of(convolutions_apart(), averages(), averages_of_all(), curves(), dropouts(), batch_norms(), residuals())
windows = st.one_of(convolutions_sided(), maxima_sided(), averages_sided(), largest_ones())
layers = plain | further | windows
