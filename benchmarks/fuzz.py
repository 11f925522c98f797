"""Coverage-guided fuzzing of the readers of files: random changes of good files, and more of those that reach new lines.

    python benchmarks/fuzz.py safetensors --seconds 600
    python benchmarks/fuzz.py state-dict --seconds 60
    python benchmarks/fuzz.py onnx --seconds 600

A finding is any exception but a HandmadeError, a message of several lines, a run of more than 5 seconds, or memory beyond
20 MB and ten times the file. Findings are written to the folder `fuzz`, and belong into the tests as cases.
"""

import argparse
import contextlib
import json
import math
import random
import struct
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from safetensors.numpy import save

import handmade
from handmade.engine.errors import HandmadeError
from handmade.files.tensors import loads

SLOW, MEMORY = 5.0, 20 * 2**20  # seconds, bytes
STRUCTURED = 0.9  # share of ONNX models whose fields are changed; of the others, bytes are
INTERESTING = [
    b"\0",
    b"\xff",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b"0",
    b"-1",
    b"1e9",
    b"true",
    b"null",
    b"\\u0000",
    b"\\ud800",
]
NUMBERS = [0, 1, 127, 128, 255, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1]


def safetensors(content: bytes) -> None:
    """Read a file in memory."""
    loads(content).arrays()


def state_dict(content: bytes) -> None:
    """Read weights of PyTorch."""
    from handmade.files.pytorch import from_state_dict, read  # noqa: PLC0415

    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        file.write(content)
        file.flush()
        from_state_dict(SMALL, read(file.name))


def onnx(content: bytes) -> None:
    """Read an ONNX model and compute with it."""
    from handmade.importing.models import read_onnx  # noqa: PLC0415

    network = read_onnx(content, preparation="x").network
    if sum(map(math.prod, network.shape_of.values())) < 2**18:  # numbers of one image: more take long, as asked
        with np.errstate(all="ignore"):
            network.outputs(np.zeros((1, *network.input_shape), np.float32))


SMALL = handmade.Network(
    [
        handmade.Conv2d.init(0, 1, 2, 2),
        handmade.BatchNorm2d.init(0, 2),
        handmade.MaxPool2d(2),
        handmade.Flatten(),
        handmade.Linear.init(0, 2, 2),
    ],
    (3, 3, 1),
)


def seeds(target: str) -> list[bytes]:
    """Return good files."""
    from handmade.files.pytorch import to_state_dict  # noqa: PLC0415

    if target == "onnx":
        from handmade.files.onnx import to_model  # noqa: PLC0415
        from onnx_graphs import random_model  # noqa: PLC0415  needs the package onnx

        made = [to_model(SMALL, opset=opset) for opset in (17, 20)]
        return [each.SerializeToString() for each in (*made, *map(random_model, range(24)))]
    if target == "state-dict":
        return [save(to_state_dict(SMALL), metadata={"format": "pt"})]
    header = json.dumps({"a": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}).encode()
    return [
        save({"a": np.ones((2, 3), np.float32), "b": np.zeros((0, 4), np.int64), "c": np.ones((), bool)}, metadata={"é": '"\\'}),
        save({}),
        struct.pack("<Q", len(header)) + header + b"\0",
    ]


def changed(content: bytes, corpus: list[bytes], rng: random.Random) -> bytes:
    """Return a file with a few random changes."""
    found = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        place = rng.randrange(len(found) + 1)
        match rng.randrange(8):
            case 0 if found:
                found[place % len(found)] ^= 1 << rng.randrange(8)
            case 1 if found:
                found[place % len(found)] = rng.randrange(256)
            case 2:
                found[place:place] = rng.choice(INTERESTING)
            case 3:
                del found[place : place + rng.choice((1, 2, 8, 64))]
            case 4:
                part = found[place : place + rng.choice((1, 8, 64))]
                found[place:place] = part * rng.choice((1, 2, 50))
            case 5:
                other = rng.choice(corpus)
                start = rng.randrange(len(other) + 1)
                found[place : place + 16] = other[start : start + 16]
            case 6:
                found[place:place] = str(rng.choice(NUMBERS)).encode()
            case _:
                found[place : place + 8] = struct.pack("<Q", rng.choice(NUMBERS))
    if rng.random() < 0.5 and len(found) > 8:  # a header of the right length, so that what stands in it is read
        end = found.rfind(b"}", 8)
        found[:8] = struct.pack("<Q", max(0, end - 7))
    return bytes(found[:100_000])


