"""Networks and data sets that fit together: shapes of the images, and classes by their names."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import DTypeLike

from handmade import networks
from handmade.data import Dataset, Images, prepare_for
from handmade.data.dataset import numbered
from handmade.data.prepared import BORDER
from handmade.data.standardisation import standardisation
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.preparation import Preparation
from handmade.network import Network


def preset(name: str, rng: "np.random.Generator", dtype: DTypeLike, data: Dataset | None = None) -> Network:
    """Make a preset with new random weights, for the shape of the images and the classes of a data set.

    Raises
    ------
    HandmadeError
        If the images are too small for its layers.
    """
    description = networks.PRESETS[name]
    if data is not None:
        description = networks.for_images(description, data.image_shape, len(data.class_names), data.names)
    try:
        return networks.described(description, rng, dtype)
    except HandmadeError as error:
        if data is None:
            raise
        shape = " x ".join(map(str, data.image_shape))
        raise HandmadeError(f"{name}: expected larger images than {shape}: {error}. Try resize='28x28'") from None


def completed(network: Network, preparation: Preparation | None, class_names: Sequence[str] | None) -> Network:
    """Return the network with a preparation and names of the classes."""
    return type(network)(
        network.nodes,
        network.input_shape,
        logits=network.logits_name,
        outputs=network.output_names,
        class_names=class_names,
        preparation=preparation,
    )


def standardised(network: Network, training: Images, name: str, *, trained: bool) -> Network:
    """Return a network with new weights whose preparation standardises the training images, with one pixel of zeros around each.

    Raises
    ------
    HandmadeError
        If the network is trained, or has a preparation of its own.
    """
    if trained or network.preparation is not None:
        got = "is trained" if trained else "has a preparation of its own"
        raise HandmadeError(
            f"standardise: expected a network with new weights and no preparation, got {name}, which {got}. Leave standardise out"
        )
    return completed(network, standardisation(training.images, None, BORDER), network.class_names)


def with_names(network: Network, data: Dataset) -> Network:
    """Return a network with the class names of a data set, if it has none and the number of classes is the same."""
    if network.class_names is not None or data.names is None or network.classes != len(data.names):
        return network
    return completed(network, network.preparation, data.names)


def fitted(network: Network, data: Dataset, source: str) -> Dataset:
    """Return a data set with the labels of a network, whose classes are found by their names.

    Classes that are plain numbers in the data are the numbers of the network's classes.

    Raises
    ------
    HandmadeError
        If the images have another shape than the network expects, or it does not have these classes.
    """
    shape = prepare_for(network)(data.test.images[:1]).shape[1:]
    if shape != network.input_shape:
        expected = f"data: expected images of shape {network.input_shape} for this network"
        raise HandmadeError(f"{expected}, got {shape} from {source}. Try {_advice(network, data)}")
    count, known = network.classes, network.class_names or numbered(network.classes)
    if data.class_names == known or (data.names is None and len(data.class_names) <= count):
        return data
    if data.names is None or (network.class_names is None and not set(data.names) <= set(known)):
        if len(data.class_names) <= count:
            return data  # a network without names: the classes are those of its logits, in order
        expected = f"data: expected at most {count} classes for this network"
        raise HandmadeError(f"{expected}, got {len(data.class_names)} from {source}. Try another data=...")
    missing = [name for name in data.names if name not in known]
    if missing:
        expected = f"data: expected the classes of this network, {_listed(known)}"
        raise HandmadeError(f"{expected}; got {_listed(missing)} from {source}. Try another data=...")
    numbers = np.array([known.index(name) for name in data.names])
    train, test = (_relabelled(part, numbers) for part in (data.train, data.test))
    return replace(data, train=train, test=test, class_names=known)


def _relabelled(images: Images, numbers: Array) -> Images:
    labels = numbers[images.labels]
    labels.setflags(write=False)
    return Images(images.images, labels)


def _advice(network: Network, data: Dataset) -> str:
    """Return options that make the images fit, or other data."""
    edge = 2 * (1 if network.preparation is None else network.preparation.padding)
    if len(network.input_shape) != 3:
        return "another data=..."
    height, width, channels = (side - less for side, less in zip(network.input_shape, (edge, edge, 0), strict=True))
    options = [] if (height, width) == data.image_shape[:2] else [f"resize='{height}x{width}'"]
    if (channels, data.image_shape[2]) == (1, 3):
        options.append("grey=True")
    elif channels != data.image_shape[2] or min(height, width) < 1:
        return "another data=..."
    return " and ".join(options)


def _listed(names: "tuple[str, ...] | list[str]") -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
