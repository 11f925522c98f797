"""A network as plain data, ready for JSON, and back.

    {"input": [30, 30, 1], "layers": [{"layer": "Conv2d", "filters": 8, "kernel": 3}, {"layer": "ReLU"}, ...]}
    {"layer": "Residual", "block": [layers], "shortcut": [layers]}
    {"layer": "Add", "name": "sum", "reads": ["left", "right"]}

`input` is the shape of one image; 30 x 30 x 1, a prepared digit, if left out. The settings of a layer are those of its `init`. An
entry without a name is named by its number among such entries. An entry without `reads` reads the entry before it, or "input".
The `shortcut` of a Residual may be left out. A description may also hold `logits` and `outputs` (names of nodes), `classes`
(names of the classes) and `prepare` (preparation.py).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import signature
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arguments import integer, padding_of, pair
from handmade.engine.arrays import Array, Pair, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT, Node, check_name, join_names, order
from handmade.engine.layers import KINDS, Add, Layer
from handmade.engine.layers.registry import check_known
from handmade.engine.layers.windows import sides_of
from handmade.engine.network import Network
from handmade.engine.preparation import Preparation

LARGEST_ACTIVATION = 2**24  # numbers for one image: far more than any image of a digit needs
MOST_AXES = 8  # of an image: more are a mistake
DEEPEST = 8  # levels of nested Residuals: a deeper description is a mistake or an attack
RESIDUAL = "Residual"
BRANCHES = ("block", "shortcut")
KEYS = {"input", "layers", "logits", "outputs", "classes", "prepare"}


def describe(network: Network) -> dict[str, Any]:
    """Return everything about a network except the values of its arrays.

    Raises
    ------
    HandmadeError
        If a layer is not in the table of layers: it could not be rebuilt.
    """
    plain = Network(network.nodes, network.input_shape)
    about = {
        "logits": network.logits_name if network.logits_name != plain.logits_name else None,
        "outputs": list(network.output_names) if set(network.output_names) != set(plain.output_names) else None,
        "classes": None if network.class_names is None else list(network.class_names),
        "prepare": None if network.preparation is None else network.preparation.to_json(),
    }
    entries, number, before = [], 0, INPUT
    for node in network.nodes:
        try:
            check_known(node.layer)
        except HandmadeError as error:
            raise HandmadeError(f"layer {node.name} ({network.titles[node.name]}): {error}") from None
        unnamed = node.name == str(number)
        name = {} if unnamed else {"name": node.name}
        reads = {} if node.reads == (before,) else {"reads": list(node.reads)}
        entries.append({"layer": node.layer.kind, **name, **reads, **node.layer.settings()})
        number, before = number + unnamed, node.name
    known = {key: value for key, value in about.items() if value is not None}
    return {"input": list(network.input_shape), "layers": entries, **known}


def shortened(description: dict[str, Any]) -> dict[str, Any]:
    """Return a description without settings that have their default, as a stride of 1; `build` makes the same layers of it."""
    entries = []
    for entry in description["layers"]:
        parameters = signature(KINDS[entry["layer"]].init).parameters
        defaults = {name: parameters[name].default for name in entry if name in parameters}
        entries.append({name: _single(value) for name, value in entry.items() if not _is(value, defaults.get(name))})
    return description | {"layers": entries}


def _is(value: Any, default: Any) -> bool:
    """Return True if a setting is its default, perhaps as a pair of twice the same number."""
    return default is not None and value in (default, [default, default])


def _single(value: Any) -> Any:
    """Return 3 for [3, 3], as kernels and strides of two equal sides may be written."""
    return value[0] if isinstance(value, list) and len(value) == 2 and value[0] == value[1] else value


def upgrade_description(description: object) -> dict[str, Any]:
    """Return a description in the form that `describe` writes; older files may contain Residuals.

    Raises
    ------
    HandmadeError
        As for `build`.
    """
    return describe(Network(**build(description, np.random.default_rng(0))))


def build(description: object, rng: "np.random.Generator", dtype: DTypeLike = np.float32) -> dict[str, Any]:
    """Build the described network with new random weights.

    Returns
    -------
    dict
        The arguments of `Network`.

    Raises
    ------
    HandmadeError
        If the description is wrong; the message names the layer, what it expected and what it got.
    """

    def fresh(kind: type[Layer], settings: dict[str, Any], _name: str, shape: Any) -> Layer:
        return kind.init(rng, shape[-1], dtype=dtype, **settings)

    return _walk(description, fresh)


def restore(description: object, arrays: dict[str, Array]) -> dict[str, Any]:
    """Build the described network with the given weights and statistics, named as in `Network.parameters`.

    Returns
    -------
    dict
        The arguments of `Network`.

    Raises
    ------
    HandmadeError
        If the description is wrong, or the arrays are not those of the described network.
    """
    described: set[str] = set()

    def kept(kind: type[Layer], settings: dict[str, Any], node: str, _shape: Any) -> Layer:
        names = kind.WEIGHTS + kind.STATISTICS
        described.update(f"{node}.{name}" for name in names)
        own = {name: arrays[f"{node}.{name}"] for name in names if f"{node}.{name}" in arrays}
        if names and (len(own) < len(names) or sorted(settings) != sorted(kind.SETTINGS)):
            expected = join_names([*names, *kind.SETTINGS])
            raise HandmadeError(f"expected the arrays and settings {expected}; got {join_names([*own, *settings])}")
        layer = kind.restore(own, settings)
        if names and layer.settings() != settings:
            raise HandmadeError(f"expected settings that fit its arrays, {layer.settings()}; got {settings}")
        return layer

    network = _walk(description, kept)
    if described != set(arrays):
        missing, surplus = join_names(sorted(described - set(arrays))), join_names(sorted(set(arrays) - described))
        raise HandmadeError(f"expected the arrays {join_names(sorted(described))}; missing: {missing}; not expected: {surplus}")
    return network


Maker: TypeAlias = Callable[[type[Layer], dict[str, Any], str, Any], Layer]  # kind, settings, node, shape of what it reads


@dataclass(frozen=True)
class _Entry:
    """One node of a described network."""

    name: str
    kind: str
    reads: tuple[str, ...]
    settings: dict[str, Any]


def _walk(description: object, make: Maker) -> dict[str, Any]:
    """Check the description, and build its nodes in an order in which the shapes of their inputs are known."""
    if not isinstance(description, dict) or not set(description) <= KEYS:
        got = f"keys {join_names(description)}" if isinstance(description, dict) else type(description).__name__
        raise HandmadeError(
            'expected a network as {"input": [height, width, channels], "layers": [...]}, '
            f"perhaps with {', '.join(sorted(KEYS - {'input', 'layers'}))}; got {got:.80}"
        )
    sizes, listing = description.get("input", [30, 30, 1]), description.get("layers")
    if not isinstance(sizes, list) or not 1 <= len(sizes) <= MOST_AXES:
        raise HandmadeError(f"input: expected a list of integers such as [height, width, channels]; got {sizes!r:.80}")
    shapes: dict[str, Any] = {INPUT: _small_enough(tuple(integer(size, "input", 1) for size in sizes))}
    if not isinstance(listing, list) or not listing:
        found = "there is none" if listing is None else f"got {listing!r:.80}"
        raise HandmadeError(f"layers: expected a list of at least one layer; {found}")
    entries = list(_entries(listing))
    nodes = []
    for entry in (entries[n] for n in order([(entry.name, entry.reads) for entry in entries])):
        try:
            node, shapes[entry.name] = _made(entry, make, shapes)
        except HandmadeError as error:
            raise HandmadeError(f"layer {entry.name} ({entry.kind}): {error}") from None
        nodes.append(node)
    logits, outputs, classes, prepare = (description.get(key) for key in ("logits", "outputs", "classes", "prepare"))
    return {
        "layers": nodes,
        "input_shape": shapes[INPUT],
        "logits": entries[-1].name if logits is None else _names([logits], "logits")[0],
        "outputs": None if outputs is None else _names(outputs, "outputs"),
        "class_names": None if classes is None else _names(classes, "classes"),
        "preparation": None if prepare is None else Preparation.from_json(prepare),
    }


def _entries(listing: list[Any], before: str = INPUT, prefix: str = "", depth: int = 0) -> Iterator[_Entry]:
    """Return one entry for each node; a Residual is replaced by its nodes."""
    number = 0
    for place, given in enumerate(listing):
        if not isinstance(given, dict) or given.get("layer") not in [*KINDS, RESIDUAL]:
            kinds = join_names([*KINDS, RESIDUAL])
            raise HandmadeError(f'layer {prefix}{place}: expected {{"layer": one of {kinds}, ...}}; got {given!r:.80}')
        settings = {key: value for key, value in given.items() if key not in {"layer", "name", "reads"}}
        name = given.get("name", f"{prefix}{number}")
        try:
            check_name(name)
            reads = tuple(_names(given["reads"], "reads")) if "reads" in given else (before,)
        except HandmadeError as error:
            raise HandmadeError(f"layer {prefix}{place} ({given['layer']}): {error}") from None
        number += name == f"{prefix}{number}"
        if given["layer"] == RESIDUAL:
            yield from _residual(name, settings, reads, depth + 1)
        else:
            yield _Entry(name, given["layer"], reads, settings)
        before = name


def _residual(name: str, settings: dict[str, Any], reads: tuple[str, ...], depth: int) -> Iterator[_Entry]:
    """Return the entries of both branches, and the entry of their sum."""
    if depth > DEEPEST:
        raise HandmadeError(f"expected at most {DEEPEST} nested levels of Residuals; layer {name:.80} is deeper")
    unknown = next((key for key in settings if key not in BRANCHES), None)
    if unknown is not None or len(reads) != 1 or not settings.get("block"):
        got = join_names(reads, 5) if len(reads) != 1 else join_names(settings)
        raise HandmadeError(
            f"layer {name} (Residual): expected a block of at least one layer, perhaps a shortcut, and one activation to read; "
            f"got {got:.80}"
        )
    ends = []
    for branch in BRANCHES:
        listing = settings.get(branch, [])
        if not isinstance(listing, list):
            raise HandmadeError(f"layer {name} (Residual): {branch}: expected a list of layers; got {type(listing).__name__}")
        inner = list(_entries(listing, reads[0], f"{name}.{branch}.", depth))
        yield from inner
        ends.append(inner[-1].name if inner else reads[0])
    yield _Entry(name, Add.__name__, tuple(ends), {})


def _made(entry: _Entry, make: Maker, shapes: dict[str, Any]) -> tuple[Node, Shape]:
    """Return the node of an entry, and the shape of its output."""
    kind, settings = KINDS[entry.kind], entry.settings
    for name in kind.REQUIRED:
        if name not in settings:
            got = join_names(settings) if settings else "no settings"
            raise HandmadeError(f"expected the settings {join_names(kind.REQUIRED)}, got {got}; {name} is missing")
    for name in settings:
        if name not in kind.SETTINGS:
            takes = f"the settings {join_names(kind.SETTINGS)}" if kind.SETTINGS else "no settings"
            raise HandmadeError(f"expected {takes}; got {name!r:.80}")
    reads = tuple(shapes[name] for name in entry.reads)
    layer = make(kind, settings, entry.name, reads[0])
    node = Node(entry.name, layer, entry.reads)
    output = layer.output_shape(node.inputs(shapes))
    rows, columns = _padding(layer)
    if rows or columns:
        height, width, *rest = reads[0]
        _small_enough((height + rows, width + columns, *rest), "pads an image to")
    return node, _small_enough(output)


def _padding(layer: Layer) -> Pair:
    """Return the most rows and columns that a layer lays around an image, on both sides together."""
    settings = layer.settings()
    rows, columns = (sum(sides) for sides in sides_of(padding_of(settings.get("padding", 0))))
    down, right = pair(settings.get("stride", 1), "stride", 1) if settings.get("ceil_mode") else (0, 0)  # less than a step
    return rows + down, columns + right


def _names(value: object, what: str) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise HandmadeError(f"{what}: expected names, a list of strings; got {value!r:.80}")
    return value


def _small_enough(shape: Shape, does: str = "makes") -> Shape:
    if math.prod(shape) > LARGEST_ACTIVATION:
        raise HandmadeError(
            f"it {does} {math.prod(shape):,} numbers of shape {shape}; at most {LARGEST_ACTIVATION:,} are allowed"
        )
    return shape
