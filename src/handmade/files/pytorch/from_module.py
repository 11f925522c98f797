"""Live modules of PyTorch as networks: the module is traced by torch.fx, and its operations are converted like those of ONNX.

Tracing calls `forward` of the module once with a placeholder, so the code of the module runs. Shapes are those that PyTorch
computes for two batches of zeros; what depends on the number of images is found by comparing them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from handmade.engine.arguments import as_shape, described, refused
from handmade.engine.arrays import Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.extras import library_missing
from handmade.engine.preparation import Preparation
from handmade.files.network import Network
from handmade.files.onnx.errors import OutOfScope
from handmade.files.onnx.imported import from_graph
from handmade.files.pytorch.operations import BY_NAME
from handmade.files.pytorch.submodules import MODULES
from handmade.files.pytorch.traced import Tensor, Traced

BATCHES = (2, 3)
EXAMPLE = "from_module(module, (1, 28, 28))"


def from_module(
    module: Any,
    input_shape: Shape,
    *,
    class_names: Any = None,
    preparation: Preparation | None = None,
) -> Network:
    """Return a PyTorch module as a network, in inference, with copies of its weights.

    Parameters
    ----------
    module : torch.nn.Module
        Module with one input, a batch of images. Its weights are on the CPU.
    input_shape : tuple of int
        Shape of one image as the module reads it: (C, H, W), or a row (K,).
    class_names, preparation
        Those of `Network`.

    Raises
    ------
    OutOfScope
        If a part of the module has no layer here; the message lists all such parts. It is a HandmadeError and a
        NotImplementedError.
    HandmadeError
        If PyTorch is not installed, the module cannot be traced, or it does not read such images.
    """
    torch = _torch()
    if not isinstance(module, torch.nn.Module):
        raise refused("module", "a torch.nn.Module", described(module), EXAMPLE)
    shape = as_shape(input_shape, "input_shape", "(1, 28, 28)")
    training = [(each, each.training) for each in module.modules()]
    try:
        module.eval()
        traced, outputs = _trace(torch, module, shape)
    finally:
        for each, was in training:
            each.training = was
    found = from_graph(traced.graph(outputs))
    return Network(**found.arguments, class_names=class_names, preparation=preparation)


def _torch() -> Any:
    try:
        import torch  # noqa: PLC0415  an optional library, and slow to load
        import torch.fx  # noqa: PLC0415
    except ImportError:
        raise HandmadeError(library_missing("modules of PyTorch", "torch")) from None
    return torch


def _trace(torch: Any, module: Any, shape: Shape) -> tuple[Traced, list[Tensor]]:
    try:
        program = torch.fx.symbolic_trace(module)
    except Exception as error:  # noqa: BLE001  the code of the module may raise anything
        reason = " ".join(str(error).split())
        raise HandmadeError(
            f"module: expected one that torch.fx can trace, without branches that depend on the images; got: {reason:.200}"
        ) from None
    return _Converter(torch, program, shape).convert()


class _Converter:
    """Walk through the nodes of a traced module."""

    def __init__(self, torch: Any, program: Any, shape: Shape) -> None:
        self.torch, self.program = torch, program
        self.results = [self._run(batch, shape) for batch in BATCHES]
        self.traced = Traced((BATCHES[0], *shape))
        self.values: dict[Any, Any] = {}
        self.refused: list[str] = []

    def convert(self) -> tuple[Traced, list[Tensor]]:
        """Return the graph and its outputs; raise OutOfScope with all parts that have no layer."""
        given: Any = None
        images = [node for node in self.program.graph.nodes if node.op == "placeholder" and not node.args]
        if len(images) != 1:
            raise OutOfScope(f"module: expected one input, the images; got {', '.join(map(str, images)) or 'none'}")
        for node in self.program.graph.nodes:
            if node is images[0]:
                self.values[node] = self.traced.input
            elif node.op == "output":
                given = node.args[0]
            else:
                self._add(node)
        if self.refused:
            listed = "; ".join(self.refused)
            raise OutOfScope(f"module: expected parts that have layers; {len(self.refused)} have none: {listed}")
        return self.traced, self._outputs(given)

    def _run(self, batch: int, shape: Shape) -> dict[Any, Any]:
        """Return the result of every node for a batch of zeros."""
        torch, found = self.torch, dict[Any, Any]()

        class Recorder(torch.fx.Interpreter):  # type: ignore[name-defined, misc]
            def run_node(self, n: Any) -> Any:
                found[n] = super().run_node(n)
                return found[n]

        first = next((each.dtype for each in self.program.parameters()), torch.float32)
        try:
            with torch.no_grad():
                Recorder(self.program).run(torch.zeros((batch, *shape), dtype=first))
        except Exception as error:  # noqa: BLE001  PyTorch raises many kinds
            reason = " ".join(str(error).split())
            raise HandmadeError(
                f"module: expected one that reads images (N, {', '.join(map(str, shape))}); got: {reason:.200}"
            ) from None
        return found

    def _add(self, node: Any) -> None:
        result = self.results[0][node]
        depends = any(isinstance(self.values.get(each), Tensor | tuple) for each in node.all_input_nodes)
        if isinstance(result, tuple | list) and depends and all(isinstance(each, self.torch.Tensor) for each in result):
            self._several(node, result)
            return
        if depends and isinstance(result, tuple | list) and not all(isinstance(each, int) for each in result):  # a size is one
            self.refused.append(self._named(node))
            self.values[node] = _Varies()
            return
        if not isinstance(result, self.torch.Tensor):
            self.values[node] = _same_for_all([results[node] for results in self.results])
            return
        if not depends:
            self.values[node] = result.detach().cpu().numpy()
            return
        label = str(node.target) if node.op == "call_module" else node.name
        self.traced.label, self.traced.shape = label, tuple(result.shape)
        try:
            found = self._converted(node)
            self.values[node] = Tensor(found.name, tuple(result.shape))
        except (OutOfScope, TypeError, ValueError, KeyError) as error:
            self.refused.append(f"{self._named(node)} ({error})" if isinstance(error, HandmadeError) else self._named(node))
            self.values[node] = Tensor(node.name, tuple(result.shape))

    def _converted(self, node: Any) -> Tensor:
        if any(results[node].shape[:1] != (batch,) for results, batch in zip(self.results, BATCHES, strict=True)):
            raise OutOfScope("its result has no axis of images")
        arguments = [self._value(each) for each in node.args]
        options = {name: self._value(each) for name, each in node.kwargs.items()}
        if node.op == "call_module":
            part = self.program.get_submodule(node.target)
            convert = MODULES.get(type(part).__name__) if type(part).__module__.startswith("torch.nn.") else None
            if convert is None:
                raise OutOfScope("no layer")
            return convert(self.traced, part, *arguments)
        source = arguments[0] if arguments else None
        if self._name(node) == "getitem" and isinstance(source, tuple):
            part_of_several: Tensor = source[arguments[1]]
            return part_of_several
        known = BY_NAME.get(self._name(node))
        if known is None:
            raise OutOfScope("no layer")
        return known(self.traced, *arguments, **options)

    def _several(self, node: Any, result: Any) -> None:
        """Convert a chunk or a split: one range for each part."""
        source = self._value(node.args[0])
        parts, first = list[Tensor](), 0
        sizes = [*zip(*(each.shape for each in result), strict=True)]
        axes = [k for k, parts_of in enumerate(sizes) if k and isinstance(source, Tensor) and sum(parts_of) == source.shape[k]]
        axis = axes[0] if axes else 0
        if self._name(node) not in {"chunk", "split", "tensor_split"} or not axis:
            self.refused.append(self._named(node))
        for part in result if axis else ():
            self.traced.label, self.traced.shape = node.name, tuple(part.shape)
            last = first + part.shape[axis]
            cut = [np.array([value], np.int64) for value in (first, last, axis)]
            parts.append(self.traced.emit("Slice", [source, *cut]))
            first = last
        self.values[node] = tuple(parts) or tuple(Tensor(node.name, tuple(each.shape)) for each in result)

    def _outputs(self, given: Any) -> list[Tensor]:
        listed = (
            list(given.values()) if isinstance(given, Mapping) else list(given) if isinstance(given, tuple | list) else [given]
        )
        found = [self._value(each) for each in listed]
        if not all(isinstance(each, Tensor) for each in found):
            raise OutOfScope("module: expected outputs that depend on the images")
        return found

    def _value(self, given: Any) -> Any:
        """Return an argument: values for nodes, also within lists and slices."""
        if isinstance(given, self.torch.fx.Node):
            return self.values[given]
        if isinstance(given, slice):
            return slice(*(self._value(each) for each in (given.start, given.stop, given.step)))
        if isinstance(given, tuple | list):
            return (
                type(given)(self._value(each) for each in given) if type(given) in {tuple, list} else [*map(self._value, given)]
            )
        return given

    @staticmethod
    def _name(node: Any) -> str:
        return str(node.target) if node.op == "call_method" else str(getattr(node.target, "__name__", node.target))

    def _named(self, node: Any) -> str:
        """Return a node for a message: its name, and the module, function or method that it calls."""
        if node.op == "call_module":
            return f"{node.target} {type(self.program.get_submodule(node.target)).__name__}"
        return f"{node.name} {self._name(node)}"


class _Varies:
    """Number that depends on the number of images."""


def _same_for_all(values: list[Any]) -> Any:
    first, second = values
    return first if type(first) is type(second) and not isinstance(first, bool) and first == second else _Varies()
