"""`handmade check`: backpropagation against exact difference quotients, array by array, and the kinks by name."""

from dataclasses import asdict
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

import handmade
from handmade import HandmadeError
from handmade.cli.console import duration, news, print_json, results
from handmade.cli.progress import progress
from handmade.engine.arrays import Array
from handmade.engine.check.network import ArrayReport, Report, check
from handmade.engine.gradients.definition import cost
from handmade.runs import inputs
from handmade.runs.inputs import network_named
from handmade.workers import cores, workers

MARKS = {"agree": "[bold]agree[/]", "kink": "kink", "bug": "[bold reverse]BUG[/]"}


def run(target: str, data: str, images: int, seed: int, *, every: bool, json: bool) -> None:
    """Check a model, a preset or the network of a file, on a few images; the definition for some weights, or for every one."""
    digits = inputs.dataset(data)
    network = network_named(target, seed)
    inputs.check_fit(network, digits, data)
    x = handmade.data.prepare(digits.train.images[:images], np.float64)
    y, tries = digits.train.labels[:images], network.size if every else None
    threads = cores() if every else 1
    if every:
        _tell_cost(network, x, y, threads)
    with workers(threads) as executor, progress("definition: weights") as tell:
        report = check(network, x, y, tries=tries, executor=executor, progress=tell)
    if json:
        print_json({"target": target, "verdict": report.verdict, "arrays": [_plain(array) for array in report.arrays]})
    else:
        news.print(f"{target}: {network.size:,} weights, on {len(x)} images of {data}, in float64")
        results.print(_table(report))
        for array in report.arrays:
            if array.verdict != "agree":
                results.print(_story(array))
        results.print(_summary(report))
    if report.bugs:
        raise HandmadeError(f"{report.bugs:,} gradients are wrong")


def _tell_cost(network: handmade.Network, x: Array, y: Array, threads: int) -> None:
    passes, seconds = cost(network, x, y, "forward")
    on = f" on {threads} cores" if threads > 1 else ""
    took = f"about {duration(passes * seconds / threads)}{on}"
    news.print(f"definition: {passes:,} weights, one forward pass of {1000 * seconds:.1f} ms each, {took}; Ctrl-C leaves")


def _plain(array: ArrayReport) -> dict[str, Any]:
    return asdict(array) | {"verdict": array.verdict, "central": array.central, "kink": str(array.kink) if array.kink else None}


def _table(report: Report) -> Table:
    table = Table(
        box=box.SIMPLE,
        caption="Worst error: of backpropagation, for all weights, against the exact quotient.\n"
        "Definition: the worst of the textbook's subtraction, for so many of them.",
        caption_justify="left",
    )
    table.add_column("array")
    table.add_column("weights", justify="right")
    table.add_column("on a kink", justify="right")
    table.add_column("worst error", justify="right")
    table.add_column("definition", justify="right")
    table.add_column("tried", justify="right")
    table.add_column("verdict")
    for array in report.arrays:
        counts = (f"{array.entries:,}", f"{array.kinks:,}" if array.kinks else "")
        table.add_row(
            array.name, *counts, _error(array.error), _error(array.definition), f"{array.tried:,}", MARKS[array.verdict]
        )
    return table


def _error(error: float) -> str:
    return f"{error:.0e}" if error else "0"


def _story(array: ArrayReport) -> str:
    """Where the worst of an array is, with the values to both sides."""
    place = f"{array.name}\\[{','.join(map(str, array.at))}]"
    left, central, right = (f"{value:+.6g}" for value in (array.left, array.central, array.right))
    values = f"left {left}, central {central}, right {right}; backpropagation says {array.analytic:+.6g}"
    return f"{place}: {values}" + (f"\n  {str(array.kink).replace('[', chr(92) + '[')}" if array.kink else "")


def _summary(report: Report) -> str:
    kinks = sum(array.kinks for array in report.arrays)
    if report.verdict == "bug":
        return f"[bold]{report.bugs:,} weights have a wrong gradient.[/]"
    if report.verdict == "kink":
        return (
            f"All gradients are right. {kinks:,} weights push something across a kink: left and right quotients differ there, "
            "and the analytic value lies between what they allow."
        )
    return "All gradients are right, to rounding."
