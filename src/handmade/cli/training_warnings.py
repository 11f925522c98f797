"""Warnings that a network does not learn, with the options to change."""

from rich.markup import escape

from handmade.engine.training.monitor import Notice

TITLES = {"dead": "Dead units"}  # with some of them a network may still learn


def warning(notice: Notice) -> str:
    """Return three lines: the observation, its cause, and options to try."""
    options = ", ".join(f"--{name.replace('_', '-')}" for name in notice.settings)
    seen = f"[bold]{TITLES.get(notice.kind, 'Not learning')}:[/] {escape(notice.seen)} (step {notice.step:,})."
    return f"{seen}\n  Why: {escape(notice.why)}.\n  Try: {escape(notice.change)} ({options})."
