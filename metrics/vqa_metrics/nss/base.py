"""What the metric classes of NIQE and BRISQUE have in common: luma, shared sums, warnings."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Frame
from vqa_harness.protocols import Metric, RunInfo
from vqa_harness.spec import Scores
from vqa_metrics.nss.luma import nss_luma
from vqa_metrics.nss.sums import NssSums, nss_sums

MOSTLY_FLAT = 0.5
"""Mean share of flat pixels, 0 to 1, from which on a run gives a warning."""
BARS = 0.02
"""Share of rows and columns in uniform bars from which on a frame counts as letterboxed."""
STEP = 8
"""Bars are looked for on every eighth row and column; thinner ones are not found."""


class NssMetric(Metric):
    """Base of `Niqe` and `Brisque`.

    Frames are measured by several threads at once, in any order: the lock guards the counts that
    the warnings are made of, and nothing else changes.
    """

    name = ""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._still = False
        self._blocks = True
        self._frames = 0
        self._letterboxed = 0
        self._flat = 0.0

    def open(self, run: RunInfo) -> None:
        """Note whether the input is a still image, and whether the run needs NIQE's blocks."""
        self._still = run.distorted.still
        self._blocks = self.name == "niqe" or "niqe" in run.metrics

    def sums(self, frame: Frame) -> NssSums:
        """Return the frame's sums, which are computed once for all metrics of the run."""
        return frame.cached(("nss.sums", self._blocks), self._measure_sums)

    def scores(self, frame: Frame, sums: NssSums, score: float | None) -> Scores:
        """Return the frame's numbers by feature name, and count what the warnings need.

        Args:
            frame: The distorted frame.
            sums: Its sums.
            score: Its score; None where it is undefined.
        """
        bars = frame.cached("nss.bars", lambda shared: bar_fraction(self._luma(shared)))
        with self._lock:
            self._frames += 1
            self._letterboxed += bars >= BARS
            self._flat += sums.flat_fraction
        return {self.name: score, f"{self.name}_flat_fraction": sums.flat_fraction}

    def gather(self, own: range) -> Any:
        """Return what was counted of a piece of a video."""
        return self._frames, self._letterboxed, self._flat

    def join(self, gathered: Sequence[Any]) -> None:
        """Add up the counts of all pieces."""
        for frames, letterboxed, flat in gathered:
            self._frames += frames
            self._letterboxed += letterboxed
            self._flat += flat

    def warnings(self) -> list[str]:
        """Say in one line each what makes the video's scores doubtful; read after ``close``."""
        if not self._frames:
            return []
        lines = []
        flat = self._flat / self._frames
        if self._letterboxed * 2 > self._frames:
            lines.append(
                f"{self.name}: {self._letterboxed} of {self._frames} frames have uniform bars,"
                " where the score is rounding residue; crop them and score again"
            )
        elif flat >= MOSTLY_FLAT:
            lines.append(
                f"{self.name}: {flat:.0%} of the picture is flat, where the score is rounding "
                "residue; compare it only with scores of the same content"
            )
        return lines

    def info(self) -> Mapping[str, Any]:
        """Say which luma was scored."""
        return {"luma": "rgb, LIVE release weights" if self._still else "Y, full range, 8 bits"}

    def _luma(self, frame: Frame) -> NDArray[np.uint8]:
        return frame.cached("nss.luma", lambda shared: nss_luma(shared, still=self._still))

    def _measure_sums(self, frame: Frame) -> NssSums:
        return nss_sums(self._luma(frame), blocks=self._blocks)


def _leading(lines: NDArray[np.uint8]) -> int:
    """Count the leading lines of which each has a single value."""
    for index, line in enumerate(lines):
        if (line != line[0]).any():
            return index
    return len(lines)


def bar_fraction(luma: NDArray[np.uint8]) -> float:
    """Measure the share of the rows plus that of the columns in uniform bars along the edges.

    Args:
        luma: (H, W) uint8, full range.

    Returns:
        0 to 1, in steps of `STEP` lines; 0 for a frame that is uniform all over.
    """
    total = 0.0
    for plane in (luma, luma.T):
        lines = plane[::STEP]
        first = _leading(lines)
        if first == len(lines):
            return 0.0
        last = _leading(plane[::-STEP])
        total += (first + last) * STEP / len(plane)
    return min(total, 1.0)
