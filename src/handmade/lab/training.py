"""Trainings of a page: up to two lanes, which one thread trains in turns.

The thread makes one step at a time. Between two steps it does the work of requests, so a request never sees half a step. The
networks of a lane are values: reading one does not wait for the training, and the training does not wait for a reader.
"""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.lab import accuracy
from handmade.lab.catalogue import Catalogue
from handmade.lab.errors import no_page, no_training
from handmade.lab.events import Events, Points
from handmade.lab.folders import Folders
from handmade.lab.lane import Lane
from handmade.lab.plans import Plan, check_cost
from handmade.lab.race import joined, next_turn
from handmade.lab.structure import fits

NICENESS = 5  # of the threads that train: those that answer a page go first
ACTIONS = ("play", "pause", "step", "epoch", "stop")

Result = TypeVar("Result")


class Trainings:
    """Trainings of one page.

    Parameters
    ----------
    catalogue : Catalogue
        For the data, and the folder of the runs.
    events : Events
        Receiver of their news.
    """

    def __init__(self, catalogue: Catalogue, events: Events) -> None:
        self._catalogue, self._events = catalogue, events
        self._lanes: dict[str, Lane] = {}
        self._tasks: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._condition, self._telling = threading.Condition(), threading.RLock()
        self._closed = False
        self._versions = 0
        self._folders: Folders | None = None
        self._folders_lock = threading.Lock()
        self._thread = threading.Thread(target=self._drive, name="training", daemon=True)
        self._thread.start()

    def start(
        self, plans: Mapping[str, Plan], *, paused: bool = False, accepted: bool = False, limit: float | None = None
    ) -> dict[str, dict[str, Any] | None]:
        """Begin a training in each of some lanes, in the place of those that are there; return the known costs.

        Raises
        ------
        HandmadeError
            If settings cannot be used.
        LabError
            If one takes long by the definition, and this was not accepted.
        """
        folders = self._folder()
        lanes, costs = {}, {}
        for name, plan in plans.items():
            session = plan.session(folders.new())
            costs[name] = check_cost(session, accepted=accepted)
            lanes[name] = Lane(name, session, self._validation(session.network), limit=limit, paused=paused)
        for name, old in list(self._lanes.items()):
            if name in lanes:
                old.closing = True  # a long step ends at once
        self._between(partial(self._replace, lanes))
        for name, lane in lanes.items():
            if lane.ended == "failed":
                raise HandmadeError(f"training in lane {name}: {lane.error}")
        return costs

    def act(self, name: str, action: str) -> dict[str, Any]:
        """Play, pause, go on for one step or to the end of the epoch, or stop; return the news of the lane."""
        lane = self.lane(name)
        with self._condition:
            if action not in {"pause", "stop"} and (lane.ended or lane.stopping):
                raise HandmadeError(
                    f"training: expected one that goes on; this one is {lane.ended or 'stopped'}. Start a new one"
                )
            if not lane.runs:
                lane.clock = joined(lane, self._lanes.values())
            done, playing = lane.steps, lane.until == lane.total
            ahead = done if playing else max(done, lane.until)  # steps that were asked for already are made
            until = {
                "play": lane.total,
                "pause": done,
                "step": ahead + 1,
                "epoch": (ahead // lane.steps_an_epoch + 1) * lane.steps_an_epoch,
                "stop": done,
            }
            lane.until = min(until[action], lane.total)
            if action == "stop" and not lane.ended:
                lane.stopping, lane.clock = True, 0.0  # so that its end is the next turn
            self._condition.notify_all()
        return self._tell(lane)

    def lane(self, name: str) -> Lane:
        """Return a lane; raise LabError if nothing was started in it."""
        lane = self._lanes.get(name)
        if lane is None:
            raise no_training()
        return lane

    def network(self, name: str) -> tuple[Network, int, int]:
        """Return the newest network of a lane, its version, and the number of steps that made it."""
        return self.lane(name).newest

    def save(self, name: str, run: str) -> None:
        """Copy a lane as it is to a run on disk."""
        lane, folders = self.lane(name), self._folder()
        folders.target(run)
        self._between(partial(_save, lane, folders, run))

    def show(self, put: Callable[..., object]) -> None:
        """Put the state and the curves of all lanes into a new stream."""
        with self._telling:
            for name, lane in list(self._lanes.items()):
                put(name, lane.news(), lane.points.copy(), None)

    def close(self) -> None:
        """End all of them within a step, and remove their folders; this does not wait."""
        with self._condition:
            self._closed = True
            for lane in self._lanes.values():
                lane.closing = True
            self._condition.notify_all()

    def join(self, seconds: float) -> None:
        """Wait until all has ended, but not for ever."""
        self._thread.join(seconds)

    @property
    def alive(self) -> bool:
        """True until all has ended."""
        return self._thread.is_alive()

    def _folder(self) -> Folders:
        with self._folders_lock:
            if self._closed:
                raise no_page()
            if self._folders is None:
                self._folders = Folders(self._catalogue.runs)
            return self._folders

    def _validation(self, network: Network) -> Callable[[Network], dict[str, Any]] | None:
        data = self._catalogue.data
        if not fits(network, data):
            return None
        return lambda each: accuracy.accuracy(each, data, accuracy.results(each, data, lambda: None))

    def _between(self, work: Callable[[], Result]) -> Result:
        """Return the result of work that the thread does between two steps."""
        future: Future[Result] = Future()
        with self._condition:
            if self._closed:
                raise no_page()
            self._tasks.append((work, future))
            self._condition.notify_all()
        return future.result()

    def _replace(self, lanes: dict[str, Lane]) -> None:
        for name, lane in lanes.items():
            old = self._lanes.pop(name, None)
            if old is not None:
                self._end(old)
            lane.begin(partial(self._tell, lane))
            self._versions += 1
            lane.show(self._versions)
            with self._condition:
                lane.clock = joined(lane, self._lanes.values())
                self._lanes[name] = lane
            with self._telling:
                self._tell(lane, points=lane.points)
        if len(lanes) > 1:  # a race
            for lane in lanes.values():
                lane.clock = 0.0

    def _end(self, lane: Lane) -> None:
        """End a lane for good, and remove its folder."""
        lane.closing = True
        lane.close()
        if self._folders:
            self._folders.remove(lane.session.folder)

    def _drive(self) -> None:
        if sys.platform == "linux":  # elsewhere, niceness belongs to a process
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)  # of this thread and those that it starts
        while True:
            with self._condition:
                while not (self._closed or self._tasks or self._next()):
                    self._condition.wait()
                if self._closed:
                    break
                task = self._tasks.popleft() if self._tasks else None
                lane = self._next()
            if task is not None:
                _answer(*task)
            elif lane is not None:
                self._turn(lane)
        for each in self._lanes.values():
            self._end(each)
        self._lanes.clear()
        for _, future in self._tasks:
            future.set_exception(no_page())
        with self._folders_lock:
            if self._folders:
                self._folders.close()

    def _next(self) -> Lane | None:
        """Return the lane that makes the next step; if none does, one whose results are old."""
        lanes = self._lanes.values()
        return next_turn(lanes) or next((lane for lane in lanes if lane.unsettled), None)

    def _turn(self, lane: Lane) -> None:
        """Let a lane make a step; if it makes none, let it validate its network."""
        before = lane.network
        points = lane.step() if lane.runs else (None, lane.settle())
        if lane.network is not before:
            self._versions += 1
            lane.show(self._versions)
        with self._telling:  # a stream that begins now gets each point once
            lane.points.add(*points)
            self._tell(lane, add=points)

    def _tell(self, lane: Lane, *, points: Points | None = None, add: tuple[Any, Any] | None = None) -> dict[str, Any]:
        """Put the news of a lane into all streams, from any thread: made and put at once, so that no older news comes last."""
        with self._telling:
            news = lane.news()
            self._events.put(lane.name, news, points=points, add=add)
        return news


def _answer(work: Callable[[], Any], future: "Future[Any]") -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001  it is raised where the result is asked for
        future.set_exception(error)


def _save(lane: Lane, folders: Folders, run: str) -> None:
    tests = lane.points.validation if lane.validation.is_test else {}  # a validation stands in the log already
    folders.save(lane.session.folder, run, lane.save(), tests)
