"""Images and labels as arguments, and advice for those that do not fit.

Advice is found by trial: each way to write an array differently is applied to the shape, and the first that fits is named.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arguments import as_array, code_of, described, is_number, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError

Prepare: TypeAlias = Callable[[Array], Array]  # from raw images to inputs of a network

RAW = "images (N, H, W, C) or (N, H, W)"
CHANNELS = {1, 3, 4}  # grey, colour, and colour with opacity: usual numbers of channels
FEWEST_PIXELS = 3  # along an axis of images; fewer are channels


def as_images(value: Any, name: str, shape: Shape, dtype: Any, padding: int = 1, prepare: str = "handmade.data.prepare") -> Array:
    """Return a batch of images for a network, as an array of floats.

    Parameters
    ----------
    value
        Images; an array that fits comes back as it is.
    name : str
        Name of the argument.
    shape : tuple of int
        Shape of one image.
    dtype : dtype
        Of images that come as lists, which have none.
    padding : int
        Rows and columns that a preparation puts around raw images.
    prepare : str
        Code of that preparation, for advice.

    Raises
    ------
    HandmadeError
        If these are no such images, or there are none.
    """
    x = as_array(value, name)
    if x.ndim and x.shape[1:] == shape and len(x) and x.dtype.kind == "f":
        return x.astype(dtype) if isinstance(value, list | tuple) else x
    expected = f"images ({', '.join(map(str, ('N', *shape)))})"
    if x.size == 0:
        raise refused(name, f"{expected}, at least one", "none")
    code = code_of(value, name)
    if x.ndim and x.shape[1:] == shape:
        bytes_given = x.dtype == np.uint8 or (x.dtype.kind in "iu" and x.max() > 1)
        scaled = f"{prepare}({code})" if padding == 0 else f"({code} / 255).astype(np.float32)"
        raise refused(name, f"{expected} of floats", str(x.dtype), scaled if bytes_given else f"np.asarray({name}, np.float32)")
    raise refused(name, expected, str(x.shape), _advice(x, code, shape, padding, prepare))


def as_labels(value: Any, name: str, images: int, classes: int) -> Array:
    """Return one class number for each image, as an array of integers.

    Parameters
    ----------
    value
        Labels; floats that are integers are taken, too.
    name : str
        Name of the argument.
    images, classes : int
        Number of images, and of classes.

    Raises
    ------
    HandmadeError
        If these are no such numbers, or not as many as there are images.
    """
    y = as_array(value, name)
    code = code_of(value, name)
    if y.ndim != 1 or len(y) != images:
        got = str(len(y)) if y.ndim == 1 else str(y.shape)
        raise refused(name, f"one label for each of the {images:,} images", got, _flat(y, code, images, classes))
    if y.dtype.kind == "f":
        if not (np.isfinite(y).all() and (y == np.rint(y)).all()):
            worst = int(np.argmax(~np.isfinite(y) | (y != np.rint(y))))
            raise refused(name, "integers", f"{y[worst]} in {name}[{worst}]")
        if np.abs(y).max(initial=0) < 2**31:
            y = y.astype(np.int64)
    elif y.dtype.kind == "b":
        y = y.astype(np.int64)
    if images and not (y.min() >= 0 and y.max() < classes):
        advice = f"{code} - 1" if y.min() >= 1 and y.max() == classes else ""
        raise refused(name, f"class numbers from 0 to {classes - 1}", f"{y.min()} to {y.max()}", advice)
    return y


def check_order(x: Any, y: Any, names: str, call: str) -> None:
    """Raise HandmadeError if the labels stand before the images."""
    try:
        first, second = as_array(x, names), as_array(y, names)
    except HandmadeError:  # one of them is neither; the message about it says more
        return
    if first.ndim == 1 and second.ndim > 1 and len(first) == len(second):
        raise refused(names, "images before labels", "the labels first", call)


def _advice(x: Array, code: str, shape: Shape, padding: int, prepare: str) -> str:
    """Return code that makes images of this shape of x, or nothing."""
    if len(shape) == 3:
        raw = (shape[0] - 2 * padding, shape[1] - 2 * padding, shape[2])
        for written, found in _ways(x.shape, code, raw):
            if found[1:] == raw:
                if x.dtype.kind != "f":
                    return f"{prepare}({written})"
                if (low := x.min()) >= 0 and (high := x.max()) <= 255 and low < high:
                    bytes_of = f"(255 * {written}).round()" if high <= 1 else written
                    return f"{prepare}({bytes_of}.astype(np.uint8))"
    return next((written for written, found in _ways(x.shape, code, shape) if found[1:] == shape), "")


def _ways(given: Shape, code: str, shape: Shape) -> Iterator[tuple[str, Shape]]:
    """Return ways to write an array, each with the shape that it makes."""
    yield code, given
    if given == shape:
        yield f"{code}[None]", (1, *given)
    if (*given, 1) == shape:
        yield f"{code}[None, ..., None]", (1, *given, 1)
    if len(given) == len(shape) and shape[-1] == 1:
        yield f"{code}[..., None]", (*given, 1)
    if len(given) == 4:
        yield f"{code}.transpose(0, 2, 3, 1)", (given[0], *given[2:], given[1])
    if len(given) == 3 and len(shape) == 3:
        yield f"{code}.transpose(1, 2, 0)[None]", (1, *given[1:], given[0])
    flat = len(given) == 2 or len(shape) == 1
    if given and (given == (math.prod(shape),) or (flat and math.prod(given[1:]) == math.prod(shape))):
        yield f"{code}.reshape({', '.join(map(str, (-1, *shape)))})", (math.prod(given) // math.prod(shape), *shape)


def as_raw_images(value: Any, name: str) -> Array:
    """Return images (N, H, W, C) of uint8; integers from 0 to 255 of any type are taken, and (N, H, W) has one channel.

    Raises
    ------
    HandmadeError
        If these are no such images.
    """
    images = as_array(value, name)
    code = code_of(value, name)
    if images.size == 0 and images.dtype != np.uint8:
        raise refused(name, RAW, "none")
    if images.dtype.kind in "fb":
        raise refused(name, "integers from 0 to 255", str(images.dtype), _bytes(images, code))
    if images.dtype != np.uint8:
        if images.size and not (images.min() >= 0 and images.max() <= 255):
            raise refused(name, "integers from 0 to 255", f"{images.min()} to {images.max()}")
        images = images.astype(np.uint8)
    if images.ndim == 3 and not (images.shape[-1] == 1 and min(images.shape[:2]) >= FEWEST_PIXELS):  # (H, W, 1) is one image
        images = images[..., None]  # (N, H, W, 1)
    if images.ndim != 4 or _is_channels_first(images.shape):
        raise refused(name, RAW, str(images.shape), _channels_last(images.shape, code))
    return images


def _is_channels_first(given: Shape) -> bool:
    """Return True if the second axis can be one of channels, and the last one cannot, or is as long as the third."""
    _, first, middle, last = given
    return first in CHANNELS and (last not in CHANNELS or first < middle == last)


def _channels_last(given: Shape, code: str) -> str:
    """Return code that makes images (N, H, W) or (N, H, W, C), or nothing."""
    if len(given) in {1, 2} and (side := math.isqrt(given[-1])) ** 2 == given[-1] and side >= FEWEST_PIXELS:
        return f"{code}.reshape(-1, {side}, {side})"
    if len(given) in {2, 3}:
        return f"{code}[None]"
    if len(given) != 4:
        return f"{code}[0]" if len(given) == 5 and given[0] == 1 else ""
    return f"{code}.transpose(0, 2, 3, 1)"


def _bytes(images: Array, code: str) -> str:
    """Return code that makes integers from 0 to 255 of floats or truth values, or nothing."""
    if images.dtype.kind == "b":
        return f"255 * {code}.astype(np.uint8)"
    low, high = (images.min(), images.max()) if images.size else (0, 0)
    if not 0 <= low <= high <= 255:  # so written that NaN does not fit
        return ""
    return f"(255 * {code}).round().astype(np.uint8)" if high <= 1 else f"{code}.round().astype(np.uint8)"


def _flat(y: Array, code: str, images: int, classes: int) -> str:
    """Return code that makes one label for each image of an array with more axes, or nothing."""
    if y.ndim == 2 and len(y) == images and y.shape[1] == classes > 1:
        return f"{code}.argmax(axis=1)"
    return f"{code}.reshape(-1)" if y.ndim != 1 and y.size == images else ""


def as_image(value: Any, name: str, shape: Shape, prepare: Prepare) -> Array:
    """Return one prepared image: a prepared one as it is, or a raw one (H, W) or (H, W, C) of integers, prepared.

    Raises
    ------
    HandmadeError
        If it is neither.
    """
    array, code = as_array(value, name), code_of(value, name)
    one = _prepared(array, prepare)
    if one.shape == shape and one.dtype.kind == "f":
        return one
    advice = next((way for way, image in _single(array, code) if _prepared(image, prepare).shape == shape), "")
    if array.shape == shape:
        advice = f"np.asarray({name}, np.float32)" if array.dtype.kind == "b" else f"({code} / 255).astype(np.float32)"
    raise refused(name, f"one image {shape} of floats, or a raw one of integers", f"{array.shape} of {array.dtype}", advice)


def _prepared(image: Array, prepare: Prepare) -> Array:
    """Return a raw image prepared, and anything else as it is."""
    if image.dtype.kind not in "iu" or image.ndim not in {2, 3}:
        return image
    try:
        prepared: Array = prepare(image[None])[0]
    except HandmadeError:
        return image
    return prepared


def _single(array: Array, code: str) -> Iterator[tuple[str, Array]]:
    """Return ways to make one image of an array, each with the image."""
    ways = {code: array}
    if array.ndim > 1 and array.shape[0] == 1:
        ways[f"{code}[0]"] = array[0]
    if array.ndim == 2:
        ways[f"{code}[..., None]"] = array[..., None]
    if array.ndim == 3:
        ways[f"{code}.transpose(1, 2, 0)"] = array.transpose(1, 2, 0)
    if array.ndim == 1 and (side := math.isqrt(len(array))) ** 2 == len(array) and side >= FEWEST_PIXELS:
        ways[f"{code}.reshape({side}, {side}, 1)"] = array.reshape(side, side, 1)
    yield from ways.items()
    if array.dtype.kind == "f" and array.size and array.min() >= 0 and array.max() <= 1:
        for way, image in ways.items():
            yield f"(255 * {way}).round().astype(np.uint8)", (255 * image).round().astype(np.uint8)


def as_label(value: Any, classes: int) -> int:
    """Return the class of one image as a plain integer; raise HandmadeError if it is none."""
    if value is None:
        raise refused("label", f"a class from 0 to {classes - 1}", "None")
    number = value if is_number(value) else as_array(value, "label")
    if isinstance(number, np.ndarray) and (number.ndim or number.dtype.kind == "b"):
        advice = "label.argmax()" if number.shape == (classes,) else "label[0]" if number.shape == (1,) else ""
        raise refused("label", f"a class from 0 to {classes - 1}", described(value), advice)
    known = float(number)
    if known not in range(classes):
        raise refused("label", f"a class from 0 to {classes - 1}", described(value))
    return int(known)
