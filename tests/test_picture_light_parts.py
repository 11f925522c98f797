"""Test the light of scenes in parts: shadows that cross a stroke, a scene without a shadow, and paper beyond a region."""

import numpy as np
import pytest

from handmade.data.picture.region import paper_alone
from handmade.data.picture.relight import part_lights

pytest.importorskip("skimage")


def test_a_hard_shadow_across_a_stroke_is_light_and_the_stroke_is_ink_on_both_sides() -> None:
    y, x = np.mgrid[:240, :320]
    shadow = x + 0.4 * y > 200
    stroke = (abs(y - 120) < 3) & (x > 60) & (x < 260)
    grey = 0.9 * np.where(shadow, 0.5, 1.0) * np.where(stroke, 0.3, 1.0)
    found = part_lights(grey, 0.03)
    assert found is not None
    dark, _, noise = found
    assert not dark.light
    assert noise < 0.01
    assert (abs(dark.depth[stroke] - 0.7) < 0.1).mean() > 0.99
    assert dark.depth[stroke].min() > 0.3  # where the edge of the shadow crosses it, too
    assert (dark.depth[~stroke] > 0.35).mean() < 0.001


def test_light_ink_has_the_same_depth_in_a_shadow() -> None:
    y, x = np.mgrid[:240, :320]
    stroke = (abs(y - 120) < 3) & (x > 60) & (x < 260)
    grey = np.where(x > 160, 0.5, 1.0) * np.where(stroke, 0.8, 0.16)
    found = part_lights(grey, 0.03)
    assert found is not None
    lit = found[1]
    assert lit.light
    in_light, in_shadow = (float(np.median(lit.depth[stroke & side])) for side in (x < 150, x > 170))
    assert in_light == pytest.approx(in_shadow, rel=0.05)


def test_even_light_is_one_part() -> None:
    grey = np.full((120, 160), 0.9)
    grey[40:80, 70:74] = 0.2
    assert part_lights(grey, 0.03) is None


def test_paper_goes_on_beyond_a_region() -> None:
    y, x = np.mgrid[:100, :100]
    inside = (y - 50) ** 2 + (x - 50) ** 2 < 40**2
    picture, kept, transform = paper_alone(np.where(inside, 0.8, 0.1), inside, smooth=True)
    np.testing.assert_allclose(picture, 0.8)
    assert not kept.all()
    row, column = np.argwhere(kept)[0]
    x0, y0, _ = transform @ np.array([column, row, 1.0])
    assert inside[int(y0), int(x0)]
