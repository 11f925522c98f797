"""`handmade train`: its options."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Data, Json


class GradientChoice(StrEnum):
    """How the gradient is worked out."""

    difference = "difference"
    definition = "definition"
    backprop = "backprop"


class LossChoice(StrEnum):
    """What is to become small."""

    cross_entropy = "cross-entropy"
    squares = "squares"


class SchemeChoice(StrEnum):
    """One side of the weight, or both."""

    forward = "forward"
    central = "central"


class OptimiserChoice(StrEnum):
    """What is done with the gradient."""

    gradient_descent = "gradient-descent"
    momentum = "momentum"
    nesterov = "nesterov"
    rmsprop = "rmsprop"
    adam = "adam"
    adamw = "adamw"


class ScheduleChoice(StrEnum):
    """How the learning rate goes on."""

    linear = "linear"
    constant = "constant"
    cosine = "cosine"
    step = "step"
    one_cycle = "one-cycle"


class DtypeChoice(StrEnum):
    """The precision of the numbers."""

    float32 = "float32"
    float64 = "float64"


def train(
    *,
    network: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="readme, seed, or a JSON file that lists the layers.")
    ] = "readme",
    gradient: Annotated[
        GradientChoice,
        typer.Option(help="difference: the finite chain rule; definition: one forward pass a weight; backprop: the derivative."),
    ] = GradientChoice.difference,
    scheme: Annotated[
        SchemeChoice, typer.Option(help="forward: (L(w + h) - L(w)) / h; central: (L(w + h) - L(w - h)) / 2h.")
    ] = SchemeChoice.forward,
    step_size: Annotated[float, typer.Option(metavar="H", help="How far each weight is nudged.")] = 1e-3,
    loss: Annotated[
        LossChoice, typer.Option(help="cross-entropy, or squares: the mean squared error.")
    ] = LossChoice.cross_entropy,
    label_smoothing: Annotated[
        float, typer.Option(metavar="SHARE", help="How much of cross-entropy's target is shared among all classes.")
    ] = 0.0,
    epochs: Annotated[int | None, typer.Option(metavar="N", min=1, help="Passes over the training images.  [default: 1]")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="So many batches instead of epochs.")] = None,
    batch_size: Annotated[int, typer.Option(metavar="N", min=1, help="Images a step.")] = 32,
    optimiser: Annotated[OptimiserChoice, typer.Option(help="What is done with the gradient.")] = OptimiserChoice.momentum,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="LR", help="How large a step is.  [default: 0.05, or what suits the optimiser]")
    ] = None,
    momentum: Annotated[float, typer.Option(metavar="MU", help="mu in v <- mu v + g, for momentum and nesterov.")] = 0.9,
    schedule: Annotated[
        ScheduleChoice, typer.Option(help="How the learning rate goes on: falling in a straight line to 0, staying, ...")
    ] = ScheduleChoice.linear,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Everything random follows from it.")] = 0,
    dtype: Annotated[DtypeChoice, typer.Option(help="The precision of the numbers.")] = DtypeChoice.float32,
    threads: Annotated[int | None, typer.Option(metavar="N", min=1, help="Cores that share the work.  [default: all]")] = None,
    data: Data = "mnist",
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Train on the first N images only.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIRECTORY", help="The folder of the run.  [default: runs/NAME-1, ...]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a run that is in --out already.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin even if it will take more than ten minutes.")] = False,
    json: Json = False,
) -> None:
    """Train a network: by nothing but finite differences, if you like."""
    if epochs is not None and steps is not None:
        raise typer.BadParameter("wants --epochs or --steps, not both", param_hint="--steps")
    from handmade.cli.training import Settings, run  # noqa: PLC0415

    settings = Settings(
        network=network,
        gradient=gradient.value,
        scheme=scheme.value,
        step_size=step_size,
        loss=loss.value,
        label_smoothing=label_smoothing,
        epochs=epochs or 1,
        steps=steps,
        batch_size=batch_size,
        optimiser=optimiser.value,
        learning_rate=learning_rate,
        momentum=momentum,
        schedule=schedule.value,
        seed=seed,
        dtype=dtype.value,
        threads=threads,
        data=data,
        limit=limit,
    )
    run(settings, out, force=force, yes=yes, json=json)
