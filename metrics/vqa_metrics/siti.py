"""Spatial and temporal information after ITU-T P.910: how much detail and motion there is.

Luma is brought to full range, 0 to 255 whatever the depth; SI is the standard deviation of the
Sobel gradient's magnitude over the picture without its border, TI that of the difference to the
picture before. The first picture has no TI. With ``domain=pq`` the picture is taken through a
display first and its luminance coded by PQ, as the recommendation has it since 2022, so that SDR
and HDR can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import MetricError
from vqa_harness.frames import ColourInfo, Frame
from vqa_harness.media.as_ycbcr import as_ycbcr, matrix_for
from vqa_harness.protocols import RunInfo, StreamScores
from vqa_harness.spec import Scores
from vqa_metrics.reference import packed
from vqa_metrics.siti_kernels import Samples, change_sums, gradient_sums

SMALLEST = 3
"""Fewest rows and columns: the gradient needs a neighbour on every side."""
SDR_LIGHT = (0.1, 300.0)
"""Luminance of black and white of an SDR display, cd/m^2, where none is agreed on."""
HLG_LIGHT = (0.01, 1000.0)
"""The same of an HLG display."""


class Siti:
    """Kind ``stream``: SI and TI of every frame, in order.

    Args:
        domain: ``luma`` for code values of full range; ``pq`` for displayed light coded by PQ.
    """

    def __init__(self, *, domain: str = "luma") -> None:
        self._domain = domain
        self._matrix = ""
        self._kind: tuple[Any, ...] = ()
        self._before: Samples | None = None
        self._table: NDArray[np.float32] | None = None
        self._rows: list[Scores] = []
        self._clipped: list[int] = []
        """Samples outside the nominal range, of each frame for which they were looked for."""

    def open(self, run: RunInfo) -> None:
        """Choose the matrix that RGB frames are converted with."""
        video = run.distorted
        if video.chroma == "rgb":
            self._matrix = matrix_for(video.height, still=video.still)

    def measure(self, frame: Frame, ref: Frame | None, /) -> None:
        """Compute the two numbers of a frame.

        Raises:
            MetricError: Size or format changed, or the frame is smaller than 3 x 3.
        """
        kind = (frame.width, frame.height, frame.depth, frame.chroma, frame.colour.full_range)
        if not self._kind:
            self._start(frame, kind)
        elif kind != self._kind:
            raise MetricError(
                f"siti: size or format changed at frame {frame.index}; score the parts of the "
                "video one by one"
            )
        picture = self._picture(frame)
        height, width = picture.shape
        scale = 255 / _span(frame) if self._table is None else 255.0
        inner = (height - 2) * (width - 2)
        scores = {"siti_si": scale * _deviation(*gradient_sums(picture), inner), "siti_ti": None}
        if self._before is not None:
            sums = change_sums(picture, self._before)
            scores["siti_ti"] = scale * _deviation(*sums, height * width)
        self._rows.append(scores)
        # The decoder's memory is used again after this call; a converted picture is our own.
        self._before = picture if picture.base is None else picture.copy()

    def close(self) -> StreamScores:
        """Return both numbers of every frame; TI of the first is None.

        Raises:
            MetricError: There was no frame.
        """
        if not self._rows:
            raise MetricError("siti: no frame to score")
        self._before = None
        return StreamScores(self._rows)

    def abort(self) -> None:
        """Let go of the last picture."""
        self._before = None

    def gather(self, own: range) -> Any:
        """Return what was counted of a piece of a video."""
        return self._kind, self._clipped[own.start : own.stop]

    def join(self, gathered: Sequence[Any]) -> None:
        """Add up the counts of all pieces."""
        for kind, clipped in gathered:
            self._kind = kind
            self._clipped += clipped

    def info(self) -> Mapping[str, Any]:
        """Return the scale of the picture and what was converted or clipped."""
        facts: dict[str, Any] = {"scale": "full range, 0 to 255", "domain": self._domain}
        if self._matrix:
            facts["rgb_converted_to"] = f"full-range YCbCr 4:4:4, {self._matrix}"
        if any(self._clipped):
            facts["samples_clipped"] = sum(self._clipped)
        return facts

    def warnings(self) -> list[str]:
        """Say how many samples lay outside the range that a display shows."""
        if not any(self._clipped):
            return []
        samples = self._kind[0] * self._kind[1] * len(self._clipped)
        share = 100 * sum(self._clipped) / samples
        return [f"siti: {share:.2g} % of luma outside the nominal range was clipped for domain=pq"]

    def _start(self, frame: Frame, kind: tuple[Any, ...]) -> None:
        if min(frame.width, frame.height) < SMALLEST:
            raise MetricError(
                f"siti needs frames of at least {SMALLEST} rows and columns, not "
                f"{frame.width}x{frame.height}"
            )
        self._kind = kind
        if self._domain == "pq":
            self._table = pq_table(frame.depth, frame.colour)

    def _picture(self, frame: Frame) -> Samples:
        rgb = frame.chroma == "rgb"
        matrix = self._matrix or matrix_for(frame.height, still=False)
        luma = packed(as_ycbcr(frame, matrix)[0] if rgb else frame.luma)
        if self._table is None:
            return cast(Samples, luma)
        low = 0 if frame.colour.full_range else 16 << (frame.depth - 8)
        outside = (luma < low) | (luma > low + _span(frame))
        self._clipped.append(int(np.count_nonzero(outside)))
        return self._table[luma]


def pq_table(depth: int, colour: ColourInfo) -> NDArray[np.float32]:
    """Map code values to displayed luminance coded by PQ.

    PQ itself stays as it is. HLG is shown by a display of 0.01 to 1,000 cd/m^2 (ITU-R BT.2100,
    applied to luma), all else by one of 0.1 to 300 cd/m^2 with gamma 2.4 (ITU-R BT.1886), the
    values that siti-tools 0.6 has as well.

    Args:
        depth: Bits per sample, 8 to 16.
        colour: Range and transfer of the code values.

    Returns:
        (2^depth,) float32, 0 to 1; code values outside the nominal range count as its ends.
    """
    codes = np.arange(2**depth, dtype=np.float64)
    low = 0 if colour.full_range else 16 << (depth - 8)
    span = 2**depth - 1 if colour.full_range else 219 << (depth - 8)
    signal = np.clip((codes - low) / span, 0, 1)
    if colour.transfer == "pq":
        return signal.astype(np.float32)
    if colour.transfer == "hlg":
        black, white = HLG_LIGHT
        scene = np.where(
            signal <= 0.5,
            signal**2 / 3,
            (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12,
        )
        light = (white - black) * scene**1.2 + black
    else:
        black, white = SDR_LIGHT
        light = (white - black) * signal**2.4 + black
    power = (light / 10_000) ** (2610 / 16384)
    coded = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    return coded.astype(np.float32)


def _span(frame: Frame) -> int:
    """How many code values lie between black and white."""
    return 2**frame.depth - 1 if frame.colour.full_range else 219 << (frame.depth - 8)


def _deviation(total: float, squares: float, count: int) -> float:
    mean = total / count
    return math.sqrt(max(squares / count - mean * mean, 0.0))
