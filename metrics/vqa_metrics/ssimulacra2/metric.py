"""SSIMULACRA2 of every frame, as libjxl's version 2.1 defines it.

J. Sneyers, Cloudinary, 2022 and 2023; written from the method's description with its published
constants. A structural similarity and two measures of edges, in the colour space XYB, over six
scales, fitted to 22 000 opinions of compressed pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vqa_harness.frames import Frame
from vqa_harness.protocols import Metric, RunInfo
from vqa_harness.spec import Scores
from vqa_metrics.light.frames import SMALLEST, Light
from vqa_metrics.reference import same_size
from vqa_metrics.ssimulacra2.picture import ssimulacra2
from vqa_metrics.ssimulacra2.score import SCALES


class Ssimulacra2(Metric):
    """Kind ``frame``: SSIMULACRA2, None for frames under 8 rows or columns.

    Args:
        transfer: ``auto``, or the curve that standard dynamic range is taken to have.
    """

    def __init__(self, *, transfer: str = "auto") -> None:
        self._light = Light(transfer)

    def open(self, run: RunInfo) -> None:
        """Learn whether the reference is a still image."""
        self._light.open(run)

    def measure(self, frame: Frame, ref: Frame | None, /) -> Scores:
        """Compute ``ssimulacra2``, at most 100.

        Raises:
            ValueError: there is no reference, or the sizes differ.
        """
        ref = same_size("ssimulacra2", frame, ref)
        if min(frame.width, frame.height) < SMALLEST:
            return {"ssimulacra2": None}
        return {"ssimulacra2": ssimulacra2(*self._light.pair(frame, ref))}

    def info(self) -> Mapping[str, Any]:
        """Return the version of the method, and the curves that made light of code values."""
        return {"scales": SCALES, **self._light.info()}
