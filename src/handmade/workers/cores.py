"""The cores that this process may use."""

import os
from pathlib import Path


def bound() -> int:
    """How many cores this process is bound to: all of the machine's, unless somebody restricted it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores() -> int:
    """How many cores this process may use: those it is bound to, or fewer where a cgroup grants less time."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(bound(), int(quota) // int(period)))
    except (OSError, ValueError):  # no cgroup, or no limit ("max")
        return bound()
