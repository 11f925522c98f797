"""`handmade train`: its options."""

from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.choices import (
    DtypeChoice,
    GradientChoice,
    LossChoice,
    OptimiserChoice,
    RecipeChoice,
    ScheduleChoice,
    SchemeChoice,
)
from handmade.cli.commands.options import Data, Json


def _of_recipe(context: typer.Context, name: str | None) -> str | None:
    """Make the values of a recipe the defaults of the other options."""
    if name is not None and _given(context, "recipe"):
        from handmade.cli.recipes import RECIPES

        context.default_map = RECIPES[name]
    return name


def _of_run(context: typer.Context, folder: Path | None) -> Path | None:
    """Make the settings of a run the defaults of the other options."""
    if folder is not None:
        from handmade.files.runs import recorded

        record = recorded(folder)
        context.default_map = record | {"steps": record.get("total_steps")}  # the result has put those that were done there
    return folder


def _given(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def train(
    context: typer.Context,
    *,
    recipe: Annotated[
        RecipeChoice | None,
        typer.Option(is_eager=True, callback=_of_recipe, help="Other defaults for all options; best: the highest accuracy."),
    ] = None,
    network: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="readme, seed, deep, or a JSON file that lists the layers.")
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
    l1: Annotated[
        float, typer.Option("--l1", metavar="X", help="Add X times the sum of |w| to the loss; biases are free.")
    ] = 0.0,
    l2: Annotated[float, typer.Option("--l2", metavar="X", help="Add X times the sum of w^2 to the loss.")] = 0.0,
    epochs: Annotated[int | None, typer.Option(metavar="N", min=1, help="Passes over the training images.  [default: 1]")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="So many batches instead of epochs.")] = None,
    batch_size: Annotated[int, typer.Option(metavar="N", min=1, help="Images a step.")] = 32,
    augment: Annotated[
        str,
        typer.Option(metavar="SPEC", help="Change images at random: shift=2,scale=0.1 or so; also rotation, elastic, noise."),
    ] = "none",
    optimiser: Annotated[OptimiserChoice, typer.Option(help="What is done with the gradient.")] = OptimiserChoice.momentum,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="LR", help="How large a step is.  [default: 0.05, or what suits the optimiser]")
    ] = None,
    momentum: Annotated[float, typer.Option(metavar="MU", help="mu in v <- mu v + g, for momentum and nesterov.")] = 0.9,
    weight_decay: Annotated[float, typer.Option(metavar="LAMBDA", help="How fast weights decay, for adamw.")] = 0.01,
    clip: Annotated[float | None, typer.Option(metavar="NORM", help="Shorten gradients that are longer.")] = None,
    average: Annotated[
        float | None, typer.Option(metavar="DECAY", help="Keep the average of the weights over the steps, such as 0.999.")
    ] = None,
    schedule: Annotated[
        ScheduleChoice, typer.Option(help="How the learning rate goes on: falling in a straight line to 0, staying, ...")
    ] = ScheduleChoice.linear,
    warm_up: Annotated[
        float, typer.Option(metavar="SHARE", help="How much of the training the learning rate first rises for, from 0.")
    ] = 0.0,
    validation: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Keep N training images to judge by; the best network is kept.")
    ] = None,
    validate_every: Annotated[
        int | None, typer.Option(metavar="STEPS", min=1, help="Steps between two judgements.  [default: an epoch]")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Stop after N judgements without a better one.")
    ] = None,
    target: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Stop at this accuracy on the validation images, such as 0.99.")
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(metavar="MINUTES", min=0, help="Stop after so long; --resume goes on.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Everything random follows from it.")] = 0,
    dtype: Annotated[DtypeChoice, typer.Option(help="The precision of the numbers.")] = DtypeChoice.float32,
    threads: Annotated[int | None, typer.Option(metavar="N", min=1, help="Cores that share the work.  [default: all]")] = None,
    data: Data = "mnist",
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Take the first N training images only.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIRECTORY", help="The folder of the run.  [default: runs/NAME-1, ...]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a run that is in --out already.")] = False,
    checkpoint_every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How often to write down where the training stands.")
    ] = 30.0,
    keep: Annotated[int, typer.Option(metavar="N", min=1, help="How many checkpoints to keep.")] = 3,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", is_eager=True, callback=_of_run, help="Go on with a run that was stopped or killed, with its settings."
        ),
    ] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write for TensorBoard, too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin even if it will take more than ten minutes.")] = False,
    json: Json = False,
) -> None:
    """Train a network: by nothing but finite differences, if you like."""
    if _given(context, "epochs") and _given(context, "steps"):
        raise typer.BadParameter("wants --epochs or --steps, not both", param_hint="--steps")
    if _given(context, "weight_decay") and optimiser != "adamw":
        raise typer.BadParameter("goes with --optimiser adamw; for others there is --l2", param_hint="--weight-decay")
    if validation is None and (validate_every, patience, target) != (None, None, None):
        wants = next(name for name in ("validate_every", "patience", "target") if context.params[name] is not None)
        raise typer.BadParameter("wants --validation N, images to judge by", param_hint=f"--{wants.replace('_', '-')}")
    if resume is not None and (out is not None or force):
        raise typer.BadParameter("goes on in the folder of the run, without --out and --force", param_hint="--resume")
    from handmade.cli.settings import Settings
    from handmade.cli.training import resume as go_on
    from handmade.cli.training import run

    settings = Settings(
        recipe=recipe and recipe.value,
        network=network,
        gradient=gradient.value,
        scheme=scheme.value,
        step_size=step_size,
        loss=loss.value,
        label_smoothing=label_smoothing,
        l1=l1,
        l2=l2,
        epochs=1 if epochs is None or _given(context, "steps") else epochs,
        steps=None if _given(context, "epochs") else steps,
        batch_size=batch_size,
        augment=augment,
        optimiser=optimiser.value,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        clip=clip,
        average=average,
        schedule=schedule.value,
        warm_up=warm_up,
        validation=validation,
        validate_every=validate_every,
        patience=patience,
        target=target,
        time_limit=time_limit,
        seed=seed,
        dtype=dtype.value,
        threads=threads,
        data=data,
        limit=limit,
        checkpoint_every=checkpoint_every,
        keep=keep,
        tensorboard=tensorboard,
    )
    if resume is None:
        run(settings, out, force=force, yes=yes, json=json)
    else:
        go_on(resume, settings, yes=yes, json=json)
