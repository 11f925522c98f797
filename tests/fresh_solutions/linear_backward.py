"""Wrong solutions of linear_backward: what the student misunderstood, the verdict of the grader, and the student's file."""

SOLUTIONS = (
    (
        "The gradients of the weights and biases are divided by the number of images.",
        "averaged",
        """def linear_backward(gy, x, W):
    N = len(x)
    return gy @ W.T, x.T @ gy / N, gy.sum(axis=0) / N
""",
    ),
    (
        "The mean is taken for the biases.",
        "gb_averaged",
        """import numpy as np

def linear_backward(gy, x, W):
    return gy @ W.T, x.T @ gy, np.mean(gy, axis=0)
""",
    ),
    (
        "The biases are summed over the outputs, not over the images.",
        "gb_over_outputs",
        """def linear_backward(gy, x, W):
    return gy @ W.T, x.T @ gy, gy.sum(axis=1)
""",
    ),
    (
        "The gradient of the weights lies on its side: (outputs, inputs).",
        "gW_transposed",
        """def linear_backward(gy, x, W):
    return gy @ W.T, gy.T @ x, gy.sum(axis=0)
""",
    ),
    (
        "The weights are not transposed for gx.",
        "weights_not_transposed",
        """def linear_backward(gy, x, W):
    return gy @ W, x.T @ gy, gy.sum(axis=0)
""",
    ),
    (
        "The last image replaces all others in gW.",
        "last_image_gW",
        """import numpy as np

def linear_backward(gy, x, W):
    gx = np.zeros(x.shape)
    gW = np.zeros(W.shape)
    gb = np.zeros(W.shape[1])
    for n in range(x.shape[0]):
        for o in range(W.shape[1]):
            gb[o] += gy[n, o]
            for i in range(x.shape[1]):
                gx[n, i] += gy[n, o] * W[i, o]
                gW[i, o] = x[n, i] * gy[n, o]
    return gx, gW, gb
""",
    ),
    (
        "gy itself is returned as the gradient of the biases.",
        "gb_not_summed",
        """def linear_backward(gy, x, W):
    return gy @ W.T, x.T @ gy, gy
""",
    ),
    (
        "The derivative of y with respect to b is 1, so ones are returned.",
        "gb_ones",
        """import numpy as np

def linear_backward(gy, x, W):
    return gy @ W.T, x.T @ gy, np.ones(W.shape[1])
""",
    ),
    (
        "The gradients are returned in the order gW, gb, gx.",
        "order_gW_gb_gx",
        """def linear_backward(gy, x, W):
    gx = gy @ W.T
    gW = x.T @ gy
    gb = gy.sum(axis=0)
    return gW, gb, gx
""",
    ),
    (
        "The biases get one number: the sum of all gradients.",
        "gb_one_number",
        """def linear_backward(gy, x, W):
    return gy @ W.T, x.T @ gy, gy.sum()
""",
    ),
    (
        "A second axis is kept in gb.",
        "gb_row",
        """def linear_backward(gy, x, W):
    return gy @ W.T, x.T @ gy, gy.sum(axis=0, keepdims=True)
""",
    ),
    (
        "The gradients are returned with a minus sign, because learning goes downhill.",
        "general.negative",
        """def linear_backward(gy, x, W):
    return -gy @ W.T, -x.T @ gy, -gy.sum(axis=0)
""",
    ),
    (
        "The last output replaces all others in gx.",
        "last_output",
        """import numpy as np

def linear_backward(gy, x, W):
    gx = np.zeros(x.shape)
    for n in range(x.shape[0]):
        for o in range(W.shape[1]):
            for i in range(x.shape[1]):
                gx[n, i] = gy[n, o] * W[i, o]
    return gx, x.T @ gy, gy.sum(axis=0)
""",
    ),
    (
        "The sums of x and of gy are multiplied: the images are summed too early.",
        "sums_multiplied",
        """import numpy as np

def linear_backward(gy, x, W):
    gW = np.outer(x.sum(axis=0), gy.sum(axis=0))
    return gy @ W.T, gW, gy.sum(axis=0)
""",
    ),
    (
        "gW is multiplied by the weights, too.",
        "gW_times_W",
        """def linear_backward(gy, x, W):
    return gy @ W.T, (x.T @ gy) * W, gy.sum(axis=0)
""",
    ),
    (
        "The weights are updated at once: the new weights are returned.",
        "new_weights",
        """def linear_backward(gy, x, W):
    return gy @ W.T, W - x.T @ gy, gy.sum(axis=0)
""",
    ),
    (
        "The arrays of gradients live outside of the function, so the next call adds to them.",
        "message unrepeatable",
        """import numpy as np

store = {}

def linear_backward(gy, x, W):
    gW = store.setdefault(W.shape, np.zeros(W.shape))
    for n in range(len(x)):
        gW += np.outer(x[n], gy[n])
    return gy @ W.T, gW.copy(), gy.sum(axis=0)
""",
    ),
    (
        "x is multiplied into gx: the chain rule is thought to multiply by the input.",
        "gx_times_x",
        """def linear_backward(gy, x, W):
    return (gy @ W.T) * x, x.T @ gy, gy.sum(axis=0)
""",
    ),
)
