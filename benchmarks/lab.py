"""The lab in a real Chromium: from the hand to the picture, many pages at once, and beside a training.

python benchmarks/lab.py          prints a table of targets and of what was found

Times are taken in the page: from the time stamp of the pointer's event to the moment after the browser has painted what follows.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect, sync_playwright

from handmade.doctor.machine import examine
from lab_browser import LabPage, Server, lab_page, new_context, start_browser
from report import busy

NODES = {"0": (28, 28, 8), "2": (26, 26, 16), "4": (13, 13, 16)}  # of the example: maps that can be pointed at
LAST = "6"  # node that is drawn last
TRAINING = {"network": "readme", "gradient": "difference", "epochs": 50, "seed": 0}
WATCH = """(() => {
  const seen = window.seen = { first: null, receipts: [], drawn: [], moved: 0 };
  const painted = (then) => requestAnimationFrame(() => setTimeout(() => then(performance.now())));
  addEventListener("pointermove", (event) => { seen.moved = event.timeStamp; }, true);
  addEventListener("input", (event) => { seen.moved = event.timeStamp; }, true);
  new MutationObserver((records) => {
    const { moved } = seen;
    if (seen.first === null && document.querySelector("#predicted .answer-name")) painted((now) => { seen.first ??= now; });
    for (const { type, target, addedNodes } of records) {
      if (type === "attributes" && target.dataset.node === "LAST") painted((now) => seen.drawn.push([now, now - moved]));
      if (type === "childList" && [...addedNodes].some((e) => e.querySelector?.("[data-receipt]"))) {
        painted((now) => seen.receipts.push(now - moved));
      }
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["aria-label"] });
  const Native = window.EventSource;
  const sources = [];
  window.EventSource = class extends EventTarget { // one that can be switched off and on
    static OPEN = 1;
    constructor(url) { super(); this.url = url; sources.push(this); this.open(); }
    open() {
      this.native = new Native(this.url);
      for (const type of ["training", "log"]) {
        this.native.addEventListener(type, ({ data }) => this.dispatchEvent(new MessageEvent(type, { data })));
      }
    }
    get readyState() { return this.native.readyState; }
    close() { this.native.close(); }
  };
  window.stream = (on) => sources.forEach((source) => on ? source.open() : source.close());
})()""".replace("LAST", LAST)


@dataclass(frozen=True)
class Found:
    """A row of the table."""

    what: str
    target: str
    found: str
    reached: bool


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def milliseconds(values: list[float]) -> str:
    """Return the median and the 95th percentile."""
    return f"p50 {percentile(values, 0.5):.0f} ms, p95 {percentile(values, 0.95):.0f} ms (n = {len(values)})"


@contextmanager
def watched(browser: Browser, server: Server) -> Iterator[LabPage]:
    """Open a tab that takes times."""
    with lab_page(browser, server) as lab:
        lab.page.add_init_script(WATCH)
        yield lab


def until_more(lab: LabPage, name: str, count: int) -> None:
    """Wait until more than a number of times are there."""
    lab.until(lambda: lab.page.evaluate(f"window.seen.{name}.length") > count, f"another of {name}")


def taken(lab: LabPage, name: str) -> list[Any]:
    """Return times of the page."""
    found: list[Any] = lab.page.evaluate(f"window.seen.{name}")
    return found


def first_picture(browser: Browser, server: Server, rounds: int) -> Found:
    """Measure from opening to the first picture of all maps and the answer, in an empty browser each time."""
    times = []
    for _ in range(rounds):
        with watched(browser, server) as lab:
            lab.open()
            until_more(lab, "receipts", -1)  # the page is there
            lab.page.wait_for_timeout(100)
            times.append(float(lab.page.evaluate("window.seen.first")))
    return Found("first picture after opening", "0.8 s", milliseconds(times), statistics.median(times) <= 800)


def hovers(lab: LabPage, count: int) -> list[float]:
    """Point at numbers of the network, one after the other, and return the times to their receipts."""
    chance = random.Random(0)  # noqa: S311  no secret
    for _ in range(count):
        node, shape = chance.choice(list(NODES.items()))
        canvas, position = lab.point(node, shape, tuple(chance.randrange(n) for n in shape))
        box = canvas.bounding_box()
        assert box is not None
        before = len(taken(lab, "receipts"))
        lab.page.mouse.move(box["x"] + position["x"], box["y"] + position["y"])
        until_more(lab, "receipts", before)
    return [float(each) for each in taken(lab, "receipts")][-count:]


def hover(browser: Browser, server: Server, count: int) -> Found:
    """Measure from the pointer to the receipt."""
    with watched(browser, server) as lab:
        lab.open()
        times = hovers(lab, count)
    return Found("hover to receipt", "40 ms, p95", milliseconds(times), percentile(times, 0.95) <= 40)


def stroke(browser: Browser, server: Server, count: int) -> Found:
    """Measure from a movement of the pen to all maps."""
    with watched(browser, server) as lab:
        lab.open(image=None)
        box = lab["board-canvas"].bounding_box()
        assert box is not None
        mouse = lab.page.mouse
        mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
        mouse.down()
        lab.page.wait_for_timeout(300)
        first = len(taken(lab, "drawn"))
        for n in range(1, count + 1):
            before = len(taken(lab, "drawn"))
            mouse.move(box["x"] + (0.3 + 0.4 * n / count) * box["width"], box["y"] + (0.2 + 0.6 * n / count) * box["height"])
            until_more(lab, "drawn", before)
        mouse.up()
        times = [float(each) for _, each in taken(lab, "drawn")[first:]]
    return Found("stroke to all maps", "60 ms", milliseconds(times), percentile(times, 0.95) <= 60)


def nudge(browser: Browser, server: Server, seconds: float) -> Found:
    """Count the pictures of all maps while the slider of a nudge is dragged."""
    with watched(browser, server) as lab:
        lab.open(view="nudge", nudge={"at": "conv1.W[1,1,0,3]", "h": 0.1})
        expect(lab["nudge-loss-2"]).to_be_visible()
        box = lab["nudge-slider"].bounding_box()
        assert box is not None
        y = box["y"] + box["height"] / 2
        lab.page.mouse.move(box["x"] + 0.6 * box["width"], y)
        lab.page.mouse.down()
        first, start, n = len(taken(lab, "drawn")), time.monotonic(), 0
        while time.monotonic() - start < seconds:
            n += 1
            lab.page.mouse.move(box["x"] + (0.6 + 0.35 * (n % 60) / 60) * box["width"], y)
        times = [float(each) for each, _ in taken(lab, "drawn")[first:]]
        lab.page.mouse.up()
    rate = 1000 * (len(times) - 1) / (times[-1] - times[0])
    return Found("nudge dragged", "25 pictures/s", f"{rate:.0f} pictures/s", rate >= 25)


def many(browser: Browser, server: Server, count: int) -> Found:
    """Open many tabs at once, each with an image and a pinned number of its own."""
    context = new_context(browser, server)
    labs = [LabPage(context.new_page(), server) for _ in range(count)]
    start = time.monotonic()
    for n, lab in enumerate(labs):
        place = f"conv2[{n % 26},12,{n % 16}]"
        lab.page.goto(lab.link(image={"split": "test", "index": n}, focus=place), wait_until="commit")
    errors = 0
    for n, lab in enumerate(labs):
        try:
            lab.ready().receipt(f"conv2[{n % 26},12,{n % 16}]")
        except AssertionError:
            errors += 1
        errors += len(lab.said)
    seconds = time.monotonic() - start
    context.close()
    return Found(f"{count} pages at once", "no error", f"{errors} errors; all ready after {seconds:.0f} s", errors == 0)


@contextmanager
def trained(browser: Browser, server: Server) -> Iterator[tuple[LabPage, Callable[[], int]]]:
    """Open a tab with a training that runs; the function returns its step."""
    with watched(browser, server) as lab:
        ids: list[str] = []
        lab.page.on("response", lambda it: ids.append(it.json()["page"]) if it.url.endswith("/api/pages") and it.ok else None)
        lab.open(view="train")
        path = f"{server.address}/api/pages/{ids[-1]}/training"
        request, headers = lab.page.context.request, {"Origin": server.address}
        answer = request.post(path, data={"lane": "a", "settings": TRAINING}, headers=headers)
        assert answer.ok, answer.text()

        def step() -> int:
            return int(request.post(f"{path}/a/play", headers=headers).json()["step"])

        lab.until(lambda: step() > 10, "a training that runs")
        yield lab, step
        request.post(f"{path}/a/stop", headers=headers)


def beside_training(browser: Browser, server: Server, count: int) -> Found:
    """Measure hovers while a training runs."""
    with trained(browser, server) as (lab, _):
        lab["view-look"].click()
        times = hovers(lab, count)
    what = "hover to receipt while a training runs"
    return Found(what, "100 ms, p95", milliseconds(times), percentile(times, 0.95) <= 100)


def slowdown(browser: Browser, server: Server, seconds: float, rounds: int) -> Found:
    """Compare steps a second with the stream of the page on and off, in turn, in one training."""
    ratios, rates = [], {False: 0.0, True: 0.0}
    with trained(browser, server) as (lab, step):
        lab.page.wait_for_timeout(2000)
        for n in range(rounds):
            for on in (False, True) if n % 2 else (True, False):
                lab.page.evaluate(f"window.stream({str(on).lower()})")
                lab.page.wait_for_timeout(300)
                first, start = step(), time.monotonic()
                lab.page.wait_for_timeout(1000 * seconds)
                rates[on] = (step() - first) / (time.monotonic() - start)
            ratios.append(rates[False] / rates[True] - 1)
    slower, (low, high) = statistics.median(ratios), (percentile(ratios, 0.25), percentile(ratios, 0.75))
    text = (
        f"{100 * slower:.0f} % (quartiles {100 * low:.0f} % and {100 * high:.0f} % of {rounds} rounds; {rates[True]:.0f} steps/s)"
    )
    return Found("training slower with the page's stream on", "10 %", text, slower <= 0.1)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description="The lab in a real Chromium.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument(
        "--only", metavar="NAME", help="one of the measurements: first, hover, stroke, nudge, many, beside, slower"
    )
    options = parser.parse_args()
    few = options.quick
    machine = examine()
    print(f"Measured on {machine.line}; {busy(machine.granted)}.", flush=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder))
        browser = start_browser(playwright)
        measurements: dict[str, Callable[[], Found]] = {
            "first": lambda: first_picture(browser, server, 5 if few else 20),
            "hover": lambda: hover(browser, server, 50 if few else 300),
            "stroke": lambda: stroke(browser, server, 30 if few else 150),
            "nudge": lambda: nudge(browser, server, 2 if few else 5),
            "beside": lambda: beside_training(browser, server, 50 if few else 200),
            "slower": lambda: slowdown(browser, server, 2 if few else 4, 4 if few else 12),
            "many": lambda: many(browser, server, 50),
        }
        found = []
        for name, measure in measurements.items():
            if options.only in {None, name}:
                found.append(measure())
                print(f"{name}: {found[-1].found}", flush=True)
        browser.close()
        server.stop()
    print("\n| what | target | found | |\n|:--|:--|:--|:-:|")
    for row in found:
        print(f"| {row.what} | {row.target} | {row.found} | {'✓' if row.reached else '✗'} |")
    print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
