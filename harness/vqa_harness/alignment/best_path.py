"""The pairing of least cost over the whole video, by the distances that a `Tracker` remembers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqa_harness.alignment.ends import without_frames_beyond
from vqa_harness.alignment.search import ALIEN, MODE, UNREACHED, Floats
from vqa_harness.alignment.tracker import EXPECTED, Tracker

NEARBY = 16
"""Frames to both sides over which the usual votes against the right frames are averaged."""
ROUNDS = 2
"""How often it is learnt how much votes count, each time from the pairing found before."""
MOST = 8.0
"""Most votes that one frame adds to that average; a wrong pair may have many more."""
BLOCK = 1024
"""Frames that are decided at a time, so that memory for back-pointers does not grow with length."""
LAG = 192
"""Frames that are looked at beyond a block before it is decided.

What comes later may still change a decision, but hardly one that lies so many frames back.
"""
STEADY_STEP = 0.3
"""Share of the advances found from which one that no rate explains is taken for the usual one.

A video played at another speed, with the rate it had, advances by such steps all the time.
"""


@dataclass(frozen=True, slots=True)
class Path:
    """A pairing.

    Attributes:
        reference: (n,) int64 reference index of each distorted frame, -1 for none.
        cost: its cost, by the rules of `vqa_harness.alignment.search`.
        last: the last distorted frame that has a partner; -1 if none has.
    """

    reference: NDArray[np.int64]
    cost: float
    last: int


def best_path(tracker: Tracker) -> Path:
    """The pairing of least cost.

    How much the votes count follows from the votes against the pairs themselves: it is found in
    rounds, each from the pairing of the one before.
    """
    path = _decide(tracker)
    for _ in range(ROUNDS):
        _learn(tracker, path)
        _learn_speed(tracker, path)
        path = _decide(tracker)
    return _within_the_reference(tracker, path, _first_shown(tracker, path.reference))


def _within_the_reference(tracker: Tracker, path: Path, pairing: NDArray[np.int64]) -> Path:
    """A path without the frames that lie beyond an end of the reference."""
    distances = [
        np.inf if target < 0 else float(frame.row[target - frame.base])
        for frame, target in zip(tracker.frames, path.reference.tolist(), strict=True)
    ]
    kept = without_frames_beyond(
        pairing,
        tracker.reference.picture.array,
        tracker.reference.motion.array,
        np.array(distances, np.float32),
        np.array([frame.change for frame in tracker.frames], np.float32),
        ended=tracker.reference.ended,
    )
    if np.array_equal(kept, pairing):
        return Path(pairing, path.cost, path.last)
    cost = tracker.costs_of([None if target < 0 else target for target in kept.tolist()])
    return Path(kept, cost, int(np.flatnonzero(kept >= 0)[-1]))


def _first_shown(tracker: Tracker, pairing: NDArray[np.int64]) -> NDArray[np.int64]:
    """A pairing in which a picture that is shown once is the first of the equal frames."""
    pictures = tracker.reference.picture.array
    shown = np.where(pairing >= 0, pictures[pairing], -1)
    before, after = np.append(-2, shown[:-1]), np.append(shown[1:], -2)
    once = (pairing >= 0) & (shown != before) & (shown != after)
    return np.where(once, np.searchsorted(pictures, shown), pairing)


def _learn_speed(tracker: Tracker, path: Path) -> None:
    """Let an advance that most frames make count as one that the rates allow."""
    both = (path.reference[1:] >= 0) & (path.reference[:-1] >= 0)
    steps = np.diff(path.reference)[both]
    # to the next picture of a reference that repeats them is no speed
    moved = steps > np.maximum(
        tracker.high, tracker.reference.repeated.array[path.reference[1:][both]]
    )
    counts = np.bincount(steps[moved], minlength=1)
    if counts.max() > STEADY_STEP * max(1, steps.size):
        tracker.high = int(np.argmax(counts))


def _decide(tracker: Tracker) -> Path:
    """The pairing of least cost as the votes count now, block by block."""
    noise = tracker.noise()
    n = len(tracker.frames)
    reference = np.full(n, -1, np.int64)
    scores = np.full((3, tracker.size), UNREACHED, np.float32)
    begin, total = 0, 0.0
    while begin < n:
        end = min(n, begin + BLOCK)
        cost, scores, modes, places = _block(tracker, begin, end, min(n, end + LAG), noise, scores)
        bases = np.array([frame.base for frame in tracker.frames[begin:end]])
        reference[begin:end] = np.where(modes == ALIEN, -1, bases + places)
        begin, total = end, total + cost
    matched = np.flatnonzero(reference >= 0)
    return Path(reference, total, int(matched[-1]) if matched.size else -1)


def _learn(tracker: Tracker, path: Path) -> None:
    """Learn from a pairing how many votes are usual, averaged over some frames."""
    beyond = np.zeros(len(tracker.frames))
    matched = path.reference >= 0
    for index in np.flatnonzero(matched):
        frame = tracker.frames[index]
        against = frame.votes[int(path.reference[index]) - frame.base]
        beyond[index] = min(MOST, against - frame.votes[np.isfinite(frame.row)].min())
    window = np.ones(2 * NEARBY + 1)
    sums, counts = (np.convolve(v, window, "full") for v in (beyond, matched.astype(float)))
    inside = slice(NEARBY, NEARBY + len(tracker.frames))
    sums, counts = sums[inside], counts[inside]
    tracker.usual.array[:] = np.where(counts > 0, sums / np.maximum(counts, 1), EXPECTED)


def _block(
    tracker: Tracker, begin: int, end: int, horizon: int, noise: Floats, scores: Floats
) -> tuple[float, Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Decide frames ``begin`` to ``end``, having looked as far as ``horizon``.

    Returns:
        The cost so far, the scores that the next block begins with, and mode and place in the
        band of each frame. The next block begins at the last state decided and at no other, so
        that the blocks join without a seam.
    """
    back = np.full((horizon - begin, 3, tracker.size), -1, np.int16)
    history = []
    for index in range(begin, horizon):
        scores, _, _ = tracker.step(index, noise[index], scores, back[index - begin])
        if index == end - 1:
            history.append(scores)
    mode, place = (int(v) for v in np.unravel_index(int(np.argmin(scores)), scores.shape))
    modes, places = np.zeros(horizon - begin, np.int64), np.zeros(horizon - begin, np.int64)
    for at in range(horizon - begin - 1, -1, -1):
        modes[at], places[at] = mode, place
        origin = int(back[at, mode, place])
        if origin >= 0:
            mode, place = divmod(origin, MODE)
    size = end - begin
    last = modes[size - 1], places[size - 1]
    cost = float(history[0][last])
    pinned = np.full((3, tracker.size), UNREACHED, np.float32)
    pinned[last] = 0
    return cost, pinned, modes[:size], places[:size]
