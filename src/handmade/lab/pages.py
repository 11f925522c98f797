"""Pages: what the server keeps for each page that is open, and when it forgets one.

A page holds a network with its edits, an image, and the tape of that image. All of it can be made again from the page's own
state. So a page that was silent for a minute is forgotten, and the one that was silent longest gives way to a new one too many.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

import anyio
import numpy as np

from handmade.data.prepared import raw_shape
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network
from handmade.engine.receipts.work import Work
from handmade.lab import images
from handmade.lab.accuracy import Results
from handmade.lab.catalogue import Catalogue, Opened
from handmade.lab.edits import edited
from handmade.lab.errors import no_page, no_training
from handmade.lab.events import Events
from handmade.lab.images import RawImage
from handmade.lab.maps import Clock, image_maps
from handmade.lab.schemas import Edit
from handmade.lab.structure import classes_of, info, prepared
from handmade.lab.training import Trainings

MOST_PAGES = 64
SILENT = 60.0  # seconds without a request or a stream of events
MOST_RECEIPTS = 200  # that are remembered for one image


class Page:
    """A page: a network with its edits, an image and its tape, and its trainings.

    Attributes
    ----------
    lock : anyio.Lock
        Held by a request that reads or changes the page.
    version : int
        Number of changes of the network so far.
    listeners : int
        Number of streams of events that are open.
    events : Events
        News of the trainings.
    trainings : Trainings or None
        Trainings of the page, once there are some.
    results : tuple or None
        Results of a network on the first test images, with that network.
    """

    def __init__(self, name: str, catalogue: Catalogue, opened: Opened) -> None:
        self.name, self.catalogue = name, catalogue
        self.lock = anyio.Lock()
        self.version, self.listeners = 0, 0
        self.seen = time.monotonic()
        self.events = Events()
        self.trainings: Trainings | None = None
        self.closed = False
        self.image: RawImage | None = None
        self.label: int | None = None
        self._works: dict[int | None, Work] = {}
        self._activations: dict[str, Array] | None = None
        self._finite: str | None = None
        self.results: tuple[Network, Results] | None = None
        self.show_network(opened)

    @property
    def network(self) -> Network:
        """The network with its edits, in layers of the engine: for thousands of images, and for trainings."""
        return self._standard

    @property
    def info(self) -> dict[str, Any]:
        """The network as plain data."""
        return info(self.opened, self.catalogue.data)

    def show_network(self, opened: Opened) -> None:
        """Take another network, without edits; the image stays if it fits, else the first one takes its place."""
        self.opened, self.edits = opened, list[Edit]()
        self._network = opened.network
        self._standard = self._network.standard()
        self.version += 1
        if not self._still_fits():
            self.image = self.label = None
        self._forget()

    def _still_fits(self) -> bool:
        network = self.opened.network
        fits = self.image is not None and raw_shape(network) == self.image.pixels.shape
        return fits and (self.label is None or self.label < classes_of(network))

    def show_image(self, image: RawImage, label: int | None) -> None:
        """Take another image; `label` goes before its own class."""
        label = self._checked(image.label if label is None else label)
        self.image, self.label = image, label
        self._forget()

    def edit(self, edits: Sequence[Edit], label: int | None = None) -> None:
        """Take the network of the source with these edits in the place of all edits before."""
        network = edited(self.opened.network, edits)
        label = self.label if label is None else self._checked(label)
        self._network, self._standard = network, network.standard()
        self.edits, self.label = list(edits), label
        self.version += 1
        self._forget()

    def training(self, *, make: bool = False) -> Trainings:
        """Return the trainings of the page; call this in the event loop.

        Raises
        ------
        LabError
            If there are none, unless they are to be made; or if the page is closed.
        """
        if self.closed:
            raise no_page()
        if self.trainings is None:
            if not make:
                raise no_training()
            self.trainings = Trainings(self.catalogue, self.events)
        return self.trainings

    def work(self, label: int | None = None) -> Work:
        """Return the network at work on the image, for a label or that of the page.

        Raises
        ------
        HandmadeError
            If the label does not fit, or the network reads no images.
        """
        shown = self.shown  # which sets the label of the page
        label = self.label if label is None else self._checked(label)
        work = self._works.get(label)
        if work is None or len(work.known) > MOST_RECEIPTS:
            work = self._works[label] = Work(self._network, self._tape(shown), label, CrossEntropy(), 10)
        return work

    def checked_work(self, label: int | None = None) -> Work:
        """Return the same; raise HandmadeError if an activation is not finite."""
        work = self.work(label)
        if self._finite is None:
            self._finite = _not_finite(work)
        return _checked(work, self._finite)

    def checked_work_of(self, network: Network, label: int | None = None) -> Work:
        """Return the same for another network: that of a training."""
        work = self.work_of(network, label)
        return _checked(work, _not_finite(work))

    def image_frame(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Return the arrays of the image and its activations, and the facts about them."""
        clock = Clock()
        arrays, meta = image_maps(self.shown, self.work(), classes_of(self._network))
        return arrays, meta | {"version": self.version, "seconds": clock.seconds}

    def frame_of(self, network: Network) -> tuple[dict[str, Array], dict[str, Any]]:
        """Return the same for another network: that of a training."""
        return image_maps(self.shown, self.work_of(network), classes_of(network))

    def work_of(self, network: Network, label: int | None = None) -> Work:
        """Return another network at work on the image: that of a training."""
        shown, classes = self.shown, classes_of(network)
        if raw_shape(network) != shown.pixels.shape:
            raise HandmadeError(f"image: expected one of {raw_shape(network)} for this training; got {shown.pixels.shape}")
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is sent as it is
            tape = network.tape(prepared(network, shown.pixels)[None])
        label = self.label if label is None else label
        return Work(network, tape, label if label is None or label < classes else None, CrossEntropy(), 10)

    @property
    def shown(self) -> RawImage:
        """The image; the first one until another is chosen."""
        if self.image is None:
            self.image = images.first_image(self._network, self.catalogue.data)
            self.label = self.image.label if self.label is None else self.label
        return self.image

    def close(self) -> None:
        """Stop the trainings, and free the memory."""
        self.closed, self.results = True, None
        self.events.close()
        trainings, self.trainings = self.trainings, None
        if trainings is not None:
            trainings.close()
        self._forget()

    def _checked(self, label: int | None) -> int | None:
        classes = classes_of(self.opened.network)
        if label is not None and not 0 <= label < classes:
            expected = f"a class from 0 to {classes - 1}" if classes else "none: this network has no logits"
            raise HandmadeError(f"label: expected {expected}; got {label}")
        return label

    def _tape(self, shown: RawImage) -> dict[str, Array]:
        if self._activations is None:
            x = prepared(self._network, shown.pixels)[None]
            with np.errstate(over="ignore", invalid="ignore"):  # an overflow is sent as it is
                self._activations = self._network.tape(x)
        return self._activations

    def _forget(self) -> None:
        """Drop the tape and everything computed from it."""
        self._works, self._activations, self._finite = {}, None, None


