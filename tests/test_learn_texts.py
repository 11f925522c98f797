"""Texts of the workbook: complete in every language, and broken where a terminal needs it."""

import re

import pytest

from handmade.learn.folder import WIDTH, exercise_text
from handmade.learn.steps import NAMES, load_step
from handmade.learn.texts import HERE, HINTS, LANGUAGES, broken, joined, texts, wide


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_text_of_a_step_is_there(name: str, language: str) -> None:
    step, text = load_step(name), texts(language).step(name)

    assert text.title
    assert text.task
    assert len(text.hints) == HINTS
    assert all(text.hints)
    assert "\n    " in f"\n{text.hints[-1]}"  # pseudo-code
    assert set(text.mistakes) == {mistake.key for mistake in step.mistakes}
    assert len(text.explanation) > 150
    assert max(map(len, text.explanation.splitlines())) <= 160


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_have_the_same_keys_and_gaps_in_every_language(language: str) -> None:
    gap = re.compile(r"\{\w+\}")
    mine, english = texts(language).messages, texts("en").messages

    assert list(mine) == list(english)
    assert {key: sorted(gap.findall(text)) for key, text in mine.items()} == {
        key: sorted(gap.findall(text)) for key, text in english.items()
    }


def test_every_message_that_the_code_names_is_there() -> None:
    concepts = {case.concept for name in NAMES for case in load_step(name).cases} | {"form", "repeat"}
    source = "\n".join(path.read_text(encoding="utf-8") for path in HERE.glob("*.py"))
    findings = set(re.findall(r'Finding\(\s*"(\w+)"', source)) | {"timeout", "exit", "flood", "quits", "memory", "values"}

    keys = set(texts("en").messages)
    assert {f"concept.{concept}" for concept in concepts} <= keys
    assert {f"finding.{finding}" for finding in findings} <= keys


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_the_head_of_an_exercise_fits_into_a_terminal(name: str, language: str) -> None:
    head = exercise_text(name, language).split("import numpy")[0]

    assert max(sum(1 + wide(letter) for letter in line) for line in head.splitlines()) <= WIDTH
    assert "  \n" not in head


def test_lines_are_broken_between_words_and_between_chinese_characters() -> None:
    assert broken("aa bb cc", 5) == "aa bb\ncc"
    assert broken("✗ aa bb cc", 7) == "✗ aa bb\n  cc"
    assert broken("    aa bb", 7) == "    aa\n    bb"
    assert broken("图像的形状。", 6) == "图像的\n形状。"
    assert broken("图像的形状。", 10) == "图像的形\n状。"  # the mark stays with its character
    assert broken("x 是图像", 5) == "x 是\n图像"
    assert broken("longer_than_the_row x", 5) == "longer_than_the_row\nx"
    assert broken("", 5) == ""


def test_lines_of_a_paragraph_are_joined_and_pseudo_code_is_kept() -> None:
    assert joined("one\ntwo\n\nthree\n    code\n    more") == "one two\n\nthree\n    code\n    more"
    assert joined("图像\n形状") == "图像形状"
