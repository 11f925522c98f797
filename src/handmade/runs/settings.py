"""Settings of a training run, each written once: options of the command, keys of run.json and arguments in Python.

>>> from handmade.runs import Settings
>>> Settings(epochs=2).to_json()["epochs"]
2
"""

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from numbers import Integral, Real
from types import NoneType
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from handmade.engine.errors import HandmadeError
from handmade.engine.printable import ShortRepr
from handmade.runs.old_names import in_new_names
from handmade.runs.recipes import RECIPES


class SettingError(HandmadeError):
    """A value that a setting cannot have.

    Attributes
    ----------
    name : str
        The setting.
    reason : str
        Expected value, value that came, and value to try.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


def _setting(
    default: Any, text: str, *, metavar: str | None = None, least: int | None = None, change: bool = False, added: bool = False
) -> Any:
    """Describe a field of `Settings`.

    Parameters
    ----------
    default : object
        Value in a plain `handmade train`.
    text : str
        Help, one sentence or two.
    metavar : str, optional
        Placeholder of the value in the help; the choices if left out.
    least : int, optional
        Smallest number allowed.
    change : bool
        True if a run that goes on may have another value.
    added : bool
        True if records of the first version lack it.
    """
    return field(default=default, metadata={"text": text, "metavar": metavar, "least": least, "change": change, "added": added})


@dataclass(frozen=True, kw_only=True)
class Settings(ShortRepr):
    """Settings of a training run; `Settings()` are those of a plain `handmade train`.

    Raises
    ------
    SettingError
        If a value is of another type, none of the choices or too small, or does not go with another setting.
    """

    recipe: Literal["best"] | None = _setting(None, "Other defaults for all options; best: the highest accuracy.")
    network: str = _setting("readme", "readme, seed, deep, or a JSON file that lists the layers.", metavar="NAME|FILE")
    gradient: Literal["difference", "definition", "backprop"] = _setting(
        "difference",
        "difference: the finite chain rule; definition: one forward pass a weight; backprop: the derivative.",
        change=True,
    )
    scheme: Literal["forward", "central"] = _setting(
        "forward", "forward: (L(w + h) - L(w)) / h; central: (L(w + h) - L(w - h)) / 2h.", change=True
    )
    step_size: float = _setting(1e-3, "Distance h by which each weight is nudged.", metavar="H", change=True)
    loss: Literal["cross-entropy", "mse"] = _setting(
        "cross-entropy", "cross-entropy, or mse: the mean squared error.", change=True
    )
    label_smoothing: float = _setting(
        0.0, "Share of cross-entropy's target that is spread over all classes.", metavar="SHARE", change=True
    )
    l1: float = _setting(0.0, "Add X times the sum of |w| to the loss; biases are free.", metavar="X", change=True)
    l2: float = _setting(0.0, "Add X times the sum of w^2 to the loss.", metavar="X", change=True)
    epochs: int = _setting(1, "Passes over the training images.", metavar="N", least=1)
    steps: int | None = _setting(None, "Number of batches, instead of epochs.", metavar="N", least=1)
    batch_size: int = _setting(32, "Images a step.", metavar="N", least=1)
    augment: str = _setting(
        "none",
        "Change images at random: shift=2,scale=0.1 for instance; also rotation, elastic, noise.",
        metavar="SPEC",
        change=True,
    )
    optimiser: Literal["gradient-descent", "momentum", "nesterov", "rmsprop", "adam", "adamw"] = _setting(
        "momentum", "Rule by which gradients change the weights."
    )
    learning_rate: float | None = _setting(
        None, "Size of a step.  [default: 0.05, or one that suits the optimiser]", metavar="LR", change=True
    )
    momentum: float = _setting(0.9, "mu in v <- mu v + g, for momentum and nesterov.", metavar="MU", change=True)
    weight_decay: float = _setting(0.01, "Rate at which weights decay, for adamw.", metavar="LAMBDA", change=True)
    clip_norm: float | None = _setting(
        None, "Gradient clipping: scale down gradients whose norm is larger.", metavar="NORM", change=True
    )
    ema: float | None = _setting(
        None, "Keep an exponential moving average of the weights, with a decay such as 0.999.", metavar="DECAY"
    )
    schedule: Literal["linear", "constant", "cosine", "step", "one-cycle"] = _setting(
        "linear", "Learning-rate schedule; linear falls in a straight line to 0.", change=True
    )
    warm_up: float = _setting(
        0.0, "Share of the training in which the learning rate first rises from 0.", metavar="SHARE", change=True
    )
    validation: int | None = _setting(
        None, "Size of a validation set, taken from the training images; the best network is kept.", metavar="N", least=1
    )
    validate_every: int | None = _setting(
        None, "Steps between two validations.  [default: an epoch]", metavar="STEPS", least=1, change=True
    )
    patience: int | None = _setting(None, "Stop after N validations without a better one.", metavar="N", least=1, change=True)
    target: float | None = _setting(
        None, "Stop at this accuracy on the validation set, such as 0.99.", metavar="SHARE", change=True
    )
    time_limit: float | None = _setting(
        None, "Stop after this time; the run can be resumed.", metavar="MINUTES", least=0, change=True
    )
    seed: int = _setting(0, "Seed of everything random.", metavar="N", least=0)
    dtype: Literal["float32", "float64"] = _setting("float32", "Precision of the numbers.")
    threads: int | None = _setting(None, "Cores that share the work.  [default: all]", metavar="N", least=1, change=True)
    data: str = _setting(
        "mnist",
        "mnist, the 70,000 digits that come with handmade, or a directory of IDX files.",
        metavar="mnist|DIRECTORY",
    )
    limit: int | None = _setting(None, "Take the first N training images only.", metavar="N", least=1)
    checkpoint_every: float = _setting(30.0, "Seconds between two checkpoints.", metavar="SECONDS", least=0, change=True)
    keep_checkpoints: int = _setting(3, "Number of checkpoints to keep.", metavar="N", least=1, change=True)
    tensorboard: bool = _setting(default=False, text="Write for TensorBoard, too.", change=True)
    backend: str | None = _setting(
        None,
        "Which implementation computes: plain.  [default: the fastest that is installed]",
        metavar="NAME",
        change=True,
        added=True,
    )

    def __post_init__(self) -> None:
        for setting in settings():
            object.__setattr__(self, setting.name, setting.checked(getattr(self, setting.name)))
        if self.validation is None:
            for name in ("validate_every", "patience", "target"):
                if getattr(self, name) is not None:
                    raise SettingError(name, "expected a validation set with it, got none. Try validation=5000")
        if self.optimiser != "adamw" and self.weight_decay != Settings.weight_decay:
            raise SettingError(
                "weight_decay", f"expected optimiser=adamw with it, got {self.optimiser}. Try l2={self.weight_decay:g} instead"
            )

        plain = {setting.name: setting.default for setting in settings()}
        if self.recipe and all(getattr(self, name) == plain[name] for name in RECIPES[self.recipe]):
            raise SettingError(
                "recipe", f"expected the values of a recipe, got defaults. Try Settings.from_recipe({self.recipe!r})"
            )

    @classmethod
    def from_recipe(cls, recipe: str, **given: Any) -> Self:
        """Make the settings of a recipe, such as "best".

        Parameters
        ----------
        recipe : str
            Name of the recipe.
        **given
            Settings that differ from it. `steps` stands in for its epochs.

        Raises
        ------
        SettingError
            If there is no such recipe, or a value cannot be used.
        """
        values = RECIPES.get(recipe, {}) | given
        if given.get("steps") is not None and "epochs" not in given:
            values.pop("epochs", None)
        return cls(**{"recipe": recipe, **values})

    def to_json(self) -> dict[str, Any]:
        """Return the settings by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, known: Mapping[str, Any]) -> Self:
        """Make settings from a mapping such as the content of run.json; keys that are no settings are ignored.

        A setting that is missing has its default. The result of a run, which run.json holds too, has put the number of steps that
        were done under "steps"; "total_steps" is the number that was asked for.

        Raises
        ------
        SettingError
            If a value cannot be used.
        """
        known = in_new_names(known)
        values = {setting.name: known[setting.name] for setting in settings() if setting.name in known}
        if "total_steps" in known:
            values["steps"] = known["total_steps"]
        return cls(**values)


