"""The engine's design, held by its source: imports go one way, nobody asks a layer for its type, and few protocols are left."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import handmade
from handmade.engine.layers import KINDS, Layer

ROOT = Path(handmade.__file__).parent
ENGINE = ROOT / "engine"

# From the bottom to the top: a part imports what stands before it.
ORDER = [
    *("errors", "printable", "extras", "compiling", "arrays", "arguments", "image_arguments", "memory"),
    *("randomness", "initialisation"),
    *(
        "loops",
        "more_loops",
        "join_loops",
        "elementwise_loops",
        "rearrangement_loops",
        "window_loops",
        "terms",
        "foreign",
        "layers",
        "losses",
        "preparation",
        "graph",
        "names",
        "structure",
    ),
    *("backend", "network", "residual", "description", "parallel", "plain", "evaluation", "gradients", "optim", "training"),
    *("receipts", "check"),
]
FREE = {"registry.py", "adapter.py"}  # of engine/layers: who may ask
STRANGERS = {"foreign", "frameworks", "layer_files"}  # folders that deal with objects of other people, which have no Layer to ask


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports when it runs; what only the type checker sees is left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unseen = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            direct = node.module in {"handmade.engine", "handmade"}
            yield from (f"{node.module}.{alias.name}" for alias in node.names) if direct else [node.module]


def backward_arrows(engine: Path, order: list[str]) -> list[str]:
    found = []
    for path in sorted(engine.rglob("*.py")):
        room = path.relative_to(engine).parts[0].removesuffix(".py")
        for name in imports(path):
            parts = name.split(".")
            if parts[:2] == ["handmade", "engine"] and len(parts) > 2 and parts[2] != room:
                known = room in order and parts[2] in order
                if not known or order.index(parts[2]) > order.index(room):
                    found.append(f"{path.relative_to(engine)} imports {name}")
    return found


def test_imports_within_the_engine_go_one_way() -> None:
    assert backward_arrows(ENGINE, ORDER) == []
    parts = {path.name.removesuffix(".py") for path in ENGINE.iterdir() if path.name not in {"__init__.py", "__pycache__"}}
    assert parts == set(ORDER)


def test_an_arrow_back_is_found(tmp_path: Path) -> None:
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "bad.py").write_text(
        "from handmade.engine.network import Network\nfrom handmade.engine import graph\n"
    )
    assert len(backward_arrows(tmp_path, ORDER)) == 2


# --- questions about a layer's type or abilities ------------------------------------------------------------------------------

DECLARED = {name for name in vars(Layer) if not name.startswith("__")}
OWN = {name for kind in KINDS.values() for each in kind.__mro__ for name in vars(each) if not name.startswith("_")}
CLASSES = {"Layer", "Join", "Pool", "Adapter", "Foreign", *KINDS}


def questions(root: Path) -> list[str]:
    """Every place outside the registry and the adapter that asks an object for its type or abilities, as far as layers go."""
    return [
        f"{path.relative_to(root)}: {ast.unparse(node)[:80]}"
        for path in sorted(root.rglob("*.py"))
        if path.name not in FREE and path.parent.name not in STRANGERS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if _asks(node)
    ]


def _asks(node: ast.AST) -> bool:
    asked = False
    match node:
        case ast.Call(func=ast.Name(id="hasattr" | "getattr"), args=[_, ast.Constant(value=str(name)), *_]):
            asked = name in OWN | DECLARED
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kinds]):
            asked = _names(kinds)
        case ast.Compare(left=left, comparators=others):
            asked = any(_is_type(side) for side in [left, *others]) and any(_names(side) for side in [left, *others])
        case ast.MatchClass(cls=kind):
            asked = _names(kind)
        case ast.ExceptHandler(type=ast.expr() as caught):
            asked = any(isinstance(each, ast.Name) and each.id == "AttributeError" for each in ast.walk(caught))
        case ast.Attribute(value=ast.Attribute(attr="layer"), attr=name):  # node.layer.kernel: layer.py does not declare it
            asked = name in OWN - DECLARED
    return asked


def _names(expression: ast.AST) -> bool:
    named = [ast.unparse(each) for each in ast.walk(expression) if isinstance(each, ast.Name | ast.Attribute)]
    return any(name.rpartition(".")[2] in CLASSES for name in named)


def _is_type(expression: ast.AST) -> bool:
    return any(
        (isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "type")
        or (isinstance(each, ast.Attribute) and each.attr in {"__class__", "kind"})
        for each in ast.walk(expression)
    )


def test_nobody_asks_a_layer_for_its_type_or_abilities() -> None:
    assert questions(ROOT) == []


@pytest.mark.parametrize(
    "code",
    [
        'hasattr(layer, "nudges")',
        'getattr(layer, "backward", None)',
        "isinstance(layer, Conv2d)",
        "isinstance(layer, Conv2d | Linear)",
        "isinstance(node.layer, layers.ReLU)",
        "type(layer) is ReLU",
        "type(layer) in {ReLU, MaxPool2d}",
        "layer.__class__ == Dropout",
        "match layer:\n    case Flatten():\n        pass",
        "try:\n    layer.of(x)\nexcept AttributeError:\n    pass",
        "if node.layer.kernel == (3, 3):\n    pass",
    ],
)
def test_a_question_is_found(code: str, tmp_path: Path) -> None:
    (tmp_path / "curious.py").write_text(code + "\n")
    assert len(questions(tmp_path)) == 1


def test_a_rule_of_the_exact_type_is_no_question(tmp_path: Path) -> None:
    (tmp_path / "polite.py").write_text(
        'rule(layer, "nudges")\nisinstance(loss, Exception)\nlayer.parameters()\nnode.layer.joins\n'
    )
    assert questions(tmp_path) == []


# --- sizes --------------------------------------------------------------------------------------------------------------------


def test_the_contract_of_a_layer_fits_on_a_page() -> None:
    assert len((ENGINE / "layers" / "layer.py").read_text(encoding="utf-8").splitlines()) <= 120


def test_the_engine_has_no_more_protocols_than_it_should() -> None:
    protocols = [
        node.name
        for path in sorted(ENGINE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).startswith("Protocol") for base in node.bases)
    ]
    assert sorted(protocols) == ["Backend", "Loss", "Optimiser", "Penalty"]
