"""What a log says of its run beside the scores: ``Log.view``, the typed form of ``Log.extra``.

A log may be anybody's, so nothing here is taken on trust: a value that is missing, or of another
kind than ``docs/log-format.md`` gives it, is None, and a list or object of another kind is empty.
A number is finite and below 1e100 in magnitude, a whole number fits 64 bits, and true and false are
not numbers. What no class here has stays in ``Log.extra``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from vqa_harness.logs.view_alignment import Alignment, Counted, SegmentEntry
from vqa_harness.logs.view_metrics import (
    FeatureEntry,
    MetricEntry,
    PooledEntry,
    Pooling,
    WindowEntry,
    WorstRun,
)
from vqa_harness.logs.view_qc import Qc, QcEventEntry

__all__ = [
    "Alignment",
    "ColourEntry",
    "Counted",
    "FeatureEntry",
    "Inputs",
    "LogView",
    "MetricEntry",
    "PooledEntry",
    "Pooling",
    "Qc",
    "QcEventEntry",
    "Reading",
    "Role",
    "SegmentEntry",
    "StreamEntry",
    "WindowEntry",
    "WorstRun",
]

Role = Literal["distorted", "reference"]


@dataclass(frozen=True, slots=True)
class ColourEntry:
    """How a stream codes colour.

    Attributes:
        range: the range of code values, ``full`` or ``limited``.
        matrix: the matrix, such as ``bt709``.
        transfer: the transfer function, such as ``smpte2084``.
        primaries: the primaries, such as ``bt2020``.
        guessed: names of those of the four that the stream does not state.
    """

    range: str | None = None
    matrix: str | None = None
    transfer: str | None = None
    primaries: str | None = None
    guessed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """The distorted or the reference video, as it was read.

    Attributes:
        name: the name of the file, without folders.
        sha256: the hash of the file's bytes, hexadecimal; None also where it was not taken.
        codec: FFmpeg's name of the codec.
        width: in pixels, after rotation.
        height: in pixels, after rotation.
        pix_fmt: FFmpeg's name of the pixel format.
        depth: bits per sample.
        chroma: ``420``, ``422``, ``444``, ..., ``gray`` or ``rgb``.
        rate: frames per second, above 0; None also where the rate is unknown.
        frames: how many frames were decoded.
        expected_frames: how many the container announces; None also where it announces none.
        duration: the duration in seconds that the container states.
        rotation: the rotation that was undone, in degrees counter-clockwise.
        mirrored: whether the picture was also mirrored, left to right, to undo that.
        sar: the sample aspect ratio, such as ``1:1``.
        interlaced: whether the stream says it is interlaced.
        still: whether the file is an image.
        colour: how the stream codes colour.
    """

    name: str | None = None
    sha256: str | None = None
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    pix_fmt: str | None = None
    depth: int | None = None
    chroma: str | None = None
    rate: Fraction | None = None
    frames: int | None = None
    expected_frames: int | None = None
    duration: float | None = None
    rotation: int | None = None
    mirrored: bool | None = None
    sar: str | None = None
    interlaced: bool | None = None
    still: bool | None = None
    colour: ColourEntry = field(default_factory=ColourEntry)

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) in pixels, after rotation; None where either is unknown."""
        return None if self.width is None or self.height is None else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The two videos; None where there was none, or the log says nothing of it."""

    distorted: StreamEntry | None = None
    reference: StreamEntry | None = None

    def stream(self, role: Role) -> StreamEntry | None:
        """The video of a role."""
        return self.distorted if role == "distorted" else self.reference


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found when a video was decoded.

    Attributes:
        facts: each number, truth value (0 or 1) and length of a list by its name, such as
            ``corrupt_frames``; inside another object by its dotted name. None where unknown.
        warnings: what a reader should know, a line each.
    """

    facts: Mapping[str, float | None] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogView:
    """Everything a log says of its run. All is empty for the log of another program.

    Attributes:
        schema: the version of the layout; 1 today.
        harness_version: the version of vqa-harness.
        created: when the log was made: ISO 8601, UTC.
        command: the command line, without folders.
        inputs: the videos.
        reading: ``distorted`` and ``reference`` to what was found when it was decoded.
        alignment: how frames were paired with the reference.
        metrics: the metrics by label, in the order they were named.
        pooling: how scores were pooled.
        qc: the events of the distorted video that need no reference.
        frame_times: time of each frame in seconds, the first frame of the video at 0; None where
            unknown. Empty, or as long as the log unless somebody changed it.
        warnings: what the user should know of the run, a line each.
        errors: label of a metric to why it gave nothing; empty if all worked.
        seconds: wall time by part, and ``cpu``, the processor time.
    """

    schema: int | None = None
    harness_version: str | None = None
    created: str | None = None
    command: str | None = None
    inputs: Inputs = field(default_factory=Inputs)
    reading: Mapping[str, Reading] = field(default_factory=dict)
    alignment: Alignment = field(default_factory=Alignment)
    metrics: Mapping[str, MetricEntry] = field(default_factory=dict)
    pooling: Pooling = field(default_factory=Pooling)
    qc: Qc = field(default_factory=Qc)
    frame_times: tuple[float | None, ...] = ()
    warnings: tuple[str, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float | None] = field(default_factory=dict)

    def metric_of(self, feature: str) -> MetricEntry | None:
        """The metric that gave a feature; None where the log does not say."""
        return next((m for m in self.metrics.values() if feature in m.features), None)

    @property
    def undefined_frames(self) -> dict[str, tuple[int, ...]]:
        """Feature to the frames (indices) that hold another frame's score, of all metrics."""
        return {
            name: frames
            for metric in self.metrics.values()
            for name, frames in metric.undefined_frames.items()
        }
