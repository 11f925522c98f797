"""The ladder as pictures: times as bars, images a second against the batch size, and how far each figure is from its target."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from handmade.pictures.style import LIGHT, TITLE, WIDTH, canvas, drawn, encode
from report import SWEPT, Measurement, Results, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAR = 0.17  # inches
PARTIES = ("handmade compiled", "handmade plain", "PyTorch", "onnxruntime", "JAX")
FAR = 30  # times: beyond, bars that begin at 0 would hide the shortest, and the scale is a logarithm


def draw(results: Results, folder: Path) -> list[str]:
    """Write a picture for each section and network, one of all batch sizes, and one of the targets; none without matplotlib.

    Returns the names of the files.
    """
    if find_spec("matplotlib") is None:
        return []
    swept = [each for each in results.measurements if each.section.startswith(SWEPT)]
    others = [each for each in results.measurements if each not in swept]
    figures = {f"ladder-{name}.svg": times(name, group) for name, group in _groups(others).items()}
    if swept:
        figures["ladder-batches.svg"] = batches(swept)
    if results.rows:
        figures["ladder-targets.svg"] = targets(results.rows)
    for name, figure in figures.items():
        (folder / name).write_bytes(encode(figure, "svg"))
    return list(figures)


@drawn
def batches(measurements: Sequence[Measurement]) -> "Figure":
    """Images a second against the batch size, one panel a network and kind of work, one line for each party at its best."""
    from matplotlib.ticker import LogLocator  # noqa: PLC0415  an extra

    panels = list(dict.fromkeys(each.section for each in measurements))
    down = -(-len(panels) // 2)
    height = 0.9 + 2.4 * down
    figure = canvas(WIDTH, height)
    figure.subplots_adjust(left=0.1, right=0.98, top=1 - 0.75 / height, bottom=0.5 / height, hspace=0.4, wspace=0.2)
    for number, panel in enumerate(panels):
        axes = figure.add_subplot(down, 2, number + 1)
        for party, colour in zip(PARTIES, LIGHT.lines, strict=False):
            line = rates([each for each in measurements if each.section == panel], party)
            if line:
                axes.plot(list(line), list(line.values()), color=colour, marker="o", markersize=3, label=party)
        axes.set_xscale("log", base=2)
        axes.set_xticks(sorted({each.images for each in measurements}), minor=False)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_yscale("log", subs=[])
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid(visible=True)
        axes.set_title(panel.removeprefix(SWEPT), loc="left")
        if number >= len(panels) - 2:
            axes.set_xlabel("images in a batch")
        if number % 2 == 0:
            axes.set_ylabel("images a second")
    lines = {label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    names = [party for party in PARTIES if party in lines]
    figure.legend([lines[name] for name in names], names, loc="upper right", ncols=len(PARTIES), bbox_to_anchor=(0.98, 1))
    return figure


def rates(measurements: Sequence[Measurement], party: str) -> dict[int, float]:
    """Return images a second by batch size: the best of the ways whose names begin with the party's."""
    found: dict[int, float] = {}
    for each in measurements:
        if each.way.startswith(party):
            found[each.images] = max(found.get(each.images, 0.0), each.images / each.seconds.median)
    return dict(sorted(found.items()))


@drawn
def times(title: str, group: Sequence[Measurement]) -> "Figure":
    """Bars of seconds, one colour a way, with the quartiles."""
    whats, ways = (list(dict.fromkeys(values)) for values in ([m.what for m in group], [m.way for m in group]))
    height = 1.5 + BAR * (len(ways) + 1) * len(whats)
    figure = canvas(WIDTH, height)
    axes = figure.subplots()
    figure.subplots_adjust(left=0.26, right=0.97, top=1 - 1.1 / height, bottom=0.45 / height)
    for i, way in enumerate(ways):
        mine = [m for m in group if m.way == way]
        places = [whats.index(m.what) * (len(ways) + 1) + i for m in mine]
        medians = [m.seconds.median for m in mine]
        spread = [[abs(m.seconds.median - m.seconds.quartiles[side]) for m in mine] for side in (0, 1)]
        colour, hatch = LIGHT.lines[i % len(LIGHT.lines)], "" if i < len(LIGHT.lines) else "///"
        axes.barh(places, medians, 0.9, xerr=spread, label=way, color=colour, hatch=hatch, error_kw={"lw": 0.6})
    every = [m.seconds.median for m in group]
    scale = "log" if max(every) > FAR * min(every) else "linear"
    axes.set(xscale=scale, xlabel="seconds, median and quartiles" + (", log scale" if scale == "log" else ""))
    axes.set_yticks([(len(ways) + 1) * i + (len(ways) - 1) / 2 for i in range(len(whats))], whats)
    axes.invert_yaxis()
    figure.legend(loc="upper right", ncols=3, bbox_to_anchor=(0.97, 1 - 0.3 / height))
    figure.text(0.03, 1 - 0.25 / height, title.replace("-", " "), fontsize=TITLE)
    return figure


@drawn
def targets(rows: Sequence[Row]) -> "Figure":
    """Draw how far each figure is from its target: a bar from 1 to the right has reached it."""
    height = 0.8 + 1.6 * BAR * len(rows)
    figure = canvas(WIDTH, height)
    axes = figure.subplots()
    figure.subplots_adjust(left=0.58, right=0.97, top=1 - 0.3 / height, bottom=0.45 / height)
    shares = [row.target / row.figure.median if row.most else row.figure.median / row.target for row in rows]
    lengths = [share - 1 for share in shares]
    axes.barh(range(len(rows)), lengths, left=1, color=[LIGHT.positive if row.reached else LIGHT.negative for row in rows])
    axes.axvline(1, color=LIGHT.ink, lw=0.8)
    axes.set(xscale="log", xlabel="in targets: 1 is reached, more is better; log scale")
    axes.set_yticks(range(len(rows)), [row.what for row in rows], fontsize=6)
    axes.invert_yaxis()
    return figure


def _groups(measurements: Sequence[Measurement]) -> dict[str, list[Measurement]]:
    groups: dict[str, list[Measurement]] = {}
    for each in measurements:
        title = " ".join(filter(None, [each.section, each.network, each.network and str(each.images)]))
        groups.setdefault(title.replace(" ", "-"), []).append(each)
    return groups