def altered(content: bytes, rng: random.Random) -> bytes:
    """Return an ONNX model with some of its fields changed: numbers, names, operators, and parts left out or repeated."""
    import onnx  # noqa: PLC0415

    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception:  # noqa: BLE001  a damaged file in the corpus
        return content
    names = [name for node in model.graph.node for name in (*node.input, *node.output)] or [""]
    for _ in range(rng.choice((1, 1, 2, 3))):
        message: Any = model
        while True:
            fields = [
                (entry, value) for entry, value in message.ListFields() if entry.name not in {"doc_string", "metadata_props"}
            ]
            if not fields:
                break
            entry, held = rng.choice(fields)
            several = not isinstance(held, str | bytes | int | float) and not hasattr(held, "ListFields")
            if entry.type == entry.TYPE_MESSAGE and rng.random() < 0.9:  # go into it
                message = rng.choice(held) if several else held
                continue
            _alter(message, entry.name, held, names, rng, several=several)
            break
    found: bytes = model.SerializeToString()
    return found


def _alter(message: Any, name: str, held: Any, names: list[str], rng: random.Random, *, several: bool) -> None:
    """Change one field of a message."""
    if several:
        place = rng.randrange(len(held))
        match rng.randrange(3):
            case 0:
                del held[place]
            case 1:
                held.extend([held[place]] * rng.choice((1, 2, 40)))
            case _ if not hasattr(held[place], "ListFields"):
                held[place] = _other(held[place], names, rng)
    elif hasattr(held, "ListFields"):
        message.ClearField(name)
    else:
        value = _other(held, names, rng)
        with contextlib.suppress(ValueError):  # a number that an enumeration has not
            setattr(message, name, value)


def _other(value: Any, names: list[str], rng: random.Random) -> Any:
    """Return another value of the same type."""
    if isinstance(value, str):
        from handmade.files.onnx.operators import TABLE  # noqa: PLC0415

        return rng.choice([rng.choice(names), rng.choice(list(TABLE)), "", "axis"])
    if isinstance(value, bytes):
        data = bytearray(value)
        for _ in range(min(len(data), 3)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 127, 128, 255))
        return bytes(data)
    if isinstance(value, float):
        return rng.choice((0.0, -1.0, 0.5, 1e38, -1e38, float("nan"), float("inf")))
    return rng.choice((0, 1, 2, 3, 7, -1, -2, value + 1, 100, 65_536, 2**31 - 1))


class Coverage:
    """Lines of handmade that a call reaches."""

    def __init__(self) -> None:
        self.root = str(Path(handmade.__file__).parent / "files")
        self.lines: set[tuple[str, int]] = set()

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Note a line."""
        if event == "call" and not frame.f_code.co_filename.startswith(self.root):
            return None
        self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self.trace


def problem(target: Callable[[bytes], None], content: bytes, coverage: Coverage) -> str:
    """Return a finding in words; empty if the file was read or refused as it should be."""
    begun = time.monotonic()
    tracemalloc.start()
    sys.settrace(coverage.trace)
    found = ""
    try:
        target(content)
    except HandmadeError as error:
        found = f"several lines: {error}" if "\n" in str(error) else ""
    except Exception as error:  # noqa: BLE001  this is what it looks for
        found = f"{type(error).__name__}: {error}"
    finally:
        sys.settrace(None)
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if memory > MEMORY + 10 * len(content):
        found = found or f"memory: {memory:,} bytes for a file of {len(content):,}"
    if time.monotonic() - begun > SLOW:
        found = found or f"time: {time.monotonic() - begun:.1f} seconds"
    return found


def main() -> None:
    """Fuzz one reader; exit code 1 if there are findings."""
    targets = {"safetensors": safetensors, "state-dict": state_dict, "onnx": onnx}
    parser = argparse.ArgumentParser(description="Fuzz a reader of files.")
    parser.add_argument("target", choices=targets)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng, coverage, corpus = random.Random(given.seed), Coverage(), seeds(given.target)  # noqa: S311  no secret
    end, tries, findings = time.monotonic() + given.seconds, 0, dict[str, bytes]()
    for content in corpus:
        with contextlib.suppress(HandmadeError):
            targets[given.target](content)  # so that libraries are loaded before memory is measured
        assert not problem(targets[given.target], content, coverage)
    while time.monotonic() < end:
        content, before = rng.choice(corpus), len(coverage.lines)
        by_field = given.target == "onnx" and rng.random() < STRUCTURED
        content = altered(content, rng) if by_field else changed(content, corpus, rng)
        found = problem(targets[given.target], content, coverage)
        tries += 1
        if found and found[:60] not in findings:
            findings[found[:60]] = content
            print(f"{found:.200}")
        if len(coverage.lines) > before:
            corpus.append(content)
    print(
        f"{given.target}: {tries:,} files, {len(corpus):,} in the corpus, {len(coverage.lines):,} lines, {len(findings)} findings"
    )
    folder = Path("fuzz")
    for number, content in enumerate(findings.values()):
        folder.mkdir(exist_ok=True)
        (folder / f"{given.target}-{number}").write_bytes(content)
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
