"""p[i, j] = x[h + i, w + j]"""


def patch(x, h, w, K_h, K_w):
    return x[h : h + K_h, w : w + K_w]
