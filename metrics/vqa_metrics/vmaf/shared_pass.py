"""One libvmaf run for all metrics of a run that the same libvmaf computes.

Each metric gets every pair on a thread of its own, so the pass is handed each pair once by every
metric that takes part. The last to come with a pair gives it to libvmaf, while the frames are still
held for it; nobody gets further than a pair ahead of the others. What goes wrong in libvmaf goes
wrong for all; a metric that cannot take the frames leaves by itself, and the others go on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from vqa_harness.errors import MetricError, VqaError
from vqa_harness.frames import Chroma, Frame
from vqa_harness.protocols import RunInfo
from vqa_metrics.vmaf.backend import Engine, Run
from vqa_metrics.vmaf.carrier import NAME as CARRIER
from vqa_metrics.vmaf.carrier import carrier
from vqa_metrics.vmaf.models import VmafModel
from vqa_metrics.vmaf.options import RawFormat


@dataclass(frozen=True, slots=True)
class Wish:
    """What one metric wants of the pass.

    Attributes:
        metric: The metric's name.
        models: Models; their names differ from those of others.
        features: Further libvmaf features, each ``name`` or ``name:option=value``.
        threads: Threads of libvmaf.
        names: Names in libvmaf's log that are this metric's alone.
    """

    metric: str
    models: tuple[VmafModel, ...] = ()
    features: tuple[str, ...] = ()
    threads: int = 0
    names: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Member:
    wish: Wish
    seen: int = 0


class SharedPass:
    """The pass; `join` finds or makes it.

    Args:
        engine: The libvmaf.
        n_subsample: Score every n-th pair.
    """

    def __init__(self, engine: Engine, n_subsample: int) -> None:
        self.pairs = 0
        self._engine, self._n_subsample = engine, n_subsample
        self._members: dict[int, _Member] = {}
        self._turn = threading.Condition()
        self._waiting: tuple[Frame, Frame | None] | None = None
        self._run: Run | None = None
        self._taken: tuple[Wish, ...] = ()
        self._error: VqaError | None = None
        self._log: dict[str, Any] | None = None

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics that the pass serves."""
        return [wish.metric for wish in self._taken]

    @property
    def warning(self) -> str:
        """What the user should know of libvmaf's scores; empty for nothing."""
        return "" if self._run is None else self._run.warning

    def add(self, wish: Wish) -> Place:
        """Take one more metric in, before the first pair."""
        with self._turn:
            number = len(self._members)
            self._members[number] = _Member(wish)
        return Place(self, number, wish)

    def feed(self, number: int, frame: Frame, ref: Frame | None) -> None:
        """Take a pair from metric ``number``; see `Place.feed`."""
        with self._turn:
            member = self._members[number]
            self._turn.wait_for(lambda: member.seen == self.pairs or self._error is not None)
            self._raise_error()
            member.seen += 1
            if self._waiting is None or ref is not None:
                self._waiting = frame, ref
            self._push_if_complete()
            self._raise_error()

    def leave(self, number: int) -> None:
        """Go on without metric ``number``; without the last one the run ends."""
        with self._turn:
            if self._members.pop(number, None) is None:
                return
            if self._members:
                self._push_if_complete()
            elif self._run is not None and self._log is None:
                self._run.abort()
            self._turn.notify_all()

    def log(self) -> dict[str, Any]:
        """The log of libvmaf; the first to ask ends the run. See `Place.close`."""
        with self._turn:
            self._raise_error()
            if self._log is None:
                if self._run is None:
                    raise MetricError("no frame pair to score")
                with self._kept():
                    self._log = self._run.close()
                self._raise_error()
            assert self._log is not None
            return self._log

    def names_of_others(self, wish: Wish) -> set[str]:
        """Names in libvmaf's log that belong to other metrics, or to nobody."""
        others = [one.names for one in self._taken if one is not wish]
        return {CARRIER}.union(*others)

    def _push_if_complete(self) -> None:
        if self._waiting is None or any(m.seen <= self.pairs for m in self._members.values()):
            return
        frame, ref = self._waiting
        self._waiting = None
        if self._error is None:
            with self._kept():
                self._push(frame, ref)
        self.pairs += 1
        self._turn.notify_all()

    def _push(self, frame: Frame, ref: Frame | None) -> None:
        layout = layout_of(frame)
        if self._run is None:
            self._taken = tuple(member.wish for member in self._members.values())
            self._run = self._start(layout, alone=ref is None)
        elif layout != self._run.layout:
            raise MetricError(
                f"frame {frame.index} is {frame.width}x{frame.height} {layout.pix_fmt}, "
                f"unlike the first; score the parts of the video one by one"
            )
        self._run.feed(frame if ref is None else ref, frame)

    def _start(self, layout: RawFormat, *, alone: bool) -> Run:
        models = [model for wish in self._taken for model in wish.models]
        features = list(dict.fromkeys(text for wish in self._taken for text in wish.features))
        models = [*carrier(models, features), *models]
        threads = max(wish.threads for wish in self._taken)
        return self._engine.start(
            layout, models, features, alone=alone, n_threads=threads, n_subsample=self._n_subsample
        )

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Keep an error for every metric of the pass."""
        try:
            yield
        except VqaError as error:
            self._error = error
        except Exception as error:
            self._error = MetricError(f"{type(error).__name__}: {error}")

    def _raise_error(self) -> None:
        if self._error is not None:
            # each metric on its own thread gets an exception of its own
            raise type(self._error)(str(self._error).removeprefix("VMAF: "))


@dataclass(frozen=True, slots=True)
class Place:
    """One metric's place in a pass."""

    shared: SharedPass
    number: int
    wish: Wish

    @contextmanager
    def taking_part(self) -> Iterator[None]:
        """Leave the pass if the metric cannot take the frames."""
        try:
            yield
        except BaseException:
            self.leave()
            raise

    def feed(self, frame: Frame, ref: Frame | None = None) -> None:
        """Hand over the next pair, or a frame alone where nothing is compared.

        Where others of the pass have a reference, they hand over the same frame with it.

        Raises:
            UsageError: libvmaf does not take frames of this kind or size.
            MetricError: The size or format changed, or libvmaf failed.
        """
        self.shared.feed(self.number, frame, ref)

    def close(self) -> dict[str, Any]:
        """Return libvmaf's log, without what only others asked for.

        Raises:
            MetricError: There was no pair, libvmaf failed, or it did not give all it was asked for.
        """
        log = self.shared.log()
        foreign = self.shared.names_of_others(self.wish)
        frames = [
            dict(entry, metrics=_without(entry["metrics"], foreign)) for entry in log["frames"]
        ]
        return dict(log, frames=frames)

    def leave(self) -> None:
        """Take part no longer; does nothing the second time."""
        self.shared.leave(self.number)


def join(run: RunInfo, engine: Engine, n_subsample: int, wish: Wish) -> Place:
    """Take part in the run's pass by this libvmaf, which the first metric makes.

    Args:
        run: The run.
        engine: The libvmaf that the metric chose.
        n_subsample: Score every n-th pair; others with another number have a pass of their own.
        wish: What the metric wants.
    """
    key = f"libvmaf {engine.executable} {n_subsample}"
    shared = run.shared.setdefault(key, SharedPass(engine, n_subsample))
    place: Place = shared.add(wish)
    return place


def _without(metrics: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in metrics.items() if name not in names}


def layout_of(frame: Frame) -> RawFormat:
    """Size and sample format of a frame of luma and chroma."""
    return _raw(frame.width, frame.height, frame.depth, frame.chroma, frame.colour.full_range)


@lru_cache(maxsize=8)
def _raw(width: int, height: int, depth: int, chroma: Chroma, full_range: bool) -> RawFormat:
    return RawFormat(width, height, depth, chroma, full_range)
