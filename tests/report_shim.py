"""The reports of tomorrow from the checker of today; this file goes when the new checker is there."""

from typing import Any

from handmade import gradients


class Report:
    def __init__(self, report: Any) -> None:
        self.report, self.ok, self.layer = report, report.ok, report.layer
        self.verdict = "correct" if report.ok else "wrong"

    def __str__(self) -> str:
        return f"{self.layer}: {self.verdict}\n" + str(self.report).partition("\n")[2]

    def as_dict(self) -> dict[str, Any]:
        return {"layer": self.layer, "verdict": self.verdict, "findings": [finding.what for finding in self.report.findings]}


class Whole:
    def __init__(self, f: Any, vjp: Any) -> None:
        self.forward = f
        self.backward = vjp


OLD = gradients.check_layer


def check_layer(layer: Any, x: Any, *, dtype: Any = None) -> Any:  # noqa: ARG001  of tomorrow
    return Report(OLD(layer, x))


def check_function(f: Any, vjp: Any, x: Any, *, dtype: Any = None) -> Any:  # noqa: ARG001  of tomorrow
    return Report(OLD(Whole(f, vjp), x))


NEEDED = not hasattr(gradients.LayerReport, "verdict")


def install() -> None:
    if not NEEDED:
        return
    for function in (check_layer, check_function):
        setattr(gradients, function.__name__, function)
