"""End of a training: its result, and the next commands."""

import shlex
from typing import TYPE_CHECKING

from rich.text import Text

from handmade.cli.console import news
from handmade.cli.program import program
from handmade.text.training_session import layout

if TYPE_CHECKING:
    from handmade.runs import TrainingSession


def resume_command(session: "TrainingSession") -> str:
    """Return the command that resumes a run."""
    own = session.job.own
    mine = "" if own is None else f" --mine {shlex.quote(str(own.folder))}"
    return f"{program()} train --resume {shlex.quote(str(session.folder))}{mine}"


def tell(session: "TrainingSession") -> None:
    """Print the result of a training, its files and the next commands."""
    result = session.result
    assert result is not None
    news.print(Text(), *layout(session), sep="\n")
    run = shlex.quote(result["run"])
    if result["status"] != "finished":
        news.print(f"Resume: {resume_command(session)}", markup=False)
    news.print(f"Next:   {program()} evaluate {run}", markup=False)
