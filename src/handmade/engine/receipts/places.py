"""Places of numbers, as users write them: conv2[12,10,3], logits[3], probability[3], loss, input[5,7,0], conv1.W[1,2,0,5].

A gradient is written as d loss / d conv1.W[1,2,0,5] or d loss / d conv2[12,10,3]. Rows, columns and channels are counted from 0.
A layer can be given by its name or its number: `2.W` is `conv2.W` if layer 2 has the name conv2.
"""

import re
from collections.abc import Iterable

from handmade.engine.arguments import described, refused
from handmade.engine.arrays import Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.engine.terms import Place

LOGITS, PROBABILITY, LOSS, INPUT = "logits", "probability", "loss", "input"
GRADIENT = "d loss / d "
AXES = {1: ("number",), 2: ("input", "output"), 3: ("row", "column", "channel"), 4: ("row", "column", "channel", "filter")}


def place(network: Network, text: str) -> Place:
    """Parse a place, and check that the network has it.

    Raises
    ------
    HandmadeError
        If the text is not a place, or the network does not have it; the message lists the possible names.
    """
    if not isinstance(text, str):
        raise refused("at", "text such as logits[3] or conv1.W[1,2,0,5]", described(text))
    gradient = re.fullmatch(r"\s*d\s*loss\s*/\s*d\s*(.+)", text)
    read = re.fullmatch(r"\s*([^\s\[\]=,]+)\s*(?:\[([\d\s,]*)\]\s*)?", gradient[1] if gradient else text, flags=re.ASCII)
    if not read:
        raise HandmadeError(f"place: expected text such as conv1[12,10,3], logits[3], loss or conv1.W[1,2,0,5]; got {text!r:.80}")
    name = _by_name(network, read[1])
    have_gradients = [*weights(network), LOGITS, *activations(network)]
    if gradient and name not in have_gradients:
        raise HandmadeError(f"gradient: expected a weight or an activation of {_listed(have_gradients)}; got {text!r:.80}")
    shapes = activations(network) | weights(network) | statistics(network)
    last = network.shape_of[network.logits_name]
    shapes |= {LOGITS: last, PROBABILITY: last, LOSS: ()} if len(last) == 1 and last[0] > 1 else {}
    if name not in shapes:
        raise HandmadeError(f"place: expected a name in this network; got {read[1]!r:.80}. It has {_listed(shapes)}")
    index = tuple(int(number[:10]) for number in (read[2] or "").replace(",", " ").split())
    shape = shapes[name]
    if len(index) != len(shape) or any(i >= size for i, size in zip(index, shape, strict=True)):
        raise HandmadeError(f"{name}: expected {_axes(shape)}; got {text!r:.80}")
    return Place(GRADIENT + name if gradient else name, index)


def activations(network: Network) -> dict[str, Shape]:
    """Return the shape of the input and of every node's output, by display name, in the order of the nodes."""
    return {network.titles.get(name, name): shape for name, shape in network.shape_of.items()}


def weights(network: Network) -> dict[str, Shape]:
    """Return the shape of every weight array, by display name."""
    return {network.display_name(key): array.shape for key, array in network.parameters().items()}


def statistics(network: Network) -> dict[str, Shape]:
    """Return the shape of every array of running statistics, by display name."""
    return {network.display_name(key): array.shape for key, array in network.statistics().items()}


def key_of(network: Network, name: str) -> str:
    """Return the network's internal name of an array: "0.W" for the display name conv1.W."""
    return next(key for key in network.owners if network.display_name(key) == name)


def _by_name(network: Network, name: str) -> str:
    """Return the display name of an array or activation that may be given by the internal name of its node."""
    if name in network.owners or name in network.titles:
        return network.display_name(name)
    return name


def _axes(shape: Shape) -> str:
    if not shape:
        return "one number, without an index in brackets"
    axes = AXES.get(len(shape), tuple(f"axis {k}" for k in range(len(shape))))
    return ", ".join(f"{axis} 0 to {size - 1}" for axis, size in zip(axes, shape, strict=True)) + " in brackets"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
