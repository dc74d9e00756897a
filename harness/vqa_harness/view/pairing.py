"""The pairs of an encode as they were scored, and any frame of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal

from vqa_harness.alignment.formats import FormatPlan
from vqa_harness.alignment.pairs import AlignedPairs
from vqa_harness.errors import InputError, VqaError, one_line
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.logs.log import Log
from vqa_harness.logs.view import Alignment
from vqa_harness.logs.view_parser import parse_view
from vqa_harness.media.seeking import FrameFinder
from vqa_harness.split.picked import Recipe
from vqa_harness.split.plan import SplitPlan, plan_pairs, plan_single, recipe_of
from vqa_harness.view.encodes import Encode, Videos

State = Literal["pairing", "ready", "failed"]
Side = Literal["distorted", "reference"]
SIDES: tuple[Side, ...] = ("distorted", "reference")


@dataclass(frozen=True, slots=True)
class Found:
    """The pairs of an encode.

    Attributes:
        numbers: number of the distorted frame of each pair, and of its reference frame.
        distorted: facts of the distorted frames as they were compared.
        reference: the same of the reference; None without one.
        formats: how frames are made comparable; None without a reference.
        finders: what gives the frames of each side.
        alignment: how frames were paired.
        remarks: what the user should know, a line each.
    """

    numbers: Sequence[tuple[int, ...]]
    distorted: StreamInfo
    reference: StreamInfo | None
    formats: FormatPlan | None
    finders: tuple[FrameFinder, ...]
    alignment: Alignment
    remarks: tuple[str, ...]

    def frame(self, pair: int, side: Side) -> Frame:
        """A frame as it was compared: scaled, cropped and turned.

        Raises:
            InputError: there is no such pair or side, or the frame cannot be decoded.
        """
        place = SIDES.index(side)
        if not 0 <= pair < len(self.numbers) or place >= len(self.finders):
            raise InputError(f"there is no {side} frame of pair {pair}")
        frame = self.finders[place].get(self.numbers[pair][place])
        if self.formats is None:
            return frame.showing(frame.source)  # what is computed of it is not kept with it
        return self.formats.apply(frame, side)

    def prefetch(self, pair: int) -> None:
        """Decode the frames of a pair, so that they are there when they are asked for."""
        if 0 <= pair < len(self.numbers):
            for finder, number in zip(self.finders, self.numbers[pair], strict=True):
                finder.get(number)


@dataclass
class Pairing:
    """Finds the pairs of an encode in a thread of its own, because that may take long.

    Attributes:
        encode: the encode.
        done: pairs found so far.
        expected: pairs that there may be; None if unknown.
        error: why it failed; empty where it did not.
        found: the pairs; None before they are known.
    """

    encode: Encode
    done: int = 0
    expected: int | None = None
    error: str = ""
    found: Found | None = None
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def state(self) -> State:
        """How far it is."""
        if self.found is not None:
            return "ready"
        return "failed" if self.error else "pairing"

    def start(self) -> None:
        """Begin, unless that was done before."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pairing", daemon=True)
                self._thread.start()

    def wait(self) -> Found:
        """The pairs, once they are known.

        Raises:
            InputError: they cannot be found.
        """
        self.start()
        assert self._thread is not None
        self._thread.join()
        if self.found is None:
            raise InputError(self.error)
        return self.found

    def close(self) -> None:
        """Close the videos."""
        if self.found is not None:
            for finder in self.found.finders:
                finder.close()

    def _run(self) -> None:
        try:
            self.found = self._find()
        except VqaError as error:
            self.error = one_line(error)
        except Exception as error:  # a thread has nobody else to tell
            self.error = f"unexpected {type(error).__name__}: {one_line(error)}"

    def _find(self) -> Found:
        log = self.encode.log
        videos = self.encode.find(log)
        plan = None if log is None or videos.reference is None else told_by(log, videos)
        if plan is None:
            plan = self._plan(videos)
        elif log is not None:
            self.done = self.expected = len(log)
        remarks = [*videos.remarks, *plan.warnings]
        if log is not None and len(log) != len(plan.pairs):
            remarks.append(
                f"the log has {len(log)} frames and these videos {len(plan.pairs)} pairs; the "
                "scores may belong to other frames than those shown"
            )
        recipe = plan.recipe
        finders = _open(recipe)
        alignment = parse_view({"alignment": plan.alignment}).alignment
        if log is not None and log.view.alignment.segments:
            alignment = log.view.alignment
        return Found(
            plan.pairs,
            recipe.distorted,
            recipe.reference,
            recipe.formats,
            finders,
            alignment,
            tuple(remarks),
        )

    def _plan(self, videos: Videos) -> SplitPlan:
        if videos.reference is None:
            return plan_single(videos.distorted, videos.options)
        return plan_pairs(videos.distorted, videos.reference, videos.options, self._progress)

    def _progress(self, done: int, expected: int | None) -> None:
        self.done, self.expected = done, expected


def told_by(log: Log, videos: Videos) -> SplitPlan | None:
    """The pairs that a log tells of, without pairing again; None where it does not tell all.

    It does where all stretches are listed, each runs as fast as the reference, and together they
    are the frames of the log.
    """
    numbers: list[tuple[int, ...]] = []
    for one in log.view.alignment.segments:
        if one.reference is None:
            continue
        (start, stop), (first, end) = one.distorted, one.reference
        if one.kind != "matched" or stop - start != end - first or stop - start > len(log):
            return None
        numbers += zip(range(start, stop), range(first, end), strict=True)
    if len(numbers) != len(log) or videos.options.on_corrupt == "skip" or videos.reference is None:
        return None
    pairs = AlignedPairs(videos.distorted, videos.reference, videos.options)
    try:
        return SplitPlan(recipe_of(pairs), numbers, [])
    finally:
        pairs.close()


def _open(recipe: Recipe) -> tuple[FrameFinder, ...]:
    with ExitStack() as opened:
        made = [FrameFinder(one.source, deinterlace=one.deinterlace) for one in recipe.sides[:1]]
        opened.callback(made[0].close)
        made += [FrameFinder(one.source, deinterlace=one.deinterlace) for one in recipe.sides[1:]]
        opened.pop_all()
    return tuple(made)
