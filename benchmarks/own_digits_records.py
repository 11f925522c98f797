"""File of records, one JSON line a picture: a measurement that was interrupted goes on where it stopped.

The first line says what was measured: the models, the seed, the split, and the code that made and read the pictures.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from own_digits_reading import Record, Task

HERE = Path(__file__).parent
CODE = (HERE, HERE.parent / "src" / "handmade" / "data", HERE.parent / "src" / "handmade" / "files")
Key = tuple[str, int]  # kind and number of a picture


def measurement(models: Sequence[Path], seed: int, split: str) -> dict[str, Any]:
    """Return what records depend on: of models and code, the SHA-256."""
    code = hashlib.sha256()
    for folder in CODE:
        for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.safetensors")]):
            if not path.name.startswith("own_digits"):  # how records are counted and shown does not change them
                code.update(path.read_bytes())
    models_read = [hashlib.sha256(model.read_bytes()).hexdigest() for model in models]
    return {"models": models_read, "seed": seed, "split": split, "code": code.hexdigest()}


class RecordsFile:
    """Records of a measurement in a file; without a path, nothing is kept."""

    def __init__(self, path: Path | None, about: dict[str, Any]) -> None:
        self.path = path
        self.known: dict[Key, list[Record]] = {}
        if path is None:
            return
        if path.exists():
            head, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
            if not head.strip() or json.loads(head) != about:
                raise SystemExit(f"{path}: these are records of other models, pictures or code. Try another file, or delete it")
            whole = [line for line in lines if line.endswith("\n")]  # the last one may have been cut off
            for line in whole:
                records = [_record(each) for each in json.loads(line)]
                self.known[records[0].what, records[0].index] = records
            path.write_text(head + "".join(whole), encoding="utf-8")
        else:
            path.write_text(json.dumps(about) + "\n", encoding="utf-8")

    def missing(self, tasks: Sequence[Task]) -> list[Task]:
        """Return the tasks without records."""
        return [task for task in tasks if (task.what, task.index) not in self.known]

    def completed(self, tasks: Sequence[Task], new: Iterator[list[Record]]) -> list[Record]:
        """Return the records of all tasks; those that are new are appended to the file one by one."""
        for records in new:
            self.known[records[0].what, records[0].index] = records
            if self.path:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([asdict(each) for each in records]) + "\n")
        return [record for task in tasks for record in self.known[task.what, task.index]]


def _record(values: dict[str, Any]) -> Record:
    return Record(**{**values, "kinds": tuple(values["kinds"])})
