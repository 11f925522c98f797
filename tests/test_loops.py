"""The specification is itself checked by hand-worked numbers and by properties, never by the code that it specifies."""

import ast
import math
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from handmade.engine import loops, more_loops
from handmade.engine.loops import Array, Pair

EXAMPLE = Path(__file__).parents[1] / "examples" / "by_hand.py"
SOURCE = Path(loops.__file__)

CASES: list[tuple[Pair, Pair]] = [((1, 1), (0, 0)), ((2, 1), (0, 1)), ((1, 2), (2, 0)), ((3, 2), (1, 2))]


def whole(seed: int, *shape: int) -> Array:
    """Small whole numbers: float64 adds and multiplies them exactly, so tests may want equality."""
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float64)


def precise(x: Array) -> Array:
    return np.array([mpmath.mpf(float(number)) for number in x.flat], dtype=object).reshape(x.shape)


# Images


IMAGE = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]).reshape(1, 3, 4, 1)
KERNEL = np.array([[1.0, 0, -1], [2, 1, 0]]).reshape(2, 3, 1, 1)


def test_padding_lays_zeros_around_rows_and_columns() -> None:
    padded = loops.pad(np.array([[1.0, 2]]).reshape(1, 1, 2, 1), (1, 2))
    assert padded[0, :, :, 0].tolist() == [[0, 0, 0, 0, 0, 0], [0, 0, 1, 2, 0, 0], [0, 0, 0, 0, 0, 0]]


def test_padding_by_nothing_changes_nothing() -> None:
    x = whole(0, 2, 3, 4, 2)
    assert np.array_equal(loops.pad(x, (0, 0)), x)


def test_a_patch_is_what_its_window_sees() -> None:
    assert loops.patch(IMAGE, 0, 1, 1, (2, 3), (1, 1))[:, :, 0].tolist() == [[6, 7, 8], [10, 11, 12]]
    assert loops.patch(IMAGE, 0, 1, 1, (1, 2), (2, 2))[:, :, 0].tolist() == [[11, 12]]


@pytest.mark.parametrize(("stride", "padding"), CASES)
def test_a_patch_is_a_slice_of_the_padded_image(stride: Pair, padding: Pair) -> None:
    x = whole(1, 2, 5, 7, 3)
    padded = np.pad(x, ((0, 0), (padding[0], padding[0]), (padding[1], padding[1]), (0, 0)))
    assert np.array_equal(loops.pad(x, padding), padded)
    seen = padded[1, stride[0] : stride[0] + 2, stride[1] : stride[1] + 3]
    assert np.array_equal(loops.patch(loops.pad(x, padding), 1, 1, 1, (2, 3), stride), seen)


def test_a_convolution_worked_out_by_hand() -> None:
    # Top left: 1*1 + 2*0 + 3*(-1) + 5*2 + 6*1 + 7*0 + 0.5 = 14.5
    y = loops.conv2d(IMAGE, KERNEL, np.array([0.5]))
    assert y[0, :, :, 0].tolist() == [[14.5, 17.5], [26.5, 29.5]]


def test_a_convolution_with_stride_and_padding_worked_out_by_hand() -> None:
    # Padded by one column, stepped by two of them: the first window sees [0, 1, 2] over [0, 5, 6], so 0 - 2 + 0 + 5 = 3
    y = loops.conv2d(IMAGE, KERNEL, np.zeros(1), stride=(1, 2), padding=(0, 1))
    assert y[0, :, :, 0].tolist() == [[3, 17], [3, 29]]


def test_a_convolution_over_two_channels_worked_out_by_hand() -> None:
    x = np.array([1.0, 10]).reshape(1, 1, 1, 2)
    W = np.array([[1.0, 2, 3], [4, 5, 6]]).reshape(1, 1, 2, 3)  # two channels, three filters
    assert loops.conv2d(x, W, np.array([0.0, 0, 100]))[0, 0, 0].tolist() == [41, 52, 163]


@pytest.mark.parametrize(("stride", "padding"), CASES)
def test_a_filter_of_a_single_one_picks_a_pixel(stride: Pair, padding: Pair) -> None:
    x = whole(2, 2, 5, 7, 3)
    W = np.zeros((2, 3, 3, 4))
    W[1, 2, 0, 3] = 1
    y = loops.conv2d(x, W, np.zeros(4), stride, padding)
    padded = loops.pad(x, padding)
    seen = padded[:, 1 : padded.shape[1] : stride[0], 2 :: stride[1], 0]
    assert np.array_equal(y[..., 3], seen[:, : y.shape[1], : y.shape[2]])
    assert not y[..., :3].any()