def _not_finite(work: Work) -> str:
    """Return the title of the first node with an activation that is not finite; "" if there is none."""
    titles = work.network.titles
    return next((titles.get(name, name) for name, a in work.tape.items() if not np.isfinite(a).all()), "")


def _checked(work: Work, not_finite: str) -> Work:
    if not_finite:
        raise HandmadeError(f"receipt: expected finite numbers; {not_finite} holds NaN or infinity. Try smaller weights")
    return work


class Pages:
    """Open pages by name.

    Parameters
    ----------
    catalogue : Catalogue
    clock : callable
        Return the time in seconds.
    """

    def __init__(self, catalogue: Catalogue, clock: Callable[[], float] = time.monotonic) -> None:
        self.catalogue, self._clock = catalogue, clock
        self._pages: dict[str, Page] = {}

    def __len__(self) -> int:
        return len(self._pages)

    def add(self, page: Page) -> None:
        """Keep a page; the one that was silent for the longest time gives way if there are too many."""
        page.seen = self._clock()
        self._pages[page.name] = page
        while len(self._pages) > MOST_PAGES:
            self.close(min(self._pages.values(), key=lambda each: each.seen).name)

    def get(self, name: str) -> Page:
        """Return a page, which is now heard of; raise LabError if it is not open."""
        page = self._pages.get(name)
        if page is None:
            raise no_page()
        page.seen = self._clock()
        return page

    def close(self, name: str) -> bool:
        """Forget a page; return True if it was open."""
        page = self._pages.pop(name, None)
        if page is not None:
            page.close()
        return page is not None

    def sweep(self) -> None:
        """Forget all pages that were silent for too long."""
        now = self._clock()
        for name, page in list(self._pages.items()):
            if not page.listeners and now - page.seen > SILENT:
                self.close(name)

    def close_all(self) -> list[Trainings]:
        """Forget all pages; return their trainings, which end after their step."""
        trainings = [page.trainings for page in self._pages.values() if page.trainings is not None]
        for name in list(self._pages):
            self.close(name)
        return trainings


def new_name() -> str:
    """Return a name for a page that nobody can guess."""
    return secrets.token_urlsafe(12)
