"""Training session: a training from a state to its end, as a stream of records; each step is logged before it is yielded."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from handmade.cluster.address import ClusterError
from handmade.data import prepare_for
from handmade.engine.errors import HandmadeError
from handmade.engine.evaluation import Evaluation, evaluate
from handmade.engine.network import Network
from handmade.engine.printable import Printable
from handmade.engine.training import Diverged, Step
from handmade.engine.training.monitor import TrainingMonitor
from handmade.engine.training.state import TrainingState
from handmade.engine.training.stopping import Best
from handmade.files.tensorboard import Board
from handmade.network import Network as SavedNetwork
from handmade.runs.backends import use_backend
from handmade.runs.cost import Estimate
from handmade.runs.job import Job
from handmade.runs.machines import Machines, machines, total_seconds
from handmade.runs.parts import make_loss
from handmade.runs.progress import Progress
from handmade.runs.record import RunWriter, read_log
from handmade.runs.result import numbers_of, result_of

PROGRESS = "handmade.html.progress"  # imported by its name: views import runs
RECENT = 100  # steps whose mean loss is the training loss in the result


class TrainingSession(Printable):
    """Training from a state; iterating over it trains, and yields a `Progress` after each step.

    It can be iterated over once. A session that ends early, by `break` or Ctrl-C, writes a checkpoint, and
    `handmade.runs.resume` continues from there. As a context manager, it locks its folder when the block begins.

    Parameters
    ----------
    job : Job
        Data, network and settings.
    writer : RunWriter
        Writer of the record.
    state : TrainingState
        State at the beginning of the session.
    estimate : Estimate, optional
        Cost of the run, if its gradient is by definition.
    left_out : sequence of str
        Descriptions of damaged checkpoints that were skipped.
    seconds : float
        Duration of earlier sessions.
    remarks : sequence of str
        Remarks to show before the training begins: for example, a slower backend, or a change of the backend.

    Attributes
    ----------
    job, estimate, left_out, remarks
        Arguments as given.
    result : dict or None
        Result of the run as in run.json, after the end of the session.
    evaluation : Evaluation or None
        Evaluation of the last network on the test set, after the end of the session.
    images_per_second : float
        Speed of the session, after its end.
    """

    def __init__(
        self,
        job: Job,
        writer: RunWriter,
        state: TrainingState,
        *,
        estimate: Estimate | None = None,
        left_out: tuple[str, ...] = (),
        seconds: float = 0.0,
        remarks: tuple[str, ...] = (),
    ) -> None:
        self.job, self.estimate, self.left_out, self.remarks = job, estimate, left_out, remarks
        self.result: dict[str, Any] | None = None
        self.evaluation: Evaluation | None = None
        self.images_per_second = 0.0
        self._writer, self._state, self._seconds_before = writer, state, seconds
        self._checkpoint, self._prepare = job.checkpoint(writer.folder), prepare_for(job.network)
        self._machines = Machines(None)
        self._remarks_now: list[str] = []
        self._cluster_seconds: dict[str, float] = {}
        self._board: Board | None = None
        self._losses: deque[float] = deque(maxlen=RECENT)
        self._images = 0  # in this session
        self._monitor = TrainingMonitor(make_loss(job.settings))
        self._noticed = {notice.get("kind") for notice in writer.notices}
        self._resources: ExitStack | None = None
        self._began: float | None = None
        self._stopping = False

    def _summary(self) -> str:
        return f"{self.folder}, {self.steps:,} of {self.job.total:,} steps"

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        return self._writer.folder

    @property
    def steps(self) -> int:
        """Number of finished steps, including those of earlier sessions."""
        return self._state.steps

    @property
    def has_begun(self) -> bool:
        """True once the folder holds a run that can be resumed."""
        return self._began is not None

    @property
    def network(self) -> Network:
        """Current network, with averaged weights if there is a moving average."""
        return self._state.smoothed(self.job.ema)

    @property
    def _seconds(self) -> float:
        return self._seconds_before + self._seconds_here

    @property
    def _seconds_here(self) -> float:
        return 0.0 if self._began is None else time.perf_counter() - self._began

    def stop(self) -> None:
        """End the session after the current step, with a checkpoint and a result. Another thread may call this."""
        self._stopping = True

    def leave_out(self, seconds: float) -> None:
        """Leave a pause out of the time of the run."""
        if self._began is not None:
            self._began += seconds

    def save(self) -> dict[str, Any]:
        """Write a checkpoint and the model between two steps; return the result of an interruption here, which is not written."""
        self._save()
        return self._result("interrupted")

    def finish(self) -> dict[str, Any]:
        """Train to the end and return the result. In a notebook, a line shows the progress."""
        for _ in import_module(PROGRESS).show_progress(self):
            pass
        assert self.result is not None
        return self.result

    def __enter__(self) -> Self:
        if self._began is not None:
            raise HandmadeError(f"{self.folder}: expected a new session, got one that has ended. Try handmade.runs.resume")
        with ExitStack() as stack:
            self._machines = stack.enter_context(machines(self.job.settings, self._remarks_now.append))  # before the folder
            self.remarks += self._machines.remarks
            self._training = stack.enter_context(
                closing(self.job.train(self._state, self._machines.here, self._machines.for_gradients))
            )
            stack.enter_context(self._writer)
            lines = read_log(self.folder)
            self._losses.extend(line["loss"] for line in lines[-RECENT:])
            self._cluster_seconds = total_seconds(lines)
            self._save_best(self._state.best)
            self._board = stack.enter_context(self._new_board())
            self._resources = stack.pop_all()
        self._began = self._saved = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._resources is not None
        resources, self._resources = self._resources, None
        endings = KeyboardInterrupt | GeneratorExit | ClusterError  # without a step that was begun and can be repeated
        left_early = self.result is None and (error is None or isinstance(error, endings))
        try:
            if left_early:
                if not self._stopping:  # an interrupt while stopping ends at once
                    self._save()
                self._writer.result({"status": "interrupted"})
        finally:
            resources.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[Progress]:
        with self if self._resources is None else nullcontext():
            yield from self._steps()

    def _new_board(self) -> AbstractContextManager[Board | None]:
        if not self.job.settings.tensorboard:
            return nullcontext()
        return Board(self.folder, self.job.record, after=self._state.steps)

    def _steps(self) -> Iterator[Progress]:
        if self.result is not None:
            return
        status = "finished"
        try:
            while (step := self._next_step()) is not None:
                yield self._record(step)
                if step.stopped or step.number == step.steps:
                    continue  # the training ends here
                if self._stopping or self._is_late():
                    status = "interrupted" if self._stopping else "out of time"
                    break
        except Diverged as error:
            _write(error.network, self._writer.model)
            self._writer.result({"status": "diverged", "step": error.number})
            raise HandmadeError(f"{error}; the last good model is in {self._writer.model}") from error
        if status != "finished":
            self._save()
        self.result = self._final_result(status)

    def _next_step(self) -> Step | None:
        with use_backend(self.job.settings.backend):  # only for the step: the caller may use another backend
            return next(self._training, None)

    def _is_late(self) -> bool:
        limit = self.job.settings.time_limit
        return limit is not None and self._seconds_here >= 60 * limit

    def _record(self, step: Step) -> Progress:
        """Log one step, and write a checkpoint if one is due."""
        numbers, seconds = numbers_of(step) | (spent := self._machines.seconds()), self._seconds
        self._cluster_seconds |= {name: self._cluster_seconds.get(name, 0.0) + each for name, each in spent.items()}
        self._writer.log(step=step.number, **numbers, seconds=round(seconds, 3))
        self._state = step.state  # after the log: a checkpoint must not count a step that is not logged
        self._losses.append(step.loss)
        self._images += step.images
        if self._board:
            self._board.log(step.number, **numbers)
        notices = tuple(notice for notice in self._monitor.observe(step) if notice.kind not in self._noticed)
        for notice in notices:
            self._writer.note(asdict(notice))
            if self._board:
                self._board.note(notice.step, str(notice))
        if step.validation is not None and step.state.best is not None and step.state.best.validations_since == 0:
            self._save_best(step.state.best)
        due = time.perf_counter() - self._saved >= self.job.settings.checkpoint_every
        remarks = tuple(self._remarks_now)
        self._remarks_now.clear()
        return Progress(step, notices, self._save() if due else None, seconds, remarks)

    def _save(self) -> Path:
        """Write a checkpoint and the current model."""
        self._writer.sync_log()
        path: Path = self._checkpoint(self._state, seconds=self._seconds)
        _write(self.network, self._writer.model)
        self._saved = time.perf_counter()
        return path

    def _save_best(self, best: Best | None) -> None:
        """Write the best network so far to best.safetensors; remove that file if there is none."""
        if best is None:
            self._writer.best.unlink(missing_ok=True)
        else:
            _write(best.network, self._writer.best)

    def _final_result(self, status: str) -> dict[str, Any]:
        """Save and evaluate the last network, evaluate the best one, and write the result."""
        _write(self.network, self._writer.model)
        result = self._result(status)
        self._writer.result(result)
        return result

    def _result(self, status: str) -> dict[str, Any]:
        seconds, best = self._seconds, self._state.best
        self.images_per_second = self._images / max(seconds - self._seconds_before, 1e-3)
        self.evaluation = self._evaluated(self.network)
        return result_of(
            self.job,
            self._state,
            self._writer,
            status=status,
            seconds=seconds,
            losses=self._losses,
            cluster_seconds=self._cluster_seconds,
            last=self.evaluation,
            best=None if best is None else self._evaluated(best.network),
        )

    def _evaluated(self, network: Network) -> Evaluation:
        test = self.job.data.test
        with use_backend(self.job.settings.backend):
            return evaluate(network, test.images, test.labels, self._prepare, self._machines.here)


def _write(network: Network, path: Path) -> None:
    assert isinstance(network, SavedNetwork)  # training keeps the class of the network
    network.save(path)
