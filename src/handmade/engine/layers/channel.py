"""Differences that lie in one channel, for many nudges at once.

A nudge of one weight changes one channel of its layer's output. So a difference may lie in a channel, a slice of the last axis.
Then `dx` has the shape of `x[..., channel]`, and the difference is zero in all other channels. `dx` may have an additional last
axis, for the nudges. Then the differences of one number of x by many nudges are contiguous in memory, and are processed together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from handmade.engine.arrays import Array, Shape

Channel: TypeAlias = slice
EVERY: Channel = slice(None)


@dataclass(frozen=True, eq=False)
class Difference:
    """Difference of one activation for a block of nudges.

    Attributes
    ----------
    dx : Array, (*x[..., channel].shape) or (*x[..., channel].shape, nudges)
    channel : slice
    Part of the last axis that changes.
    """

    dx: Array
    channel: Channel = field(default_factory=lambda: EVERY)  # a slice cannot be a default


def one_channel(c: int) -> Channel:
    """Return channel number c as a slice, which keeps the axis."""
    return slice(c, c + 1)


def same_channel(_layer: object, channel: Channel, _shape: Shape) -> Channel:
    """Return the channel of the output for a layer that works element by element, or channel by channel."""
    return channel


def all_channels(_layer: object, _channel: Channel, _shape: Shape) -> Channel:
    """Return the channel of the output for a layer whose outputs read every channel."""
    return EVERY


def select_channel(x: Array, dx: Array, channel: Channel) -> Array:
    """Return the channel of x that belongs to dx, with an axis for the nudges if dx has one."""
    part = x[..., channel]
    return part[..., None] if dx.ndim > x.ndim else part


def to_dense(x: Array, dx: Array, channel: Channel) -> Array:
    """Return a difference of x as a complete array, with zeros in all channels but its own."""
    if channel == EVERY:
        return dx
    dense = np.zeros((*x.shape, *dx.shape[x.ndim :]), dx.dtype)
    dense[(slice(None),) * (x.ndim - 1) + (channel,)] = dx
    return dense


def in_common_channel(xs: Sequence[Array], moved: Sequence[Difference | None]) -> tuple[list[Array | None], Channel]:
    """Return the differences of several activations of one shape in a common channel, and this channel; None stays None."""
    channels = [each.channel for each in moved if each is not None]
    if all(channel == channels[0] for channel in channels):
        return [None if each is None else each.dx for each in moved], channels[0]
    return [None if each is None else to_dense(x, each.dx, each.channel) for x, each in zip(xs, moved, strict=True)], EVERY
