"""Place of a sheet in a picture: it lies flat and turned; then a homography gives the perspective.

Points are (n, 2), x to the right and y down, in pixels. [u, v, w] = M [x, y, 1]; the picture shows u / w, v / w.
"""

import numpy as np
from numpy.typing import NDArray

from digit_plans import Plan

Generator = np.random.Generator
Points = NDArray[np.float64]  # (n, 2): x, y
FAR = 1.6  # of the picture's sides: half a sheet that fills the picture


class View:
    """Picture that is being drawn, with the geometry of its sheet."""

    def __init__(self, chosen: Plan, rng: Generator) -> None:
        self.shape = (chosen.height, chosen.width)
        self.sides = np.array([chosen.width, chosen.height], float)
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
        shifts = rng.uniform(-1, 1, (4, 2)) * chosen.perspective
        self.homography = homography(corners * self.sides, (corners + shifts) * self.sides)
        shorter = min(self.sides)
        self.half = np.array([1.0, rng.uniform(1, 1.414)]) * chosen.sheet_size * shorter / 2
        if rng.random() < 0.5:
            self.half = self.half[::-1]
        self.turn = np.deg2rad(chosen.turn)
        self.centre = self.sides / 2
        if chosen.place in {None, "edge of the sheet"}:
            self.half = FAR * self.sides
        else:
            self._fit(rng, round_=chosen.place == "round paper")

    def _fit(self, rng: Generator, *, round_: bool) -> None:
        """Move the sheet to a place where all of it is visible, and make it smaller if there is none."""
        if round_:
            self.half = np.minimum(self.half, self.half.min() * rng.uniform(1, 1.15))
        for _ in range(30):
            self.centre = self.sides / 2
            corners = self.to_picture(rectangle(self.half), self.turn)
            low, high = corners.min(axis=0), corners.max(axis=0)
            room = 0.97 * self.sides - (high - low)
            if (room > 0).all():
                self.centre = self.centre + rng.uniform(-0.5, 0.5, 2) * room * 0.9 + self.sides / 2 - (low + high) / 2
                return
            self.half = self.half * 0.94

    def to_picture(self, points: Points, turn: float = 0.0, about: Points | None = None) -> Points:
        """Turn points about a point of the flat sheet, and see them in perspective."""
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        return projected(self.homography, points @ rotation + (self.centre if about is None else about))


def rectangle(half: NDArray[np.float64]) -> Points:
    """Return the corners of a rectangle about 0."""
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float) * half


def turned(points: Points, angle: float) -> Points:
    """Turn points about 0."""
    moved: Points = points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return moved


def homography(source: Points, target: Points) -> NDArray[np.float64]:
    """Return the (3, 3) matrix that maps four points to four others."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.append(np.linalg.solve(np.array(rows), target.ravel()), 1).reshape(3, 3)


def projected(matrix: NDArray[np.float64], points: Points) -> Points:
    """Map points by a homography."""
    u, v, w = matrix @ np.concatenate([points, np.ones((len(points), 1))], 1).T
    return np.stack([u / w, v / w], 1)
