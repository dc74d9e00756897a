"""Flashes that may trigger photosensitive epilepsy, by Recommendation ITU-R BT.1702.

A flash is a pair of opposing changes of luminance of 20 cd/m2 or more, where the darker side is
below 160 cd/m2, over more than a quarter of the screen. More than three flashes within one second
are harmful. Luminance is that of a display with a white of 200 cd/m2 and the transfer of BT.1886.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from vqa_harness.alignment.signatures import CELLS, Signature
from vqa_harness.qc.events import QcEvent
from vqa_harness.qc.measures import Measures
from vqa_harness.qc.spans import Timeline

WHITE = 200.0
"""cd/m2 of a white picture."""
GAMMA = 2.4
CHANGE = 20.0
"""cd/m2 of a change that counts."""
DARK = 160.0
"""cd/m2 below which the darker side of a change is."""
AREA = 0.25
"""Share of the screen that changes at once."""
AT_ONCE = Fraction(1, 15)
"""Seconds over which changes of parts of the screen are one."""
WINDOW = Fraction(1)
"""Seconds in which flashes are counted."""
HARMLESS = 3
"""Flashes in a window that do no harm."""

_Floats = NDArray[np.float32]


class FlashDetector:
    """Follows the luminance of each cell, and counts opposing changes of the picture."""

    def __init__(self) -> None:
        self._low: _Floats | None = None
        self._high: _Floats | None = None
        self._going = np.zeros(CELLS, np.int8)
        """1 for cells that rose last, -1 for those that fell last, 0 for those that did neither."""
        self._changed: dict[int, deque[tuple[Fraction, NDArray[np.bool_]]]] = {
            1: deque(),
            -1: deque(),
        }
        self._last_sign = 0
        self.changes: list[tuple[int, Fraction]] = []
        """Frame and time of every change of the picture that opposes the one before."""

    def take(self, seen: Measures) -> None:
        """Take the next frame."""
        light = luminance(seen.cells)
        if self._low is None or self._high is None or seen.change is None:
            self._low, self._high = light.copy(), light.copy()
            return
        np.minimum(self._low, light, out=self._low)
        np.maximum(self._high, light, out=self._high)
        rose = (light - self._low >= CHANGE) & (self._low < DARK) & (self._going != 1)
        fell = (self._high - light >= CHANGE) & (light < DARK) & (self._going != -1)
        for sign, cells in ((1, rose), (-1, fell)):
            self._going[cells] = sign
            self._low[cells] = self._high[cells] = light[cells]
            self._picture(sign, cells, seen)

    def events(self, timeline: Timeline) -> list[QcEvent]:
        """Stretches with more than three flashes in a second; strength: the most in a second."""
        spans: list[tuple[int, int, int]] = []
        begin = 0
        for end, (_, time) in enumerate(self.changes):
            while time - self.changes[begin][1] >= WINDOW:
                begin += 1
            count = end - begin + 1
            if count > 2 * HARMLESS:
                first = self.changes[begin][0]
                if spans and first <= spans[-1][1]:
                    spans[-1] = spans[-1][0], self.changes[end][0], max(spans[-1][2], count)
                else:
                    spans.append((first, self.changes[end][0], count))
        return [timeline.event("flash", first, last + 1, count / 2) for first, last, count in spans]

    def _picture(self, sign: int, cells: NDArray[np.bool_], seen: Measures) -> None:
        """Count the picture as changed where enough cells did, at once and not counted yet."""
        if not cells.any():
            return
        recent = self._changed[sign]
        recent.append((seen.time, cells))
        while seen.time - recent[0][0] > AT_ONCE:
            recent.popleft()
        together = np.logical_or.reduce([one for _, one in recent])
        if together.mean() >= AREA:
            recent.clear()
            if sign != self._last_sign:
                self._last_sign = sign
                self.changes.append((seen.index, seen.time))


def luminance(cells: Signature) -> _Floats:
    """(2304,) float32 cd/m2 of the means of cells, in levels of 8-bit full range from black on."""
    return np.asarray(WHITE * np.clip(cells / 255, 0, 1) ** GAMMA, np.float32)
