"""Texts by language: messages that all steps share, and the texts of a step."""

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from handmade.engine.errors import HandmadeError

LANGUAGES = ("en", "de", "zh")
HERE = Path(__file__).parent
HINTS = 3
BEGIN = re.compile(r" *(?:[✓✗·] )?")  # of a line: its indentation, and the mark of a check
PARTS = re.compile(  # of a line, between which it may be broken: Chinese characters, words, spaces
    r"[（「]*(?:[一-鿿]|[^\s一-鿿、。「」（）：；，！？]+)[、。」）：；，！？]*|[、。「」（）：；，！？]+|\s+"  # noqa: RUF001  Chinese marks
)


@dataclass(frozen=True)
class StepTexts:
    """Texts of a step in one language."""

    title: str
    task: str
    hints: tuple[str, ...]
    mistakes: dict[str, str]
    explanation: str


@dataclass(frozen=True)
class Texts:
    """Texts of one language; call it with the key of a message."""

    language: str
    messages: dict[str, str]

    def __call__(self, key: str, **values: str) -> str:
        """Return a message, with its {name}s replaced."""
        return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), self.messages[key])

    def step(self, name: str) -> StepTexts:
        """Return the texts of a step."""
        return step_texts(name, self.language)


@cache
def texts(language: str) -> Texts:
    """Return the texts of a language.

    Raises
    ------
    HandmadeError
        If there is no such language.
    """
    if language not in LANGUAGES:
        raise HandmadeError(f"language: expected {', '.join(LANGUAGES)}, got {language!r:.40}. Try en")
    return Texts(language, json.loads((HERE / "text" / f"{language}.json").read_text(encoding="utf-8")))


@cache
def step_texts(name: str, language: str) -> StepTexts:
    """Read the texts of a step: a title, the task, and sections with English names, which are keys."""
    text = (HERE / "steps" / name / f"{language}.md").read_text(encoding="utf-8")
    head, *rest = re.split(r"^## (hint|mistakes|explanation)\n", text, flags=re.MULTILINE)
    title, _, task = head.partition("\n")
    sections = [(key, body.strip("\n")) for key, body in zip(rest[::2], rest[1::2], strict=True)]
    listed = next(body for key, body in sections if key == "mistakes")
    return StepTexts(
        title.removeprefix("# ").strip(),
        joined(task.strip()),
        tuple(joined(body) for key, body in sections if key == "hint"),
        dict(re.findall(r"^- (\w+): (.+)$", listed, flags=re.MULTILINE)),
        next(body for key, body in sections if key == "explanation"),
    )


def joined(text: str) -> str:
    """Return a text with each paragraph as one line, to be broken where it is shown. Pseudo-code stays as it is."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and lines[-1] and line and " " not in {lines[-1][0], line[0]}:
            lines[-1] += line if wide(lines[-1][-1]) or wide(line[0]) else f" {line}"
        else:
            lines.append(line)
    return "\n".join(lines)


def broken(text: str, width: int) -> str:
    """Break the lines of a text at a width: between words, and between Chinese characters."""
    return "\n".join(row for line in text.splitlines() for row in _rows(line, width))


def _rows(line: str, width: int) -> list[str]:
    """Return the rows of a line, indented as its text. A mark of full width stays with what stands before it."""
    begin = BEGIN.match(line)
    assert begin is not None
    indent = len(begin[0])
    rows, used = [begin[0]], indent
    for part in PARTS.findall(line[indent:].rstrip()):
        size = sum(1 + wide(letter) for letter in part)
        if used + size > width and not part.isspace() and used > indent:
            rows, used = [*rows, " " * indent], indent
        if used > indent or not part.isspace():
            rows[-1] += part
            used += size
    return [row.rstrip() for row in rows]


def wide(letter: str) -> bool:
    """Return if a character takes two columns of a terminal."""
    return unicodedata.east_asian_width(letter) in {"W", "F"}
