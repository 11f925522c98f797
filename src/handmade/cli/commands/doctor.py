"""`handmade doctor`: the computer, advice to make it faster, and a second of real work."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from handmade.cli.commands.options import Json

if TYPE_CHECKING:
    from rich.table import Table

    from handmade.doctor.machine import Loops, Machine
    from handmade.doctor.self_test import Speed, Verdict


def doctor(*, json: Json = False) -> None:
    """Test that handmade computes correctly and fast on this computer."""
    from handmade.cli.console import print_json, results
    from handmade.doctor import advice, machine, self_test
    from handmade.engine.errors import HandmadeError
    from handmade.runs.backends import use_light_backend

    examined = machine.examine()
    advised = advice.advice(examined)
    with use_light_backend():
        verdicts = self_test.check()
        blas, speeds = self_test.measure()
    if json:
        print_json(
            {
                "machine": asdict(examined),
                "advice": advised,
                "verdicts": [asdict(verdict) | {"right": verdict.right} for verdict in verdicts],
                "blas_operations_a_second": blas,
                "speeds": [asdict(speed) | {"usual": speed.usual} for speed in speeds],
            }
        )
    else:
        results.print(_table(examined))
        for line in (*map(_verdict, verdicts), *(_speed(speed, blas) for speed in speeds)):
            results.print(line)
        results.print()
        for sentence in advised or ("Nothing to change: the BLAS uses all instruction sets of this processor.",):
            results.print(f"Advice: {sentence}" if advised else sentence, markup=False)
    wrong = [verdict.name for verdict in verdicts if not verdict.right]
    if wrong:
        raise HandmadeError(f"wrong on this machine: {', '.join(wrong)}. Try another version of NumPy, and please report it")


def _table(machine: "Machine") -> "Table":
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _rows(machine).items():
        table.add_row(name, value)
    return table


def _rows(machine: "Machine") -> dict[str, str]:
    from rich.markup import escape

    from handmade.doctor.machine import EXTRAS
    from handmade.engine.backend import BACKENDS
    from handmade.engine.extras import install_command

    blas = machine.blas
    unnamed = "unknown"
    bound = f"{machine.present} in the machine, {machine.bound} for this process; handmade uses {machine.granted}"
    libraries = [
        f"{name} {found}" if found else f"{name} absent ({escape(install_command(EXTRAS[name]))})"
        for name, found in machine.libraries.items()
    ]
    return {
        "handmade": machine.handmade,
        "system": machine.system,
        "processor": f"{machine.processor}, {' '.join(machine.instructions) or 'no instruction sets that NumPy uses'}",
        "cores": bound,
        "Python": machine.python,
        "NumPy": machine.numpy,
        "BLAS": f"{blas.name} {blas.version}, {blas.architecture} kernels, {blas.threads} threads" if blas else unnamed,
        "variables": ", ".join(f"{name}={value}" for name, value in machine.variables.items()) or "none that change the speed",
        "libraries": ", ".join(libraries),
        "backend": f"{machine.backend}; available: {', '.join(BACKENDS)}",
        "compiled": escape(_loops(machine.loops)),
    }


def _loops(loops: "Loops") -> str:
    """Describe the compiled loops, or the reason why they cannot be used."""
    if loops.unusable is not None:
        return loops.unusable
    kept = f"machine code in {loops.folder}" if loops.folder else "machine code is not kept"
    passed = f" ({loops.trouble})" if loops.trouble else ""
    return f"Numba {loops.numba}, {loops.lanes} numbers in a vector, {kept}{passed}"


def _verdict(verdict: "Verdict") -> str:
    word = "[bold]right[/]" if verdict.right else "[bold reverse]WRONG[/]"
    return f"{word}  {verdict.name}: {verdict.error:.0e} from the nested loops"


def _speed(speed: "Speed", blas: float) -> str:
    low, high = (f"{100 * share:.0f}" for share in speed.expected)
    word = "" if speed.usual else "; slow: other programs may be running"
    return (
        f"{speed.images:,.0f} images/s  {speed.name} gradient, readme network, one core: "
        f"{100 * speed.share:.0f} % of the BLAS's {blas / 1e9:.0f} GFLOP/s, usually {low} to {high} %{word}"
    )
