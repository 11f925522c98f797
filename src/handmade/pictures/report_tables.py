"""Tables of the report: the derivatives of one weight, the layers and the settings, as HTML."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from handmade.engine.network import Network
from handmade.pictures.numbers import MINUS, number, short, size, with_minus
from handmade.pictures.story import Story

FILES = {"model", "run", "best_model"}  # settings that are paths on one disk


def weight(story: Story) -> str:
    """Return the section on one weight: its derivative in three ways, and its nudge layer by layer."""
    derivatives = table("The same derivative in three ways", (), _derivatives(story))
    steps = table(
        "The nudge, layer by layer",
        ("layer", "numbers changed", "largest difference"),
        ((step.layer, f"{step.moved:,} of {step.numbers:,}", number(step.largest)) for step in story.trace.steps),
    )
    return f"""
<p><code>{escape(story.place)}</code> is the weight of the first layer with the largest derivative for this image. It is nudged by
<code>h = {short(story.h)}</code>, and all other weights stay the same; all in float64.</p>
<div class="pair">{derivatives}{steps}</div>
<p>Subtracting the two losses cancelled {story.lost} of their sixteen digits. The exact difference does not subtract them, so no
digit is lost at any h. Backpropagation gives the limit for h&nbsp;→&nbsp;0. The rest is the curvature of the loss over the step
h. The update is one step of gradient descent on this image alone.</p>"""


def settings(network: Network, known: Mapping[str, Any]) -> str:
    """Return the layers of a network and, if there are any, the settings and results of its run."""
    layers = table("The network", ("layer", "output", "weights"), _layers(network))
    run = table("The run", (), _settings(known)) if known else ""
    return f'<div class="pair">{layers}{run}</div>'


def table(caption: str, heads: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> str:
    """Return a table that scrolls in a container of its own; the first cell names the row, numbers stand at the right."""
    head = "".join(f'<th class="number">{escape(name)}</th>' if n else f"<th>{escape(name)}</th>" for n, name in enumerate(heads))
    body = []
    for name, *cells in rows:
        inner = "".join(f'<td class="number">{escape(str(cell))}</td>' for cell in cells)
        body.append(f"<tr><th>{escape(str(name))}</th>{inner}</tr>")
    opening = f"<thead><tr>{head}</tr></thead>" if heads else ""
    lines = "\n".join(body)
    return f'<div class="wide"><table><caption>{escape(caption)}</caption>{opening}<tbody>{lines}</tbody></table></div>'


def _derivatives(story: Story) -> list[tuple[str, str]]:
    rows = [
        ("w", f"{story.weight:+.12f}"),
        ("L(w)", f"{story.loss:#.16g}"),
        ("L(w + h)", f"{story.nudged:#.16g}"),
        (f"definition: (L(w + h) {MINUS} L(w)) / h", f"{story.by_definition:+#.12g}"),
        ("difference: dL / h", f"{story.by_difference:+#.12g}"),
        ("backpropagation: dL / dw", f"{story.derivative:+#.12g}"),
        (f"update: {MINUS}{short(story.learning_rate)} dL / dw", f"{story.update:+#.12g}"),
        ("w after the update", f"{story.weight + story.update:+.12f}"),
    ]
    return [(name, value.replace("-", MINUS)) for name, value in rows]


def _layers(network: Network) -> list[tuple[str, str, str]]:
    weights = [sum(array.size for array in layer.parameters().values()) for layer in network.layers]
    shapes = zip(("input", *network.names), network.shapes, (0, *weights), strict=True)
    return [(name, size(*shape), f"{count:,}" if count else "") for name, shape, count in shapes]


def _settings(known: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the settings that are a word or a number, without paths of files."""
    best = known.get("best")
    every = dict(known) | ({f"best_{name}": value for name, value in best.items()} if isinstance(best, Mapping) else {})
    plain = {name: value for name, value in every.items() if isinstance(value, str | int | float) and name not in FILES}
    return [(name.replace("_", " "), _value(value)) for name, value in plain.items()]


def _value(value: str | float) -> str:
    """Return a switch as yes or no, and anything else as a text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return with_minus(f"{value:.6g}" if isinstance(value, float) else str(value))
