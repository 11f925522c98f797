"""A student's own functions in networks of the engine.

>>> from handmade.learn import own_functions
>>> own = own_functions("workbook")  # doctest: +SKIP
>>> network = own.layers(handmade.networks.readme(rng=0))  # doctest: +SKIP

Every file is graded again before it is used. Of several functions for the same operation, the one of the latest step that covers
the settings of a layer is used.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from handmade.engine.errors import HandmadeError
from handmade.engine.losses import CrossEntropy, Loss
from handmade.engine.network import Network
from handmade.engine.printable import ShortRepr
from handmade.learn.folder import Folder, digest, file_name
from handmade.learn.own_function import OwnFunction, Printed
from handmade.learn.own_layers import OwnCrossEntropy, Parts
from handmade.learn.own_parts import KINDS, Functions, of_loss, own_layer, parts_of
from handmade.learn.steps import load_step, place_of
from handmade.learn.texts import Texts
from handmade.learn.verdict import finding_lines
from handmade.learn.workbook import Workbook

USED = {  # functions that a network can use, by step; the other steps are exercises alone
    "conv_one_channel": ("conv2d",),
    "conv_channels": ("conv2d",),
    "conv_stride_padding": ("conv2d",),
    "relu": ("relu",),
    "max_pool": ("max_pool2d",),
    "linear": ("flatten", "linear"),
    "softmax_cross_entropy": ("softmax", "cross_entropy"),
    "finite_chain_rule": ("delta_relu", "delta_max"),
    "linear_backward": ("linear_backward",),
    "relu_pool_backward": ("relu_backward", "max_pool_backward"),
    "conv_backward_db": ("conv_backward_db",),
    "conv_backward_dw": ("conv_backward_dw",),
    "conv_backward_dx": ("conv_backward_dx",),
    "im2col": ("conv2d",),
}
N = TypeVar("N", bound=Network)


@dataclass(frozen=True)
class Row:
    """One layer of a network, or its loss: its name, and the steps of the functions that are used for it, by purpose."""

    name: str
    forward: tuple[int, ...] = ()
    delta: tuple[int, ...] = ()
    backward: tuple[int, ...] = ()

    @property
    def yours(self) -> bool:
        """Return if something of it is the student's."""
        return bool(self.forward or self.delta or self.backward)


@dataclass(frozen=True, eq=False)
class OwnFunctions(ShortRepr):
    """Functions of a student that have just passed.

    Attributes
    ----------
    folder : Path
    functions : dict
        Functions by step and name.
    notes : tuple of str
        Lines about files that are not used, in the student's language.
    printed : Printed
        Output of the functions so far.
    """

    folder: Path
    functions: Functions
    notes: tuple[str, ...]
    say: Texts
    printed: Printed = field(repr=False)

    def _summary(self) -> str:
        return f"{self.folder}, {len(self.functions)} functions"

    def layers(self, network: N) -> N:
        """Return the network with the student's layers, as far as they cover the settings; the weights are the same."""
        shapes = network.shape_of
        return network.standard()._with(  # noqa: SLF001  as every method of a network that replaces layers
            lambda node: own_layer(node.layer, node.inputs(shapes), self.functions)
        )

    def loss(self, loss: Loss) -> Loss:
        """Return the cross-entropy with the student's functions; another loss, or one with label smoothing, stays as it is."""
        parts = of_loss(self.functions)
        return OwnCrossEntropy(own=parts) if loss == CrossEntropy() and parts else loss

    def uses(self, network: Network) -> bool:
        """Return if a layer of the network uses one of the functions; a loss alone does not count."""
        return any(row.yours for row in self.rows(network)[:-1])

    def rows(self, network: Network) -> list[Row]:
        """Return which steps each layer uses, and the loss."""
        found, shapes = [], network.shape_of
        for node in network.standard().nodes:
            parts = parts_of(node.layer, node.inputs(shapes), self.functions)
            if "forward" in parts and KINDS[type(node.layer)].linear:
                parts["delta"] = parts["forward"]
            found.append(_row(network.titles[node.name], parts))
        return [*found, _row("loss", of_loss(self.functions))]


def _row(name: str, parts: Parts) -> Row:
    steps = {part: place_of(function.step) for part, function in parts.items()}
    forward, delta = (tuple(n for part, n in steps.items() if part == purpose) for purpose in ("forward", "delta"))
    return Row(name, forward, delta, tuple(sorted(n for part, n in steps.items() if part not in {"forward", "delta"})))


def read_own_functions(path: Path) -> OwnFunctions:
    """Grade the passed steps of a workbook again, and return their functions.

    Raises
    ------
    HandmadeError
        If there is no workbook, its state is damaged, or no function can be used.
    """
    if not Folder(path).exists:
        raise HandmadeError(f"{path}: expected the folder of a workbook; there is none. Try: handmade learn")
    functions: Functions = {}
    notes: list[str] = []
    printed = Printed()
    with Workbook(path) as workbook:
        say = workbook.say
        for name in USED:
            if workbook.state.steps[name].passed:
                found = _graded(workbook, name, printed)
                if isinstance(found, str):
                    notes.append(found)
                else:
                    functions |= {(name, each.name): each for each in found}
    if not functions:
        raise HandmadeError(" ".join([*notes, say("mine.none", file=str(path))]))
    return OwnFunctions(path, functions, tuple(notes), say, printed)


def _graded(workbook: Workbook, name: str, printed: Printed) -> list[OwnFunction] | str:
    """Return the functions of a step, or the reason why they are not used."""
    verdict = workbook.check(name)
    if verdict:
        source = workbook.folder.read(name)
        if digest(source) == workbook.state.steps[name].file:  # else it was saved between grading and reading
            try:
                return list(loaded(name, source, workbook.folder.exercise(name).resolve(), printed, workbook.say))
            except (Exception, SystemExit) as error:  # noqa: BLE001  whatever her file raises here and not in its own process
                reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        else:
            reason = workbook.say("mine.saved")
    else:
        assert verdict.finding is not None
        reason = finding_lines(verdict.step, verdict.finding, workbook.say)[0]
    return workbook.say("mine.changed", file=f"{file_name(name)}.py", text=reason, step=str(place_of(name)))


def loaded(name: str, source: str, file: Path, printed: Printed, say: Texts) -> Iterator[OwnFunction]:
    """Run a file, as the student's process does, and yield the functions that a network uses."""
    space: dict[str, Any] = {"__name__": "exercise", "__file__": str(file)}
    with printed.caught():
        exec(compile(source, str(file), "exec", dont_inherit=True), space)  # noqa: S102  the student starts her own file
    known = [function.name for function in load_step(name).functions]
    for each in USED[name]:
        assert each in known
        yield OwnFunction(name, each, space[each], file, printed, say)
