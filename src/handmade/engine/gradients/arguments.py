"""The arguments that gradients share, converted and checked at the public border."""

import math
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from inspect import signature
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from handmade.engine.arguments import (
    as_array,
    check_callable,
    check_choice,
    check_methods,
    described,
    is_number,
    refused,
)
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.image_arguments import as_labels, check_order
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError, Weighted
from handmade.engine.network import Network, check_network
from handmade.engine.parallel import as_executor

Scheme: TypeAlias = Literal["forward", "central"]
Gradient: TypeAlias = Callable[[Network, Array, Array], tuple[float, dict[str, Array]]]  # network, x, y -> loss, gradients


def as_batch(network: Network, x: Any, y: Any, call: str = "gradient(network, x, y)") -> tuple[Array, Array]:
    """Return x as images for the network, and y as their classes.

    Parameters
    ----------
    network : Network
    x, y
        Images and labels; arrays that fit come back as they are.
    call : str
        The right order of the arguments, for advice.

    Raises
    ------
    HandmadeError
        If they do not fit, or stand in another order.
    """
    check_network(network, call)
    try:
        images = network.as_images(x, "x")
    except HandmadeError:
        check_order(x, y, "x and y", call)
        raise
    return images, as_labels(y, "y", len(images), network.classes)


def as_loss(loss: Loss | None) -> Loss:
    """Return the loss, cross-entropy for None; raise HandmadeError if it is none."""
    if loss is None:
        return CrossEntropy()
    squares = isinstance(loss, type | str) and loss in {MeanSquaredError, "mse"}
    advice = f"handmade.losses.{'MeanSquaredError' if squares else 'CrossEntropy'}()"
    check_methods(loss, "loss", "a loss with forward, delta and backward", ("forward", "delta", "backward"), advice)
    return loss


def as_weighted(loss: Loss | None, weights: Any, images: int) -> Loss:
    """Return the loss, cross-entropy for None, with the weights of the images if there are any.

    Raises
    ------
    HandmadeError
        If it is no loss, or the weights are not one finite number of at least 0 for each image.
    """
    known = as_loss(loss)
    return known if weights is None else Weighted(known, as_image_weights(weights, images))


def as_image_weights(weights: Any, images: int) -> Array:
    """Return one weight for each image, (N,) of floats; raise HandmadeError if they are none."""
    array = as_array(weights, "weights")
    expected = f"{images} finite numbers of at least 0, one for each image"
    if array.shape != (images,):
        raise refused("weights", expected, described(array), "np.ones(len(y))")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    if not ((array >= 0) & np.isfinite(array)).all():
        raise refused("weights", expected, f"{array[~((array >= 0) & np.isfinite(array))][0]}", "np.ones(len(y))")
    return array


def check_gradient(gradient: object, name: str = "gradient") -> None:
    """Raise HandmadeError unless this is a function that makes gradients."""
    way = gradient if isinstance(gradient, str) and gradient in {"backprop", "definition"} else "difference"
    check_callable(gradient, name, "a function (network, x, y)", f"handmade.gradients.{way}")


def with_weights(gradient: Gradient, weights: Array | None) -> Gradient:
    """Return the gradient of the loss whose terms are multiplied by the weights of the images; itself without weights."""
    takes: Callable[..., Any] = gradient  # as `weights_for` has checked
    return gradient if weights is None else partial(takes, weights=weights)


def weights_for(gradient: Gradient, weights: Any, images: int) -> Array | None:
    """Return the weights of all training images, None without weights; raise HandmadeError if the gradient does not take them."""
    if weights is None:
        return None
    try:
        parameters = list(signature(gradient).parameters.values())
    except (TypeError, ValueError):  # a function in C may have none
        parameters = []
    if not any(each.name == "weights" or each.kind is each.VAR_KEYWORD for each in parameters):
        raise refused("gradient", "a function (network, x, y, weights=...)", described(gradient), "handmade.gradients.difference")
    return as_image_weights(weights, images)


def as_result(result: Any, name: str) -> tuple[float, dict[str, Array]]:
    """Return the result of a gradient as it is; raise HandmadeError unless it is a loss and a dict of gradients."""
    if not isinstance(result, list | tuple) or len(result) != 2 or not isinstance(result[1], dict):
        raise refused(name, "a function that returns (loss, gradients)", described(result), "handmade.gradients.difference")
    loss, gradients = result
    return loss, gradients


def check_scheme(scheme: str) -> None:
    """Raise HandmadeError unless the scheme is a known one."""
    check_choice(scheme, "scheme", get_args(Scheme))


def as_step(h: Any, *dtypes: np.dtype[Any], name: str = "h") -> float:
    """Return the step size h as a float.

    Raises
    ------
    HandmadeError
        If it is no finite number above 0, or one of the dtypes holds it with fewer digits, or not at all.
    """
    if not (is_number(h) and math.isfinite(h) and h > 0):
        raise refused(name, "a finite number above 0", described(h), f"{name}=1e-3")
    for dtype in dtypes:
        limits = np.finfo(dtype)
        if not float(limits.tiny) <= h <= float(limits.max):
            more = "; float64 holds more" if dtype.itemsize < np.dtype(np.float64).itemsize else ""
            held = f"a number from {limits.tiny:.2g} to {limits.max:.2g}, which {dtype} holds in full{more}"
            raise refused(name, held, f"{h}", f"{name}=1e-30")
    return float(h)


def checked_step(h: Any, network: Network, name: str = "h") -> Any:
    """Return the step size h in the network's dtype, or raise HandmadeError."""
    dtype = network.dtype
    return dtype.type(as_step(h, dtype, name=name))


def checked_executor(scheme: str, executor: Executor | None) -> Executor | None:
    """Return the executor as the engine uses it; raise HandmadeError unless scheme and executor can be used."""
    check_scheme(scheme)
    return as_executor(executor)
