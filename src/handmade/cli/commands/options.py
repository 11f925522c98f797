"""Options that several commands share, and those of `handmade train`, which are made from the settings of a run."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import wraps
from typing import Annotated, Any, Literal

import typer

from handmade.runs.data_source import NAMES, DataSource, of_target
from handmade.runs.fields import Setting
from handmade.runs.settings import settings


def setting_option(setting: Setting, panel: str | None = None) -> Any:
    """Make the option of one setting."""
    return typer.Option(
        f"--{setting.name.replace('_', '-')}",
        metavar=setting.metavar,
        min=setting.least,
        help=setting.text,
        rich_help_panel=panel,
    )


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each setting, instead of its `**values`."""
    signature = inspect.signature(command)
    before = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    options = [
        inspect.Parameter(
            setting.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=setting.default,
            annotation=Annotated[_type(setting), setting_option(setting, setting.panel)],
        )
        for setting in settings()
    ]
    first = [each for each in before if each.kind is not inspect.Parameter.KEYWORD_ONLY]
    command.__signature__ = signature.replace(parameters=[*first, *before[len(first) :], *options])  # type: ignore[attr-defined]
    return command


def _type(setting: Setting) -> Any:
    """Return the type of an option's value; typer shows the choices of an enumeration."""
    make: Any = StrEnum
    kind = (
        make(setting.name, {choice.replace("-", "_"): choice for choice in setting.choices}) if setting.choices else setting.kind
    )
    return kind | None if setting.optional else kind


def given_settings(context: typer.Context) -> dict[str, Any]:
    """Return the settings that are given on the command line, by name."""
    sources = {setting.name: context.get_parameter_source(setting.name) for setting in settings()}
    return {name: context.params[name] for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}


def in_options(message: str, *, of_training: bool = False) -> str:
    """Write arguments of Python as options: steps=5 as --steps 5, loss='mse' as --loss mse, out=... as --out.

    A message of a training may begin with the name of a setting, and any message with one of the data; it becomes an option, too.
    """

    def option(found: re.Match[str]) -> str:
        name, mark, text = found.groups()
        return f"--{'yes' if name == 'allow_long' else name.replace('_', '-')}{'' if mark else ' '}{text or ''}"

    names = "|".join([*(setting.name for setting in settings()), "out", "force", "allow_long", "external_data"])
    message = re.sub(rf"(?<![\w./-])({names})=(True\b|\.\.\.)?(?:'([\w.-]*)')?", option, message)
    start = re.match(rf"({names if of_training else '|'.join(NAMES)})(?=: expected)", message)
    return f"--{start[0].replace('_', '-')}{message[start.end() :]}" if start else message


def takes_backend(command: Callable[..., None], *, light: bool = False) -> Callable[..., None]:
    """Give a command the option --backend, the backend that it computes with.

    The default of a light command is `plain`: loading the fastest backend would take longer than its work.
    """
    signature = inspect.signature(command)
    setting = next(setting for setting in settings() if setting.name == "backend")
    text, mark, _ = setting.text.partition("[default: ")
    option = setting_option(replace(setting, text=f"{text}{mark}plain]") if light else setting)
    backend = inspect.Parameter("backend", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option])

    @wraps(command)
    def with_backend(*arguments: Any, backend: str | None = None, **options: Any) -> None:
        from handmade.runs.backends import use_backend, use_light_backend

        with use_light_backend() if light and backend is None else use_backend(backend):
            command(*arguments, **options)

    given = list(signature.parameters.values())
    with_backend.__signature__ = signature.replace(parameters=[*given, backend])  # type: ignore[attr-defined]
    return with_backend


def takes_data(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command with an argument `data`, a DataSource, the options that name a data set and say how to read it.

    Without --data, the data are those of the run that the command is given, or MNIST.
    """
    signature = inspect.signature(command)
    if "data" not in signature.parameters or signature.parameters["data"].annotation is not DataSource:
        return command
    known = {setting.name: setting for setting in settings()}
    text = f"{known['data'].text}  [default: those of the run, or mnist]"
    known["data"] = replace(known["data"], text=text, default=None, optional=True)
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=known[name].default,
            annotation=Annotated[_type(known[name]), setting_option(known[name])],
        )
        for name in NAMES
    ]

    @wraps(command)
    def with_data(*arguments: Any, **given: Any) -> None:
        chosen = {name: given.pop(name) for name in NAMES}
        changed = {name: value for name, value in chosen.items() if value != known[name].default}
        base = DataSource() if "data" in changed else of_target(given.get("target", given.get("model")))
        command(*arguments, data=replace(base, **changed), **given)

    others = [each for each in signature.parameters.values() if each.name != "data"]
    place = list(signature.parameters).index("data")
    with_data.__signature__ = signature.replace(parameters=[*others[:place], *options, *others[place:]])  # type: ignore[attr-defined]
    return with_data


def refuse(options: Mapping[str, Any], reason: str) -> None:
    """Raise BadParameter for the first of some options, by name, that was given."""
    for name, value in options.items():
        if value:
            raise typer.BadParameter(reason, param_hint=name)


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output; other lines go to standard error.")]
Mine = Annotated[
    str | None,
    typer.Option(
        "--mine",
        metavar="[DIRECTORY]",
        help="Use the functions that you wrote in handmade learn; its directory, if it is another.",
    ),
]
Target = Annotated[
    str,
    typer.Argument(metavar="MODEL|NAME|FILE", help="Run, model file, ONNX model, preset (untrained), or network file."),
]
Image = Annotated[str, typer.Option(metavar="IMAGE", help="Image: test:7 or train:12 of the data, or a picture file.")]
PictureFit = Annotated[
    str | None,
    typer.Option(
        "--fit",
        metavar="<crop|pad|stretch>",
        help="For other things than digits: crop to the proportions of the images, pad to them, or stretch.  [default: "
        "crop; stretch if the images of the run were resized]",
    ),
]
Invert = Annotated[
    bool, typer.Option("--invert", help="For other things than digits: swap light and dark first, as Fashion-MNIST needs.")
]
Label = Annotated[str | None, typer.Option(metavar="N|NAME", help="Class of the image: number or name.  [default: its label]")]
Digits = Annotated[int, typer.Option(metavar="N", min=1, max=17, help="Number of digits to show.")]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the weights of an untrained network.")]
LAYER_IN_FILE = re.compile(r"(.+\.py)(?::(.*))?", re.DOTALL)  # my_layer.py:Conv, or my_layer.py
LayerInput = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="SHAPE|FILE",
        help="Input of a layer: shape of random numbers, such as 2,8,8,3, or .npy file; repeatable.",
    ),
]
LayerArguments = Annotated[
    str | None, typer.Option("--args", metavar="TEXT", help="Arguments of a layer's class, such as 'kernel=3, filters=4'.")
]
LayerDtype = Annotated[Literal["float32", "float64"] | None, typer.Option(help="Precision of a layer.  [default: float64]")]
Watch = Annotated[bool, typer.Option("--watch", help="Check a Python file each time it is saved, until Ctrl-C.")]
