"""The workbook: every step is complete, its solution passes, every wrong solution is rejected, and none is named wrongly."""

import ast
import importlib
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handmade import HandmadeError
from handmade.engine import loops
from handmade.learn import grade
from handmade.learn.comparison import agree
from handmade.learn.diagnosis import predicted
from handmade.learn.picture import svg
from handmade.learn.steps import NAMES, full_name, load_step, place_of
from handmade.learn.texts import broken
from handmade.learn.verdict import Verdict
from wrong_solutions import find_the_bugs

MISTAKES_NAMED = 0.8
TO_WRITE = [name for name in NAMES if name != "find_the_bugs"]  # the exercise of the others is a network with bugs
CASES = [  # step, name of the wrong solution, name that the grader gives, and what is wrong: the first function, ...
    (name, wrong, mistake, table)
    for name in NAMES
    for table in ("NAMES", "SECOND", "FILES")
    for wrong, mistake in getattr(importlib.import_module(f"wrong_solutions.{name}"), table, {}).items()
]


def functions_of(source: str) -> dict[str, Callable[..., Any]]:
    space: dict[str, Any] = {"__name__": "exercise"}
    exec(compile(source, "exercise.py", "exec"), space)
    return {name: value for name, value in space.items() if callable(value) and getattr(value, "__module__", "") != "numpy"}


def functions_in(path: Path) -> dict[str, Callable[..., Any]]:
    return functions_of(path.read_text(encoding="utf-8"))


