"""Wrong solutions of the step find_the_bugs: whole files, some bugs of which are repaired, or repaired in a wrong way."""

from handmade.learn.steps import load_step

REPAIRS = {  # in the order in which the bugs show: the planted lines, and the right ones
    "slices": ("images[:, 2:-2][:, 2:-2][..., np.newaxis] / 255", "images[:, 2:-2, 2:-2, np.newaxis] / 255"),
    "bias": (
        """        for c in range(C):
            patch = x[n, h : h + K_h, w : w + K_w, c]
            y[n, h, w, o] += np.sum(W[:, :, c, o] * patch) + b[o]
""",
        """        y[n, h, w, o] = b[o]
        for c in range(C):
            patch = x[n, h : h + K_h, w : w + K_w, c]
            y[n, h, w, o] += np.sum(W[:, :, c, o] * patch)
""",
    ),
    "size": ("np.zeros((N, H - size + 1, L - size + 1, C))", "np.zeros((N, H // size, L // size, C))"),
    "variables": (
        """            for i in range(H // size):
                for j in range(L // size):
                    top, left = i * size, j * size
                    largest = x[n, top, left, c]
                    for i in range(size):
                        for j in range(size):
                            largest = max(largest, x[n, top + i, left + j, c])
                    y[n, i, j, c] = largest
""",
        """            for h in range(H // size):
                for w in range(L // size):
                    top, left = h * size, w * size
                    largest = x[n, top, left, c]
                    for i in range(size):
                        for j in range(size):
                            largest = max(largest, x[n, top + i, left + j, c])
                    y[n, h, w, c] = largest
""",
    ),
    "overflow": ("    losses = ", "    z = z - z.max(axis=1, keepdims=True)\n    losses = "),
    "sign": ("return one_hot - p\n", "return p - one_hot\n"),
    "mean": ("return p - one_hot\n", "return (p - one_hot) / len(z)\n"),
    "accumulate": ("gW[:, :, :, o] = gy", "gW[:, :, :, o] += gy"),
    "reset": (
        """    totals = [np.zeros(weight.shape) for weight in weights]
    for _ in range(epochs):
        for start in range(0, len(x), batch_size):
""",
        """    for _ in range(epochs):
        for start in range(0, len(x), batch_size):
            totals = [np.zeros(weight.shape) for weight in weights]
""",
    ),
}
SHOWN = (  # after none, one, two, ... repairs: the function and the concept that fail, the finding, and its name
    ("prepare", "form", "shape", "rows_twice"),
    ("conv2d", "channels", "values", "bias_by_channel"),
    ("max_pool", "form", "shape", "larger_and_last"),
    ("max_pool", "values", "values", "last_place"),
    ("loss", "extreme", "values", "loss_overflow"),
    ("loss_backward", "difference", "values", "opposite_and_summed"),
    ("loss_backward", "batch", "values", "gradient_summed"),
    ("conv2d_backward", "difference", "values", "last_window"),
    ("train", "batches", "values", "never_reset"),
)

FILES = {
    "nothing_repaired": "rows_twice",
    "slices_left": "rows_twice",
    "cut_on_one_side": "cut_on_one_side",
    "images_cut": None,
    "axis_forgotten": "no_channel",
    "scale_removed": "not_scaled",
    "bias_left": "bias_by_channel",
    "bias_removed": "no_bias",
    "bias_in_sum": "bias_by_number",
    "assigned": "last_channel",
    "size_left": "larger",
    "size_too_small": None,
    "variables_left": "last_place",
    "inner_rows_renamed": "last_column",
    "inner_columns_renamed": "last_row",
    "overflow_left": "loss_overflow",
    "loss_by_softmax": "logarithm_of_zero",
    "losses_summed": "summed",
    "sign_left": "opposite",
    "mean_left": "gradient_summed",
    "mean_and_sign_left": "opposite_and_summed",
    "mean_over_classes": "divided_by_classes",
    "one_hot_removed": "probabilities",
    "accumulate_left": "last_window",
    "averaged_twice": "averaged",
    "relu_removed": "relu_forgotten",
    "labels_of_pixels": None,
    "reset_left": "never_reset",
    "reset_in_epoch": "reset_each_epoch",
    "step_uphill": "uphill",
    "batch_summed": "images_summed",
    "weights_in_place": None,
}

