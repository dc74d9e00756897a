"""PSNR of luma and chroma, equal to libvmaf's ``psnr_y``, ``psnr_cb`` and ``psnr_cr``.

PSNR = 10 log10(peak^2 / MSE), peak = 2^bits - 1, on code values as they are, in either range. It is
cut at 6 * bits + 12 dB (60 dB for 8 bits, 72 for 10), libvmaf's limit, so that identical frames
have a finite score; ``psnr_lossless`` says which frames are identical.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vqa_harness.frames import Frame, Plane
from vqa_harness.jit import kernel
from vqa_harness.protocols import Metric
from vqa_harness.spec import Scores
from vqa_metrics.reference import packed, reference_of

PLANES = ("y", "cb", "cr")
_BLOCK = 16384
"""Samples whose squared differences are added in 32 bits: 16384 * 255^2 is below 2^31."""

_WORTH_A_KERNEL = 100_000_000
"""Samples from which a kernel is loaded, some 70 frames of 720p."""


@kernel()
def _sse8(a: Plane, b: Plane) -> int:
    """Sum squared differences of uint8, in int32 where it can: a vector holds twice as many."""
    total = 0
    for start in range(0, a.size, _BLOCK):
        x = a[start : start + _BLOCK]
        y = b[start : start + _BLOCK]
        part = np.int32(0)
        for i in range(x.size):
            difference = np.int32(x[i]) - np.int32(y[i])
            part = np.int32(part + difference * difference)
        total += int(part)
    return total


@kernel()
def _sse16(a: Plane, b: Plane) -> int:
    """Sum squared differences of uint16; a single one may fill 32 bits."""
    total = np.uint64(0)
    for i in range(a.size):
        difference = np.uint32(abs(np.int32(a[i]) - np.int32(b[i])))
        total += np.uint64(np.uint32(difference * difference))
    return int(total)


def _sse_by_numpy(a: Plane, b: Plane) -> int:
    """Sum squared differences, exactly as the kernels do, at a tenth of their speed."""
    difference = np.maximum(a, b) - np.minimum(a, b)
    wide = np.uint16 if a.dtype == np.uint8 else np.uint32
    return int(np.multiply(difference, difference, dtype=wide).sum(dtype=np.uint64))


class _Effort:
    """How many samples NumPy has compared in this process.

    Loading Numba costs 0.4 s, as much as comparing some hundred frames of 720p with NumPy. Several
    threads may count at once and lose a frame: the sums are the same either way.
    """

    samples = 0

    def is_small(self, plane: Plane) -> bool:
        """Whether NumPy does this plane, too; never if another metric has loaded Numba already."""
        if "numba" in sys.modules or self.samples > _WORTH_A_KERNEL:
            return False
        self.samples += plane.size
        return True


_effort = _Effort()


def squared_error(a: Plane, b: Plane) -> int:
    """Sum the squared differences of two planes, exactly.

    Args:
        a: (H, W) uint8 or uint16, code values.
        b: The same shape and dtype.

    Raises:
        ValueError: Shapes or dtypes differ.
    """
    if a.shape != b.shape or a.dtype != b.dtype:
        raise ValueError(f"planes differ: {a.dtype} {a.shape} and {b.dtype} {b.shape}")
    if _effort.is_small(a):
        return _sse_by_numpy(a, b)
    sse = _sse8 if a.dtype == np.uint8 else _sse16
    return int(sse(packed(a).reshape(-1), packed(b).reshape(-1)))


def psnr_limit(depth: int) -> float:
    """Return the highest PSNR in dB that libvmaf gives for ``depth`` bits per sample."""
    return 6.0 * depth + 12.0


def psnr(mse: float, depth: int) -> float:
    """Convert a mean squared error of code values to PSNR in dB, at most `psnr_limit`.

    Args:
        mse: Mean squared error, at least 0.
        depth: Bits per sample.
    """
    if mse <= 0:
        return psnr_limit(depth)
    return min(20 * math.log10(2**depth - 1) - 10 * math.log10(mse), psnr_limit(depth))


class Psnr(Metric):
    """Kind ``frame``: PSNR per plane; over the stream, PSNR of the mean squared error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sse: dict[str, int] = {}
        self._samples: dict[str, int] = {}
        self._depth = 0
        self._limited = 0

    def measure(self, frame: Frame, ref: Frame | None, /) -> Scores:
        """Compute ``psnr_y``, ``psnr_cb``, ``psnr_cr`` in dB, and ``psnr_lossless`` (0 or 1).

        Chroma is None for gray.

        Raises:
            ValueError: The frames cannot be compared, see `reference_of`.
        """
        ref = reference_of("psnr", frame, ref)
        pairs = zip(PLANES, frame.planes, ref.planes, strict=False)
        errors = {name: (squared_error(a, b), a.size) for name, a, b in pairs}
        scores: dict[str, float | None] = {f"psnr_{name}": None for name in PLANES}
        for name, (sse, samples) in errors.items():
            scores[f"psnr_{name}"] = psnr(sse / samples, frame.depth)
        limited = psnr_limit(frame.depth) in scores.values()
        scores["psnr_lossless"] = float(not any(sse for sse, _ in errors.values()))
        with self._lock:
            self._depth = frame.depth
            self._limited += limited
            for name, (sse, samples) in errors.items():
                self._sse[name] = self._sse.get(name, 0) + sse
                self._samples[name] = self._samples.get(name, 0) + samples
        return scores

    def close(self) -> Mapping[str, float]:
        """Return ``apsnr_y`` and so on: PSNR in dB of the mean squared error of all frames."""
        return {
            f"apsnr_{name}": psnr(sse / self._samples[name], self._depth)
            for name, sse in self._sse.items()
        }

    def gather(self, own: range) -> Any:
        """Return the sums over a piece of a video."""
        return self._sse, self._samples, self._depth, self._limited

    def join(self, gathered: Sequence[Any]) -> None:
        """Add up the sums of all pieces."""
        for sse, samples, depth, limited in gathered:
            self._depth = depth
            self._limited += limited
            for name in sse:
                self._sse[name] = self._sse.get(name, 0) + sse[name]
                self._samples[name] = self._samples.get(name, 0) + samples[name]

    def info(self) -> Mapping[str, Any]:
        """Return the limit in dB, and on how many frames a plane reached it."""
        limit = psnr_limit(self._depth) if self._depth else None
        return {"limit_db": limit, "frames_at_limit": self._limited}
