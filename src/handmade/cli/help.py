"""Help of the commands: options in panels, ranges in words, and examples at the end.

It is written by the formatter of the command line itself. It is plain text at any width, and needs no other library.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

from handmade.cli.examples import EXAMPLES
from handmade.cli.exits import UsageError
from handmade.cli.program import callable_here, program
from handmade.cli.usage_errors import UNREADABLE, reworded, suggestion
from handmade.runs.settings import PANELS

OTHER = "Other options"
MAY_STAND_ALONE = {"--mine", "--workbook"}  # options whose value may be left out
WIDEST_NAME = 26  # columns: a longer name stands on a line of its own


class Command(TyperCommand):
    """Command whose help has panels and examples, and whose usage errors say what was expected."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line: an argument that may be left out stands in brackets."""
        arguments = [param for param in self.get_params(ctx) if param.param_type_name == "argument"]
        return ["[OPTIONS]", *(_name(param) if param.required else f"[{_name(param)}]" for param in arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, panel by panel."""
        _write_panels(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        examples = EXAMPLES.get(ctx.command_path.split(" ", 1)[-1], ())
        if examples:
            with formatter.section("Examples"):
                for text, command in examples:
                    formatter.write(f"  # {text}\n  {callable_here(command)}\n")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; UsageError if they cannot be used."""
        given = list(args)
        try:
            return super().parse_args(ctx, _with_values(args))
        except UNREADABLE as error:
            raise reworded(error, self, ctx, given, f"Try: {_here(ctx)} --help") from None

    def invoke(self, ctx: Any) -> Any:
        """Run the command; UsageError if it refuses an option."""
        try:
            return super().invoke(ctx)
        except UNREADABLE as error:
            raise reworded(error, self, ctx, [], f"Try: {_here(ctx)} --help") from None


class Group(TyperGroup):
    """Group of commands, with the same help and the same usage errors."""

    alone: Sequence[str] = ("--help",)  # what the group does without a command

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands first, then the options."""
        self.format_commands(ctx, formatter)
        _write_panels(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the last line."""
        if self.epilog:
            formatter.write_paragraph()
            formatter.write_text(callable_here(self.epilog))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options before the command; without a command, show the help, unless the group does something else."""
        given = list(args) or list(self.alone)
        try:
            return super().parse_args(ctx, list(given))
        except UNREADABLE as error:
            raise reworded(error, self, ctx, given, f"Try: {_here(ctx)} --help") from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; UsageError if there is none of that name."""
        if self.get_command(ctx, args[0]) is None:
            path = _here(ctx)
            similar = suggestion(args[0], list(self.commands))
            advice = f"Did you mean {path} {similar}?" if similar else f"Try: {path} --help"
            raise UsageError(f"expected a command, got {args[0]!r:.80}. {advice}")
        return super().resolve_command(ctx, args)


def _with_values(args: list[str]) -> list[str]:
    """Return the arguments with an empty value for an option that may stand alone."""
    last = args.index("--") if "--" in args else len(args)
    ends = [*args[1:], "--"]
    alone = {k for k in range(last) if args[k] in MAY_STAND_ALONE and ends[k].startswith("-")}
    return [f"{word}=" if k in alone else word for k, word in enumerate(args)]


def _here(ctx: Any) -> str:
    """Return the path of a command, as it can be called from here."""
    return " ".join([program(), *ctx.command_path.split(" ")[1:]])


def _name(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _write_panels(params: Sequence[Any], ctx: Any, formatter: Any) -> None:
    panels = dict(_panels(params, ctx))
    names = [name for rows in panels.values() for name, _ in rows if len(name) <= WIDEST_NAME]
    width = max(map(len, names), default=0)  # the same in all panels
    for panel, rows in panels.items():
        with formatter.section(panel):
            formatter.write_dl([(name.ljust(width), text) for name, text in rows], col_max=width)


def _panels(params: Sequence[Any], ctx: Any) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the panels that are not empty, with names and texts."""
    panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], **{panel: [] for panel in (*PANELS, OTHER)}}
    grouped = any(getattr(param, "rich_help_panel", None) for param in params)
    for param in params:
        record = param.get_help_record(ctx)
        if record is not None:
            is_argument = param.param_type_name == "argument"
            known = getattr(param, "rich_help_panel", None) or (OTHER if grouped else "Options")
            name = _name(param) if is_argument else record[0]
            panels["Arguments" if is_argument else known].append((name, _in_words(record[1])))
    yield from ((panel, rows) for panel, rows in panels.items() if rows)


def _in_words(text: str) -> str:
    """Write ranges in words, 30.0 as 30, and the text of several brackets in one."""
    text = re.sub(r"\]\s+\[", "; ", text.replace("\\[", "["))  # some versions of typer escape brackets
    text = re.sub(r"\b(\d+)<=x<=(\d+)\b", r"\1 to \2", text)
    text = re.sub(r"\bx>=(\d+)\b", r"at least \1", text)
    return re.sub(r"(\[default: \d+)\.0(?=[;\]])", r"\1", text)
