"""Additions of people to a digit, things that lie on a sheet, and damage of the sheet."""

import numpy as np

from digit_plans import Plan
from picture_drawing import Colours, Points, blend, blurred, filled, stroked
from picture_geometry import View, turned

Generator = np.random.Generator


def add_extra(colours: Colours, view: View, about: Points, size: float, chosen: Plan, rng: Generator) -> None:
    """Draw what people add to a digit, or what lies on the sheet."""
    turn, pen = np.deg2rad(chosen.digit_turn), chosen.pen * size
    across = np.linspace(-1, 1, 12)
    if chosen.extra == "underline":
        line = np.stack([across * rng.uniform(0.4, 0.8), rng.uniform(0.66, 0.8) + 0.02 * rng.normal(size=12).cumsum() / 3], 1)
        mask = stroked([view.to_picture(line * size, turn, about)], pen, view.shape)
        blend(colours, mask * np.float32(chosen.opacity), chosen.ink)
    elif chosen.extra == "circle around it":
        angles = np.linspace(0, 2 * np.pi + rng.uniform(-0.1, 0.3), 60)
        radius = rng.uniform(0.72, 0.9) + 0.02 * np.sin(2 * angles + rng.uniform(0, 6))
        ring = np.stack([np.cos(angles), np.sin(angles) * rng.uniform(0.95, 1.05)], 1) * radius[:, None]
        mask = stroked([view.to_picture(ring * size, turn, about)], pen, view.shape)
        blend(colours, mask * np.float32(chosen.opacity), chosen.ink)
    elif chosen.extra == "margin line":
        x = rng.choice([-1, 1]) * rng.uniform(0.7, 1.1)
        line = np.array([[x, -4.0], [x, 4.0]])
        mask = stroked([view.to_picture(line * size, view.turn, about)], max(1.2, 0.004 * max(view.sides)), view.shape)
        blend(colours, mask * np.float32(min(0.7, 1.5 * chosen.contrast)), (0.8, 0.3, 0.3))
    elif chosen.extra == "pen in the picture":
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.85, 1.05)
        body = np.array([[-1.3, -0.045], [1.1, -0.045], [1.35, 0], [1.1, 0.045], [-1.3, 0.045]])
        body += [rng.uniform(-0.5, 0.5), away]
        points = view.to_picture(turned(body, angle) * size, 0.0, about)
        blend(
            colours,
            filled([points], view.shape),
            rng.choice([(0.1, 0.1, 0.12), (0.15, 0.25, 0.6), (0.85, 0.7, 0.1), (0.7, 0.1, 0.1)]),
        )
    elif chosen.extra == "punched holes":
        side = rng.choice([-1, 1]) * rng.uniform(0.8, 1.1)
        centres = np.stack([np.full(4, side), np.linspace(-1.5, 1.5, 4) + rng.uniform(-0.4, 0.4)], 1)
        dots = [np.stack([centre, centre + 0.001]) for centre in centres]
        mask = stroked(
            [view.to_picture(dot * size, view.turn, about) for dot in dots], rng.uniform(0.06, 0.12) * size, view.shape
        )
        blend(colours, mask, (0.12, 0.11, 0.1) if rng.random() < 0.7 else chosen.table)


def spoil(colours: Colours, view: View, about: Points, size: float, chosen: Plan, rng: Generator) -> None:
    """Spoil the sheet if the plan has a kind that is not used to choose thresholds."""
    if chosen.held_back == "stain":
        angles = np.linspace(0, 2 * np.pi, 80)
        radius = rng.uniform(0.35, 0.8) * (1 + 0.12 * np.sin(3 * angles + rng.uniform(0, 6)) + 0.06 * np.sin(7 * angles))
        outline = np.stack([np.cos(angles), np.sin(angles)], 1) * radius[:, None] + rng.uniform(-0.5, 0.5, 2)
        mask = filled([view.to_picture(outline * size, 0.0, about)], view.shape)
        amount = blurred(mask, 0.015 * size) * np.float32(min(rng.uniform(0.15, 0.5), chosen.contrast))
        colours *= 1 - amount[..., None] * np.array([0.35, 0.55, 0.8], np.float32)
    elif chosen.held_back == "print from the back":
        _print_through(colours, view, about, size, chosen, rng)


def _print_through(colours: Colours, view: View, about: Points, size: float, chosen: Plan, rng: Generator) -> None:
    """Show the writing on the back of the sheet, weak and blurred."""
    strength = min(rng.uniform(0.05, 0.13), 0.35 * chosen.contrast)
    waves = np.linspace(0, 9, 120)
    for row in np.arange(-3, 3, rng.uniform(0.25, 0.5)):
        heights = 0.07 * np.interp(waves, np.linspace(0, 9, 45), rng.normal(size=45))
        path = np.stack([(waves - 4.5) * 0.8, row + heights], 1)
        mask = stroked([view.to_picture(path * size, view.turn, about)], max(1.0, 0.02 * size), view.shape)
        blend(colours, blurred(mask, max(1, 0.006 * size)) * np.float32(strength), (0.1, 0.1, 0.15))
