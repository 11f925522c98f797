"""Wrong solutions of im2col: what the student misunderstood, the verdict of the grader, and the student's file."""

IM2COL = """import numpy as np

def im2col(x, kernel, stride):
    (K_h, K_w), (s, t) = kernel, stride
    N, H, W, C = x.shape
    rows = []
    for n in range(N):
        for h in range((H - K_h) // s + 1):
            for w in range((W - K_w) // t + 1):
                rows.append(x[n, h * s : h * s + K_h, w * t : w * t + K_w].reshape(-1))
    return np.array(rows)

"""

CONV = """def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    N, H, Wd, _ = x.shape
    R, S = (H - K_h) // stride[0] + 1, (Wd - K_w) // stride[1] + 1
    y = im2col(x, (K_h, K_w), stride) @ W.reshape(-1, O) + b
    return y.reshape(N, R, S, O)
"""

SOLUTIONS = (
    (
        "In each patch the channels come first.",
        "channels_first",
        """import numpy as np

def im2col(x, kernel, stride):
    (K_h, K_w), (s, t) = kernel, stride
    N, H, W, C = x.shape
    rows = []
    for n in range(N):
        for h in range((H - K_h) // s + 1):
            for w in range((W - K_w) // t + 1):
                patch = x[n, h * s : h * s + K_h, w * t : w * t + K_w]
                rows.append(patch.transpose(2, 0, 1).reshape(-1))
    return np.array(rows)

"""
        + CONV,
    ),
    (
        "Each column holds a patch.",
        "transposed",
        """import numpy as np

def im2col(x, kernel, stride):
    (K_h, K_w), (s, t) = kernel, stride
    N, H, W, C = x.shape
    columns = []
    for n in range(N):
        for h in range((H - K_h) // s + 1):
            for w in range((W - K_w) // t + 1):
                columns.append(x[n, h * s : h * s + K_h, w * t : w * t + K_w].reshape(-1))
    return np.array(columns).T

"""
        + CONV,
    ),
    (
        "The places are visited column by column.",
        "columns_of_output_first",
        """import numpy as np

def im2col(x, kernel, stride):
    (K_h, K_w), (s, t) = kernel, stride
    N, H, W, C = x.shape
    rows = []
    for n in range(N):
        for w in range((W - K_w) // t + 1):
            for h in range((H - K_h) // s + 1):
                rows.append(x[n, h * s : h * s + K_h, w * t : w * t + K_w].reshape(-1))
    return np.array(rows)

"""
        + CONV,
    ),
    (
        "The stride is forgotten in the patches.",
        "no_stride",
        """import numpy as np

def im2col(x, kernel, stride):
    (K_h, K_w), (s, t) = kernel, stride
    N, H, W, C = x.shape
    rows = []
    for n in range(N):
        for h in range((H - K_h) // s + 1):
            for w in range((W - K_w) // t + 1):
                rows.append(x[n, h : h + K_h, w : w + K_w].reshape(-1))
    return np.array(rows)

"""
        + CONV,
    ),
    (
        "The two strides are exchanged.",
        "swapped_stride",
        """import numpy as np

def im2col(x, kernel, stride):
    (K_h, K_w), (t, s) = kernel, stride
    N, H, W, C = x.shape
    rows = []
    for n in range(N):
        for h in range((H - K_h) // s + 1):
            for w in range((W - K_w) // t + 1):
                rows.append(x[n, h * s : h * s + K_h, w * t : w * t + K_w].reshape(-1))
    return np.array(rows)

"""
        + CONV,
    ),
    (
        "The images stay apart: the result has three axes.",
        "image_axis_kept",
        """import numpy as np

def im2col(x, kernel, stride):
    (K_h, K_w), (s, t) = kernel, stride
    N, H, W, C = x.shape
    R, S = (H - K_h) // s + 1, (W - K_w) // t + 1
    X = np.zeros((N, R * S, K_h * K_w * C))
    for n in range(N):
        for h in range(R):
            for w in range(S):
                X[n, h * S + w] = x[n, h * s : h * s + K_h, w * t : w * t + K_w].reshape(-1)
    return X

"""
        + CONV,
    ),
    (
        "The images come last: for each place, all images.",
        "images_last",
        """import numpy as np

def im2col(x, kernel, stride):
    (K_h, K_w), (s, t) = kernel, stride
    N, H, W, C = x.shape
    rows = []
    for h in range((H - K_h) // s + 1):
        for w in range((W - K_w) // t + 1):
            for n in range(N):
                rows.append(x[n, h * s : h * s + K_h, w * t : w * t + K_w].reshape(-1))
    return np.array(rows)

"""
        + CONV,
    ),
    (
        "The row number is computed with R in place of S: h * R + w.",
        "row_number_with_R",
        """import numpy as np

def im2col(x, kernel, stride):
    (K_h, K_w), (s, t) = kernel, stride
    N, H, W, C = x.shape
    R, S = (H - K_h) // s + 1, (W - K_w) // t + 1
    X = np.zeros((N * R * S, K_h * K_w * C))
    for n in range(N):
        for h in range(R):
            for w in range(S):
                X[(n * R + h) * R + w] = x[n, h * s : h * s + K_h, w * t : w * t + K_w].reshape(-1)
    return X

"""
        + CONV,
    ),
    (
        "The patches are not written as rows.",
        "message shape",
        """import numpy as np

def im2col(x, kernel, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1]]
    return windows.reshape(-1, kernel[0], kernel[1], x.shape[3])

"""
        + CONV,
    ),
    (
        "The new axes of sliding_window_view are thought to come before the channels.",
        "channels_first",
        """import numpy as np

def im2col(x, kernel, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1]]
    N, R, S = windows.shape[:3]
    return windows.reshape(N * R * S, -1)

"""
        + CONV,
    ),
    (
        "The bias is forgotten.",
        "conv_no_bias",
        IM2COL
        + """def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    N, H, Wd, _ = x.shape
    R, S = (H - K_h) // stride[0] + 1, (Wd - K_w) // stride[1] + 1
    return (im2col(x, (K_h, K_w), stride) @ W.reshape(-1, O)).reshape(N, R, S, O)
""",
    ),
    (
        "The weights are reshaped to (O, -1) and transposed, which mixes them.",
        "conv_weights_filters_first",
        IM2COL
        + """def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    N, H, Wd, _ = x.shape
    R, S = (H - K_h) // stride[0] + 1, (Wd - K_w) // stride[1] + 1
    y = im2col(x, (K_h, K_w), stride) @ W.reshape(O, -1).T + b
    return y.reshape(N, R, S, O)
""",
    ),
    (
        "Rows and columns are exchanged in the last reshape.",
        "conv_output_swapped",
        IM2COL
        + """def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    N, H, Wd, _ = x.shape
    R, S = (H - K_h) // stride[0] + 1, (Wd - K_w) // stride[1] + 1
    y = im2col(x, (K_h, K_w), stride) @ W.reshape(-1, O) + b
    return y.reshape(N, S, R, O)
""",
    ),
    (
        "The matrix is returned, without its four axes.",
        "conv_matrix",
        IM2COL
        + """def conv2d(x, W, b, stride):
    return im2col(x, W.shape[:2], stride) @ W.reshape(-1, W.shape[3]) + b
""",
    ),
    (
        "reshape is thought to move the channels to the front: (N, O, R, S), then back.",
        "conv_output_mixed",
        IM2COL
        + """def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    N, H, Wd, _ = x.shape
    R, S = (H - K_h) // stride[0] + 1, (Wd - K_w) // stride[1] + 1
    y = im2col(x, (K_h, K_w), stride) @ W.reshape(-1, O) + b
    return y.reshape(N, O, R, S).transpose(0, 2, 3, 1)
""",
    ),
    (
        "The stride is not handed to im2col.",
        "conv_no_stride",
        IM2COL
        + """def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    N, H, Wd, _ = x.shape
    y = im2col(x, (K_h, K_w), (1, 1)) @ W.reshape(-1, O) + b
    return y.reshape(N, H - K_h + 1, Wd - K_w + 1, O)
""",
    ),
    (
        "The output is thought to be square.",
        "message raised",
        IM2COL
        + """def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    N, H, Wd, _ = x.shape
    R = (H - K_h) // stride[0] + 1
    y = im2col(x, (K_h, K_w), stride) @ W.reshape(-1, O) + b
    return y.reshape(N, R, R, O)
""",
    ),
    (
        "The filters are turned round.",
        "conv_flipped",
        IM2COL
        + """def conv2d(x, W, b, stride):
    K_h, K_w, C, O = W.shape
    N, H, Wd, _ = x.shape
    R, S = (H - K_h) // stride[0] + 1, (Wd - K_w) // stride[1] + 1
    y = im2col(x, (K_h, K_w), stride) @ W[::-1, ::-1].reshape(-1, O) + b
    return y.reshape(N, R, S, O)
""",
    ),
)
