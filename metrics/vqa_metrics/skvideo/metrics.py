"""ST-RRED, VIIDEO and the Video BLIINDS features, computed by scikit-video.

All three see the Y plane as coded, limited range left as it is; above 8 bits it is rounded to 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import UsageError
from vqa_harness.frames import Frame
from vqa_harness.protocols import RunInfo, StreamScores
from vqa_harness.spec import Scores
from vqa_metrics.reference import reference_of
from vqa_metrics.skvideo.library import VERSION, library
from vqa_metrics.specs.skvideo import BLIINDS_NAMES

MAX_BYTES = 1 << 30
"""Memory that a metric may keep of one video; scikit-video needs some of it whole."""


class _OnLuma:
    """Base of the three metrics: their limits, and the Y plane as 8 bits.

    Attributes:
        name: Name of the metric.
        side: Fewest rows and columns.
        frames: Fewest frames.
    """

    name = ""
    side = 0
    frames = 0

    def __init__(self) -> None:
        self._shape: tuple[int, ...] | None = None
        self._count = 0

    def open(self, run: RunInfo) -> None:
        """Check the stream and load the library.

        Raises:
            UsageError: The video is RGB, or its frames are too small.
            MissingBackend: Scikit-video cannot be used, see `library`.
        """
        video = run.distorted
        if video.chroma == "rgb":
            raise UsageError(f"{self.name} needs a Y plane, {video.name} is RGB; convert it to YUV")
        if min(video.width, video.height) < self.side:
            raise UsageError(
                f"{self.name} needs frames of at least {self.side}x{self.side},"
                f" {video.name} is {video.width}x{video.height}; leave {self.name} out"
            )
        self._library = library()

    def _luma(self, frame: Frame) -> NDArray[np.uint8]:
        """Copy the Y plane (H, W) as uint8; above 8 bits it is rounded to 8."""
        if self._shape not in (None, frame.luma.shape):
            raise UsageError(
                f"{self.name}: frame {frame.index} is {frame.width}x{frame.height}, unlike the"
                f" first; score the parts of the video one by one"
            )
        self._shape = frame.luma.shape
        shift = frame.depth - 8
        if shift == 0:
            return np.array(frame.luma, np.uint8)
        rounded = (frame.luma.astype(np.uint32) + (1 << (shift - 1))) >> shift
        return np.array(np.minimum(rounded, 255), np.uint8)

    def _enough(self) -> None:
        if self._count < self.frames:
            raise UsageError(
                f"{self.name} needs at least {self.frames} frames, the video has {self._count};"
                f" leave {self.name} out"
            )

    def _reserve(self, size: int) -> None:
        if size > MAX_BYTES:
            self.abort()
            raise UsageError(
                f"{self.name} would keep more than {MAX_BYTES >> 20} MiB in memory from frame"
                f" {self._count} on; trim or downscale the video"
            )

    def abort(self) -> None:
        """Let go of the frames or features that were kept."""

    def info(self) -> Mapping[str, Any]:
        """Say which library computed the scores."""
        return {"library": f"scikit-video {VERSION}"}


class Strred(_OnLuma):
    """Kind ``stream``: ST-RRED, one value per pair of frames 0-1, 2-3 and so on.

    Source: Soundararajan and Bovik, "Video Quality Assessment by Reduced Reference Spatio-Temporal
    Entropic Differencing", IEEE TCSVT 2013.
    """

    name, side, frames = "strred", 64, 2

    def __init__(self) -> None:
        super().__init__()
        self._first: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None
        self._pairs: list[NDArray[np.float64]] = []

    def measure(self, frame: Frame, ref: Frame | None, /) -> None:
        """Keep the first frame of a pair; score the pair when the second comes.

        Raises:
            ValueError: The frames cannot be compared, see `reference_of`.
            UsageError: The size changed.
        """
        planes = self._luma(reference_of(self.name, frame, ref)), self._luma(frame)
        self._count += 1
        if self._first is None:
            self._first = planes
            return
        videos = [np.stack(pair) for pair in zip(self._first, planes, strict=True)]
        self._first = None
        try:
            with np.errstate(all="ignore"):
                values = self._library.strred(*videos)[0][0]
        except np.linalg.LinAlgError:  # too flat a frame: its covariance has no inverse
            values = np.full(4, np.nan)
        self._pairs.append(np.asarray(values, np.float64))

    def close(self) -> StreamScores:
        """Return the parts of each frame's pair; a last odd frame has those of the last pair.

        Raises:
            UsageError: There are fewer than two frames.
        """
        self._enough()
        values = np.array(self._pairs)
        defined = values[np.isfinite(values).all(axis=1)]
        spatial, temporal, spatial_rr, temporal_rr = (
            defined.mean(axis=0) if len(defined) else np.full(4, np.nan)
        )
        index = _defined(spatial * temporal)
        rows: list[Scores] = []
        for number in range(self._count):
            pair = values[min(number // 2, len(values) - 1)]
            parts = {"strred_spatial": _defined(pair[0]), "strred_temporal": _defined(pair[1])}
            rows.append({**parts, "strred": index})
        whole = {"strred": index, "strred_reduced": _defined(spatial_rr * temporal_rr)}
        return StreamScores(rows, {k: v for k, v in whole.items() if v is not None})


class Viideo(_OnLuma):
    """Kind ``stream``: VIIDEO, one score for the video; blocks of 18x18, overlap 8 (the defaults).

    Source: Mittal, Saad and Bovik, "A Completely Blind Video Integrity Oracle", IEEE TIP 2016.
    """

    name, side, frames = "viideo", 36, 4

    def __init__(self) -> None:
        super().__init__()
        self._first: NDArray[np.uint8] | None = None
        self._pairs: list[NDArray[np.float32]] = []

    def measure(self, frame: Frame, ref: Frame | None, /) -> None:
        """Keep the first frame of a pair; reduce the pair to features when the second comes.

        Raises:
            UsageError: The size changed, or the features of so long a video would not fit.
        """
        plane = self._luma(frame)
        self._count += 1
        if self._first is None:
            self._first = plane
            return
        with np.errstate(all="ignore"):
            pair = self._library.viideo_features(np.stack([self._first, plane]))
        self._first = None
        self._reserve(pair.nbytes * (len(self._pairs) + 1))
        self._pairs.append(pair)

    def close(self) -> StreamScores:
        """Return the score, on every frame; a last odd frame does not count, as in the library.

        Raises:
            UsageError: There are fewer than four frames.
        """
        self._enough()
        with np.errstate(all="ignore"):
            score = _defined(self._library.viideo_score(np.concatenate(self._pairs)))
        whole = {} if score is None else {"viideo": score}
        return StreamScores([{"viideo": score}] * self._count, whole)

    def abort(self) -> None:
        """Let go of the features that were kept."""
        self._pairs.clear()


class Bliinds(_OnLuma):
    """Kind ``stream``: the 46 features of Video BLIINDS, of the whole video.

    Source: Saad, Bovik and Charrier, "Blind Prediction of Natural Video Quality", IEEE TIP 2014.
    """

    name, side, frames = "bliinds", 192, 11

    def __init__(self) -> None:
        super().__init__()
        self._video = bytearray()

    def measure(self, frame: Frame, ref: Frame | None, /) -> None:
        """Keep the luma; the features are computed at the end.

        Raises:
            UsageError: The size changed, or the luma of the video would not fit.
        """
        plane = self._luma(frame)
        self._count += 1
        self._reserve(len(self._video) + plane.nbytes)
        self._video += plane.data

    def close(self) -> StreamScores:
        """Return the features, the same on every frame.

        Raises:
            UsageError: There are fewer than eleven frames.
        """
        self._enough()
        video = np.frombuffer(self._video, np.uint8).reshape(self._count, *(self._shape or ()), 1)
        with np.errstate(all="ignore"):
            values = self._library.bliinds(video)
        row = {name: _defined(v) for name, v in zip(BLIINDS_NAMES, values, strict=True)}
        return StreamScores([row] * self._count)

    def abort(self) -> None:
        """Let go of the luma that was kept."""
        self._video = bytearray()


def _defined(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