@dataclass(frozen=True)
class Setting:
    """One field of `Settings`, as those describe it who make options, forms or documents of it.

    Attributes
    ----------
    name, text, metavar, least, change, added, default
        As for `Settings`: name and help, placeholder and smallest value, two marks for runs that go on, default.
    kind : type
        str, int, float or bool.
    choices : tuple of str
        All values of a word; empty if any is allowed.
    optional : bool
        True if None is allowed.
    """

    name: str
    kind: type
    choices: tuple[str, ...]
    optional: bool
    default: Any
    text: str
    metavar: str | None
    least: int | None
    change: bool
    added: bool

    def checked(self, value: Any) -> Any:
        """Return the value in the type of the setting, or raise SettingError."""
        if value is None and self.optional:
            return None
        converted = self._converted(value)
        if converted is None or (self.choices and converted not in self.choices) or self._is_out_of_range(converted):
            try_ = f"{self.name}={self.default}" if self.default is not None else f"leaving {self.name} out"
            raise SettingError(self.name, f"expected {self._expected}, got {value!r:.80}. Try {try_}")
        return converted

    def _converted(self, value: Any) -> Any:
        """Return the value as a plain str, int, float or bool; None if it is of another type."""
        if self.kind is str:
            return str(os.fspath(value)) if isinstance(value, str | os.PathLike) else None
        if self.kind is bool or isinstance(value, bool):
            return value if self.kind is bool and isinstance(value, bool) else None
        try:
            return self.kind(value) if isinstance(value, Integral if self.kind is int else Real) else None
        except OverflowError:  # a whole number that no float can hold
            return None

    def _is_out_of_range(self, value: Any) -> bool:
        return self.least is not None and not self.least <= value < math.inf

    @property
    def _expected(self) -> str:
        if self.choices:
            return self.choices[0] if len(self.choices) == 1 else f"one of {', '.join(self.choices)}"
        kind = {str: "text", int: "a whole number", float: "a number", bool: "True or False"}[self.kind]
        return kind if self.least is None else f"{kind} of at least {self.least}"


@cache
def settings() -> tuple[Setting, ...]:
    """Describe all fields of `Settings`, in their order."""
    hints = get_type_hints(Settings)
    return tuple(_described(each.name, hints[each.name], each.default, each.metadata) for each in fields(Settings))


def _described(name: str, hint: Any, default: Any, metadata: Mapping[str, Any]) -> Setting:
    optional = NoneType in get_args(hint)
    kind = next(one for one in get_args(hint) if one is not NoneType) if optional else hint
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    return Setting(name, str if choices else kind, choices, optional, default, **metadata)


def _attributes() -> str:
    """Return the section of a docstring that lists all settings."""
    lines = ["", "    Attributes", "    ----------"]
    for setting in settings():
        kind = f"{{{', '.join(map(repr, setting.choices))}}}" if setting.choices else setting.kind.__name__
        lines += [f"    {setting.name} : {kind}{' or None' if setting.optional else ''}", f"        {setting.text}"]
    return "\n".join([*lines, "    "])


Settings.__doc__ = f"{Settings.__doc__}{_attributes()}"  # the help text of a field is its documentation, too