WRONG = {  # the right line of the solution, and a wrong one
    "cut_on_one_side": ("images[:, 2:-2, 2:-2, ", "images[:, 2:, 2:, "),
    "images_cut": ("images[:, 2:-2, 2:-2, ", "images[2:-2, 2:-2, :, "),
    "axis_forgotten": ("2:-2, np.newaxis]", "2:-2]"),
    "scale_removed": ("np.newaxis] / 255", "np.newaxis]"),
    "bias_removed": ("y[n, h, w, o] = b[o]\n", "y[n, h, w, o] = 0\n"),
    "bias_in_sum": (REPAIRS["bias"][1], REPAIRS["bias"][0].replace("patch) + b[o]", "patch + b[o])")),
    "assigned": (REPAIRS["bias"][1], REPAIRS["bias"][0].replace("+=", "=")),
    "size_too_small": ("np.zeros((N, H // size, L // size, C))", "np.zeros((N, (H - size) // size, (L - size) // size, C))"),
    "inner_rows_renamed": (
        REPAIRS["variables"][1],
        REPAIRS["variables"][0].replace("    for i in range(size)", "    for k in range(size)").replace("top + i", "top + k"),
    ),
    "inner_columns_renamed": (
        REPAIRS["variables"][1],
        REPAIRS["variables"][0].replace("    for j in range(size)", "    for k in range(size)").replace("left + j", "left + k"),
    ),
    "loss_by_softmax": (
        "    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]\n",
        "    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)\n    losses = -np.log(p[np.arange(len(z)), labels])\n",
    ),
    "losses_summed": ("losses.mean()", "losses.sum()"),
    "mean_over_classes": ("(p - one_hot) / len(z)", "(p - one_hot) / z.shape[1]"),
    "one_hot_removed": ("(p - one_hot) / len(z)", "p / len(z)"),
    "averaged_twice": ("return gW, gb", "return gW / len(x), gb / len(x)"),
    "relu_removed": (" * (y > 0)\n", "\n"),
    "labels_of_pixels": ("gradients(x[n : n + 1], labels[n : n + 1]", "gradients(x[n : n + 1], labels[:1]"),
    "reset_in_epoch": (
        REPAIRS["reset"][1],
        """    for _ in range(epochs):
        totals = [np.zeros(weight.shape) for weight in weights]
        for start in range(0, len(x), batch_size):
""",
    ),
    "step_uphill": ("weight - lr * total", "weight + lr * total"),
    "batch_summed": ("lr * total / len(batch)", "lr * total"),
    "weights_in_place": (
        "            weights = [weight - lr * total / len(batch) for weight, total in zip(weights, totals, strict=True)]\n",
        """            for weight, total in zip(weights, totals, strict=True):
                weight -= lr * total / len(batch)
""",
    ),
}


def text(file: str) -> str:
    """Return a file of the step."""
    return (load_step("find_the_bugs").folder / file).read_text(encoding="utf-8")


def changed(source: str, before: str, after: str) -> str:
    """Replace lines that occur once."""
    assert source.count(before) == 1, before
    return source.replace(before, after)


def repaired(number: int) -> str:
    """Return the exercise with its first bugs repaired."""
    source = text("exercise.py")
    for planted, right in list(REPAIRS.values())[:number]:
        source = changed(source, planted, right)
    return source


def source_of(wrong: str) -> str:
    """Return the source text of a wrong file."""
    if wrong == "nothing_repaired":
        return text("exercise.py")
    if wrong == "mean_and_sign_left":
        return changed(text("solution.py"), "return (p - one_hot) / len(z)\n", "return one_hot - p\n")
    if wrong == "sign_left":
        return changed(text("solution.py"), "(p - one_hot) / len(z)", "(one_hot - p) / len(z)")
    if wrong.endswith("_left"):
        planted, right = REPAIRS[wrong.removesuffix("_left")]
        return changed(text("solution.py"), right, planted)
    return changed(text("solution.py"), *WRONG[wrong])
