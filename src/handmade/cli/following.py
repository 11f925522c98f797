"""One sitting of a training: its steps are recorded and shown, its state is kept, and at the end there is a result."""

import math
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from types import FrameType
from typing import Any

import handmade
from handmade import HandmadeError
from handmade.cli.console import news
from handmade.cli.live import Live
from handmade.cli.noticing import told
from handmade.cli.outcome import tell
from handmade.cli.work import Work
from handmade.engine.evaluation import Evaluation, evaluate
from handmade.engine.network import Network
from handmade.engine.training import Diverged, Step
from handmade.engine.training.monitor import Notice, Observer
from handmade.engine.training.state import TrainingState
from handmade.engine.training.stopping import Best, stopped_by
from handmade.files.runs import Run, logged
from handmade.files.tensorboard import Board

RECENT = 100  # steps whose mean is the training loss at the end


class Sitting:
    """A training from a state to its end, or until Ctrl-C or the clock stops it.

    Parameters
    ----------
    work : Work
        What is trained, and on what.
    record : Run
        Where it is written down.
    checkpoint : callable
        Writes a checkpoint when it is given a state and the seconds.
    state : TrainingState
        Where the sitting begins.
    executor : Executor or None
        The workers.
    seconds : float
        What earlier sittings took.
    """

    def __init__(
        self,
        work: Work,
        record: Run,
        checkpoint: Callable[..., Any],
        state: TrainingState,
        executor: Executor | None,
        *,
        seconds: float = 0.0,
    ) -> None:
        self._work, self._record, self._checkpoint, self._executor = work, record, checkpoint, executor
        self._settings, self._prepare = work.settings, work.settings.make_prepare()
        self._state, self._network = state, state.smoothed(work.average)
        self._before = seconds
        self._losses: deque[float] = deque(maxlen=RECENT)
        self._images = 0  # in this sitting
        self._observer, self._noticed = Observer(work.settings.make_loss()), {notice.get("kind") for notice in record.notices}

    def follow(self) -> dict[str, Any]:
        """Go through the steps; at the end, the result."""
        training = self._work.train(self._state, self._executor)
        with self._record as record:
            self._announce()
            self._losses.extend(line["loss"] for line in logged(record.folder)[-RECENT:])
            self._keep_best(self._state.best)
            self._began = self._kept = time.perf_counter()
            status = "finished"
            try:
                with closing(training), _stop_on_interrupt() as stopping, self._live() as live, self._board() as board:
                    for step in training:
                        self._take(step, board)
                        live.show(step)
                        if step.stopped or step.number == step.steps:
                            continue  # it ends by itself
                        if stopping or self._is_late():
                            status = "interrupted" if stopping else "out of time"
                            break
            except Diverged as error:
                _save(error.network, record.model)
                record.result({"status": "diverged", "step": error.number})
                raise HandmadeError(f"{error}; the last good model is in {record.model}") from None
            if status != "finished":
                self._keep()
            return self._end(status)

    def _announce(self) -> None:
        work, settings, threads = self._work, self._settings, self._settings.threads
        if self._before:
            news.print(f"Going on after step {self._state.steps:,}.")
        apart = f", {len(work.validation.images):,} more for validation," if work.validation else ""
        news.print(
            f"Training {Path(settings.network).stem}, {work.network.size:,} weights, on {len(work.training.images):,} images of "
            f"{settings.data}{apart} with {threads} {'core' if threads == 1 else 'cores'}; Ctrl-C stops and saves.\n"
        )

    def _live(self) -> Live:
        settings = self._settings
        return Live(settings.gradient, settings.scheme, settings.step_size, settings.optimiser.replace("-", " "))

    def _board(self) -> AbstractContextManager[Board | None]:
        if not self._settings.tensorboard:
            return nullcontext()
        return Board(self._record.folder, self._work.record, after=self._state.steps)

    @property
    def _seconds(self) -> float:
        return self._before + time.perf_counter() - self._began

    def _is_late(self) -> bool:
        limit = self._settings.time_limit
        return limit is not None and time.perf_counter() - self._began >= 60 * limit

    def _take(self, step: Step, board: Board | None) -> None:
        """Write down one step, and every so often everything that is needed to go on from it."""
        self._state, self._network = step.state, step.smoothed
        self._losses.append(step.loss)
        self._images += step.images
        looked = step.validation
        numbers = {
            "loss": step.loss,
            "accuracy": step.accuracy,
            "learning_rate": step.learning_rate,
            "gradient_norm": step.norm,
            **({} if looked is None else {"validation_accuracy": looked.accuracy, "validation_loss": _plain(looked.loss)}),
        }
        self._record.log(step=step.number, **numbers, seconds=round(self._seconds, 3))
        if board:
            board.log(step.number, **numbers)
        for notice in self._observer.see(step):
            self._note(notice, board)
        if looked is not None and step.state.best is not None and step.state.best.ago == 0:
            self._keep_best(step.state.best)
        if time.perf_counter() - self._kept >= self._settings.checkpoint_every:
            self._keep()

    def _note(self, notice: Notice, board: Board | None) -> None:
        """Say and write down what was noticed, unless an earlier sitting did."""
        if notice.kind in self._noticed:
            return
        news.print(told(notice))
        self._record.note(asdict(notice))
        if board:
            board.note(notice.step, str(notice))

    def _keep(self) -> None:
        """Write a checkpoint, and the model as it is."""
        self._record.sync_log()
        self._checkpoint(self._state, seconds=self._seconds)
        _save(self._network, self._record.model)
        self._kept = time.perf_counter()

    def _keep_best(self, best: Best | None) -> None:
        """Have best.safetensors hold the best network so far, and be gone if there is none."""
        if best is None:
            self._record.best.unlink(missing_ok=True)
        else:
            _save(best.network, self._record.best)

    def _end(self, status: str) -> dict[str, Any]:
        """Save and judge the last network, and the best one beside it."""
        seconds, record, best, settings = self._seconds, self._record, self._state.best, self._settings
        _save(self._network, record.model)
        outcome = self._evaluated(self._network)
        result: dict[str, Any] = {
            "test_accuracy": outcome.accuracy,
            "test_loss": outcome.loss,
            "train_loss": fmean(self._losses) if self._losses else None,
            "seconds": round(seconds, 3),
            "steps": self._state.steps,
            "weights": self._network.size,
            "model": str(record.model),
            "run": str(record.folder),
            "confused_most": [{"true": true, "taken_for": taken, "times": times} for true, taken, times in outcome.mistakes(5)],
            "images": _images_seen(self._state.steps, len(self._work.training.images), settings.batch_size),
            "stopped": stopped_by(best, settings.patience, settings.target) if status == "finished" else None,
            "notices": self._record.notices,
            "status": status,
        }
        if best is not None:
            result["best"] = {
                "step": best.step,
                "validation_accuracy": best.accuracy,
                "validation_loss": _plain(best.loss),
                "test_accuracy": self._evaluated(best.network).accuracy,
                "model": str(record.best),
            }
        record.result(result)
        tell(result, outcome, settings, self._images / max(seconds - self._before, 1e-3))
        return result

    def _evaluated(self, network: Network) -> Evaluation:
        test = self._work.digits.test
        return evaluate(network, test.images, test.labels, self._prepare, self._executor)


@contextmanager
def _stop_on_interrupt() -> Iterator[list[int]]:
    """Note the first Ctrl-C in the list that this gives; the second one is a KeyboardInterrupt as usual."""
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if seen:
            signal.default_int_handler(number, frame)
        seen.append(number)
        news.print("Stopping after this step. Press Ctrl-C again to leave at once, without saving.")

    before = signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def _save(network: Network, path: Path) -> None:
    assert isinstance(network, handmade.Network)  # training keeps the kind of network it was given
    network.save(path)


def _plain(number: float) -> float | None:
    """What JSON can hold: it has no infinity and no NaN."""
    return number if math.isfinite(number) else None


def _images_seen(steps: int, images: int, batch_size: int) -> int:
    """How many images so many steps have gone through: the last batch of an epoch may be smaller."""
    epochs, rest = divmod(steps, -(-images // batch_size))
    return epochs * images + rest * batch_size
