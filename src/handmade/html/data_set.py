"""View of a data set: its size, the number of images of each class, and one image of each of the first classes."""

import numpy as np

from handmade.data import Dataset, Images
from handmade.html.images import picture
from handmade.html.markup import Markup, cell, joined, shortened, table, tag
from handmade.text.number_format import TIMES

FEW = 12  # images that are shown
MOST_CLASSES = 40  # rows of the table
LONGEST = 24  # characters of the name of a class


def view(data: Dataset | Images) -> Markup:
    """Return a few images, and the number of images of each class."""
    if isinstance(data, Images):
        return joined([tag("div", _size(data, "images"), kind="line"), _samples(data, ()), _counts({"images": data}, ())])
    names = data.class_names
    remarks = [tag("div", shortened(remark, 300), kind="line dim") for remark in data.remarks[:MOST_CLASSES]]
    sizes = f"{_size(data.train, 'training images')}; {len(data.test.images):,} test images"
    counts = _counts({"training": data.train, "test": data.test}, names)
    return joined([tag("div", sizes, kind="line"), *remarks, _samples(data.train, names), counts])


def _size(images: Images, noun: str) -> str:
    return f"{len(images.images):,} {noun}, {f' {TIMES} '.join(map(str, images.images.shape[1:]))}"


def _samples(images: Images, names: tuple[str, ...]) -> Markup:
    """Return the first image of each of the first classes."""
    _, first = np.unique(images.labels, return_index=True)
    shown = [
        tag("figure", picture(images.images[n], f"image {n}"), tag("figcaption", _name(int(images.labels[n]), names)))
        for n in first[:FEW].tolist()
    ]
    return tag("div", *shown, kind="maps")


def _counts(parts: dict[str, Images], names: tuple[str, ...]) -> Markup:
    """Return the number of images of each class, in each part."""
    labels = {name: part.labels for name, part in parts.items()}
    classes = len(names) or 1 + max((int(each.max(initial=0)) for each in labels.values()), default=0)
    counts = [np.bincount(each, minlength=classes) for each in labels.values()]
    head = [cell("class", head=True), *(cell(name, head=True, right=True) for name in labels)]
    rows = [[cell(_name(k, names)), *(cell(f"{int(each[k]):,}", right=True) for each in counts)] for k in range(classes)][
        :MOST_CLASSES
    ]
    if classes > MOST_CLASSES:
        rows.append([cell(f"… {classes - MOST_CLASSES:,} more classes", kind="dim", colspan=len(head))])
    return table(rows, head=head)


def _name(k: int, names: tuple[str, ...]) -> str:
    return shortened(names[k], LONGEST) if names else str(k)
