"""Augmentation: images are read where the equations say, amounts stay within their bounds, and a seed decides everything."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handmade import HandmadeError
from handmade.data import Augmentation, mnist
from handmade.data.augmentation import cropped, reflected, sampled
from handmade.engine.arrays import Array

MANY = 400


def digits(count: int = 8) -> Array:
    return mnist().train.images[:count]


def places(count: int, height: int, width: int, **amounts: Any) -> Array:
    """Where each pixel is read from, as offsets from the middle: (2, N, H, W)."""
    found = Augmentation(**amounts)._places((count, height, width), np.random.default_rng(5)).astype(np.float64)
    found[0] -= (height - 1) / 2
    found[1] -= (width - 1) / 2
    return found


def offsets(height: int, width: int) -> Array:
    rows, columns = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    return np.stack(np.meshgrid(rows, columns, indexing="ij"))


def bilinear(image: Array, i: float, j: float) -> float:
    """One place in plain arithmetic: each pixel of the image counts by how near it is, if it is within a pixel."""
    return sum(
        float(image[row, column]) * max(0.0, 1 - abs(i - row)) * max(0.0, 1 - abs(j - column))
        for row in range(image.shape[0])
        for column in range(image.shape[1])
    )


@given(seed=st.integers(0, 2**32), height=st.integers(1, 6), width=st.integers(1, 6))
def test_what_is_read_between_pixels_is_weighted_by_nearness_and_paper_is_all_around(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.uniform(0, 255, (2, height, width)).astype(np.float32)
    where = rng.uniform(-3, 8, (2, 2, 3, 4)).astype(np.float32)

    read = sampled(images, where)

    for n, row, column in np.ndindex(2, 3, 4):
        expected = bilinear(images[n], float(where[0, n, row, column]), float(where[1, n, row, column]))
        assert read[n, row, column] == pytest.approx(expected, abs=1e-3)  # 255 times a few eps of places up to 8


def test_whole_places_are_read_exactly() -> None:
    images = digits()[..., 0].astype(np.float32)
    down, right = np.meshgrid(np.arange(28) + 2.0, np.arange(28) - 3.0, indexing="ij")

    moved = sampled(images, np.broadcast_to(np.stack([down, right])[:, None], (2, len(images), 28, 28)).astype(np.float32))

    np.testing.assert_array_equal(moved[:, :-2, 3:], images[:, 2:, :-3])
    assert not moved[:, -2:].any()
    assert not moved[:, :, :3].any()


def test_without_amounts_nothing_changes() -> None:
    np.testing.assert_array_equal(Augmentation()(digits(), np.random.default_rng(0)), digits())


def test_a_rotation_turns_about_the_middle_by_up_to_its_angle_either_way() -> None:
    plain, turned = offsets(5, 9), places(MANY, 5, 9, rotation=30.0)

    cos = (plain[:, None] * turned).sum(axis=(0, 2, 3)) / np.square(plain).sum()
    sin = (plain[0] * turned[1] - plain[1] * turned[0]).sum(axis=(1, 2)) / np.square(plain).sum()
    angles = np.degrees(np.arctan2(sin, cos))

    np.testing.assert_allclose(np.hypot(cos, sin), 1, rtol=1e-5)
    np.testing.assert_allclose(np.hypot(*turned), np.broadcast_to(np.hypot(*plain), turned.shape[1:]), atol=1e-5)
    assert -30 <= angles.min() < -28
    assert 28 < angles.max() <= 30


def test_a_larger_digit_is_read_in_smaller_steps() -> None:
    steps = np.diff(places(MANY, 6, 4, scale=0.25)[0], axis=1)

    assert 1 / 1.25 - 1e-5 <= steps.min() < 1 / 1.24
    assert 1 / 0.76 < steps.max() <= 1 / 0.75 + 1e-5


def test_a_shift_moves_all_pixels_of_an_image_alike_along_each_axis_by_itself() -> None:
    moves = places(MANY, 4, 7, shift=2.0) - offsets(4, 7)[:, None]

    assert np.ptp(moves, axis=(2, 3)).max() < 1e-5
    by_image = moves[:, :, 0, 0]
    assert (by_image.min(axis=1) < -1.9).all()
    assert (by_image.max(axis=1) > 1.9).all()
    assert np.abs(by_image).max() <= 2 + 1e-5
    assert abs(np.corrcoef(by_image)[0, 1]) < 0.2


def test_bending_moves_pixels_so_far_everywhere_and_neighbours_together() -> None:
    moves = places(MANY, 28, 28, elastic=1.5) - offsets(28, 28)[:, None]

    np.testing.assert_allclose(np.sqrt(np.square(moves).mean(axis=(1, 2, 3))), 1.5, rtol=0.05)
    np.testing.assert_allclose(np.sqrt(np.square(moves[:, :, 0]).mean()), 1.5, rtol=0.05)  # at the border, too
    assert np.abs(np.diff(moves, axis=2)).mean() < 0.3
    assert np.abs(np.diff(moves, axis=3)).mean() < 0.3


def test_noise_has_its_standard_deviation_and_stays_in_the_range() -> None:
    grey = np.full((20, 28, 28, 1), 128, np.uint8)

    noisy = Augmentation(noise=10)(grey, np.random.default_rng(0)).astype(float)

    assert noisy.std() == pytest.approx(math.sqrt(100 + 1 / 12), rel=0.03)  # rounding adds 1/12
    assert noisy.mean() == pytest.approx(128, abs=0.3)
    wild = Augmentation(noise=500)(grey, np.random.default_rng(0))
    assert (wild.min(), wild.max()) == (0, 255)


def test_a_flip_exchanges_left_and_right_of_that_share_of_the_images() -> None:
    images = np.random.default_rng(0).integers(256, size=(MANY, 5, 6, 3), dtype=np.uint8)

    changed = Augmentation(flip=0.3)(images, 1)

    flipped = np.array([(new == old[:, ::-1]).all() for new, old in zip(changed, images, strict=True)])
    assert flipped.mean() == pytest.approx(0.3, abs=5 * math.sqrt(0.21 / MANY))
    np.testing.assert_array_equal(changed[~flipped], images[~flipped])
    np.testing.assert_array_equal(Augmentation(flip=1)(images, 1), images[:, :, ::-1])


@pytest.mark.parametrize("amount", ["shift", "rotation", "scale", "elastic", "noise", "crop"])
def test_the_seed_decides_everything_and_the_images_given_stay(amount: str) -> None:
    images, changes = digits(2).repeat(2, axis=0), dict[str, Any]({amount: 0.9 if amount == "scale" else 9.0})
    before, change = images.copy(), Augmentation(**changes)

    first, again, other = (change(images, np.random.default_rng(seed)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first[0] != first[1]).any()  # two of one digit, and each has amounts of its own
    np.testing.assert_array_equal(images, before)
    assert first.shape == images.shape
    assert first.dtype == np.uint8


@pytest.mark.parametrize(
    ("amounts", "message"),
    [
        ({"shift": -1}, r"shift: expected a number from 0 to 1e\+06, got -1"),
        ({"noise": math.nan}, r"noise: .* got nan"),
        ({"elastic": math.inf}, r"elastic: .* got inf"),
        ({"rotation": "much"}, r"rotation: .* got 'much'"),
        ({"scale": 1.0}, r"scale: expected a number below 1, got 1\.0"),
        ({"flip": 1.5}, r"flip: expected a probability from 0 to 1, got 1\.5"),
    ],
)
def test_impossible_amounts_are_refused(amounts: dict[str, Any], message: str) -> None:
    with pytest.raises(HandmadeError, match=message):
        Augmentation(**amounts)


@pytest.mark.parametrize("images", [np.zeros((28, 28), np.uint8), np.zeros((2, 28, 28, 1)), np.zeros((2, 3, 8, 8), np.uint8)])
def test_other_images_are_refused(images: Array) -> None:
    with pytest.raises(HandmadeError, match=r"^images: expected i"):
        Augmentation(shift=1)(images, np.random.default_rng(0))


def test_the_channels_of_a_colour_image_move_together() -> None:
    grey = np.random.default_rng(0).integers(256, size=(5, 9, 8, 1), dtype=np.uint8)
    colour = np.concatenate([grey, 255 - grey, grey // 2], axis=3)
    moves = Augmentation(shift=2, rotation=10, scale=0.1, elastic=0.5)
    alone = [moves(colour[..., c : c + 1], np.random.default_rng(3)) for c in range(3)]
    np.testing.assert_array_equal(moves(colour, np.random.default_rng(3)), np.concatenate(alone, axis=3), strict=True)
    noisy = Augmentation(noise=20)(colour, np.random.default_rng(3))
    assert (noisy.shape, noisy.dtype) == (colour.shape, colour.dtype)
    assert (noisy != colour).mean() > 0.5


def moved_by_loops(image: Array, down: int, right: int, border: str) -> Array:
    """One image moved by entire pixels, in loops: each index outside is walked back at the mirror, or reads 0."""
    height, width, channels = image.shape
    moved = np.zeros_like(image)
    for i, j, c in np.ndindex(height, width, channels):
        place = [i + down, j + right]
        for axis, size in enumerate((height, width)):
            while border == "reflect" and size > 1 and not 0 <= place[axis] < size:
                place[axis] = -place[axis] if place[axis] < 0 else 2 * (size - 1) - place[axis]
            place[axis] = 0 if border == "reflect" and size == 1 else place[axis]
        if 0 <= place[0] < height and 0 <= place[1] < width:
            moved[i, j, c] = image[place[0], place[1], c]
    return moved


@given(
    seed=st.integers(0, 2**32),
    size=st.tuples(st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3])),
    border=st.sampled_from(["zero", "reflect"]),
)
def test_a_crop_reads_what_the_loops_read(seed: int, size: tuple[int, int, int], border: str) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(1, 256, (3, *size), dtype=np.uint8)
    shifts = rng.integers(-12, 13, (2, 3))

    found = cropped(images, shifts, border)

    expected = [
        moved_by_loops(image, down, right, border) for image, (down, right) in zip(images, shifts.T.tolist(), strict=True)
    ]
    np.testing.assert_array_equal(found, expected)


def test_a_crop_is_a_window_of_the_padded_image_and_every_window_occurs() -> None:
    image = np.random.default_rng(0).integers(1, 256, (1, 6, 7, 3), dtype=np.uint8)
    around = ((2, 2), (2, 2), (0, 0))
    for border, padded in (("zero", np.pad(image[0], around)), ("reflect", np.pad(image[0], around, mode="reflect"))):
        windows = {padded[i : i + 6, j : j + 7].tobytes() for i, j in np.ndindex(5, 5)}

        found = {each.tobytes() for each in Augmentation(crop=2, border=border)(image.repeat(MANY, axis=0), 1)}

        assert found == windows


@given(seed=st.integers(0, 2**32), height=st.integers(1, 6), width=st.integers(1, 6))
def test_reflection_between_pixels_reads_the_padded_image(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.uniform(0, 255, (1, height, width)).astype(np.float32)
    where = rng.uniform(-9, 14, (2, 1, 3, 4)).astype(np.float32)
    padded = np.pad(image[0], 20, mode="reflect")

    places = np.stack([reflected(each, size) for each, size in zip(where, (height, width), strict=True)])

    assert 0 <= places[0].min() <= places[0].max() <= height - 1
    assert 0 <= places[1].min() <= places[1].max() <= width - 1
    for n, row, column in np.ndindex(1, 3, 4):
        expected = bilinear(padded, float(where[0, n, row, column]) + 20, float(where[1, n, row, column]) + 20)
        assert sampled(image, places)[n, row, column] == pytest.approx(expected, abs=1e-2)  # 255 times rounding


def test_reflection_leaves_no_background_in_any_change() -> None:
    images = np.full((40, 9, 8, 3), 200, np.uint8)
    changes: dict[str, Any] = {"shift": 5, "rotation": 40, "scale": 0.3, "elastic": 2, "crop": 4}
    np.testing.assert_array_equal(Augmentation(**changes, border="reflect")(images, 1), images)
    assert (Augmentation(**changes)(images, 1) < 200).any()


@pytest.mark.parametrize(
    ("amounts", "message"),
    [
        ({"crop": 1.5}, r"crop: expected an integer, got 1\.5\. Try crop=4"),
        ({"crop": -1}, r"crop: expected a number from 0 to 1e\+06, got -1"),
        ({"border": "mirror"}, r"border: expected one of zero, reflect, got 'mirror'"),
        ({"border": 3}, r"border: expected one of zero, reflect, got 3"),
    ],
)
def test_impossible_crops_and_borders_are_refused(amounts: dict[str, Any], message: str) -> None:
    with pytest.raises(HandmadeError, match=message):
        Augmentation(**amounts)
