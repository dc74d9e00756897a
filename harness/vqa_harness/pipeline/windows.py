"""Which frames a clip metric sees: windows over the video, and frames spread inside each.

Frames inside a window of n are those of CLIPVQA's test protocol (arXiv 2407.04928):
``trunc((i + 1/2) * (n - 1) / size)`` for i = 0 .. size-1, so a window shorter than the clip repeats
frames and the last frame of a window is never taken.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vqa_harness.frames import ASSUMED_RATE
from vqa_harness.protocols import Sampling


@dataclass(frozen=True, slots=True)
class Window:
    """Frames ``start`` to ``stop - 1``, of which those in ``indices`` (ascending) are sampled."""

    start: int
    stop: int
    indices: tuple[int, ...]


def spread(start: int, stop: int, size: int) -> tuple[int, ...]:
    """``size`` frame indices spread over frames ``start`` to ``stop - 1``."""
    length = stop - start
    if length < 2:
        return (start,) * size
    step = (length - 1) / size
    return tuple(start + int(i * step + step / 2) % length for i in range(size))


def window_length(sampling: Sampling, rate: Fraction | None) -> tuple[int, int]:
    """Length and hop of a window in frames, each at least 1.

    Raises:
        ValueError: the sampling has one window over the whole video.
    """
    if sampling.window is None:
        raise ValueError("a window over the whole video has no fixed length")
    fps = float(rate or ASSUMED_RATE)
    hop = sampling.window if sampling.hop is None else sampling.hop
    return max(1, round(sampling.window * fps)), max(1, round(hop * fps))


def plan(frames: int, sampling: Sampling, rate: Fraction | None) -> list[Window]:
    """Windows that cover ``frames`` frames.

    All have the same length; where the last would stick out it is moved back to end with the video,
    so it may overlap the one before. A video shorter than a window is one window. With a hop longer
    than the window the frames between two windows are in none.
    """
    if frames < 1:
        return []
    if sampling.window is None:
        return [Window(0, frames, spread(0, frames, sampling.size))]
    length, hop = window_length(sampling, rate)
    if frames <= length:
        return [Window(0, frames, spread(0, frames, sampling.size))]
    starts = list(range(0, frames - length + 1, hop))
    if starts[-1] + max(length, hop) < frames:
        starts.append(frames - length)
    return [Window(s, s + length, spread(s, s + length, sampling.size)) for s in starts]


def nearby(window: Window, numbers: Sequence[int]) -> Window:
    """The window with each sampled frame replaced by the nearest of some frames inside it.

    Args:
        window: the window, which stays as it is where none of them is inside.
        numbers: numbers of frames, ascending. Of two equally near the earlier one is taken.
    """
    inside = numbers[bisect_left(numbers, window.start) : bisect_left(numbers, window.stop)]
    if not inside:
        return window
    indices = tuple(min(inside, key=lambda i: abs(i - planned)) for planned in window.indices)
    return Window(window.start, window.stop, indices)


def clipped(window: Window, frames: int, at_hand: set[int]) -> Window | None:
    """The window as it turns out when the video ends after ``frames`` frames.

    Frames that were planned but never decoded are replaced by the nearest one ``at_hand`` in the
    window. The result is None where there is none.
    """
    inside = sorted(i for i in at_hand if window.start <= i < window.stop)
    if not inside:
        return None
    nearest = tuple(min(inside, key=lambda i: abs(i - planned)) for planned in window.indices)
    return Window(window.start, min(window.stop, frames), nearest)


def per_frame(windows: list[tuple[int, int, float | None]], frames: int) -> list[float | None]:
    """One value per frame: the mean over the windows (start, stop, value) that hold the frame.

    A frame no window holds (a hop longer than the window) gets the value of the last window before.
    """
    total, count = [0.0] * frames, [0] * frames
    for start, stop, value in windows:
        if value is not None:
            for i in range(start, min(stop, frames)):
                total[i] += value
                count[i] += 1
    values: list[float | None] = []
    for i in range(frames):
        before = values[-1] if values else None
        values.append(total[i] / count[i] if count[i] else before)
    return values
