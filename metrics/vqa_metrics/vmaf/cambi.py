"""Banding, by libvmaf's CAMBI: the one of its features that needs no reference.

Source: P. Tandon et al., "CAMBI: Contrast-aware multiscale banding index", PCS 2021.
"""

from __future__ import annotations

from vqa_harness.errors import UsageError
from vqa_harness.frames import Frame
from vqa_harness.media.as_ycbcr import as_ycbcr, matrix_for
from vqa_harness.media.picture import PlaneSource
from vqa_harness.protocols import RunInfo
from vqa_metrics.specs.libvmaf import ROWS
from vqa_metrics.vmaf.backend import Choice
from vqa_metrics.vmaf.feature_metric import LibvmafMetric

_EOTF = "bt1886"
"""What libvmaf takes code values for by itself."""


class Cambi(LibvmafMetric):
    """Kind ``stream``: ``cambi`` of every frame, 0 for no banding.

    Args:
        window_size: Side of the window, in pixels of a picture of 2160 lines.
        topk: Share of the worst pixels that is averaged.
        tvi_threshold: Share of the luminance that can be seen.
        max_log_contrast: Two to this power is the greatest step that counts, in 10-bit codes.
        enc_width: Columns that were encoded, where the picture was scaled up since; 0 if not.
        enc_height: Rows likewise.
        enc_bitdepth: Bits per sample that were encoded; 0 for the frame's.
        eotf: How code values mean light; ``auto`` for ``pq`` where the video is tagged so.
        threads: As for `LibvmafMetric`, like the rest.
        subsample: See there.
        ffmpeg: See there.
        backend: See there.

    Raises:
        MissingBackend: There is no libvmaf, or none with CAMBI.
        UsageError: What was encoded is smaller than libvmaf takes.
    """

    def __init__(
        self,
        *,
        window_size: int = 65,
        topk: float = 0.6,
        tvi_threshold: float = 0.019,
        max_log_contrast: int = 2,
        enc_width: int = 0,
        enc_height: int = 0,
        enc_bitdepth: int = 0,
        eotf: str = "auto",
        threads: int = 0,
        subsample: int = 1,
        ffmpeg: str = "",
        backend: Choice = "auto",
    ) -> None:
        _check_encoded(enc_width, enc_height, enc_bitdepth)
        super().__init__(
            ROWS["cambi"],
            {
                "window_size": window_size,
                "topk": topk,
                "tvi_threshold": tvi_threshold,
                "max_log_contrast": max_log_contrast,
                "enc_width": enc_width,
                "enc_height": enc_height,
                "enc_bitdepth": enc_bitdepth,
                "eotf": _EOTF if eotf == "auto" else eotf,
            },
            threads=threads,
            subsample=subsample,
            ffmpeg=ffmpeg,
            backend=backend,
        )
        self._by_tag = eotf == "auto"
        self._matrix = ""

    def open(self, run: RunInfo) -> None:
        """Take the transfer that the video is tagged with, and part in the run's pass."""
        video = run.distorted
        if self._by_tag and video.colour.transfer == "pq":
            self.options["eotf"] = "pq"
        if video.chroma == "rgb":
            self._matrix = matrix_for(video.height, still=video.still)
            self.facts["rgb_converted_to"] = f"full-range YCbCr 4:4:4, {self._matrix}"
        if video.colour.transfer == "hlg":
            self.said.append("the video is HLG, whose light CAMBI does not know; taken for BT.1886")
        super().open(run)

    def as_libvmaf_takes(self, frame: Frame) -> Frame:
        """The frame, RGB as YCbCr, gray with neutral chroma."""
        if frame.chroma != "rgb":
            return super().as_libvmaf_takes(frame)
        planes = as_ycbcr(frame, self._matrix or matrix_for(frame.height, still=False))
        return frame.showing(PlaneSource(planes, "444", frame.depth, frame.colour), chroma="444")


def _check_encoded(width: int, height: int, depth: int) -> None:
    """Refuse what libvmaf does not take for the size and depth that was encoded.

    Raises:
        UsageError: It is too small.
    """
    for name, value, least in (
        ("enc_width", width, 180),
        ("enc_height", height, 150),
        ("enc_bitdepth", depth, 6),
    ):
        if 0 < value < least:
            raise UsageError(f"cambi:{name}={value}: must be 0 or at least {least}")
    if 0 < width < 216 and 0 < height < 216:
        raise UsageError(
            f"cambi:enc_width={width},enc_height={height}: one of them must be at least 216"
        )
