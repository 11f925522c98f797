"""Wrong solutions of relu_pool_backward: what the student misunderstood, the verdict of the grader, and the student's file."""

RELU = """import numpy as np

def relu_backward(gy, x):
    return np.where(x > 0, gy, 0)

"""

POOL = """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    s, t = stride
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[1])
        gx[n, h * s + i, w * t + j, c] += gy[n, h, w, c]
    return gx
"""

SOLUTIONS = (
    (
        "At 0 the gradient is passed.",
        "slope_at_zero",
        """import numpy as np

def relu_backward(gy, x):
    return np.where(x >= 0, gy, 0)

"""
        + POOL,
    ),
    (
        "The sign of the gradient decides, not the sign of the input.",
        "relu_of_gy",
        """import numpy as np

def relu_backward(gy, x):
    return np.where(gy > 0, gy, 0)

"""
        + POOL,
    ),
    (
        "The derivative is returned, not multiplied by gy.",
        "not_multiplied",
        """import numpy as np

def relu_backward(gy, x):
    return (x > 0).astype(float)

"""
        + POOL,
    ),
    (
        "The gradient is multiplied by the output of ReLU.",
        "times_x",
        """import numpy as np

def relu_backward(gy, x):
    return gy * np.maximum(x, 0)

"""
        + POOL,
    ),
    (
        "The caller's gradient is overwritten.",
        "message mutated",
        """import numpy as np

def relu_backward(gy, x):
    gy[x <= 0] = 0
    return gy

"""
        + POOL,
    ),
    (
        "Half of the gradient is passed at 0.",
        "half_at_zero",
        """import numpy as np

def relu_backward(gy, x):
    return gy * np.heaviside(x, 0.5)

"""
        + POOL,
    ),
    (
        "Gradients of negative inputs come back with a minus sign, as for the absolute value.",
        "sign_of_x",
        """import numpy as np

def relu_backward(gy, x):
    return gy * np.sign(x)

"""
        + POOL,
    ),
    (
        "A number that wins twice keeps only its last gradient: = in place of +=.",
        "overwritten",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[1])
        gx[n, h * stride[0] + i, w * stride[1] + j, c] = gy[n, h, w, c]
    return gx
""",
    ),
    (
        "+= with arrays of indices is thought to add repeated places, but each place counts once.",
        "overwritten",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    n, h, w, c = np.indices(gy.shape)
    i, j = np.divmod(winner, window[1])
    gx[n, h * stride[0] + i, w * stride[1] + j, c] += gy
    return gx
""",
    ),
    (
        "The windows are thought to lie side by side: the window is used as the stride.",
        "stride_is_window",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    K_h, K_w = window
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], K_w)
        r, q = h * K_h + i, w * K_w + j
        if r < shape[1] and q < shape[2]:
            gx[n, r, q, c] += gy[n, h, w, c]
    return gx
""",
    ),
    (
        "The winner is divided by the number of rows of the window.",
        "width_of_image",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[0])
        gx[n, h * stride[0] + i, w * stride[1] + j, c] += gy[n, h, w, c]
    return gx
""",
    ),
    (
        "Row and column of the winner are exchanged.",
        "row_and_column_swapped",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    s, t = stride
    for n, h, w, c in np.ndindex(gy.shape):
        j, i = divmod(winner[n, h, w, c], window[1])
        gx[n, h * s + i, w * t + j, c] += gy[n, h, w, c]
    return gx
""",
    ),
    (
        "The gradient is shared by all numbers of the window, as in mean pooling.",
        "shared",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    (K_h, K_w), (s, t) = window, stride
    for n, h, w, c in np.ndindex(gy.shape):
        gx[n, h * s : h * s + K_h, w * t : w * t + K_w, c] += gy[n, h, w, c] / (K_h * K_w)
    return gx
""",
    ),
    (
        "All numbers of the window get the gradient.",
        "to_all",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    (K_h, K_w), (s, t) = window, stride
    for n, h, w, c in np.ndindex(gy.shape):
        gx[n, h * s : h * s + K_h, w * t : w * t + K_w, c] += gy[n, h, w, c]
    return gx
""",
    ),
    (
        "The two strides are exchanged.",
        "swapped_stride",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    t, s = stride
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[1])
        gx[n, h * s + i, w * t + j, c] += gy[n, h, w, c]
    return gx
""",
    ),
    (
        "The place of the window is forgotten: all winners are written into the first window.",
        "first_window",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[1])
        gx[n, i, j, c] += gy[n, h, w, c]
    return gx
""",
    ),
    (
        "The stride is forgotten: the window begins at (h, w).",
        "no_stride",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[1])
        gx[n, h + i, w + j, c] += gy[n, h, w, c]
    return gx
""",
    ),
    (
        "All channels get the gradient.",
        "over_channels",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    s, t = stride
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[1])
        gx[n, h * s + i, w * t + j] += gy[n, h, w, c]
    return gx
""",
    ),
    (
        "The gradient array is made of integers, like winner.",
        "integers",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape, dtype=winner.dtype)
    s, t = stride
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], window[1])
        gx[n, h * s + i, w * t + j, c] += int(gy[n, h, w, c])
    return gx
""",
    ),
    (
        "winner is thought to count in the whole image.",
        "winner_in_image",
        RELU
        + """def max_pool_backward(gy, winner, shape, window, stride):
    gx = np.zeros(shape)
    for n, h, w, c in np.ndindex(gy.shape):
        i, j = divmod(winner[n, h, w, c], shape[2])
        gx[n, i, j, c] += gy[n, h, w, c]
    return gx
""",
    ),
)
