"""What a metric, its features and parameters, and a log format are: data that describes them.

A plugin returns specs, never classes: the class behind `MetricSpec.factory` is imported only when a
run asks for the metric, so listing metrics costs nothing. This module therefore imports neither
NumPy nor any decoder.
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO, get_args

from vqa_harness.errors import UsageError

if TYPE_CHECKING:
    from vqa_harness.logs.log import Log

NAME_FORM = re.compile(r"[a-z][a-z0-9_]*")
"""What names of metrics, features and log formats look like."""

Kind = Literal["frame", "clip", "stream", "file", "fusion"]
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
        first: the first frame that can have it, such as 1 for what compares a frame with the one
            before; that earlier frames lack it is not told.
    """

    name: str
    higher_is_better: bool | None = True
    lo: float | None = None
    hi: float | None = None
    unit: str = ""
    help: str = ""
    diagnostic: bool = False
    first: int = 0


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
        whole: whether with another value than the default a video cannot be scored in pieces.
    """

    name: str
    default: ParamValue
    help: str = ""
    lo: float | None = None
    hi: float | None = None
    choices: tuple[str, ...] = ()
    changes_score: bool = True
    changes_features: bool = False
    whole: bool = False

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
class Backend:
    """The program or library, not of Python, that computes a metric's scores.

    Attributes:
        name: what tells it from others that may compute the same metric.
        missing: what is missing and how to get it, in a line; empty if nothing is.
        files: the files whose bytes its scores depend on, such as an executable.
    """

    name: str = ""
    missing: str = ""
    files: tuple[Path, ...] = ()


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
            ``file``: called with paths. ``fusion``: called with the scores of the metrics in
            ``needs``, when they are done.
        reference: whether it compares with a reference video (full reference).
        params: what can be set.
        version: of the algorithm or model; a changed score means a changed version.
        summary: one line for ``vqa-harness metrics``.
        paper: the publication it implements.
        extra: the distribution and its extra that bring a missing module, e.g. ``my-metric[gpu]``;
            messages make of it what pip takes here, see `vqa_harness.installation`.
        requires: modules looked for (never imported) to say whether the extra is there.
        backend: ``"package.module:function"`` for a metric that a program or library computes;
            ``function(params)`` gives its `Backend`. It is asked when metrics are listed and when
            scores are cached, so it must not load more than it takes to look.
        warmup: a module with ``compiling_needed() -> bool``, quick, and ``warmup()``, for a metric
            whose first frame waits for a compiler; its ``SECONDS``, if there, says about how long.
        sdr_only: whether it was made for standard dynamic range; scores of PQ and HLG then come
            with a warning, and not at all with ``--strict``.
        needs_detail: whether it can say nothing of a blank picture: where all or nearly all of a
            frame is plain, its scores are undefined, and where most is, or nothing but noise is to
            be seen, that is told. A metric of kind ``stream`` gets blank frames too.
        needs: metrics, as on a command line, whose scores a metric of kind ``fusion`` takes; they
            are measured in the same pass, whether or not they were asked for.
        smallest: pixels that the shorter side must have; a smaller picture is an error.
        context: how many frames before and after a frame its scores depend on, which a piece of a
            video must have beside its own; (0, 0) for a clip metric, whose windows stay whole. None
            where a video cannot be scored in pieces. See `Metric.gather` for what else it takes.
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
    backend: str = ""
    warmup: str = ""
    sdr_only: bool = False
    needs_detail: bool = False
    smallest: int = 0
    needs: tuple[str, ...] = ()
    context: tuple[int, int] | None = None

    def param(self, name: str) -> Param | None:
        """The parameter of that name, or None."""
        return next((p for p in self.params if p.name == name), None)

    def fault(self) -> str:
        """What is wrong with it, as a plugin may have filled in anything; empty if nothing is."""
        return (
            _name_fault(self.name)
            or _place_fault("factory", self.factory)
            or _items_fault("features", self.features, Feature)
            or _items_fault("params", self.params, Param)
            or _items_fault("requires", self.requires, str)
            or _items_fault("needs", self.needs, str)
            or ("" if self.kind in get_args(Kind) else f"its kind is {self.kind!r}")
            or (_place_fault("backend", self.backend) if self.backend else "")
        )


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
        fault = (
            _name_fault(self.name)
            or _items_fault("suffixes", self.suffixes, str)
            or _place_fault("factory", self.factory)
        )
        if fault:
            return fault
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
        except (Exception, SystemExit) as error:
            kind = f"{type(error).__name__}: {error}"
            raise UsageError(f"log format {self.name!r}: cannot load it: {kind}") from None
        return function  # type: ignore[no-any-return]


def _name_fault(name: object) -> str:
    """What is wrong with the name of a metric or log format."""
    if isinstance(name, str) and NAME_FORM.fullmatch(name):
        return ""
    return "its name is not lower-case letters, digits and _"


def _place_fault(what: str, place: object) -> str:
    """What is wrong with ``package.module:attribute``."""
    if isinstance(place, str) and re.fullmatch(r"[\w.]+:\w+", place):
        return ""
    return f"its {what} is {place!r}, not package.module:name"


def _items_fault(what: str, items: Any, kind: type) -> str:
    """What is wrong with a tuple of specs, or of text."""
    if not isinstance(items, tuple | list):
        return f"its {what} is {items!r}, not a tuple"
    for item in items:
        if not isinstance(item, kind):
            return f"among its {what} is {item!r}, which is no {kind.__name__}"
        name = getattr(item, "name", "")
        if not isinstance(name, str):
            return f"among its {what} is one whose name is {name!r}"
    return ""
