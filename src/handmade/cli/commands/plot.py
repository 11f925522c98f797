"""`handmade plot`: one command a picture, and their options."""

from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Data, Image, Label, Seed, Target

plot = typer.Typer(
    name="plot",
    help="Draw a picture: filters, feature maps, curves, mistakes, ...",
    epilog="A picture is a .png, .svg or .pdf, by the ending of --out.",
    rich_markup_mode=None,
)

Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Where to.  [default: MODEL-PICTURE.png, here]")]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there already.")]
Dark = Annotated[bool, typer.Option("--dark", help="For a dark background.")]
LayerName = Annotated[str | None, typer.Option(metavar="LAYER", help="One layer, such as conv1 or linear1.")]


@plot.command()
def filters(
    target: Target, *, layer: LayerName = None, seed: Seed = 0, out: Out = None, force: Force = False, dark: Dark = False
) -> None:
    """The weights as images: what the layers look for."""
    from handmade.cli import plotting

    plotting.filters(target, seed, layer, plotting.Order("filters", out, force=force, dark=dark))


@plot.command()
def maps(
    target: Target,
    *,
    image: Image = "test:0",
    data: Data = "mnist",
    label: Label = None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """One image's way through the network, layer by layer."""
    from handmade.cli import plotting

    plotting.maps(target, seed, plotting.Sight(image, data, label), plotting.Order("maps", out, force=force, dark=dark))


@plot.command()
def nudge(
    target: Target,
    *,
    nudge: Annotated[str, typer.Option(metavar="PLACE=STEP", help="What to move, and how far: conv1.W[1,2,0,5]=+0.1.")],
    image: Image = "test:0",
    data: Data = "mnist",
    label: Label = None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """What one nudge changes at every layer, exactly."""
    from handmade.cli import plotting

    sight = plotting.Sight(image, data, label)
    plotting.nudge(target, seed, sight, nudge, plotting.Order("nudge", out, force=force, dark=dark))


@plot.command()
def sensitivity(
    target: Target,
    *,
    image: Image = "test:0",
    data: Data = "mnist",
    label: Label = None,
    patch: Annotated[int, typer.Option(min=1, metavar="N", help="The side of the square that is wiped out; odd.")] = 3,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """Which pixels matter for an image, in three ways."""
    from handmade.cli import plotting

    sight = plotting.Sight(image, data, label)
    plotting.sensitivity(target, seed, sight, patch, plotting.Order("sensitivity", out, force=force, dark=dark))


@plot.command()
def curves(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="The folders of runs; several are laid over each other.")],
    *,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """Loss and accuracy of one run or several, step by step."""
    from handmade.cli import plotting

    plotting.curves(runs, plotting.Order("curves", out, force=force, dark=dark))


@plot.command()
def confusion(
    target: Target, *, data: Data = "mnist", seed: Seed = 0, out: Out = None, force: Force = False, dark: Dark = False
) -> None:
    """Which test digit is taken for which, and how often."""
    from handmade.cli import plotting

    plotting.confusion(target, seed, data, plotting.Order("confusion", out, force=force, dark=dark))


@plot.command()
def mistakes(
    target: Target,
    *,
    most: Annotated[int, typer.Option(min=1, max=200, metavar="N", help="How many images of each kind.")] = 16,
    data: Data = "mnist",
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """The worst mistakes, and the closest right answers."""
    from handmade.cli import plotting

    plotting.mistakes(target, seed, data, most, plotting.Order("mistakes", out, force=force, dark=dark))


@plot.command()
def histograms(
    target: Target,
    *,
    images: Annotated[int, typer.Option(min=1, metavar="N", help="Training images whose mean loss has the gradients.")] = 256,
    data: Data = "mnist",
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """How weights and gradients are spread out, by layer."""
    from handmade.cli import plotting

    plotting.histograms(target, seed, data, images, plotting.Order("histograms", out, force=force, dark=dark))


@plot.command()
def steps(
    target: Target = "readme",
    *,
    images: Annotated[int, typer.Option(min=1, metavar="N", help="How many images to take the loss of.")] = 4,
    data: Data = "mnist",
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """Error against h: the V of the textbook's quotient, and the exact one."""
    from handmade.cli import plotting

    plotting.steps(target, seed, data, images, plotting.Order("steps", out, force=force, dark=dark))


@plot.command()
def film(
    target: Target = "readme",
    *,
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="How long to train.")] = 200,
    frames: Annotated[int, typer.Option(min=2, max=500, metavar="N", help="At most so many pictures.")] = 51,
    layer: LayerName = None,
    data: Data = "mnist",
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Of fresh weights and the order.  [default: the run's, or 0]")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to.  [default: MODEL-film.gif, here]")] = None,
    force: Force = False,
    dark: Dark = False,
) -> None:
    """The filters while they learn: trains anew, makes a GIF."""
    from handmade.cli import plotting

    order = plotting.Order("film", out, force=force, dark=dark, formats=("gif",))
    plotting.film(target, seed, data, steps, frames, layer, order)
