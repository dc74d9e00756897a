"""The settings of a libvmaf run: the raw format of its frames, and the filter's options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vqa_harness.errors import MetricError, UsageError, refuse_twice
from vqa_metrics.vmaf.models import VmafModel

if TYPE_CHECKING:  # this module is imported when metrics are listed
    from vqa_harness.frames import Chroma, Plane

_FACTORS: dict[Chroma, tuple[int, int]] = {"420": (2, 2), "422": (2, 1), "444": (1, 1)}
_SIZE_MAX = 16384
"""Most rows or columns; larger frames are no video, and would take gigabytes."""
_FEATURE = re.compile(r"[A-Za-z0-9_]+(:[A-Za-z0-9_.]+=[A-Za-z0-9_.+-]+)*")


@dataclass(frozen=True, slots=True)
class RawFormat:
    """Size and sample format of planar YUV frames.

    Attributes:
        width: Columns of luma.
        height: Rows of luma.
        depth: Bits per sample: 8, 10 or 12.
        chroma: Subsampling: ``"420"``, ``"422"`` or ``"444"``.
        full_range: Whether samples use the whole code range; libvmaf compares code values as they
            are.
    """

    width: int
    height: int
    depth: int = 8
    chroma: Chroma = "420"
    full_range: bool = False

    def __post_init__(self) -> None:
        if self.chroma not in _FACTORS:
            raise UsageError(f"VMAF: chroma {self.chroma} is not one of {', '.join(_FACTORS)}")
        if self.depth not in (8, 10, 12):
            raise UsageError(f"VMAF: {self.depth} bits per sample, libvmaf takes 8, 10 or 12")
        if not (1 <= self.width <= _SIZE_MAX and 1 <= self.height <= _SIZE_MAX):
            raise UsageError(f"VMAF: frame size {self.width}x{self.height} is not within 1-16384")

    @property
    def pix_fmt(self) -> str:
        """FFmpeg's name of the pixel format, such as ``yuv420p10le``, whatever the range."""
        return f"yuv{self.chroma}p" + ("" if self.depth == 8 else f"{self.depth}le")

    @property
    def factors(self) -> tuple[int, int]:
        """Samples of luma to one of chroma, across and down."""
        return _FACTORS[self.chroma]

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of the planes Y, U, V; odd sizes are rounded up, as FFmpeg does."""
        across, down = self.factors
        chroma = (-(-self.height // down), -(-self.width // across))
        return (self.height, self.width), chroma, chroma

    def check(self, side: str, planes: Sequence[Plane]) -> None:
        """Refuse planes of another size or sample type: ffmpeg would misread them without a word.

        Args:
            side: ``reference`` or ``distorted``, for the message.
            planes: Y, U, V, each [rows, columns].

        Raises:
            MetricError: The size or the sample type differs.
        """
        shapes = tuple(plane.shape for plane in planes)
        if shapes != self.shapes:
            raise MetricError(
                f"VMAF: {side} planes are {shapes}, not {self.shapes} as the first pair; "
                "scale both clips to one size"
            )
        dtype = "uint8" if self.depth == 8 else "uint16"
        for plane in planes:
            if plane.dtype.name != dtype:
                raise MetricError(
                    f"VMAF: {side} samples are {plane.dtype}, {self.depth} bit needs {dtype}; "
                    "convert both clips to one format"
                )


def check_options(
    models: Sequence[VmafModel], features: Sequence[str], n_threads: int, n_subsample: int
) -> None:
    """Refuse settings that no libvmaf takes.

    Raises:
        UsageError: No model, two of one name, a malformed feature, or a count out of range.
    """
    if not models:
        raise UsageError("VMAF: name at least one model")
    refuse_twice("VMAF model name", (model.name for model in models), "models need different names")
    for feature in features:
        if not _FEATURE.fullmatch(feature):
            raise UsageError(f"VMAF feature {feature!r}: write name or name:option=value")
    if not 0 <= n_threads <= 1024 or not 1 <= n_subsample <= 1_000_000:
        raise UsageError(f"VMAF: n_threads={n_threads}, n_subsample={n_subsample} out of range")


def what_to_compute(
    models: Sequence[VmafModel], features: Sequence[str], files: Sequence[str] = ()
) -> dict[str, str]:
    """Write the options of FFmpeg's filter that say what it computes.

    Args:
        models: At least one; their names differ.
        features: Further libvmaf features, each ``name`` or ``name:option=value``.
        files: For each model the path that libvmaf reads if it is a file, without a ``|``; empty
            for `VmafModel.file_name` in the working folder.

    Returns:
        ``model`` and, where there are any, ``feature``, escaped as the filter parses them.
    """
    paths = files or [model.file_name(index) for index, model in enumerate(models)]
    escaped = [re.sub(r"([\\':\s])", r"\\\1", path) for path in paths]
    parts = [model.option(path) for model, path in zip(models, escaped, strict=True)]
    options = {"model": "|".join(parts)}
    if features:
        options["feature"] = "|".join(f"name={feature}" for feature in features)
    return options


def how_to_compute(log_path: str, n_threads: int, n_subsample: int) -> dict[str, str]:
    """Write the other options of FFmpeg's filter.

    Args:
        log_path: File that libvmaf writes.
        n_threads: Threads of libvmaf, 0 to 1024.
        n_subsample: Score every n-th pair.
    """
    return {
        "log_path": log_path,
        "log_fmt": "json",
        "n_threads": str(n_threads),
        "n_subsample": str(n_subsample),
    }