@pytest.mark.parametrize(("stride", "padding"), CASES)
def test_a_convolution_is_linear_in_the_image_and_in_the_filters(stride: Pair, padding: Pair) -> None:
    x, dx = whole(3, 2, 5, 7, 3), whole(4, 2, 5, 7, 3)
    W, dW = whole(5, 2, 3, 3, 4), whole(6, 2, 3, 3, 4)
    b, zero = whole(7, 4), np.zeros(4)
    y = loops.conv2d(x, W, b, stride, padding)
    assert np.array_equal(loops.conv2d(x + 3 * dx, W, b, stride, padding) - y, 3 * loops.conv2d(dx, W, zero, stride, padding))
    assert np.array_equal(loops.conv2d(x, W + 3 * dW, b, stride, padding) - y, 3 * loops.conv2d(x, dW, zero, stride, padding))
    assert np.array_equal(loops.conv2d(x, W, zero, stride, padding) + b, y)


def test_a_shifted_image_gives_a_shifted_convolution() -> None:
    x, W, b = whole(8, 2, 6, 8, 2), whole(9, 3, 2, 2, 3), whole(10, 3)
    assert np.array_equal(loops.conv2d(x[:, 1:, 2:], W, b), loops.conv2d(x, W, b)[:, 1:, 2:])


def test_every_image_of_a_batch_is_convolved_by_itself() -> None:
    x, W, b = whole(11, 3, 4, 5, 2), whole(12, 2, 3, 2, 3), whole(13, 3)
    assert np.array_equal(loops.conv2d(x, W, b)[2:], loops.conv2d(x[2:], W, b))


@pytest.mark.parametrize(
    ("shape", "stride", "padding", "places"),
    [
        ((5, 7), (1, 1), (0, 0), (4, 5)),
        ((5, 7), (2, 3), (0, 0), (2, 2)),
        ((5, 7), (3, 2), (1, 2), (2, 5)),
        ((2, 3), (1, 1), (0, 0), (1, 1)),
    ],
)
def test_windows_that_do_not_fit_are_left_out(shape: Pair, stride: Pair, padding: Pair, places: Pair) -> None:
    x = whole(14, 2, *shape, 1)
    assert loops.conv2d(x, whole(15, 2, 3, 1, 4), np.zeros(4), stride, padding).shape == (2, *places, 4)
    assert loops.max_pool2d(x, (2, 3), stride, padding).shape == (2, *places, 1)


# The rest of the network


def test_relu_keeps_what_is_above_zero() -> None:
    assert loops.relu(np.array([[-2.0, 0, 3], [4, -5, -0.5]])).tolist() == [[0, 0, 3], [4, 0, 0]]
    assert loops.relu(whole(16, 2, 3, 4, 5)).shape == (2, 3, 4, 5)


def test_pooling_worked_out_by_hand() -> None:
    assert loops.max_pool2d(IMAGE)[0, :, :, 0].tolist() == [[6, 8]]
    assert loops.max_pool2d(-IMAGE)[0, :, :, 0].tolist() == [[-1, -3]]
    assert loops.max_pool2d(IMAGE, (2, 3), (1, 1))[0, :, :, 0].tolist() == [[7, 8], [11, 12]]


def test_nothing_outside_the_image_wins_however_small_the_pixels_inside() -> None:
    assert loops.max_pool2d(IMAGE, padding=(1, 1))[0, :, :, 0].tolist() == [[1, 3, 4], [9, 11, 12]]
    assert loops.max_pool2d(-IMAGE, padding=(1, 1))[0, :, :, 0].tolist() == [[-1, -2, -4], [-5, -6, -8]]


@pytest.mark.parametrize("padding", [(1, 0), (0, 2), (1, 2)])
def test_padding_a_pool_is_laying_something_too_small_to_win_around_the_image(padding: Pair) -> None:
    x = whole(37, 2, 5, 6, 3)
    around = np.pad(x, ((0, 0), (padding[0], padding[0]), (padding[1], padding[1]), (0, 0)), constant_values=-99)
    assert np.array_equal(loops.max_pool2d(x, (2, 4), (2, 3), padding), loops.max_pool2d(around, (2, 4), (2, 3)))


