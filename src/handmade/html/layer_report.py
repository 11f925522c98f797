"""View of the check of a layer: the verdict, each error with the likely mistake, and the arrays that were compared."""

from handmade.engine.check.layers.report import Finding, LayerReport
from handmade.html.markup import Markup, cell, joined, shortened, table, tag
from handmade.html.term import unfolding

MOST = 50  # errors, arrays and notes that are shown
LONGEST = 400  # characters of a line


def view(report: LayerReport) -> Markup:
    """Return the verdict, the errors to unfold, and the table of the arrays."""
    mark = tag("span", report.verdict, kind="strong" if report.ok else "alarm")
    errors = [
        unfolding(tag("b", shortened(_head(each))), _finding(each), unfolded=n == 0)
        for n, each in enumerate(report.findings[:MOST])
    ]
    arrays = [[cell(shortened(name)), cell(f"{count:,}", right=True), cell("")] for name, count in report.compared.items()]
    arrays += [
        [cell(shortened(name)), cell("", right=True), cell(shortened(why, LONGEST))] for name, why in report.not_compared.items()
    ]
    head = [cell("gradient of", head=True), cell("compared", head=True, right=True), cell("not tested", head=True)]
    needs = ["in a Network: " + ("; ".join(report.needs) or "no change needed")] if report.ok else []
    kinks = [f"{report.kinks:,} of the compared values lie on a kink or a tie"] if report.kinks else []
    notes = [*kinks, *needs, *(f"note: {note}" for note in report.notes)]
    return joined(
        [
            tag("div", tag("b", shortened(report.layer)), ": ", mark, kind="line"),
            *errors,
            _rest(len(report.findings), "errors"),
            table(arrays[:MOST], head=head) if arrays else None,
            _rest(len(arrays), "arrays"),
            *(tag("div", shortened(note, LONGEST), kind="line dim") for note in notes[:MOST]),
            _rest(len(notes), "notes"),
        ]
    )


def _head(finding: Finding) -> str:
    return f"{finding.section}: {finding.name}" if finding.name else finding.section


def _finding(finding: Finding) -> Markup:
    place = "" if finding.index is None else f" at {finding.array}[{', '.join(map(str, finding.index))}]"
    numbers = finding.got is not None and finding.expected is not None
    lines = [
        finding.what,
        f"the worst{place}: got {finding.got:.6g}, expected {finding.expected:.6g}" if numbers else "",
        f"perhaps {finding.guess}" if finding.guess else "",
    ]
    return tag("div", "\n".join(shortened(line, LONGEST) for line in lines if line), kind="line")


def _rest(count: int, noun: str) -> Markup | None:
    return tag("div", f"… {count - MOST:,} more {noun}", kind="line dim") if count > MOST else None