def graded_source(name: str, source: str) -> Verdict:
    found = functions_of(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return grade(name, *(found[function.name] for function in load_step(name).functions))


def graded(name: str, file: str) -> Verdict:
    return graded_source(name, (load_step(name).folder / file).read_text(encoding="utf-8"))


def graded_wrong(name: str, wrong: str, table: str) -> Verdict:
    step, module = load_step(name), importlib.import_module(f"wrong_solutions.{name}")
    if table == "FILES":
        return graded_source(name, module.source_of(wrong))
    first = [functions_in(step.folder / "solution.py")[step.functions[0].name]] if table == "SECOND" else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return grade(name, *first, getattr(module, wrong))


@pytest.mark.parametrize("name", NAMES)
def test_the_solution_passes_and_everything_was_run(name: str) -> None:
    verdict = graded(name, "solution.py")

    assert verdict, str(verdict)
    assert {check.status for check in verdict.checks} == {"passed"}
    assert sum(check.cases for check in verdict.checks if check.concept == "form") == len(load_step(name).cases)


@pytest.mark.parametrize("name", TO_WRITE)
def test_the_exercise_is_not_written_yet(name: str) -> None:
    verdict = graded(name, "exercise.py")

    assert verdict.state == "unwritten"
    assert {check.status for check in verdict.checks} == {"failed", "not run"}
    assert "TODO" in (load_step(name).folder / "exercise.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_exercise_and_solution_declare_the_same(name: str) -> None:
    step = load_step(name)
    for file in ("exercise.py", "solution.py"):
        tree = ast.parse((step.folder / file).read_text(encoding="utf-8"))
        found = {node.name: [each.arg for each in node.args.args] for node in tree.body if isinstance(node, ast.FunctionDef)}
        for helper in () if name in TO_WRITE else ("max_pool_backward", "logits"):
            del found[helper]
        assert found == {function.name: function.parameters.split() for function in step.functions}


def test_each_repaired_bug_lets_the_next_one_show() -> None:
    for number, (function, concept, key, mistake) in enumerate(find_the_bugs.SHOWN):
        verdict = graded_source("find_the_bugs", find_the_bugs.repaired(number))
        assert [(check.function, check.concept) for check in verdict.checks if check.status == "failed"] == [(function, concept)]
        assert verdict.finding is not None
        assert (verdict.finding.key, verdict.finding.mistake) == (key, mistake)
        assert verdict.finding.line is None  # a check fails, and no line is named
    assert find_the_bugs.repaired(len(find_the_bugs.REPAIRS)) == find_the_bugs.text("solution.py")
    assert len(find_the_bugs.REPAIRS) == len(find_the_bugs.SHOWN)


@pytest.mark.parametrize("function", ["loss_backward", "gradients"])
def test_the_gradients_of_the_network_agree_with_difference_quotients(function: str) -> None:
    step = load_step("find_the_bugs")
    [named] = [each for each in step.functions if each.name == function]
    for number in step.cases_of(named):
        given = [np.array(each, float) for each in step.cases[number].arguments]
        labels = given[1].astype(int)
        moved = [given[0]] if function == "loss_backward" else given[2:]
        expected = step.expected[number] if isinstance(step.expected[number], tuple) else (step.expected[number],)

        def loss_now(given: list[Any] = given, labels: Any = labels) -> float:
            if len(given) == 2:
                return float(loops.mean_loss(given[0], labels))
            x, _, W1, b1, W2, b2 = given
            pooled = loops.max_pool2d(loops.relu(loops.conv2d(x, W1, b1)))
            return float(loops.mean_loss(loops.linear(loops.flatten(pooled), W2, b2), labels))

        for array, gradient in zip(moved, expected, strict=True):
            assert np.allclose(central(loss_now, array), gradient, rtol=1e-6, atol=1e-7)


def central(f: Callable[[], float], w: Any, h: float = 1e-5) -> Any:
    quotients = np.zeros(w.shape)
    for at in np.ndindex(w.shape):
        before = w[at]
        w[at] = before + h
        above = f()
        w[at] = before - h
        quotients[at] = (above - f()) / (2 * h)
        w[at] = before
    return quotients


@pytest.mark.parametrize(("name", "wrong", "mistake", "table"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_a_wrong_solution_is_rejected_and_named_rightly_or_not_at_all(
    name: str, wrong: str, mistake: str | None, table: str
) -> None:
    verdict = graded_wrong(name, wrong, table)

    assert verdict.state == "failed"
    assert verdict.finding is not None
    assert verdict.finding.key not in {"missing", "unwritten"}
    assert verdict.finding.mistake == mistake


@pytest.mark.parametrize("name", NAMES)
def test_there_are_enough_wrong_solutions_and_most_are_named(name: str) -> None:
    named = [mistake is not None for step, _, mistake, _ in CASES if step == name]

    assert len(named) >= 8
    step_share = sum(named) / len(named)
    assert step_share >= 0.7  # of one step; the share of all is below
    assert sum(mistake is not None for _, _, mistake, _ in CASES) / len(CASES) >= MISTAKES_NAMED


@pytest.mark.parametrize("name", NAMES)
def test_every_known_mistake_differs_from_the_right_answer_and_from_the_others(name: str) -> None:
    step = load_step(name)
    for function in step.functions:
        numbers = step.cases_of(function)
        seen = {"the right answer": [step.expected[number] for number in numbers]}
        for mistake in step.mistakes_of(function):
            results = [predicted(mistake, step.cases[number]) for number in numbers]
            tolerances = [step.cases[number].tolerance for number in numbers]
            same = [key for key, others in seen.items() if all(map(agree, results, others, tolerances))]
            assert same == [], mistake.key
            seen[mistake.key] = results


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_shows_numbers_of_the_engine(name: str) -> None:
    drawn = svg(load_step(name).picture(), name)

    assert drawn.startswith("<svg")
    assert drawn.count("<rect") > 8
    assert "nan" not in drawn


def test_the_names_of_steps() -> None:
    assert full_name("6") == full_name("06_relu.py") == full_name("relu") == "relu"
    assert place_of("relu") == 6
    for wrong in ("0", "99", "", "relu2", "../relu", "²"):
        with pytest.raises(HandmadeError, match="expected a number from 1 to"):
            full_name(wrong)


def test_a_verdict_says_where_and_what() -> None:
    text = str(grade("patch_indexing", lambda x, h, w, K_h, K_w: x[h : h + K_h][w : w + K_w]))

    assert "p: expected shape (2, 2), got (2, 3)" in text
    assert "case: x (3, 3), h = 0, w = 0, K_h = 2, K_w = 2" in text
    assert "looks like: x[a:b][c:d] takes rows twice" in text
    assert "not run" in text
    assert "all" not in text.splitlines()[-1].lower().split()


def test_a_verdict_is_plain_data_as_well() -> None:
    plain = grade("relu", np.abs, language="de").as_dict()

    assert plain["state"] == "failed"
    assert plain["finding"]["mistake"] == "absolute"
    assert any("Betrag" in line for line in plain["text"])


def test_wrong_places_are_described() -> None:
    def last_row(x: Any, W: Any) -> Any:
        y = functions_in(load_step("conv_one_channel").folder / "solution.py")["conv2d"](x, W)
        y[-1] = 0
        return y

    assert "only in the last row" in str(grade("conv_one_channel", last_row))


def test_a_result_that_depends_on_earlier_calls_is_found() -> None:
    seen: list[int] = []

    def forgetful(x: Any) -> Any:
        seen.append(1)
        return np.maximum(x, 0) + (len(seen) > 20)

    verdict = grade("relu", forgetful)
    assert verdict.finding is not None
    assert verdict.finding.key == "unrepeatable"


def test_a_changed_argument_is_found() -> None:
    def in_place(x: Any) -> Any:
        x[x < 0] = 0
        return x

    verdict = grade("relu", in_place)
    assert verdict.finding is not None
    assert verdict.finding.key == "mutated"
    assert verdict.finding.values["argument"] == "x"


def test_wrong_calls_of_grade_are_refused() -> None:
    with pytest.raises(HandmadeError, match=r"relu\(x\)"):
        grade("relu")
    with pytest.raises(HandmadeError, match="language"):
        grade("relu", np.abs, language="xx")
    with pytest.raises(HandmadeError, match="step"):
        grade("nothing", np.abs)


def test_a_step_of_two_functions_is_not_passed_with_one() -> None:
    verdict = grade("conv_stride_padding", lambda size, window, stride, padding: (size + 2 * padding - window) // stride + 1)

    assert not verdict
    assert verdict.finding is not None
    assert verdict.finding.key == "missing"
    assert {check.status for check in verdict.checks if check.function == "output_size"} == {"passed"}


def test_an_interrupted_call_gets_a_verdict() -> None:
    def endless(x: Any) -> Any:
        if x.ndim > 1:
            raise KeyboardInterrupt
        return np.maximum(x, 0)

    verdict = grade("relu", endless)

    assert verdict.finding is not None
    assert verdict.finding.key == "interrupted"
    assert "case: x (3, 4)" in str(verdict)


def test_a_notebook_sees_the_output_of_the_first_round_alone(capsys: pytest.CaptureFixture[str]) -> None:
    def talking(x: Any) -> Any:
        sys.stdout.write("called")
        return np.maximum(x, 0)

    assert grade("relu", talking)
    assert capsys.readouterr().out.count("called") == len(load_step("relu").cases)


def test_a_small_case_can_be_repeated_by_hand() -> None:
    text = str(grade("correlate_patch", lambda p, W: float(p.size + W.size)))

    assert "    p = [[0.69, 1.64], [0.66, -2.61]]" in text
    assert "  wrong numbers: 1 of 1" in text


@pytest.mark.parametrize("name", NAMES)
def test_a_verdict_fits_into_a_terminal(name: str) -> None:
    step = load_step(name)
    for function in step.functions[-1], step.functions[0]:
        solution = functions_in(step.folder / "solution.py")
        given = [solution[each.name] for each in step.functions if each is not function]
        place = step.functions.index(function)
        given.insert(place, lambda *_: np.zeros(3))
        verdict = grade(name, *given)
        assert verdict.state == "failed"
        shown = [row for line in str(verdict).splitlines() for row in broken(line, 80).splitlines()]
        assert len(shown) + 4 <= 24  # title, two paths and keys