def test_pooling_a_constant_image_changes_no_value() -> None:
    pooled = loops.max_pool2d(np.full((2, 5, 7, 3), -4.0), (3, 2), (1, 2), (1, 0))
    assert pooled.shape == (2, 5, 3, 3)
    assert (pooled == -4).all()


def test_pooling_works_on_every_channel_by_itself() -> None:
    x = whole(17, 2, 5, 6, 3)
    pooled = loops.max_pool2d(x, (2, 3), (1, 2))
    assert np.array_equal(pooled[..., 1:2], loops.max_pool2d(x[..., 1:2], (2, 3), (1, 2)))


def test_flattening_runs_through_channels_first_then_columns_then_rows() -> None:
    x = np.arange(2 * 2 * 3 * 2.0).reshape(2, 2, 3, 2)
    assert loops.flatten(x).tolist() == [list(range(12)), list(range(12, 24))]


def test_a_linear_layer_worked_out_by_hand() -> None:
    x = np.array([[1.0, 2, 3], [0, 1, 0]])
    W = np.array([[1.0, 0], [10, 1], [100, 0]])
    assert loops.linear(x, W, np.array([0.5, -1])).tolist() == [[321.5, 1], [10.5, 0]]


# More layers


def test_a_convolution_with_gaps_worked_out_by_hand() -> None:
    # Rows side by side, columns two apart would not fit a kernel of three; of two: 1*1 + 3*0 + 5*2 + 7*1 = 18
    y = more_loops.conv2d(IMAGE, KERNEL[:, :2], np.zeros(1), dilation=(1, 2))
    assert y[0, :, :, 0].tolist() == [[18, 22], [34, 38]]


def test_a_convolution_in_two_groups_worked_out_by_hand() -> None:
    x = np.array([1.0, 10, 100, 1000]).reshape(1, 1, 1, 4)
    W = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]).reshape(1, 1, 2, 4)  # filters 0 and 1 see 1 and 10, 2 and 3 see 100 and 1000
    y = more_loops.conv2d(x, W, np.array([0.0, 0, 0, 1]), groups=2)
    assert y[0, 0, 0].tolist() == [51, 62, 7300, 8401]


@pytest.mark.parametrize(("stride", "padding"), CASES)
def test_without_gaps_and_groups_it_is_the_same_convolution(stride: Pair, padding: Pair) -> None:
    x, W, b = whole(41, 2, 5, 7, 3), whole(42, 2, 3, 3, 4), whole(43, 4)
    assert np.array_equal(more_loops.conv2d(x, W, b, stride, padding), loops.conv2d(x, W, b, stride, padding))


@pytest.mark.parametrize(("stride", "padding"), CASES)
def test_gaps_are_a_larger_filter_with_zeros_between(stride: Pair, padding: Pair) -> None:
    x, W, b = whole(44, 2, 6, 8, 2), whole(45, 2, 3, 2, 3), whole(46, 3)
    larger = np.zeros((4, 5, 2, 3))
    larger[::3, ::2] = W
    wanted = loops.conv2d(x, larger, b, stride, padding)
    assert np.array_equal(more_loops.conv2d(x, W, b, stride, padding, (3, 2)), wanted)


def test_groups_are_convolutions_side_by_side() -> None:
    x, W, b = whole(47, 2, 4, 5, 6), whole(48, 2, 3, 2, 9), whole(49, 9)
    parts = [loops.conv2d(x[..., 2 * g : 2 * g + 2], W[..., 3 * g : 3 * g + 3], b[3 * g : 3 * g + 3]) for g in range(3)]
    assert np.array_equal(more_loops.conv2d(x, W, b, groups=3), np.concatenate(parts, axis=3))


def test_leaky_relu_keeps_a_part_of_what_is_below_zero() -> None:
    assert more_loops.leaky_relu(np.array([[-2.0, 0, 3], [4, -5, -0.5]]), 0.5).tolist() == [[-1, 0, 3], [4, -2.5, -0.25]]
    assert more_loops.leaky_relu(np.array([-300.0])).tolist() == [-3]


