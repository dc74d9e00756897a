"""What the class behind a metric has to have, for each kind of metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vqa_harness.spec import Feature, ParamValue, Scores

if TYPE_CHECKING:
    from vqa_harness.frames import Clip, Frame, StreamInfo


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames a clip metric wants: ``size`` frames spread over each window.

    Attributes:
        size: frames in a clip, at least 1.
        window: length of a window in seconds; ``None`` for one window over the whole video.
        hop: distance between window starts in seconds; ``None`` for the window's length. Frames
            between windows, where it is longer, are not looked at.
        nearby: whether, instead of a frame that nothing else needs decoded, the nearest frame may
            be taken that others are predicted from.
    """

    size: int
    window: float | None = None
    hop: float | None = None
    nearby: bool = False


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a metric learns before the first frame.

    Attributes:
        distorted: the stream that is scored.
        reference: the stream it is compared with, or ``None``.
        metrics: names of all metrics of this run, so that two can share work.
        threads: how many threads the run may use.
        shared: what metrics of this run keep in common, each under a name of its own; filled in
            `Metric.open`, which is called of one metric after another.
    """

    distorted: StreamInfo
    reference: StreamInfo | None = None
    metrics: tuple[str, ...] = ()
    threads: int = 1
    shared: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class StreamScores:
    """What a stream or file metric gives when it is closed.

    Attributes:
        frames: one mapping per frame fed, in order; all with the same names.
        aggregate: numbers about the whole stream.
    """

    frames: Sequence[Scores]
    aggregate: Mapping[str, float] = field(default_factory=dict)


class Metric:
    """Optional base: every method but `measure`, doing nothing.

    One object scores one stream; the registry makes a new one for the next. A class need not
    inherit from this: `info`, `warnings`, `notes`, `abort` and `features` are taken from here where
    it has none (`ask` does that), so that it owes only the methods of its kind's protocol.
    """

    @classmethod
    def features(cls, params: Mapping[str, ParamValue]) -> tuple[Feature, ...]:
        """What the metric gives with these parameters, under the names that `measure` uses.

        Asked before an object is made, and only if a parameter with ``changes_features`` is not at
        its default; the answer may depend on nothing but the parameters. The first feature is the
        one a comparison looks at. A metric of kind ``stream`` or ``file`` may give more than it
        names here: that stands in the log without direction, and in no table.

        Args:
            params: every parameter of the spec, by name.

        Returns:
            The features; none, as here, for those of the spec.

        Raises:
            UsageError: a value is one that the metric cannot take.
        """
        return ()

    def open(self, run: RunInfo) -> None:
        """Called once before the first frame."""

    def close(self) -> Any:
        """Called once after the last frame; numbers about the whole stream, by name.

        A metric of kind ``stream`` overrides it and returns `StreamScores`.
        """
        return {}

    def info(self) -> Mapping[str, Any]:
        """JSON-compatible facts for the log: model, weights' hash, device."""
        return {}

    def warnings(self) -> Sequence[str]:
        """What the user should know of these scores, a line each; asked after ``close``."""
        return ()

    def notes(self) -> Sequence[str]:
        """What the user asked the metric to report, a line each; asked after ``close``."""
        return ()

    def abort(self) -> None:
        """The run stops early: free processes and files; ``close`` will not be called."""

    def gather(self, own: range) -> Any:
        """What this object counted of a piece of a video, asked after ``close``.

        Only for a metric whose spec has a ``context``. What its ``close`` (beside the frames'
        scores), ``info``, ``warnings`` and ``notes`` say of a whole video has to follow from what
        its pieces gathered, see `join`.

        Args:
            own: which of the frames that a stream metric was fed are the piece's own, counted from
                0; the others are there for their neighbours' sake, and another piece's. Of a frame
                or clip metric all are its own.

        Returns:
            Anything that survives pickling; None, as here, where nothing is counted. Then ``info``
            must be the same for every piece.
        """
        return None

    def join(self, gathered: Sequence[Any]) -> None:
        """Be as if this object had measured all pieces.

        Called, after ``open``, on an object that measured nothing; then ``close`` (not of a stream
        metric), ``info``, ``warnings`` and ``notes`` are asked.

        Args:
            gathered: what `gather` gave for each piece, in order.
        """


def ask(metric: Any, method: str) -> Any:
    """What a metric's ``info``, ``warnings``, ``notes`` or ``abort`` gives.

    The only place that knows that a metric need not inherit from `Metric`: a method that its class
    lacks is the empty one of that class.
    """
    own = getattr(metric, method, None)
    return getattr(Metric, method)(metric) if own is None else own()


class FrameMetric(Protocol):
    """Kind ``frame``: NIQE, PSNR, SSIM."""

    def open(self, run: RunInfo) -> None:
        """See `Metric.open`."""

    def measure(self, frame: Frame, ref: Frame | None, /) -> Scores:
        """Score one frame. Must be safe to call from several threads at once."""

    def close(self) -> Mapping[str, float]:
        """See `Metric.close`."""


class ClipMetric(Protocol):
    """Kind ``clip``: CLIPVQA. ``sampling`` is read after ``open``."""

    sampling: Sampling
    batch_size: int

    def open(self, run: RunInfo) -> None:
        """See `Metric.open`."""

    def prepare(self, frame: Frame, ref: Frame | None, /) -> Any:
        """Reduce a frame, at once, to what the metric keeps of it; any thread."""

    def measure(self, clips: Sequence[Clip], /) -> Sequence[Scores]:
        """Score up to ``batch_size`` clips; always the same thread."""

    def close(self) -> Mapping[str, float]:
        """See `Metric.close`."""


class StreamMetric(Protocol):
    """Kind ``stream``: VMAF, and filters with memory."""

    def open(self, run: RunInfo) -> None:
        """See `Metric.open`."""

    def measure(self, frame: Frame, ref: Frame | None, /) -> None:
        """Take the next frame (pair), in order."""

    def close(self) -> StreamScores:
        """All scores, one mapping per frame fed."""

    def abort(self) -> None:
        """The run stops early: free processes and files; ``close`` will not be called."""


class FileMetric(Protocol):
    """Kind ``file``: a tool that reads the video by itself."""

    def measure(self, video: Path, ref: Path | None, /) -> StreamScores:
        """Score a file."""


class FusionMetric(Protocol):
    """Kind ``fusion``: makes scores of those of the metrics in ``MetricSpec.needs``."""

    def measure(self, scores: Mapping[str, Sequence[float | None]], frames: int, /) -> StreamScores:
        """Combine scores.

        Args:
            scores: feature as it stands in the log to one value per frame, None where undefined.
            frames: how many frames there are.
        """
