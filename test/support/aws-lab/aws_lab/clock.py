"""The time by which hooks and signals run out. Tests move it on instead of waiting."""

import time

_offset = 0.0


def now() -> float:
    return time.time() + _offset


def advance(seconds: float) -> None:
    global _offset
    _offset += seconds
