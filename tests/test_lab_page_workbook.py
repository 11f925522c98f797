"""The workbook on the page: writing, checking, hints, an editor beside it, by keyboard, in every language and at every width."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from handmade.learn.folder import exercise_text, file_name
from handmade.learn.steps import NAMES, load_step
from handmade.learn.texts import LANGUAGES, texts
from lab_browser import LabPage, Server, lab_page
from test_lab_page_forms import CUT, NARROW, SMALL, TABLET, WIDE, axe

FIRST, SECOND = NAMES[:2]
TODO = "raise NotImplementedError  # TODO"
RIGHT = "return x[h : h + K_h, w : w + K_w]"
BODY = {name: (load_step(name).folder / "solution.py").read_text(encoding="utf-8") for name in NAMES}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "workbook"


@pytest.fixture
def server(tmp_path: Path, browser: Browser) -> Iterator[Server]:  # noqa: ARG001  without a browser, no server
    server = Server(tmp_path, "--workbook")
    yield server
    server.stop()


@pytest.fixture
def lab(browser: Browser, server: Server) -> Iterator[LabPage]:
    with lab_page(browser, server) as lab:
        yield lab


def opened(lab: LabPage, name: str = FIRST, *, link: str = "") -> LabPage:
    """Open a step, and wait for its verdict."""
    lab.page.goto(link or f"{lab.server.address}/#workbook={name}")
    return shown(lab, name)


def shown(lab: LabPage, name: str) -> LabPage:
    expect(lab["file"]).to_have_text(f"{file_name(name)}.py")
    expect(lab["verdict-summary"]).not_to_be_empty()
    lab.state_has(view="workbook", step=name)
    return lab


def write(lab: LabPage, body: str) -> None:
    """Put a body into the first exercise, and check it."""
    lab["code"].fill(exercise_text(FIRST, "en").replace(TODO, body))
    lab["code"].press("Control+s")
    expect(lab["saved"]).to_have_text("saved")


def summary(lab: LabPage) -> Locator:
    return lab["verdict-summary"]


def use_keys_of_an_editor(lab: LabPage) -> None:
    """Type four spaces, indented lines, fewer spaces, and leave the field."""
    page, code = lab.page, lab["code"]
    code.fill("")
    code.press("Tab")
    page.keyboard.type("if x:")
    page.keyboard.press("Enter")
    page.keyboard.type("y")
    expect(code).to_have_value("    if x:\n        y")
    page.keyboard.press("Control+a")
    page.keyboard.press("Shift+Tab")
    expect(code).to_have_value("if x:\n    y")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.keyboard.press("Backspace")
    expect(code).to_have_value("if x:\n    y\n")
    expect(lab["saved"]).to_have_text("● not saved")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(lab["step-check"]).to_be_focused()


def test_a_step_from_the_link_to_the_next_step(lab: LabPage, folder: Path) -> None:
    opened(lab, link=lab.server.link)  # the link that the command prints
    page, code, file = lab.page, lab["code"], folder / f"{file_name(FIRST)}.py"
    expect(summary(lab)).to_contain_text("Not written yet")
    expect(lab["steps"].locator("li")).to_have_count(len(NAMES))
    expect(page.locator("#network")).to_be_hidden()
    assert page.get_by_text(texts("en").step(FIRST).task).count() == 1

    use_keys_of_an_editor(lab)

    # A syntax error leads to its line; a mistake has a name; wrong numbers are shown.
    write(lab, "return x[")
    expect(lab["exercise-verdict"]).to_contain_text("not valid Python")
    lab["go-to-line"].click()
    expect(code).to_be_focused()
    write(lab, "print('hello')\n    return x[h : K_h, w : K_w]")
    expect(lab["looks-like"]).to_contain_text("it has to end at h + K_h")
    expect(lab["printed"]).to_contain_text("hello")
    write(lab, f"{RIGHT} * 2")
    expect(lab["numbers"].locator("table")).to_have_count(2)
    expect(lab["exercise-verdict"]).to_contain_text(texts("en")("numbers", wrong="4", all="4"))
    expect(lab["checks"].locator('[data-status="not run"]')).not_to_have_count(0)
    lab["step-hint"].click()
    expect(lab["hints"].locator("li")).to_have_count(1)
    assert axe(lab) == []

    # Passed: the explanation appears, and the next step is one button away.
    write(lab, RIGHT)
    expect(summary(lab)).to_contain_text("all 6 checks")
    expect(lab["explanation"].locator("table.mini")).not_to_have_count(0)
    expect(lab["progress"]).to_contain_text(f"1 of {len(NAMES)}")
    assert RIGHT in file.read_text(encoding="utf-8")
    assert axe(lab) == []
    lab["next-step"].click()
    shown(lab, SECOND)
    page.go_back()
    shown(lab, FIRST)
    expect(lab["explanation"]).to_be_visible()
    lab["view-look"].click()
    lab.ready()


@pytest.mark.long
def test_an_editor_beside_the_page(lab: LabPage, folder: Path) -> None:
    opened(lab)
    file, code = folder / f"{file_name(FIRST)}.py", lab["code"]
    passing = exercise_text(FIRST, "en").replace(TODO, RIGHT)
    file.write_text(passing, encoding="utf-8")  # nothing is unsaved: the page follows, and checks
    expect(code).to_have_value(passing)
    expect(summary(lab)).to_contain_text("Passed")
    expect(lab["conflict"]).to_be_hidden()

    code.fill("# mine\n")
    file.write_text("# theirs\n", encoding="utf-8")
    expect(lab["conflict"]).to_be_visible()
    expect(code).to_have_value("# mine\n")
    expect(lab["step-check"]).to_be_disabled()
    lab["step-takeFile"].click()
    expect(code).to_have_value("# theirs\n")
    expect(lab["conflict"]).to_be_hidden()

    code.fill("# mine again\n")
    file.write_text("# theirs again\n", encoding="utf-8")
    expect(lab["conflict"]).to_be_visible()
    lab.page.reload()  # the unsaved text outlives it
    expect(lab["conflict"]).to_be_visible()
    expect(code).to_have_value("# mine again\n")
    lab["step-keepMine"].click()
    expect(lab["saved"]).to_have_text("saved")
    assert file.read_text(encoding="utf-8") == "# mine again\n"
    assert (folder / "backups" / f"{file_name(FIRST)}.1.py").read_text(encoding="utf-8") == "# theirs again\n"

    file.unlink()
    expect(lab["saved"]).to_contain_text("deleted")
    expect(code).to_have_value("# mine again\n")
    lab["step-check"].click()
    expect(lab["saved"]).to_have_text("saved")
    assert file.read_text(encoding="utf-8") == "# mine again\n"

    code.fill("# not saved\n")
    lab.page.locator(f'[data-step="{SECOND}"]').click()
    shown(lab, SECOND)
    lab.page.locator(f'[data-step="{FIRST}"]').click()
    expect(code).to_have_value("# not saved\n")
    lab["step-reset"].click()
    lab["sure-reset"].click()
    expect(code).to_have_value(exercise_text(FIRST, "en"))
    assert (folder / "backups" / f"{file_name(FIRST)}.2.py").read_text(encoding="utf-8") == "# not saved\n"
    lab["step-giveUp"].click()
    lab["sure-giveUp"].click()
    expect(lab["explanation"]).to_be_visible()


@pytest.mark.long
def test_without_a_workbook_there_is_no_view(browser: Browser, lab_server: Server) -> None:
    with lab_page(browser, lab_server) as lab:
        lab.page.goto(f"{lab.server.address}/#workbook")
        lab.ready()
        assert lab.page.locator("#views button").count() == 4


@pytest.mark.long
def test_an_endless_loop_and_a_server_that_ends(lab: LabPage, folder: Path) -> None:
    opened(lab)
    lab["code"].fill(exercise_text(FIRST, "en").replace(TODO, "while True: pass"))
    lab["code"].press("Control+Enter")
    expect(lab["exercise-verdict"]).to_contain_text("Checking")
    lab["view-look"].click()
    lab.ready()
    lab["view-workbook"].click()
    expect(lab["exercise-verdict"]).to_contain_text("no result after 5 seconds")

    lab["code"].fill("# kept while the server is away\n")
    lab.server.stop()
    lab["code"].press("Control+s")
    expect(lab["server-state"]).to_contain_text(re.compile("server", re.IGNORECASE))
    expect(lab["code"]).to_have_value("# kept while the server is away\n")
    lab.server.start()
    lab.page.goto(lab.server.link)
    expect(lab["code"]).to_have_value("# kept while the server is away\n")
    lab["step-check"].click()
    expect(lab["saved"]).to_have_text("saved")
    assert (folder / f"{file_name(FIRST)}.py").read_text(encoding="utf-8") == "# kept while the server is away\n"
    lab.said = [line for line in lab.said if "ERR_" not in line and "403" not in line]


@pytest.mark.long
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_with_its_exercise_and_its_solution(browser: Browser, server: Server, language: str) -> None:
    widths = {"en": WIDE, "de": NARROW, "zh": TABLET}
    options: dict[str, Any] = {"locale": language, "color_scheme": "dark" if language == "zh" else "light"}
    with lab_page(browser, server, viewport=widths[language], **options) as lab:
        for number, name in enumerate(NAMES, 1):
            opened(lab, name)
            expect(lab["step-title"]).to_have_text(f"{number}. {texts(language).step(name).title}")
            expect(lab["exercise-verdict"]).to_have_attribute("data-state", "unwritten")
            for count in (1, 2, 3):
                lab["step-hint"].click()
                expect(lab["hints"].locator("li")).to_have_count(count)
            lab["code"].fill(BODY[name])
            lab["step-check"].click()
            expect(summary(lab)).to_have_text(re.compile("✓"))
            expect(lab["explanation"]).to_be_visible()
            assert lab.overflow() == 0, name
            assert lab.page.evaluate(CUT) == [], name
            assert lab.page.evaluate(SMALL) == [], name
            assert "workbook." not in lab.page.locator("main").inner_text(), name
            assert axe(lab) == [], name
        expect(lab["next-step"]).to_have_count(0)


@pytest.mark.long
@pytest.mark.parametrize("colours", ["light", "dark", "forced"])
@pytest.mark.parametrize("size", [NARROW, TABLET, WIDE], ids=["narrow", "tablet", "wide"])
def test_a_verdict_fits_and_can_be_read(browser: Browser, server: Server, size: Any, colours: str) -> None:
    options: dict[str, Any] = {"forced_colors": "active"} if colours == "forced" else {"color_scheme": colours}
    with lab_page(browser, server, viewport=size, locale="de-DE", **options) as lab:
        opened(lab)
        lab["code"].fill(BODY[FIRST].replace("return ", "return 2 * "))
        lab["step-check"].click()
        expect(lab["numbers"]).to_be_visible()
        assert lab.overflow() == 0
        assert lab.page.evaluate(CUT) == []
        assert lab.page.evaluate(SMALL) == []
        assert axe(lab) == []
