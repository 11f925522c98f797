"""Make the pictures of docs/lab.md: the page of the lab in a real Chromium, one picture a view.

python benchmarks/lab_pictures.py          writes docs/pictures/lab-*.png
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from lab_browser import LabPage, Server, lab_page, start_browser

OUT = Path(__file__).parent.parent / "docs" / "pictures"
SIZE = {"width": 1280, "height": 800}
COLOURS, EXTRA = 256, 48  # of a picture; of these, those that spread over all its colours
DIGIT = {"split": "test", "index": 8}  # a five that looks a little like a six


def reduced(image: Image.Image) -> Image.Image:
    """Return a picture of 256 colours: the most frequent ones, so that the colour of zero stays neutral, and some others."""
    counted = sorted(_counted(image), reverse=True)
    between = _counted(image.quantize(EXTRA, Image.Quantize.MAXCOVERAGE).convert("RGB"))
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in [*counted[: COLOURS - EXTRA], *between] for part in colour])
    return image.quantize(palette=palette, dither=Image.Dither.NONE)


def _counted(image: Image.Image) -> list[tuple[int, tuple[int, ...]]]:
    """Return the colours of a picture, each with the number of its pixels."""
    found: Any = image.getcolors(image.width * image.height)
    return list(found)


def look(lab: LabPage) -> None:
    """A number of the second convolution, its windows and its receipt."""
    lab.open(image=DIGIT, focus="conv2[10,6,3]")
    lab.receipt("conv2[10,6,3]")


def backward(lab: LabPage) -> None:
    """The gradients of every layer, and a weight's gradient as a sum of products."""
    lab.open(image=DIGIT, label=6, direction="backward", focus="d loss / d conv1.W[1,2,0,5]")
    lab.receipt("d loss / d conv1.W[1,2,0,5]")


def nudge(lab: LabPage) -> None:
    """A weight moved by h: the exact differences of every layer, the loss, secant and tangent."""
    lab.open(view="nudge", image=DIGIT, label=6, nudge={"at": "conv1.W[1,1,0,5]", "h": 0.3})
    expect(lab["nudge-loss-2"]).to_be_visible()
    lab.page.wait_for_timeout(1500)  # the curve of the loss is computed after a pause


def train(lab: LabPage) -> None:
    """A training by differences: curves, confusion matrix, maps."""
    lab.open(view="train", image=DIGIT)
    lab["train-limit"].fill("6000")
    lab["train-limit"].press("Enter")
    lab["train-play"].click()
    lab.until(lambda: int(lab["lane-a"].get_attribute("data-step") or 0) > 60, "60 steps", seconds=90)
    lab["train-pause"].click()
    expect(lab["lane-a"]).to_have_attribute("data-status", "paused")
    expect(lab["confusion"]).to_be_visible()


def quiz(lab: LabPage) -> None:
    """The products of a number are covered; some are typed, one is wrong."""
    lab.open(view="quiz", image=DIGIT, focus="conv1[9,14,2]")
    lab.receipt("conv1[9,14,2]")
    lab["quiz-products"].click()
    expect(lab["guess"]).to_have_count(9)
    field = lab["guess"].first
    field.fill("0.9")
    field.press("Enter")


PICTURES: dict[str, tuple[Callable[[LabPage], None], dict[str, int], str]] = {
    "look": (look, SIZE, "light"),
    "backward": (backward, SIZE, "dark"),
    "nudge": (nudge, SIZE, "light"),
    "train": (train, SIZE, "light"),
    "predict": (quiz, SIZE, "light"),
    "phone": (look, {"width": 390, "height": 844}, "dark"),
}


def main() -> None:
    """Write all pictures."""
    parser = argparse.ArgumentParser(description="The pictures of docs/lab.md.")
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(PICTURES)}")
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder))
        browser = start_browser(playwright)
        for name, (arrange, size, scheme) in PICTURES.items():
            if options.names and name not in options.names:
                continue
            path = OUT / f"lab-{name}.png"
            with lab_page(browser, server, viewport=size, color_scheme=scheme) as lab:
                arrange(lab)
                lab.page.mouse.move(0, 0)
                lab.page.evaluate("document.querySelectorAll('.train-settings, .receipts').forEach((e) => { e.scrollTop = 0; })")
                lab.page.wait_for_timeout(600)
                lab.page.screenshot(path=path)
            with Image.open(path) as image:
                picture = reduced(image.convert("RGB"))
            picture.save(path, optimize=True)
            print(f"{path.relative_to(OUT.parent.parent)}: {path.stat().st_size / 1000:.0f} kB")
        browser.close()
        server.stop()


if __name__ == "__main__":
    main()
