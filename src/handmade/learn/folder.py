"""The student's folder: exercises, explanations, solutions, backups. Nothing is overwritten without a backup."""

import codecs
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handmade.engine.errors import HandmadeError
from handmade.files.atomic import write_atomically
from handmade.learn.picture import svg
from handmade.learn.state import FILE, State, read_state
from handmade.learn.steps import NAMES, load_step, place_of
from handmade.learn.texts import LANGUAGES, broken, texts

WIDTH = 79  # columns of the task in an exercise
LARGEST_FILE = 1024 * 1024  # bytes
MARKS = (  # at the beginning of a file that another encoding was used for
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


@dataclass(frozen=True)
class Unreadable(Exception):
    """A file of the student that cannot be read: the key of a finding, and the values of its text."""

    key: str
    values: dict[str, str]


@dataclass(frozen=True)
class Folder:
    """A folder with exercises."""

    path: Path

    @property
    def exists(self) -> bool:
        """Return if the folder has a state."""
        return (self.path / FILE).exists()

    def exercise(self, name: str) -> Path:
        """Return the student's file of a step."""
        return self.path / f"{file_name(name)}.py"

    def explanation(self, name: str) -> Path:
        """Return the page of a step."""
        return self.path / "explanations" / f"{file_name(name)}.md"

    def solution(self, name: str) -> Path:
        """Return the place of the solution, which appears when the step is passed or given up."""
        return self.path / "solutions" / f"{file_name(name)}.py"

    def prepare(self, language: str) -> State:
        """Make the folder if needed, copy what is missing, and return the state. Files that are there stay as they are.

        Raises
        ------
        HandmadeError
            If a file is in the way, or the state is damaged.
        OSError
            If the folder cannot be written to.
        """
        if self.path.exists() and not self.path.is_dir():
            raise HandmadeError(f"{self.path}: expected a folder, got a file. Try another --folder")
        self.path.mkdir(parents=True, exist_ok=True)
        state = read_state(self.path)
        state.language = language or state.language
        for name in NAMES:
            self.provide(name, state.language)
            self.write_explanation(name, state.language)
        return state

    def provide(self, name: str, language: str) -> None:
        """Copy the exercise if there is no file, or if the file is the exercise as it was copied, in another language."""
        others = [other for other in LANGUAGES if other != language]
        if not self.exercise(name).exists() or self.is_exercise(name, others):
            self.write_exercise(name, language)

    def is_exercise(self, name: str, languages: Sequence[str] = LANGUAGES) -> bool:
        """Return if the student's file is the exercise as it was copied, in one of these languages."""
        try:
            source = self.read(name)
        except Unreadable:
            return False
        return source in {exercise_text(name, language) for language in languages}

    def write_exercise(self, name: str, language: str) -> None:
        """Write the skeleton of a step."""
        write_atomically(self.exercise(name), exercise_text(name, language).encode())

    def write_explanation(self, name: str, language: str) -> None:
        """Write the page of a step and its picture, unless they are there already."""
        page = self.explanation(name)
        text = f"# {place_of(name)}. {texts(language).step(name).title}\n\n![]({file_name(name)}.svg)\n\n"
        content = (text + texts(language).step(name).explanation + "\n").encode()
        if not page.exists() or page.read_bytes() != content:
            page.parent.mkdir(exist_ok=True)
            drawn = svg(load_step(name).picture(), texts(language).step(name).title)
            write_atomically(page.with_suffix(".svg"), drawn.encode())
            write_atomically(page, content)

    def write_solution(self, name: str) -> Path:
        """Let the solution appear."""
        path = self.solution(name)
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, (load_step(name).folder / "solution.py").read_bytes())
        return path

    def reset(self, name: str, language: str) -> Path | None:
        """Replace the student's file by the exercise; return the backup, or None if there was no file."""
        path, backup = self.exercise(name), None
        if path.exists() and not self.is_exercise(name):
            backup = self.back_up(name)
        self.write_exercise(name, language)
        return backup

    def back_up(self, name: str) -> Path:
        """Move the student's file to backups, under a name that none has yet; return its new place."""
        backups, number = self.path / "backups", 1
        backups.mkdir(exist_ok=True)
        while (backup := backups / f"{file_name(name)}.{number}.py").exists():
            number += 1
        self.exercise(name).rename(backup)
        return backup

    def write(self, name: str, source: str) -> None:
        """Write the student's file."""
        write_atomically(self.exercise(name), source.encode())

    def read(self, name: str) -> str:
        """Return the source text of the student's file.

        Raises
        ------
        Unreadable
            If it is absent, no file, too large, or not saved as UTF-8.
        """
        path = self.exercise(name)
        values = {"file": path.name, "step": str(place_of(name))}
        if path.exists() and not path.is_file():  # a folder, or a pipe, from which reading never ends
            raise Unreadable("noFile", values)
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST_FILE + 1)
        except FileNotFoundError:
            raise Unreadable("absent", values) from None
        except OSError as error:
            raise Unreadable("unreadable", values | {"reason": error.strerror or "?"}) from None
        if len(content) > LARGEST_FILE:
            raise Unreadable("large", values)
        for mark, encoding in MARKS:
            if content.startswith(mark):
                raise Unreadable("encoding", values | {"encoding": encoding})
        if content.count(0) > len(content) // 4:  # letters of two bytes, without a mark
            raise Unreadable("encoding", values | {"encoding": "UTF-16"})
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Unreadable("encoding", values | {"encoding": "Latin-1"}) from None


def file_name(name: str) -> str:
    """Return the name of a step's files without an ending: 06_relu."""
    return f"{place_of(name):02}_{name}"


def exercise_text(name: str, language: str) -> str:
    """Return the skeleton with its title and task: the docstring of exercise.py has the equation alone."""
    text, (formula, code) = texts(language).step(name), _parts(name)
    indented = "\n".join(f"    {line}".rstrip() for line in formula.splitlines())
    return f'"""{place_of(name)}. {text.title}\n\n{indented}\n\n{broken(text.task, WIDTH)}\n"""\n{code}'


def equation(name: str) -> str:
    """Return the equation of a step."""
    return _parts(name)[0]


def _parts(name: str) -> tuple[str, str]:
    """Return the equation and the code of exercise.py."""
    source = (load_step(name).folder / "exercise.py").read_text(encoding="utf-8")
    match = re.match(r'"""(.*?)"""\n', source, flags=re.DOTALL)
    assert match is not None
    return match[1].strip(), source[match.end() :]


def digest(source: str) -> str:
    """Return a short hash of a source text, to see if a file was changed after it passed."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]
