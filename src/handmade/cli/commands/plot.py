"""`handmade plot`: a command for each picture."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Image, Label, Seed, Target
from handmade.cli.help import Command, Group
from handmade.runs.data_source import MNIST, DataSource

plot = typer.Typer(
    name="plot",
    cls=Group,
    help="Draw filters, feature maps, training curves, mistakes and more.",
    epilog="A picture is a .png, .svg or .pdf file, by the ending of --out; a film is a .gif.",
    rich_markup_mode=None,
)

Out = Annotated[Path | None, typer.Option(metavar="FILE", help="File to write.  [default: MODEL-PICTURE.png, here]")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite a file that is there already.")]
Dark = Annotated[bool, typer.Option("--dark", help="Use colours for a dark background.")]
LayerName = Annotated[str | None, typer.Option(metavar="LAYER", help="One layer, such as conv1 or linear1.")]


@plot.command(cls=Command)
def filters(
    target: Target, *, layer: LayerName = None, seed: Seed = 0, out: Out = None, force: Force = False, dark: Dark = False
) -> None:
    """Draw the weights of the layers as images."""
    from handmade import pictures
    from handmade.cli.figures import Order
    from handmade.runs.inputs import network_named

    order = Order("filters", out, force=force, dark=dark)
    file = order.file(target)
    order.draw(file, pictures.filters(network_named(target, seed), layer, dark=dark))


@plot.command(cls=Command)
def maps(
    target: Target,
    *,
    image: Image = "test:0",
    data: DataSource = MNIST,
    label: Label = None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """Draw the feature maps of one image, layer by layer."""
    from handmade import pictures
    from handmade.cli.figures import Order, with_image

    order = Order("maps", out, force=force, dark=dark)
    file = order.file(target)
    network, one, known = with_image(target, seed, image, data, label)
    order.draw(file, pictures.feature_maps(network, one, known, dark=dark))


@plot.command(cls=Command)
def nudge(
    target: Target,
    *,
    nudge: Annotated[str, typer.Option(metavar="PLACE=STEP", help="Weight to nudge, and its change: conv1.W[1,2,0,5]=+0.1.")],
    image: Image = "test:0",
    data: DataSource = MNIST,
    label: Label = None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """Draw the exact changes by one nudge at every layer."""
    from handmade import pictures
    from handmade.cli.figures import Order, with_image

    order = Order("nudge", out, force=force, dark=dark)
    file = order.file(target)
    network, one, known = with_image(target, seed, image, data, label)
    order.draw(file, pictures.difference_maps(network, one, nudge, known, dark=dark))


@plot.command(cls=Command)
def sensitivity(
    target: Target,
    *,
    image: Image = "test:0",
    data: DataSource = MNIST,
    label: Label = None,
    patch: Annotated[int, typer.Option(min=1, metavar="N", help="Side of the square that is covered, in pixels; odd.")] = 3,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """Draw the pixels that matter most, by three methods."""
    from handmade import pictures
    from handmade.cli.console import news
    from handmade.cli.figures import Order, with_image
    from handmade.text.class_names import short

    order = Order("sensitivity", out, force=force, dark=dark)
    file = order.file(target)
    network, one, known = with_image(target, seed, image, data, label)
    if known is None:
        known = int(network.predict(one[None])[0])
        news.print(f"The image has no label. The predicted class is used: {short(network.class_name(known))}.", markup=False)
    order.draw(file, pictures.sensitivity(network, one, known, patch=patch, dark=dark))


@plot.command(cls=Command)
def curves(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs; several are drawn in one picture.")],
    *,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """Draw the training curves of runs: loss and accuracy."""
    from handmade import pictures
    from handmade.cli.figures import Order, histories

    order = Order("curves", out, force=force, dark=dark)
    file = order.file(runs[0] if len(runs) == 1 else "runs")
    order.draw(file, pictures.curves(histories(runs), dark=dark))


@plot.command(cls=Command)
def sweep(
    sweep: Annotated[Path, typer.Argument(metavar="SWEEP", help="Folder of a sweep.")],
    *,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """Draw the accuracy of a sweep against its settings."""
    from handmade import pictures
    from handmade.cli.figures import Order
    from handmade.sweep import results

    found = results(sweep)
    order = Order("sweep", out, force=force, dark=dark)
    order.draw(order.file(sweep), pictures.sweep(found.trials(), dark=dark))


@plot.command(cls=Command)
def confusion(
    target: Target, *, data: DataSource = MNIST, seed: Seed = 0, out: Out = None, force: Force = False, dark: Dark = False
) -> None:
    """Draw the confusion matrix of the test images."""
    from handmade import pictures
    from handmade.cli.figures import Order, with_data
    from handmade.data import prepare_for
    from handmade.engine.evaluation import evaluate

    order = Order("confusion", out, force=force, dark=dark)
    file = order.file(target)
    network, fitting = with_data(target, seed, data)
    x = prepare_for(network)(fitting.test.images)
    order.draw(file, pictures.confusion(evaluate(network, x, fitting.test.labels), network.class_names, dark=dark))


@plot.command(cls=Command)
def mistakes(
    target: Target,
    *,
    most: Annotated[int, typer.Option(min=1, max=200, metavar="N", help="Largest number of images of each kind.")] = 16,
    data: DataSource = MNIST,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """Draw the worst mistakes, and the closest right answers."""
    from handmade import pictures
    from handmade.cli.figures import Order, with_data
    from handmade.data import prepare_for

    order = Order("mistakes", out, force=force, dark=dark)
    file = order.file(target)
    network, fitting = with_data(target, seed, data)
    x = prepare_for(network)(fitting.test.images)
    order.draw(file, pictures.mistakes(network, x, fitting.test.labels, most=most, dark=dark))


@plot.command(cls=Command)
def histograms(
    target: Target,
    *,
    images: Annotated[int, typer.Option(min=1, metavar="N", help="Number of training images for the gradients.")] = 256,
    data: DataSource = MNIST,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """Draw histograms of weights and gradients, by layer."""
    from handmade import pictures
    from handmade.cli.figures import Order, with_data
    from handmade.data import prepare_for

    order = Order("histograms", out, force=force, dark=dark)
    file = order.file(target)
    network, fitting = with_data(target, seed, data)
    x = prepare_for(network)(fitting.train.images[:images])
    order.draw(file, pictures.histograms(network, x, fitting.train.labels[:images], dark=dark))


@plot.command(cls=Command)
def steps(
    target: Target = "readme",
    *,
    images: Annotated[int, typer.Option(min=1, metavar="N", help="Number of images in the batch.")] = 4,
    data: DataSource = MNIST,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """Draw the error of difference quotients against h."""
    from handmade import pictures
    from handmade.cli.figures import Order
    from handmade.cli.step_errors import measured

    order = Order("steps", out, force=force, dark=dark)
    file = order.file(target)
    order.draw(file, pictures.error_against_h(measured(target, data, images, seed), dark=dark))


@plot.command(cls=Command)
def film(
    target: Target = "readme",
    *,
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Number of training steps.")] = 200,
    frames: Annotated[int, typer.Option(min=2, max=500, metavar="N", help="Largest number of pictures.")] = 51,
    layer: LayerName = None,
    data: DataSource = MNIST,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Seed of new weights and of the order.  [default: the run's, or 0]")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write.  [default: MODEL-film.gif, here]")] = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """Draw the filters during a new training, as a GIF."""
    import numpy as np

    from handmade import networks, pictures
    from handmade.cli.console import news
    from handmade.cli.figures import Order, seed_of, with_data
    from handmade.cli.progress import progress
    from handmade.data import prepare_for
    from handmade.engine.description import describe
    from handmade.engine.errors import HandmadeError
    from handmade.engine.gradients import backprop
    from handmade.engine.optim import SCHEDULES
    from handmade.engine.training import train
    from handmade.threads import cores, threads

    order = Order("film", out, force=force, dark=dark, formats=("gif",))
    file = order.file(target)
    seed = seed_of(target) if seed is None else seed
    network, fitting = with_data(target, seed, data)
    if not network.size:
        raise HandmadeError(f"{target}: expected a network with weights, got one without. Try another network")
    network = networks.described(describe(network), np.random.default_rng(seed), network.dtype)
    news.print(f"Training {target} from new weights for {steps:,} steps, by backpropagation with momentum. No run is changed.")
    every = max(1, -(-steps // (frames - 1)))
    taken = []
    with threads(cores()) as executor, progress("steps") as tell:
        training = train(
            network,
            fitting.train.images,
            fitting.train.labels,
            gradient=partial(backprop, executor=executor),
            schedule=SCHEDULES["linear"],
            steps=steps,
            seed=seed,
            prepare=prepare_for(network),
        )
        for step in training:
            tell(step.number, steps)
            if (step.number - 1) % every == 0:
                taken.append(pictures.Frame(step.number - 1, step.loss, step.before))
    order.write(file, pictures.film([*taken, pictures.Frame(steps, step.loss, step.network)], layer, dark=dark))