def test_curves_at_numbers_known_by_heart() -> None:
    x = np.array([0.0, math.log(3), -math.log(3)])
    assert more_loops.sigmoid(x) == pytest.approx([1 / 2, 3 / 4, 1 / 4], rel=1e-15)
    assert more_loops.tanh(x) == pytest.approx([0, 4 / 5, -4 / 5], rel=1e-15)  # (9 - 1) / (9 + 1)


def test_gelu_at_numbers_from_its_paper_and_its_symmetry() -> None:
    # The form with tanh is within 5e-4 of x Phi(x), Phi(1) = 0.841345 and Phi(2) = 0.977250
    assert more_loops.gelu(np.array([0.0, 1, 2, -1])) == pytest.approx([0, 0.841345, 1.954500, -0.158655], abs=5e-4)
    x = whole(50, 3, 4) / 4
    assert more_loops.gelu(x) - more_loops.gelu(-x) == pytest.approx(x, abs=1e-14)


def test_averages_worked_out_by_hand() -> None:
    assert more_loops.avg_pool2d(IMAGE)[0, :, :, 0].tolist() == [[3.5, 5.5]]
    assert more_loops.avg_pool2d(IMAGE, (2, 3), (1, 1))[0, :, :, 0].tolist() == [[4, 5], [8, 9]]
    assert more_loops.global_avg_pool2d(IMAGE).tolist() == [[6.5]]
    assert more_loops.global_avg_pool2d(np.concatenate([IMAGE, -2 * IMAGE], axis=3)).tolist() == [[6.5, -13]]


def test_zeros_outside_the_image_are_counted_in_the_mean() -> None:
    # Top left: three zeros and the 1, over four
    assert more_loops.avg_pool2d(IMAGE, padding=(1, 1))[0, :, :, 0].tolist() == [[0.25, 1.25, 1], [3.5, 8.5, 5]]


# The loss


def test_equal_logits_cost_the_logarithm_of_the_number_of_classes() -> None:
    losses = loops.cross_entropy(np.full((3, 7), 2.5), np.array([0, 3, 6]))
    assert losses.tolist() == [math.log(7)] * 3


def test_two_classes_cost_what_the_logistic_loss_says() -> None:
    # L = log(1 + exp(-margin)); with margin log 3, the right class has probability 3/4 and the wrong one 1/4
    losses = loops.cross_entropy(np.array([[math.log(3), 0.0], [math.log(3), 0]]), np.array([0, 1]))
    assert losses == pytest.approx([math.log(4 / 3), math.log(4)], rel=1e-15)


def test_huge_logits_do_not_overflow() -> None:
    losses = loops.cross_entropy(np.array([[1e4, -1e4, 0], [1e4, -1e4, 0]]), np.array([0, 1]))
    assert losses.tolist() == [0, 2e4]


def test_the_mean_loss_is_the_mean_of_the_losses() -> None:
    z, y = whole(18, 4, 3), np.array([0, 2, 1, 1])
    assert loops.mean_loss(z, y) == pytest.approx(loops.cross_entropy(z, y).mean(), rel=1e-15)


# Learning


def test_the_gradient_of_squares_is_the_quotient_and_not_the_limit() -> None:
    # ((w + h)² - w²) / h = 2 w + h. With eighths everything is exact in float64.
    parameters = {"a": np.array([[1.0, -2], [0.5, 3]]), "b": np.array([-1.0])}

    def squares(p: dict[str, Array]) -> Any:
        return sum(float(w) ** 2 for array in p.values() for w in array.flat)

    gradients = loops.gradient(squares, parameters, 0.125)
    assert gradients["a"].tolist() == [[2.125, -3.875], [1.125, 6.125]]
    assert gradients["b"].tolist() == [-1.875]


def test_one_nudge_at_a_time_and_every_weight_put_back_bit_for_bit() -> None:
    parameters = {"W": np.random.default_rng(19).standard_normal((2, 3)), "b": np.array([0.1, 1e-30])}
    before = {name: array.copy() for name, array in parameters.items()}
    moved = []

    def watch(p: dict[str, Array]) -> float:
        moved.append(sum(int((p[name] != before[name]).sum()) for name in p))
        return 0.0

    loops.gradient(watch, parameters, 1e-3)
    assert moved == [0, *[1] * 8]
    assert all(parameters[name].tobytes() == before[name].tobytes() for name in before)


