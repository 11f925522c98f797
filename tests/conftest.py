"""The backends, for every test that asks for them; the lab in a browser; what a test run needs.

By default `compiled`, with all of its rules and with none: without them it computes as `plain` does. With the marker long,
`plain` itself, and `compiled` with each rule switched off. Where Numba cannot be used, `plain` alone.

Tests of the lab's page need a Chromium on this machine. Where there is none they are skipped, and the last lines say so. On a
build server (CI=true) a missing browser or a missing extra is an error.
"""

import os
from collections import Counter
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from handmade.engine.backend import BACKENDS, shortcuts, unusable, use_backend

# No test may fail because the machine is busy. The examples of a run are others than those of the run before.
settings.register_profile("handmade", deadline=None, max_examples=50)
settings.load_profile("handmade")

USABLE = [name for name in BACKENDS if unusable(name) is None]
FASTEST = USABLE[0]
WHOLE = [pytest.param((FASTEST, ()), id=FASTEST)]
ALONE = [pytest.param((FASTEST, shortcuts(FASTEST)), id=f"{FASTEST} without any rule")] if shortcuts(FASTEST) else []
OTHERS = [pytest.param((name, ()), id=name, marks=pytest.mark.long) for name in USABLE[1:]]
WITHOUT = [
    pytest.param((FASTEST, (rule,)), id=f"{FASTEST} without {rule}", marks=pytest.mark.long) for rule in shortcuts(FASTEST)
]


@pytest.fixture(params=[*WHOLE, *ALONE, *OTHERS, *WITHOUT])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Use a backend in this thread, perhaps without some of its rules."""
    name, without = request.param
    with use_backend(name, without=without):
        yield name


@pytest.fixture(params=[FASTEST, *(pytest.param(name, marks=pytest.mark.long) for name in USABLE[1:])])
def whole_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Use a backend with all of its rules, also in commands and processes that the test starts."""
    monkeypatch.setenv("HANDMADE_BACKEND", request.param)
    name: str = request.param
    return name


if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from lab_browser import LabPage, Server

NO_BROWSER = "no browser: the page of the lab was not tested"
EXTRAS = (
    *("anyio", "axe_playwright_python", "fastapi", "httpx", "hypothesis", "matplotlib", "ml_dtypes", "mpmath", "numba", "onnx"),
    *("onnxruntime", "PIL", "playwright", "pooch", "pydantic", "schemathesis", "tensorboardX", "uvicorn", "watchfiles"),
    *("ipykernel", "nbclient", "pandas", "pillow_heif", "skimage", "sklearn"),
)  # modules of the extras; PyTorch and JAX are not among them


def has_browser() -> bool:
    """Return whether the page can be tested here."""
    if find_spec("playwright") is None:
        return False
    from lab_browser import browser_path  # noqa: PLC0415  it needs Playwright

    return browser_path() is not None


