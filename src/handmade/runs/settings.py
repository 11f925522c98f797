"""Settings of a training run, each written once: options of the command, keys of run.json and arguments in Python.

>>> from handmade.runs import Settings
>>> Settings(epochs=2).to_json()["epochs"]
2
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, Literal, Self, get_type_hints

from handmade.engine.printable import ShortRepr
from handmade.runs import recipes
from handmade.runs.data_source import DataSource
from handmade.runs.fields import Setting, SettingError, described, setting
from handmade.runs.old_names import in_new_names

MAIN, DATA, GRADIENT, LOSS = "Main options", "Data", "Gradient", "Loss and regularisation"
OPTIMISER, SCHEDULE, STOPPING = "Optimiser", "Learning-rate schedule", "Validation and stopping"
COMPUTING, FILES = "Computation", "Files"
PANELS = (MAIN, DATA, GRADIENT, LOSS, OPTIMISER, SCHEDULE, STOPPING, COMPUTING, FILES)  # in the order of the help


@dataclass(frozen=True, kw_only=True)
class Settings(ShortRepr):
    """Settings of a training run; `Settings()` are those of a plain `handmade train`.

    Raises
    ------
    SettingError
        If a value is of another type, none of the choices or too small, or does not go with another setting.
    """

    recipe: Literal["best", "cifar"] | None = setting(
        None, MAIN, "Other defaults for all options; best: the highest accuracy; cifar: for CIFAR-10."
    )
    network: str = setting(
        "readme",
        MAIN,
        "Preset: readme, seed, deep, cifar; a JSON file of layers; or a run or model, whose weights are the start.",
        metavar="NAME|FILE|MODEL",
    )
    gradient: Literal["difference", "definition", "backprop"] = setting(
        "difference",
        MAIN,
        "difference: exact finite differences; definition: two losses for each weight, very slow; backprop: backpropagation.",
        change=True,
    )
    scheme: Literal["forward", "central"] = setting(
        "forward", GRADIENT, "forward: (L(w + h) - L(w)) / h; central: (L(w + h) - L(w - h)) / 2h.", change=True
    )
    step_size: float = setting(1e-3, GRADIENT, "Distance h by which each weight is nudged.", metavar="H", change=True)
    loss: Literal["cross-entropy", "mse"] = setting("cross-entropy", LOSS, "Loss function; mse: mean squared error.", change=True)
    label_smoothing: float = setting(
        0.0, LOSS, "Label smoothing: share of the target that is spread over all classes.", metavar="SHARE", change=True
    )
    l1: float = setting(0.0, LOSS, "L1 penalty: X times the sum of |w|, without biases.", metavar="X", change=True)
    l2: float = setting(0.0, LOSS, "L2 penalty: X times the sum of w^2, without biases.", metavar="X", change=True)
    epochs: int = setting(1, MAIN, "Passes over the training images.", metavar="N", least=1)
    steps: int | None = setting(None, MAIN, "Number of batches, instead of --epochs.", metavar="N", least=1)
    batch_size: int = setting(32, MAIN, "Number of images in a batch; each batch is one step.", metavar="N", least=1)
    optimiser: Literal["gradient-descent", "momentum", "nesterov", "rmsprop", "adam", "adamw"] = setting(
        "momentum", MAIN, "Rule that changes the weights by their gradients."
    )
    learning_rate: float | None = setting(
        None, MAIN, "Learning rate.  [default: 0.05, or another for another optimiser]", metavar="LR", change=True
    )
    momentum: float = setting(0.9, OPTIMISER, "mu in v <- mu v + g, for momentum and nesterov.", metavar="MU", change=True)
    weight_decay: float = setting(0.01, OPTIMISER, "Weight decay, for adamw.", metavar="LAMBDA", change=True)
    clip_norm: float | None = setting(
        None, OPTIMISER, "Gradient clipping: largest norm of all gradients together.", metavar="NORM", change=True
    )
    ema: float | None = setting(
        None, OPTIMISER, "Exponential moving average of the weights, with a decay such as 0.999.", metavar="DECAY"
    )
    schedule: Literal["linear", "constant", "cosine", "step", "one-cycle"] = setting(
        "linear", SCHEDULE, "Learning-rate schedule; linear: a straight line down to 0.", change=True
    )
    warm_up: float = setting(
        0.0, SCHEDULE, "Share of the training in which the learning rate first rises from 0.", metavar="SHARE", change=True
    )
    validation: int | None = setting(
        None, STOPPING, "Validation set size, taken from the training images. The best network is kept.", metavar="N", least=1
    )
    validate_every: int | None = setting(
        None, STOPPING, "Steps between two validations.  [default: an epoch]", metavar="STEPS", least=1, change=True
    )
    patience: int | None = setting(
        None, STOPPING, "Early stopping: stop after N validations without a better one.", metavar="N", least=1, change=True
    )
    target: float | None = setting(
        None, STOPPING, "Stop at this accuracy on the validation set, such as 0.99.", metavar="SHARE", change=True
    )
    time_limit: float | None = setting(
        None, STOPPING, "Stop after this time; the run can be resumed.", metavar="MINUTES", least=0, change=True
    )
    seed: int = setting(0, MAIN, "Seed of the random numbers.", metavar="N", least=0)
    dtype: Literal["float32", "float64"] = setting("float32", COMPUTING, "Precision of the numbers.")
    threads: int | None = setting(
        None, COMPUTING, "Number of threads.  [default: one for each core]", metavar="N", least=1, change=True
    )
    data: str = setting(
        "mnist",
        DATA,
        "mnist, fashion-mnist or another name, or a folder, .zip, .npz or .csv.",
        metavar="NAME|PATH",
    )
    resize: str | None = setting(
        None, DATA, "Resize all images to this height and width, such as 28x28.", metavar="HxW", added=True
    )
    grey: bool = setting(default=False, panel=DATA, text="Make grey images of colour ones.", added=True)
    standardise: bool = setting(
        default=False, panel=DATA, text="Give each channel mean 0 and deviation 1 over the training images.", added=True
    )
    test_share: float = setting(
        0.2, DATA, "Share of the images that is kept for testing, if the data have no test images.", metavar="SHARE", added=True
    )
    skip_unreadable: bool = setting(default=False, panel=DATA, text="Leave out pictures that cannot be read.", added=True)
    limit: int | None = setting(None, DATA, "Use the first N training images only.", metavar="N", least=1)
    augment: str = setting(
        "none",
        DATA,
        "Data augmentation, such as shift=2,scale=0.1; also rotation, elastic, noise, flip, crop and border.",
        metavar="SPEC",
        change=True,
    )
    checkpoint_every: float = setting(30.0, FILES, "Time between two checkpoints.", metavar="SECONDS", least=0, change=True)
    keep_checkpoints: int = setting(3, FILES, "Number of checkpoints to keep.", metavar="N", least=1, change=True)
    tensorboard: bool = setting(default=False, panel=FILES, text="Write files for TensorBoard too.", change=True)
    backend: str | None = setting(
        None,
        COMPUTING,
        "Implementation that computes: compiled or plain.  [default: the fastest that is installed]",
        metavar="NAME",
        change=True,
        added=True,
    )

    cluster: str | None = setting(
        None,
        COMPUTING,
        "Cluster of Dask that computes the gradients: tcp://HOST:PORT, or local:N for N processes of this machine.",
        metavar="ADDRESS",
        change=True,
        added=True,
    )
    tls_ca: str | None = setting(
        None, COMPUTING, "Certificate of the authority of a tls:// cluster.", metavar="FILE", change=True, added=True
    )
    tls_cert: str | None = setting(
        None, COMPUTING, "Certificate of this process for it.", metavar="FILE", change=True, added=True
    )
    tls_key: str | None = setting(None, COMPUTING, "Private key of that certificate.", metavar="FILE", change=True, added=True)

    def __post_init__(self) -> None:
        for each in settings():
            object.__setattr__(self, each.name, each.checked(getattr(self, each.name)))
        if (self.cluster, self.tls_ca, self.tls_cert, self.tls_key) != (None,) * 4:
            _check_cluster(self)
        if self.validation is None:
            for name in ("validate_every", "patience", "target"):
                if getattr(self, name) is not None:
                    raise SettingError(name, "expected a validation set with it, got none. Try validation=5000")
        if self.optimiser != "adamw" and self.weight_decay != Settings.weight_decay:
            raise SettingError(
                "weight_decay", f"expected optimiser='adamw' with it, got {self.optimiser}. Try l2={self.weight_decay:g} instead"
            )

        plain = {each.name: each.default for each in settings()}
        if self.recipe and all(getattr(self, name) == plain[name] for name in recipes.RECIPES[self.recipe]):
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
        chosen = (given[name] if isinstance(given.get(name), str) else None for name in ("data", "gradient"))
        of_recipe = recipes.values(recipe, *chosen) if isinstance(recipe, str) else {}
        values = of_recipe | given
        if given.get("steps") is not None and "epochs" not in given:
            values.pop("epochs", None)
        return cls(**{"recipe": recipe, **values})

    @property
    def source(self) -> DataSource:
        """Data, with the options for reading it."""
        return DataSource.of(self.to_json())

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
        if not isinstance(known, Mapping):
            raise SettingError("known", f"expected the content of run.json, got {type(known).__name__}")
        known = in_new_names(known)
        values = {each.name: known[each.name] for each in settings() if each.name in known}
        if "total_steps" in known:
            values["steps"] = known["total_steps"]
        return cls(**values)


def _check_cluster(given: Settings) -> None:
    """Raise SettingError unless address and certificates of a cluster go together."""
    from handmade.cluster.address import Certificates, check_address  # noqa: PLC0415  few runs have one
    from handmade.engine.errors import HandmadeError  # noqa: PLC0415

    if given.cluster is None:
        name = next(name for name in ("tls_ca", "tls_cert", "tls_key") if getattr(given, name) is not None)
        raise SettingError(name, "expected a cluster with it, got none. Try cluster=tls://HOST:PORT")
    try:
        check_address(given.cluster, Certificates(given.tls_ca, given.tls_cert, given.tls_key))
    except HandmadeError as error:
        name, _, reason = str(error).partition(": ")
        raise SettingError(name, reason) from None


@cache
def settings() -> tuple[Setting, ...]:
    """Describe all fields of `Settings`, in their order."""
    hints = get_type_hints(Settings)
    return tuple(described(each.name, hints[each.name], each.default, each.metadata) for each in fields(Settings))


def _attributes() -> str:
    """Return the section of a docstring that lists all settings."""
    lines = ["", "    Attributes", "    ----------"]
    for each in settings():
        kind = f"{{{', '.join(map(repr, each.choices))}}}" if each.choices else each.kind.__name__
        lines += [f"    {each.name} : {kind}{' or None' if each.optional else ''}", f"        {each.text}"]
    return "\n".join([*lines, "    "])


Settings.__doc__ = f"{Settings.__doc__}{_attributes()}"  # the help text of a field is its documentation, too
