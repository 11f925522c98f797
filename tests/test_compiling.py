"""What a user sees of compiling: a line that counts seconds in a terminal, and vanishes; one plain line elsewhere."""

import io
import sys
from typing import Any

import pytest
import rich.live
from rich.console import Console
from rich.errors import LiveError
from rich.progress import Progress

from handmade.cli import console, main
from handmade.cli.compiling import CompilingDisplay
from handmade.engine import compiling


@pytest.fixture(params=[True, False], ids=["terminal", "file"])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    news = Console(file=io.StringIO(), force_terminal=request.param, force_interactive=request.param, width=80)
    monkeypatch.setattr(console, "news", news)
    wanted: bool = request.param
    return wanted


def shown() -> str:
    file: Any = console.news.file
    text: str = file.getvalue()
    return text


def compile_some(display: CompilingDisplay, *, kept: bool = True) -> None:
    for loop in ("correlate", "backward"):
        display.begins(loop, kept=kept)
        display.ends()


def test_compiling_is_shown_once(*, terminal: bool) -> None:
    compile_some(CompilingDisplay())

    if terminal:
        assert "Compiling loops (once): 0 s" in shown()
        assert shown().endswith("\x1b[2K")  # the line is gone
    else:
        assert shown() == "Compiling loops (once)\n"


@pytest.mark.usefixtures("terminal")
def test_a_cache_that_keeps_nothing_is_told() -> None:
    compile_some(CompilingDisplay(), kept=False)

    assert "Compiling loops (each time; handmade doctor shows the reason)" in shown()


@pytest.mark.usefixtures("terminal")
def test_a_quiet_one_shows_nothing() -> None:
    compile_some(CompilingDisplay(quiet=True))

    assert shown() == ""


@pytest.mark.usefixtures("terminal")
def test_the_line_goes_together_with_a_bar() -> None:
    with Progress(console=console.news, disable=not console.news.is_terminal) as bar:
        bar.add_task("steps", total=3)
        display = CompilingDisplay()
        display.begins("correlate", kept=True)
        bar.refresh()
        display.ends()

    assert "Compiling loops (once)" in shown()


def test_a_rich_that_shows_one_thing_at_a_time_shows_the_bar(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise LiveError("Only one live display may be active at once")

    monkeypatch.setattr(rich.live.Live, "start", refuse)
    compile_some(CompilingDisplay())

    assert shown() == ("" if terminal else "Compiling loops (once)\n")


@pytest.mark.parametrize(("options", "words"), [([], "Compiling loops (once)\n"), (["--json"], "")])
def test_every_command_shows_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    def compute(*_: object, **__: object) -> None:
        compiling.notify_begin("correlate", kept=True)
        compiling.notify_end()

    monkeypatch.setattr(main, "app", compute)
    monkeypatch.setattr(sys, "argv", ["handmade", "evaluate", *options])
    monkeypatch.setattr(console, "news", Console(stderr=True))
    with pytest.raises(SystemExit):
        main.main()

    assert capsys.readouterr().err == words
    compute()  # nobody listens any more
    assert capsys.readouterr().err == ""
