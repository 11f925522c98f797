"""Images of digits and of others as the pipeline makes them of whole pictures: with shadows, lines of the paper, noise and dirt.

Pictures are those of digit_pictures.py and other_pictures.py for training digits, with a seed of their own. The pipeline chooses
its views with the verifier that is there, so another verifier gives slightly other images.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import handmade
from digit_pictures import Made, picture, source_of
from handmade.data import prepare_for
from handmade.data.picture import Digit, find_digit
from handmade.data.picture.verifier import NONE, opinions
from handmade.engine.errors import HandmadeError
from other_pictures import HELD_BACK, WITH_DIGITS, other_picture
from own_digits_reader import as_grey

SEED = 2  # of these pictures; thresholds are chosen with another one
MODEL = Path(__file__).parent.parent / "tests" / "data" / "readme.safetensors"  # that says which images show their digit
Images = tuple[NDArray[np.uint8], NDArray[np.int64]]


def digits(indices: Sequence[int], sources: int) -> Images:
    """Return images of pictures with one of the first digits of the training data, and their classes.

    An image that neither the network nor the verifier reads as its digit shows something else: its class is none.
    """
    images, labels = [], []
    for index in indices:
        if source_of(index, SEED, "train") < sources:
            found = _found(picture(index, SEED, "train"))
            if found and not found.rejection:
                images.append(found.image)
                labels.append(index % 10)
    all_images, classes = np.stack(images), np.array(labels, np.int64)
    network = handmade.load(MODEL)
    read = network.logits(prepare_for(network)(all_images)).argmax(axis=1), opinions(all_images)[:, :NONE].argmax(axis=1)
    return all_images, np.where((read[0] == classes) | (read[1] == classes), classes, NONE)


def others(indices: Sequence[int]) -> Images:
    """Return images of pictures without a digit; the class of all is none.

    Pictures that an earlier stage rejects are left out. So are those of characters that are held back, and those of several
    digits, of which the image may show one.
    """
    made = (other_picture(index, SEED, "train") for index in indices)
    digits = [_found(each) for each in made if not each.kinds[0].endswith(HELD_BACK) and each.kinds[0] not in WITH_DIGITS]
    found = [each.image for each in digits if each and not each.rejection]
    return np.stack(found), np.full(len(found), NONE)


def _found(made: Made) -> Digit | None:
    """Return what the pipeline finds in a picture; None if the picture is refused at once."""
    try:
        return find_digit(as_grey(made.content))
    except HandmadeError:
        return None
