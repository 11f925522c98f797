"""`handmade doctor`: its options."""

from handmade.cli.commands.options import Json


def doctor(*, json: Json = False) -> None:
    """Tell what this machine is, and whether handmade is right and fast on it."""
    from handmade.cli.doctor import run

    run(json=json)
