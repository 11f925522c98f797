"""Help and usage errors: panels, examples that can be copied, and one line that says what was expected."""

import re
import shlex
import sys
from collections.abc import Callable
from typing import Any

import pytest
from typer.main import get_command

from handmade.cli.examples import EXAMPLES
from handmade.cli.main import app, main
from handmade.cli.program import COMMANDS, callable_here
from handmade.cli.usage_errors import SYNONYMS
from handmade.runs.settings import PANELS, settings

GROUP: Any = get_command(app)
LINES = [line for examples in EXAMPLES.values() for _, line in examples]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The command in this process: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["handmade", *arguments])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        return int(leaving.value.code or 0), captured.out, captured.err

    return run


GROUPS = ("plot", "learn", "data")  # commands with commands of their own


def commands() -> dict[str, Any]:
    of_groups = {f"{group} {name}": each for group in GROUPS for name, each in GROUP.commands[group].commands.items()}
    return {name: each for name, each in GROUP.commands.items() if name not in GROUPS} | of_groups


def test_every_setting_has_a_panel() -> None:
    assert {each.panel for each in settings()} == set(PANELS)


def test_the_options_of_train_stand_in_panels_with_the_common_ones_first(told: Callable[..., tuple[int, str, str]]) -> None:
    help_ = told("train", "--help")[1]
    headings = re.findall(r"^(\S.*):$", help_, re.MULTILINE)
    assert headings == [*PANELS, "Other options", "Examples"]
    panels = dict(zip(headings, re.split(r"^\S.*:$", help_, flags=re.MULTILINE)[1:], strict=True))
    for panel, options in {
        "Main options": ("--network", "--epochs", "--learning-rate"),
        "Learning-rate schedule": ("--schedule", "--warm-up"),
        "Files": ("--out", "--resume", "--keep-checkpoints"),
        "Other options": ("--json", "--help"),
    }.items():
        assert set(options) <= set(re.findall(r"--[\w-]+", panels[panel]))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["", *EXAMPLES, *GROUPS])
def test_help_fits_the_terminal_and_ends_with_examples(
    name: str, width: int, told: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, err = told(*name.split(), "--help")
    assert (code, err) == (0, "")
    text, _, examples = out.partition("Examples:\n")
    assert all(len(line) <= width for line in text.splitlines())
    assert not re.search(
        r"x[<>]=|\bNone\b|<str>|[a-z,]\.\.\.$|\x1b", text, re.MULTILINE
    )  # ranges are in words, and no sentence is cut off
    assert bool(examples) == (name in EXAMPLES)


def test_every_command_has_examples() -> None:
    assert set(EXAMPLES) == set(commands())
    assert all(2 <= len(examples) <= 3 for examples in EXAMPLES.values())
    assert set(GROUP.commands) == set(COMMANDS) - {"--help"}


@pytest.mark.parametrize("line", LINES)
def test_an_example_can_be_read(line: str) -> None:
    program, name, *arguments = shlex.split(line)
    assert program == "handmade"
    command = GROUP.commands[name]
    if name in GROUPS:
        command = command.commands[arguments.pop(0)]
    command.make_context(name, arguments)


def test_commands_in_a_text_are_written_as_they_can_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bin/handmade"])
    monkeypatch.setenv("PATH", "")
    assert callable_here("Try: handmade train --epochs 2") == "Try: bin/handmade train --epochs 2"
    assert callable_here("runs/handmade train; handmade trains") == "runs/handmade train; handmade trains"
    once = callable_here("Resume: bin/python -m handmade train --resume a. Try: handmade train")  # one part is callable already
    assert once == "Resume: bin/python -m handmade train --resume a. Try: bin/handmade train"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train --lr 0.1", "expected an option of handmade train, got --lr. Did you mean --learning-rate?"),
        ("train -lr 0.1", "expected an option of handmade train, got -lr. Did you mean --learning-rate?"),
        ("train --lr=0.1", "expected an option of handmade train, got --lr. Did you mean --learning-rate?"),
        ("train --optimizer adam", "expected an option of handmade train, got --optimizer. Did you mean --optimiser?"),
        ("train --learning_rate 1", "expected an option of handmade train, got --learning_rate. Did you mean --learning-rate?"),
        ("train --val 9", "expected an option of handmade train, got --val. Did you mean --validation?"),
        ("train --batch 9", "expected an option of handmade train, got --batch. Did you mean --batch-size?"),
        ("train --steps 9 --step 9", "expected an option of handmade train, got --step. Did you mean --steps?"),
        ("train --step 9", "expected an option of handmade train, got --step. Did you mean --steps?"),
        ("train --epoch 9", "expected an option of handmade train, got --epoch. Did you mean --epochs?"),
        ("train --average 0.9", "expected an option of handmade train, got --average. Did you mean --ema?"),
        ("train --bogus", "expected an option of handmade train, got --bogus. Try: handmade train --help"),
        ("evaluate m --lr 1", "expected an option of handmade evaluate, got --lr. Try: handmade evaluate --help"),
        ("train --recipe bset", "--recipe: expected one of best, cifar, got 'bset'. Did you mean best?"),
        ("train --dtype float23", "--dtype: expected one of float32, float64, got 'float23'. Did you mean float32?"),
        ("train --steps 2.5", "--steps: expected an integer of at least 1, got '2.5'. Try: handmade train --help"),
        ("train --steps 0", "--steps: expected an integer of at least 1, got '0'. Try: handmade train --help"),
        ("train --step-size small", "--step-size: expected a number, got 'small'. Try: handmade train --help"),
        ("train --out", "--out: expected DIRECTORY, got nothing. Try: handmade train --help"),
        ("train --json=3", "--json: expected no value. Try: handmade train --help"),
        ("train more", "expected no arguments, got 'more'. Try: handmade train --help"),
        ("train --patience 2", "--patience: expected a validation set with it, got none. Try --validation 5000"),
        ("evaluate one two", "expected MODEL|NAME|FILE alone, got 'two' too. Try: handmade evaluate --help"),
        ("plot nudge readme", "--nudge: expected PLACE=STEP, got nothing. Try: handmade plot nudge --help"),
        ("plot mistakes m --most 0", "--most: expected an integer from 1 to 200, got '0'. Try: handmade plot mistakes --help"),
        ("plot nuge readme", "expected a command, got 'nuge'. Did you mean handmade plot nudge?"),
        ("runs --sort best", "--sort: expected one of when, name, network, accuracy, seconds, steps, status, got 'best'."),
        ("--verison", "expected an option of handmade, got --verison. Did you mean --version?"),
        ("nonsense", "expected a command, got 'nonsense'. Try: handmade --help"),
    ],
)
def test_a_usage_error_says_what_was_expected(words: str, message: str, told: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = told(*words.split())
    assert (code, out) == (2, "")
    assert err.removesuffix("\n").startswith(f"handmade: {message}")
    assert err.count("\n") == 1


def test_plot_alone_shows_its_help(told: Callable[..., tuple[int, str, str]]) -> None:
    assert told("plot") == told("plot", "--help")


def test_synonyms_lead_to_options_that_exist() -> None:
    names = {option.lstrip("-") for each in commands().values() for param in each.params for option in param.opts}
    assert set(SYNONYMS.values()) <= names | {"version"}
    assert not set(SYNONYMS) & {setting.name.replace("_", "-") for setting in settings()}
