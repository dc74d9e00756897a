"""The settings of a libvmaf run: the raw format of its frames, models, features, filter graph."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import MetricError, UsageError

_SUBSAMPLING = {"420": (1, 1), "422": (1, 0), "444": (0, 0)}
_SIZE_MAX = 16384
"""Most rows or columns; larger frames are no video, and would take gigabytes."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_VERSION = re.compile(r"[A-Za-z0-9_.]+")
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
    chroma: str = "420"
    full_range: bool = False

    def __post_init__(self) -> None:
        if self.chroma not in _SUBSAMPLING:
            raise UsageError(f"VMAF: chroma {self.chroma} is not one of 420, 422, 444")
        if self.depth not in (8, 10, 12):
            raise UsageError(f"VMAF: {self.depth} bits per sample, libvmaf takes 8, 10 or 12")
        if not (1 <= self.width <= _SIZE_MAX and 1 <= self.height <= _SIZE_MAX):
            raise UsageError(f"VMAF: frame size {self.width}x{self.height} is not within 1-16384")

    @property
    def pix_fmt(self) -> str:
        """FFmpeg's name of the pixel format: ``yuv420p10le``; 8-bit full range is ``yuvj420p``."""
        if self.depth == 8:
            return f"yuv{'j' if self.full_range else ''}{self.chroma}p"
        return f"yuv{self.chroma}p{self.depth}le"

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of the planes Y, U, V; odd sizes are rounded up, as FFmpeg does."""
        across, down = _SUBSAMPLING[self.chroma]
        chroma = (-(-self.height >> down), -(-self.width >> across))
        return (self.height, self.width), chroma, chroma

    def check(self, side: str, planes: Sequence[NDArray[np.uint8] | NDArray[np.uint16]]) -> None:
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
        dtype = np.uint8 if self.depth == 8 else np.uint16
        for plane in planes:
            if plane.dtype != dtype:
                raise MetricError(
                    f"VMAF: {side} samples are {plane.dtype}, {self.depth} bit needs "
                    f"{np.dtype(dtype)}; convert both clips to one format"
                )


@dataclass(frozen=True, slots=True)
class VmafModel:
    """A VMAF model.

    Attributes:
        version: Name of a model that is built into libvmaf; unused where ``path`` is given.
        name: What its score is called in the log.
        path: A model file (JSON) instead of a built-in model.
    """

    version: str = "vmaf_v0.6.1"
    name: str = "vmaf"
    path: Path | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"VMAF model name {self.name!r}: use letters, digits and _")
        if not _VERSION.fullmatch(self.version):
            raise UsageError(
                f"VMAF model {self.version!r}: give a built-in name such as vmaf_v0.6.1"
            )
        if self.path is not None and not self.path.is_file():
            raise UsageError(f"VMAF model file {self.path}: no such file")

    @property
    def smallest(self) -> tuple[int, int]:
        """Smallest frame in columns and rows: on smaller ones libvmaf crashes."""
        return (640, 360) if self.path is None and "_2160" in self.version else (32, 32)

    def file_name(self, index: int) -> str:
        """Name the model file in the child's folder, without characters that need escaping.

        Args:
            index: Place of the model in the run.
        """
        return f"model{index}.json"

    def option(self, index: int) -> str:
        """Write the part of libvmaf's ``model`` option for this model, number ``index``."""
        where = f"version={self.version}" if self.path is None else f"path={self.file_name(index)}"
        return f"{where}:name={self.name}"


def filter_graph(
    layout: RawFormat,
    models: Sequence[VmafModel],
    features: Sequence[str],
    n_threads: int,
    n_subsample: int,
    log_name: str,
) -> str:
    """Write the filter graph that takes interleaved frames apart and feeds them to libvmaf.

    Frames come in turn, reference first. Each half gets timestamps of its own (``setpts=N``), so
    that FFmpeg pairs the n-th with the n-th.

    Args:
        layout: Size and sample format of the frames.
        models: At least one; their names differ.
        features: Further libvmaf features, each ``name`` or ``name:option=value``.
        n_threads: Threads of libvmaf, 0 to 1024.
        n_subsample: Score every n-th pair.
        log_name: File that libvmaf writes, in the child's folder.

    Raises:
        UsageError: No model, two of one name, a frame too small for a model, a malformed feature,
            or a count out of range.
    """
    _check_models(layout, models)
    for feature in features:
        if not _FEATURE.fullmatch(feature):
            raise UsageError(f"VMAF feature {feature!r}: write name or name:option=value")
    if not 0 <= n_threads <= 1024 or not 1 <= n_subsample <= 1_000_000:
        raise UsageError(f"VMAF: n_threads={n_threads}, n_subsample={n_subsample} out of range")
    options = {
        "log_path": log_name,
        "log_fmt": "json",
        "n_threads": str(n_threads),
        "n_subsample": str(n_subsample),
        "model": "|".join(model.option(index) for index, model in enumerate(models)),
    }
    if features:
        options["feature"] = "|".join(f"name={feature}" for feature in features)
    # A colon inside a value is parsed twice, as part of the graph and as part of the option, so
    # it carries two backslashes.
    text = ":".join(
        f"{key}={value.replace(':', chr(92) * 2 + ':')}" for key, value in options.items()
    )
    return (
        "[0:v]split[a][b];"
        "[a]select='not(mod(n,2))',settb=1/25,setpts=N[r];"
        "[b]select='mod(n,2)',settb=1/25,setpts=N[d];"
        f"[d][r]libvmaf={text}"
    )


def _check_models(layout: RawFormat, models: Sequence[VmafModel]) -> None:
    if not models:
        raise UsageError("VMAF: name at least one model")
    names = [model.name for model in models]
    if len(set(names)) != len(names):
        raise UsageError(f"VMAF: models need different names, got {', '.join(names)}")
    for model in models:
        columns, rows = model.smallest
        if layout.width < columns or layout.height < rows:
            raise UsageError(
                f"VMAF model {model.version} needs frames of at least {columns}x{rows}, "
                f"not {layout.width}x{layout.height}; use vmaf_v0.6.1"
            )