def test_an_update_goes_downhill_by_the_learning_rate() -> None:
    parameters = {"W": np.array([[1.0, 2], [3, 4]]), "b": np.array([0.0])}
    loops.update(parameters, {"W": np.array([[4.0, 0], [-4, 8]]), "b": np.array([2.0])}, 0.25)
    assert parameters["W"].tolist() == [[0, 2], [4, 2]]
    assert parameters["b"].tolist() == [-0.5]


def test_updates_along_the_gradient_lower_the_loss_of_a_whole_network() -> None:
    rng = np.random.default_rng(20)
    x, y = rng.standard_normal((2, 5, 6, 2)), np.array([2, 0])
    parameters = {
        "conv.W": rng.standard_normal((2, 3, 2, 2)) / 3,
        "conv.b": np.zeros(2),
        "linear.W": rng.standard_normal((8, 3)) / 2,
        "linear.b": np.zeros(3),
    }

    def loss(p: dict[str, Array]) -> Any:
        hidden = loops.max_pool2d(loops.relu(loops.conv2d(x, p["conv.W"], p["conv.b"])))
        return loops.mean_loss(loops.linear(loops.flatten(hidden), p["linear.W"], p["linear.b"]), y)

    at_first = loss(parameters)
    for _ in range(3):
        loops.update(parameters, loops.gradient(loss, parameters, 1e-6), 0.1)
    assert loss(parameters) < 0.9 * at_first


# Any kind of number


def test_cross_entropy_is_right_to_fifty_digits_on_sixty_digit_numbers() -> None:
    with mpmath.workdps(60):
        z = precise(np.random.default_rng(21).standard_normal((2, 4)) * 5)
        y = np.array([1, 3])
        losses = loops.cross_entropy(z, y, exp=mpmath.exp, log=mpmath.log)
        wanted = [
            -mpmath.log(mpmath.exp(row[k]) / mpmath.fsum(mpmath.exp(number) for number in row))
            for row, k in zip(z, y, strict=True)
        ]
        mean = loops.mean_loss(z, y, exp=mpmath.exp, log=mpmath.log)
        assert all(abs(got - want) < abs(want) * mpmath.mpf(10) ** -50 for got, want in zip(losses, wanted, strict=True))
        assert abs(mean - (wanted[0] + wanted[1]) / 2) < mpmath.mpf(10) ** -50


def test_sixty_digits_survive_the_whole_network_and_its_gradient() -> None:
    # Nudging the last biases moves logits alone, whose derivative is p_k - [k = y]. The second derivative is at most 1/4, so the
    # quotient is within h / 8 of it; losses of sixty digits leave forty of their difference. Any float on the way leaves none.
    with mpmath.workdps(60):
        h = mpmath.mpf(10) ** -20
        x, y = precise(np.random.default_rng(22).standard_normal((1, 5, 6, 2))), np.array([0])
        W, b, V = precise(whole(23, 2, 3, 2, 3)), precise(whole(24, 3)), precise(whole(25, 36, 3) / 64)
        parameters = {"b": precise(np.zeros(3))}
        maps = loops.max_pool2d(loops.relu(loops.conv2d(x, W, b, padding=(1, 0))), (3, 2), (1, 2), (0, 1))

        def logits(p: dict[str, Array]) -> Array:
            return loops.linear(loops.flatten(maps), V, p["b"])

        def loss(p: dict[str, Array]) -> Any:
            return loops.mean_loss(logits(p), y, exp=mpmath.exp, log=mpmath.log)

        powers = [mpmath.exp(z) for z in logits(parameters)[0]]
        derivative = [power / mpmath.fsum(powers) - (k == 0) for k, power in enumerate(powers)]
        gradients = loops.gradient(loss, parameters, h)
        assert all(abs(g - limit) < h for g, limit in zip(gradients["b"], derivative, strict=True))
        loops.update(parameters, gradients, mpmath.mpf(1) / 3)
        assert all(abs(3 * w + g) < h**2 for w, g in zip(parameters["b"], gradients["b"], strict=True))


def test_no_float_creeps_into_other_kinds_of_numbers() -> None:
    with mpmath.workdps(60):
        x, W, b = precise(whole(33, 1, 4, 5, 2) / 3), precise(whole(34, 2, 2, 2, 3)), precise(whole(35, 3))
        maps = loops.max_pool2d(loops.relu(loops.conv2d(x, W, b, padding=(1, 1))), padding=(1, 1))
        row = loops.flatten(maps)
        z = loops.linear(row, precise(whole(36, row.shape[1], 3)), b)
        losses = loops.cross_entropy(z, np.array([2]), exp=mpmath.exp, log=mpmath.log)
        assert not any(isinstance(number, float) for array in (maps, row, z, losses) for number in array.flat)