# Slow tests of one idea with many cases: by default each n-th case runs, and the others with the marker long. Where parameters
# are crossed, n has no divisor in common with their numbers, so that no value is left out.
EACH_NTH = {
    "test_every_bug_is_found_and_none_is_named_wrongly": 5,
    "test_no_right_gradient_is_accused": 5,
    "test_a_spoilt_rule_shows_and_can_be_switched_off": 4,
    "test_any_network_has_the_gradient_of_its_definition": 5,
    "test_every_quotient_is_right_to_its_own_last_digits": 5,
    "test_quotients_on_blank_paper_are_those_of_the_definition_at_any_step": 3,
    "test_every_planted_mistake_is_found": 2,
    "test_every_bug_is_caught_and_named": 3,
    "test_no_law_minds_a_copy_without_a_bug": 2,
    "test_no_digit_is_lost_where_a_curve_is_nearly_flat": 5,
    "test_a_random_graph_has_the_gradient_of_its_definition": 3,
    "test_a_right_layer_of_other_people_is_not_accused": 2,
    "test_a_command_with_little_work_does_not_load_numba": 2,
    "test_every_layer_keeps_the_laws_in_every_backend": 3,
    "test_a_weighted_gradient_is_the_weighted_sum_of_those_of_single_images": 4,
    "test_delta_is_exact_however_small_the_step": 5,
    "test_delta_is_what_subtracting_two_outputs_gives": 3,
    "test_delta_is_as_exact_in_float32_as_its_digits_allow": 5,
    "test_one_channel_moves_as_it_does_when_the_difference_is_written_densely": 3,
    "test_a_nudge_is_the_layer_with_that_one_weight_moved": 2,
    "test_inputs_are_left_alone_in_any_layout_and_dtype": 3,
    "test_images_depend_on_one_another_only_where_the_layer_says_so": 3,
    "test_the_terms_add_up_to_the_gradient_of_a_pixel": 3,
    "test_the_terms_of_every_layer_add_up_to_what_the_loops_make": 3,
    "test_the_checker_finds_no_bug": 2,
    "test_the_checker_of_layers_accuses_none_of_them": 2,
    "test_a_picture_is_named_after_the_run_and_is_not_written_over_unless_told": 2,
    "test_each_command_takes_colours_and_words": 2,
    "test_the_law_catches_the_mutant": 3,
    "test_weights_decide_between_classes_that_contradict": 2,
    "test_a_wrong_solution_is_rejected_and_named_rightly_or_not_at_all": 3,
    "test_no_right_layer_on_rows_is_accused": 3,
    "test_no_right_layer_on_images_is_accused": 2,
    "test_equal_images_and_zero_weights_are_no_bug": 5,
    "test_a_random_graph_of_every_kind_of_layer_has_the_gradient_of_its_definition": 3,
    "test_a_damaged_file_is_read_or_refused_in_one_line": 2,
    "test_a_page_is_read_row_by_row": 2,
    "test_no_correct_twin_is_accused": 2,
    "test_the_readme_network_learns_in_silence": 2,
    "test_what_is_no_digit_is_told_by_what_shows_it": 2,
    "test_every_mistake_gets_a_clear_line": 2,
}


@pytest.hookimpl(tryfirst=True)  # before pytest looks at the markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave repetitions to the long run."""
    seen: Counter[str] = Counter()
    for item in items:
        name = getattr(item, "originalname", item.name)
        if name in EACH_NTH and item.get_closest_marker("long") is None:
            if seen[name] % EACH_NTH[name]:
                item.add_marker(pytest.mark.long)
            seen[name] += 1


def pytest_configure() -> None:
    """Refuse to run on a build server where a part would be skipped."""
    if os.environ.get("CI", "").lower() not in {"true", "1"}:
        return
    missing = [name for name in EXTRAS if find_spec(name) is None]
    missing += [] if USABLE[0] == "compiled" or "numba" in missing else [f"numba ({unusable('compiled')})"]
    missing += [] if has_browser() else ["a browser (chromium)"]
    if missing:
        raise pytest.UsageError(f"CI=true: expected every extra and a browser; missing: {', '.join(missing)}")


@pytest.hookimpl(wrapper=True, tryfirst=True)  # after all other parts of the summary
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """Say in the last lines what was not tested."""
    yield
    count = sum(NO_BROWSER in str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    if count:
        terminalreporter.write_line(
            f"The {count} browser tests of the lab did NOT run: there is no Chromium here. Try apt-get install chromium.",
            yellow=True,
        )


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Server"]:
    """Start the lab once, as a process, with a few networks as runs."""
    if not has_browser():
        pytest.skip(NO_BROWSER)
    from lab_browser import Server  # noqa: PLC0415  it needs Playwright
    from lab_networks import write_runs  # noqa: PLC0415

    folder: Path = tmp_path_factory.mktemp("page")
    write_runs(folder / "runs")
    server = Server(folder)
    yield server
    server.stop()


@pytest.fixture(scope="module")  # its event loop would be in the way of other modules
def browser() -> Iterator["Browser"]:
    """Start Chromium once a module."""
    if not has_browser():
        pytest.skip(NO_BROWSER)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  it may be missing

    from lab_browser import start_browser  # noqa: PLC0415

    with sync_playwright() as playwright:
        found = start_browser(playwright)
        yield found
        found.close()


@pytest.fixture
def lab(browser: "Browser", lab_server: "Server") -> Iterator["LabPage"]:
    """Open a tab for the lab; its console stays silent."""
    from lab_browser import lab_page  # noqa: PLC0415  it needs Playwright

    with lab_page(browser, lab_server) as page:
        yield page
