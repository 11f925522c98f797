"""A network as the page draws it: nodes in columns, shapes, names, and the raw images that it reads."""

from typing import Any

from numpy.typing import NDArray

from handmade.data import Dataset, prepare_for
from handmade.data.prepared import raw_shape
from handmade.engine.arrays import Array
from handmade.engine.graph import INPUT
from handmade.engine.layers import rule
from handmade.engine.network import Network
from handmade.lab.catalogue import Opened


def classes_of(network: Network) -> int:
    """Return the number of classes; 0 for a network without logits."""
    shape = network.shape_of[network.logits_name]
    return shape[0] if len(shape) == 1 and shape[0] > 1 else 0


def prepared(network: Network, raw: NDArray[Any]) -> Array:
    """Return the input of the network for one raw image."""
    one: Array = prepare_for(network)(raw[None])[0]
    return one


def fits(network: Network, data: Dataset) -> bool:
    """Return True if the images of the data can be used, and the network tells their classes apart."""
    same = len(data.test.labels) and raw_shape(network) == data.test.images.shape[1:]
    return bool(same and classes_of(network) > max(int(data.test.labels.max()), int(data.train.labels.max())))


def info(opened: Opened, data: Dataset) -> dict[str, Any]:
    """Return a network as plain data."""
    network = opened.network
    raw, fit = raw_shape(network), fits(network, data)
    return {
        "source": opened.source,
        "title": opened.title,
        "seed": opened.seed,
        "trained": opened.trained,
        "weights": network.size,
        "dtype": str(network.dtype),
        "classes": [network.class_name(k) for k in range(classes_of(network))],
        "named_classes": network.class_names is not None,
        "input_shape": list(network.input_shape),
        "raw_shape": None if raw is None else list(raw),
        "fits_data": fit,
        "test_images": len(data.test.labels) if fit else 0,
        "nodes": _nodes(network),
        "logits": network.logits_name,
        "outputs": list(network.output_names),
    }


def _nodes(network: Network) -> list[dict[str, Any]]:
    columns, found = {INPUT: 0}, []
    for node in network.nodes:
        columns[node.name] = 1 + max(columns[name] for name in node.reads)
        arrays = node.layer.parameters() | node.layer.statistics()
        keys = {name: f"{node.name}.{name}" for name in arrays}
        found.append(
            {
                "name": node.name,
                "title": network.titles[node.name],
                "mark": rule(node.layer, "mark") or "",
                "kind": node.layer.kind,
                "reads": list(node.reads),
                "shape": list(network.shape_of[node.name]),
                "settings": node.layer.settings(),
                "arrays": [
                    {"key": key, "title": network.display_name(key), "shape": list(arrays[name].shape)}
                    for name, key in keys.items()
                ],
                "column": columns[node.name],
            }
        )
    return found
