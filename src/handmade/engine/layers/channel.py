"""Differences in one channel, and many of them at once.

A nudge of one weight moves one channel of its layer's output. So a difference may live in a channel, a slice of the last axis:
`dx` then has the shape of `x[..., channel]` and is zero in all others. And `dx` may have one axis more than `x`, at the end,
which counts nudges: all that many nudges do to one number of x stands side by side in memory, and is moved as a block.
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
    """The difference of one activation under a block of nudges.

    Attributes
    ----------
    dx : Array, (*x[..., channel].shape) or (*x[..., channel].shape, nudges)
    channel : slice
        The part of the last axis that moves.
    """

    dx: Array
    channel: Channel = field(default_factory=lambda: EVERY)  # a slice cannot be a default


def one_channel(c: int) -> Channel:
    """Return channel number c as the slice that keeps its axis."""
    return slice(c, c + 1)


def same_channel(_layer: object, channel: Channel, _shape: Shape) -> Channel:
    """Return the channel of the output for a layer that works number by number, or channel by channel."""
    return channel


def all_channels(_layer: object, _channel: Channel, _shape: Shape) -> Channel:
    """Return the channel of the output for a layer whose outputs read every channel."""
    return EVERY


def select_channel(x: Array, dx: Array, channel: Channel) -> Array:
    """Return the part of x that dx belongs to, with an axis for the nudges if dx has one."""
    part = x[..., channel]
    return part[..., None] if dx.ndim > x.ndim else part


def to_dense(x: Array, dx: Array, channel: Channel) -> Array:
    """Return a difference of x written out in full: zeros in all channels but its own."""
    if channel == EVERY:
        return dx
    dense = np.zeros((*x.shape, *dx.shape[x.ndim :]), dx.dtype)
    dense[(slice(None),) * (x.ndim - 1) + (channel,)] = dx
    return dense


def in_common_channel(xs: Sequence[Array], moved: Sequence[Difference | None]) -> tuple[list[Array | None], Channel]:
    """Return the differences of several activations of one shape in one common channel, and that channel; None stays None."""
    channels = [each.channel for each in moved if each is not None]
    if all(channel == channels[0] for channel in channels):
        return [None if each is None else each.dx for each in moved], channels[0]
    return [None if each is None else to_dense(x, each.dx, each.channel) for x, each in zip(xs, moved, strict=True)], EVERY
