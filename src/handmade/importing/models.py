"""ONNX models, and weights of PyTorch, as networks that can be saved.

The preparation of the input is, in this order: the one that the user gives, the one that the model states, the best of the usual
ones on training digits, and x/255.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handmade.engine.arguments import as_path
from handmade.engine.arrays import Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.preparation import Preparation
from handmade.engine.printable import ShortRepr
from handmade.files.network import Network
from handmade.importing.front import as_grey, as_images
from handmade.importing.preparations import (
    READS_DIGITS,
    Guess,
    as_text,
    fits_digits,
    from_expression,
    guess,
    reading,
    stated,
    with_preparation,
)


@dataclass(frozen=True, eq=False)
class Imported(ShortRepr):
    """Network of another library.

    Attributes
    ----------
    network : Network
    preparation : str
        Sentence about the preparation of its input.
    notes : tuple of str
        Sentences about what was left out or changed.
    guess : Guess or None
        Accuracies of the preparations that were tried, if the preparation is a guess.
    """

    network: Network
    preparation: str
    notes: tuple[str, ...] = ()
    guess: Guess | None = field(default=None)


def read_onnx(
    model: Any,
    *,
    preparation: str | Preparation | None = None,
    external_data: bool = False,
    grey: bool | None = None,
    image_shape: Shape | None = None,
) -> Imported:
    """Read an ONNX model as a network.

    Parameters
    ----------
    model : str, Path, bytes or onnx.ModelProto
    preparation : str or Preparation, optional
        Preparation of the input, as a linear expression of a pixel from 0 to 255: "(x/255 - 0.1307)/0.3081".
    external_data : bool
        True if numbers may be read from other files in the folder of the model.
    grey : bool, optional
        For a model with 3 channels: True if it reads grey images, which a layer in front repeats in all channels. If left out, it
        does if it then reads at least half of some training digits.
    image_shape : tuple of int, optional
        Shape of one image in the order of the model, as (1, 28, 28), for a model that leaves it open.

    Raises
    ------
    HandmadeError
        If `onnx` is not installed, or the model is damaged or contradictory, or the expression is none.
    OutOfScope
        If an operator is not supported; the message lists all of them.
    """
    from handmade.files.onnx.imported import read_network  # noqa: PLC0415  onnx is loaded by those who read such a model
    from handmade.files.onnx.writing import from_metadata  # noqa: PLC0415

    try:
        found = read_network(model, external_data=external_data, image_shape=image_shape)
        own = from_metadata(found.metadata)
    except HandmadeError as error:
        name, text = (str(model) if isinstance(model, str | Path) else "model"), str(error).removeprefix("the model: ")
        raise type(error)(text if text.startswith(name) else f"{name}: {text}") from None
    arguments = _with_names(dict(found.arguments), own)
    states = _Statement(preparation, own, found.metadata, arguments.pop("preparation", None), _name(model))
    network = as_images(Network(**arguments))
    coloured = None if grey is False else as_grey(network)
    if grey and coloured is None:
        raise HandmadeError(f"grey=True: expected a model of images with 3 channels; got {network.input_shape}. Leave it out")
    if coloured is not None:
        prepared, sentence, tried = states.applied_to(coloured)
        if grey or (fits_digits(prepared) and reading(prepared)[0] >= READS_DIGITS):
            repeated = "the model has 3 channels; a layer in front of it repeats a grey image in all of them"
            return Imported(prepared, sentence, (*found.notes, repeated), tried)
    prepared, sentence, tried = states.applied_to(network)
    return Imported(prepared, sentence, found.notes, tried)


def _name(model: Any) -> str:
    return str(model) if isinstance(model, str | Path) else "FILE"


def _with_names(arguments: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a network with names of the classes and the logits of our metadata."""
    names = {node.name for node in arguments["layers"]}
    if own.get("logits") in names:
        arguments["logits"] = own["logits"]
    return arguments | {"class_names": own.get("class_names")}


@dataclass(frozen=True, eq=False)
class _Statement(ShortRepr):
    """Sources of the preparation: the user, our metadata, those of the model, and the dtype of its input."""

    given: str | Preparation | None
    own: Mapping[str, Any]
    metadata: Mapping[str, str]
    dtype_says: Preparation | None
    name: str

    def applied_to(self, network: Network) -> tuple[Network, str, Guess | None]:
        """Return the network with its preparation, a sentence about it, and the guess, if one was tried."""
        shape, tried = network.input_shape, None
        advice = f'To change it: handmade import {shlex.quote(self.name)} --input "x/255"'
        says = ("x", "the dtype of its input") if self.dtype_says is not None else stated(self.metadata, None)
        chosen: Preparation | None
        if isinstance(self.given, Preparation):
            chosen, sentence = self.given, f"{as_text(self.given)}, as given"
        elif self.given is not None:
            chosen, sentence = from_expression(self.given, shape), f"{self.given}, as given"
        elif self.own:
            chosen, sentence = self.own["preparation"], f"{as_text(self.own['preparation'])}, as its metadata say"
        elif says is not None:
            chosen, sentence = from_expression(says[0], shape), f"{says[0]}, as {says[1]} says"
        elif len(shape) != 3:
            chosen, sentence = None, "no image, so there is no preparation"
        elif (tried := guess(network)) is None:
            chosen, sentence = from_expression("x/255", shape), f"x/255, the usual preparation. {advice}"
        elif not tried.reads_digits:
            chosen, sentence = (
                from_expression("x/255", shape),
                f"x/255; it reads no digits with a usual preparation: {tried}. {advice}",
            )
        else:
            chosen, sentence = from_expression(tried.expression, shape), f"a guess: {tried}. {advice}"
        return with_preparation(network, chosen), f"Input: {sentence}", tried


def read_weights(path: str | Path, like: Network) -> Imported:
    """Read weights of PyTorch into a network with the same layers.

    Parameters
    ----------
    path : str or Path
        A .safetensors file, or a .pth or .pt file if PyTorch is installed.
    like : Network
        Network whose layers are those of the PyTorch module.

    Raises
    ------
    HandmadeError
        If the file is damaged, or its arrays are not those of such a network.
    """
    from handmade.files.pytorch import from_state_dict, read  # noqa: PLC0415  loaded by those who read weights

    file = as_path(path, "path")
    try:
        network = from_state_dict(like, read(file))
    except HandmadeError as error:
        text = str(error)
        raise HandmadeError(text if text.startswith(str(file)) else f"{file}: {text}") from None
    return Imported(network, "Input: as the network that it is like")
