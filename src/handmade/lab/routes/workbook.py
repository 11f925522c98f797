"""Routes of the workbook: steps, the student's file, verdicts, hints. They exist where the lab has a workbook."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Query

from handmade.lab import workbook_schemas as schemas
from handmade.lab.exercises import Exercises
from handmade.lab.routes.common import LabState, Plain

router = APIRouter(tags=["workbook"], prefix="/workbook")

Step = Annotated[str, Path(max_length=60)]
Language = Annotated[schemas.Language, Query()]
ACTIONS = {
    "open": Exercises.open,
    "check": Exercises.check,
    "hint": Exercises.hint,
    "reset": Exercises.reset,
    "give-up": Exercises.give_up,
}


@router.get("/steps", response_model=schemas.StepsAnswer)
async def steps(lab: LabState, language: Language = "en") -> Plain:
    """Send the list of steps."""
    return Plain(await lab.exercise(lab.exercises.steps, language))


@router.get("/steps/{step}/stamp", response_model=schemas.Stamps)
async def stamp(step: Step, lab: LabState) -> Plain:
    """Send texts that change when a file is saved; they do not wait for a verdict."""
    return Plain(await to_thread.run_sync(lab.exercises.stamp, step))


@router.get("/steps/{step}", response_model=schemas.StepAnswer)
async def show(step: Step, lab: LabState, language: Language = "en") -> Plain:
    """Send everything about a step; nothing is run or written."""
    return Plain(await lab.exercise(lab.exercises.step, step, language))


@router.put("/steps/{step}", response_model=schemas.StepAnswer)
async def save(step: Step, body: schemas.SavedText, lab: LabState, language: Language = "en") -> Plain:
    """Write the student's file, and grade it."""

    def work() -> object:
        return lab.exercises.save(step, body.text, body.base, language, replace=body.replace)

    return Plain(await lab.exercise(work))


@router.post("/steps/{step}/{action}", response_model=schemas.StepAnswer)
async def act(step: Step, action: schemas.Action, lab: LabState, language: Language = "en") -> Plain:
    """Open a step, grade its file, give a hint, reset the file, or show the solution."""
    return Plain(await lab.exercise(ACTIONS[action], lab.exercises, step, language))
