"""Butteraugli of every frame, as libjxl 0.11 computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vqa_harness.frames import Frame
from vqa_harness.protocols import Metric, RunInfo
from vqa_harness.spec import Scores
from vqa_metrics.butteraugli.picture import butteraugli
from vqa_metrics.light.frames import SMALLEST, Light
from vqa_metrics.light.transfer import WHITE
from vqa_metrics.reference import same_size


class Butteraugli(Metric):
    """Kind ``frame``: the largest difference and the 3-norm, None under 8 rows or columns.

    Args:
        nits: luminance of the white of standard dynamic range, in cd/m2. PQ and HLG have their own.
        transfer: ``auto``, or the curve that standard dynamic range is taken to have.
    """

    def __init__(self, *, nits: float = 80.0, transfer: str = "auto") -> None:
        self._nits = nits
        self._light = Light(transfer)

    def open(self, run: RunInfo) -> None:
        """Learn whether the reference is a still image."""
        self._light.open(run)

    def measure(self, frame: Frame, ref: Frame | None, /) -> Scores:
        """Compute ``butteraugli`` and ``butteraugli_3norm``, 0 for equal pictures.

        Raises:
            ValueError: there is no reference, or the sizes differ.
        """
        ref = same_size("butteraugli", frame, ref)
        if min(frame.width, frame.height) < SMALLEST:
            return {"butteraugli": None, "butteraugli_3norm": None}
        nits = WHITE if ref.colour.hdr else self._nits
        largest, norm = butteraugli(*self._light.pair(frame, ref), nits)
        return {"butteraugli": largest, "butteraugli_3norm": norm}

    def info(self) -> Mapping[str, Any]:
        """Return the curves that made light of code values, and the luminance of white."""
        return {"nits": self._nits, **self._light.info()}
