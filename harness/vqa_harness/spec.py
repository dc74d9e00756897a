"""What a metric is: data that describes it (`MetricSpec`) and the protocols its class follows.

A plugin returns specs, never classes: the class behind `MetricSpec.factory` is imported only when a
run asks for the metric, so listing metrics costs nothing. This module therefore imports neither
NumPy nor any decoder.
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TextIO

from vqa_harness.errors import UsageError

if TYPE_CHECKING:
    from vqa_harness.frames import Clip, Frame, StreamInfo
    from vqa_harness.logs.log import Log

NAME_FORM = re.compile(r"[a-z][a-z0-9_]*")
"""What names of metrics, features and log formats look like."""

Kind = Literal["frame", "clip", "stream", "file"]
ParamValue = bool | int | float | str
Scores = Mapping[str, float | None]
"""Feature name to value; ``None`` where the value is undefined for this frame (never NaN)."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One number that a metric gives.

    Attributes:
        name: its name in the log; lower-case letters, digits and ``_``.
        higher_is_better: the direction, ``None`` for a plain description such as motion.
        lo: smallest possible value, ``None`` if unbounded.
        hi: largest possible value, ``None`` if unbounded.
        unit: such as ``"dB"``; empty for a plain score.
        help: one line on what it means.
        diagnostic: written under ``vqa_harness`` in the log, beside the scores, never pooled.
    """

    name: str
    higher_is_better: bool | None = True
    lo: float | None = None
    hi: float | None = None
    unit: str = ""
    help: str = ""
    diagnostic: bool = False


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a metric, set on the command line as ``NAME:param=value``.

    The type is that of ``default``; the factory takes it as a keyword-only argument of this name.

    Attributes:
        name: the argument's name.
        default: used where the user says nothing.
        help: one line for ``vqa-harness metrics NAME``.
        lo: smallest value allowed (numbers).
        hi: largest value allowed (numbers).
        choices: the values allowed; empty for any.
        changes_score: whether another value gives other scores. Such a parameter, when it is not at
            its default, is appended to the feature names in the log, as libvmaf does.
        changes_features: whether another value gives other features. The metric's class then says
            which, see `Metric.features`.
    """

    name: str
    default: ParamValue
    help: str = ""
    lo: float | None = None
    hi: float | None = None
    choices: tuple[str, ...] = ()
    changes_score: bool = True
    changes_features: bool = False

    def parse(self, text: str) -> ParamValue:
        """Read a value from the command line.

        Raises:
            UsageError: the text is not of the parameter's type, or outside what it allows.
        """
        value = self._convert(text)
        if self.choices and value not in self.choices:
            raise UsageError(f"{self.name}={text}: choose one of {', '.join(self.choices)}")
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not math.isfinite(value):
                raise UsageError(f"{self.name}={text}: needs a finite number")
            if self.lo is not None and value < self.lo:
                raise UsageError(f"{self.name}={text}: must be at least {self.lo:g}")
            if self.hi is not None and value > self.hi:
                raise UsageError(f"{self.name}={text}: must be at most {self.hi:g}")
        return value

    def _convert(self, text: str) -> ParamValue:
        if isinstance(self.default, bool):
            words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
            if text.lower() not in words:
                raise UsageError(f"{self.name}={text}: needs true or false")
            return words[text.lower()]
        if isinstance(self.default, int | float):
            number = type(self.default)
            try:
                return number(text)
            except ValueError:
                noun = "a whole number" if number is int else "a number"
                raise UsageError(f"{self.name}={text}: needs {noun}") from None
        return text


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Everything the harness must know about a metric before it is imported.

    Attributes:
        name: unique across plugins; lower-case letters, digits and ``_``.
        factory: ``"package.module:Class"``; called with the parameters as keywords.
        features: what it gives for every frame (or window) while no parameter that changes them
            is set; the first is the one a comparison looks at.
        kind: ``frame``: one call per frame, any order, any thread. ``clip``: one call per window of
            sampled frames. ``stream``: every frame in order on one thread, scores at the end.
            ``file``: called with paths.
        reference: whether it compares with a reference video (full reference).
        params: what can be set.
        version: of the algorithm or model; a changed score means a changed version.
        summary: one line for ``vqa-harness metrics``.
        paper: the publication it implements.
        extra: what to install when a module it needs is missing, e.g. ``vqa-harness[clip]``.
        requires: modules looked for (never imported) to say whether the extra is there.
        warmup: a module with ``compiling_needed() -> bool``, quick, and ``warmup()``, for a metric
            whose first frame waits for a compiler.
    """

    name: str
    factory: str
    features: tuple[Feature, ...]
    kind: Kind = "frame"
    reference: bool = False
    params: tuple[Param, ...] = ()
    version: str = "1"
    summary: str = ""
    paper: str = ""
    extra: str = ""
    requires: tuple[str, ...] = ()
    warmup: str = ""

    def param(self, name: str) -> Param | None:
        """The parameter of that name, or None."""
        return next((p for p in self.params if p.name == name), None)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames a clip metric wants: ``size`` frames spread over each window.

    Attributes:
        size: frames in a clip, at least 1.
        window: length of a window in seconds; ``None`` for one window over the whole video.
        hop: distance between window starts in seconds; ``None`` for the window's length.
    """

    size: int
    window: float | None = None
    hop: float | None = None


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a metric learns before the first frame.

    Attributes:
        distorted: the stream that is scored.
        reference: the stream it is compared with, or ``None``.
        metrics: names of all metrics of this run, so that two can share work.
        threads: how many threads the run may use.
    """

    distorted: StreamInfo
    reference: StreamInfo | None = None
    metrics: tuple[str, ...] = ()
    threads: int = 1


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


@dataclass(frozen=True, slots=True)
class WriterSpec:
    """A log format; the function behind it is imported when a log is written.

    ``docs/writing-a-writer.md`` goes through an example.

    Attributes:
        name: what ``--format`` takes; lower-case letters, digits and ``_``, unique across plugins.
        suffixes: file endings that choose this format, such as ``.json``, in lower case; the first
            is the usual one, so there is at least one. An ending that several formats have chooses
            ours, or the first registered.
        factory: ``"package.module:function"``, called as ``function(log, file)`` with a `Log` and a
            text file. It must not change the log, nor close the file.
    """

    name: str
    suffixes: tuple[str, ...]
    factory: str

    def fault(self) -> str:
        """What is wrong with the name or the endings; empty if nothing is."""
        if not NAME_FORM.fullmatch(self.name):
            return "its name is not lower-case letters, digits and _"
        if not self.suffixes:
            return "it has no file ending"
        wrong = next((s for s in self.suffixes if not re.fullmatch(r"\.[a-z0-9_-]+", s)), None)
        return "" if wrong is None else f"{wrong!r} is not a file ending such as .json"

    def load(self) -> Callable[[Log, TextIO], None]:
        """The function that writes.

        Raises:
            UsageError: it cannot be imported.
        """
        module, _, name = self.factory.partition(":")
        try:
            function: Any = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise UsageError(f"log format {self.name!r}: cannot load it: {error}") from None
        return function  # type: ignore[no-any-return]