def test_no_float_creeps_into_more_layers_either() -> None:
    with mpmath.workdps(60):
        x, W, b = precise(whole(51, 1, 4, 5, 4) / 3), precise(whole(52, 2, 2, 2, 4)), precise(whole(53, 4))
        maps = more_loops.conv2d(x, W, b, padding=(1, 1), dilation=(2, 1), groups=2)
        curves = [
            more_loops.leaky_relu(maps),
            more_loops.sigmoid(maps, exp=mpmath.exp),
            more_loops.tanh(maps, tanh=mpmath.tanh),
            more_loops.gelu(maps, tanh=mpmath.tanh),
        ]
        averages = [more_loops.avg_pool2d(maps, padding=(1, 1)), more_loops.global_avg_pool2d(maps)]
        assert not any(isinstance(number, float) for array in (maps, *curves, *averages) for number in array.flat)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_keep_the_precision_of_their_input(dtype: type[np.floating[Any]]) -> None:
    x, W, b = whole(26, 1, 4, 5, 2).astype(dtype), whole(27, 2, 2, 2, 3).astype(dtype), np.ones(3, dtype)
    y = loops.conv2d(x, W, b, padding=(1, 1))
    z = loops.linear(loops.flatten(loops.max_pool2d(loops.relu(y))), whole(28, 18, 3).astype(dtype), b)
    assert y.dtype == z.dtype == loops.cross_entropy(z, np.array([0])).dtype == dtype


def test_inputs_are_left_as_they_were() -> None:
    x, W, b = whole(29, 1, 4, 5, 2), whole(30, 2, 2, 2, 3), whole(31, 3)
    z, y = whole(32, 1, 3), np.array([1])
    for array in (x, W, b, z, y):
        array.flags.writeable = False
    loops.flatten(loops.max_pool2d(loops.relu(loops.conv2d(x, W, b)), (2, 2), (1, 1), (1, 1)))
    loops.mean_loss(z, y)


# The file


def test_the_seed_has_under_two_hundred_lines() -> None:
    assert len(SOURCE.read_text(encoding="utf-8").splitlines()) < 200


def imported(source: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            modules.add(str(node.module))
    return modules


def used_of_numpy(source: Path) -> set[str]:
    return {
        node.attr
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np"
    }


def test_the_seed_imports_numpy_and_the_standard_library_alone() -> None:
    assert {module.split(".")[0] for module in imported(SOURCE)} <= {"numpy", *sys.stdlib_module_names}


def test_the_seed_lets_numpy_store_numbers_and_nothing_more() -> None:
    assert used_of_numpy(SOURCE) == {"empty", "zeros", "ndindex", "result_type"}


@pytest.mark.parametrize("name", ["more_loops.py", "join_loops.py"])
def test_the_other_loops_share_nothing_with_the_layers_either(name: str) -> None:
    source = SOURCE.with_name(name)
    assert len(source.read_text(encoding="utf-8").splitlines()) < 200
    assert imported(source) <= {"numpy", "handmade.engine.loops", *sys.stdlib_module_names, "collections.abc"}
    assert used_of_numpy(source) <= used_of_numpy(SOURCE)


# The example


@pytest.mark.long
def test_the_example_learns_something_in_its_first_step_and_measures_the_full_networks() -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLE, "--seconds", "0"], capture_output=True, text=True, encoding="utf-8", timeout=120, check=True
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    losses = [float(row[1]) for row in rows if len(row) > 2 and row[0].isdigit()]
    assert losses[-1] < losses[0]
    assert ["28,298", "weights"] in [row[:2] for row in rows]
    assert ["1,101,526", "weights"] in [row[:2] for row in rows]
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert not done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")
def test_the_example_ends_politely_on_ctrl_c() -> None:
    with subprocess.Popen([sys.executable, EXAMPLE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(0.2)  # so that it is at its work
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out.endswith("\nStopped.\n")
    assert not err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows reports a closed pipe in another way")
def test_the_example_ends_quietly_when_its_reader_has_gone() -> None:
    with subprocess.Popen([sys.executable, EXAMPLE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr is not None
        assert running.stderr.read() == ""
