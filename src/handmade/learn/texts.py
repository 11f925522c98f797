"""Texts by language: messages that all steps share, and the texts of a step."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from handmade.engine.errors import HandmadeError

LANGUAGES = ("en", "de", "zh")
HERE = Path(__file__).parent
HINTS = 3


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
    sections = [(key, body.strip("\n").rstrip()) for key, body in zip(rest[::2], rest[1::2], strict=True)]
    listed = next(body for key, body in sections if key == "mistakes")
    return StepTexts(
        title.removeprefix("# ").strip(),
        task.strip(),
        tuple(body for key, body in sections if key == "hint"),
        dict(re.findall(r"^- (\w+): (.+)$", listed, flags=re.MULTILINE)),
        next(body for key, body in sections if key == "explanation"),
    )
