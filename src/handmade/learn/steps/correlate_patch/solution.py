"""y = sum over i, j of W[i, j] p[i, j]"""


def correlate(p, W):
    total = 0.0
    for i in range(p.shape[0]):
        for j in range(p.shape[1]):
            total += W[i, j] * p[i, j]
    return total
