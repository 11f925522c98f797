"""Source code of the PyTorch module that computes what a network computes; its state dict is that of state_dict.py."""

from collections.abc import Iterator

from handmade.engine.graph import INPUT
from handmade.engine.network import Network, check_network
from handmade.files.orders import Order, border
from handmade.files.pytorch.modules import Module, module_of
from handmade.files.pytorch.part import Weight


def module_source(network: Network) -> str:
    """Return the lines of Python that build the same module in PyTorch, under the name `model`.

    A chain of layers is an nn.Sequential; another graph is a class. Images are (N, C, H, W) there. The weights are those that
    PyTorch draws, until `model.load_state_dict` loads those of the network. Call `model.eval()` before inference.

    Raises
    ------
    HandmadeError
        If PyTorch has no module for a layer; all such layers are named.
    """
    check_network(network, "module_source(network)")
    module = module_of(network)
    lines = _sequential(module) if module.is_sequential else _class(module)
    return "\n".join(lines) + "\n"


def _sequential(module: Module) -> Iterator[str]:
    yield from ("from torch import nn", "", "model = nn.Sequential(")
    yield from (f"    {part.module}," for part in module.parts)
    yield ")"


def _class(module: Module) -> Iterator[str]:
    network = module.network
    body = list(_forward(module))
    yield from ("import torch",) if any("torch." in line for line in [*body, *_buffers(module)]) else ()
    yield "from torch import nn"
    yield from ("from torch.nn import functional as F",) if any("F." in line for line in body) else ()
    yield from ("", "", "class Net(nn.Module):", "    def __init__(self):", "        super().__init__()")
    for name, part in zip(module.names, module.parts, strict=True):
        if part.module is not None:
            yield f"        self.{name} = {part.module}"
    yield from _buffers(module)
    yield from ("", f"    def forward(self, {INPUT}):", *body)
    outputs = [_read(module, name, border(network.shape_of[name])) for name in network.output_names]
    yield from (f"        return {', '.join(outputs)}", "", "", "model = Net()")


def _buffers(module: Module) -> Iterator[str]:
    """Yield the lines that make room for constants; their values come with the state dict."""
    network = module.network
    arrays = network.parameters() | network.statistics()
    for name, part in zip(module.names, module.parts, strict=True):
        for key in part.buffers:
            ours, weight = module.weights.get(f"{name}_{key}", ("", None))
            array = weight.there(arrays[ours]) if isinstance(weight, Weight) else module.constants[f"{name}_{key}"]
            kind = "" if array.dtype.kind == "f" else ", dtype=torch.int64"
            yield f'        self.register_buffer("{name}_{key}", torch.zeros({array.shape}{kind}))'
    for each in module.conversions.values():
        if each.places is not None:
            yield f'        self.register_buffer("{each.variable}_places", torch.zeros({each.places.shape}, dtype=torch.int64))'


def _forward(module: Module) -> Iterator[str]:
    yield from _converted(module, INPUT)
    for name, step, part in zip(module.names, module.steps, module.parts, strict=True):
        inputs = [_read(module, read, order) for read, order in zip(step.node.reads, step.reads, strict=True)]
        yield f"        {name} = {part.call.format(*inputs, self=name)}"
        yield from _converted(module, step.node.name)


def _converted(module: Module, name: str) -> Iterator[str]:
    if name in module.conversions:
        conversion = module.conversions[name]
        yield f"        {conversion.variable} = {conversion.code.format(module.name_of(name))}"


def _read(module: Module, name: str, order: Order) -> str:
    """Return the variable of an activation in an order."""
    return module.name_of(name) if module.order_of(name).same(order) else module.conversions[name].variable
