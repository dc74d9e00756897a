"""Two videos as pairs of frames that belong together and can be compared.

The pictures decide what belongs together. Where the first frames already prove that equal numbers
do, both videos are decoded once and every later pair is checked before it is given out; otherwise
signatures are read first, of as much as it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vqa_harness.alignment.first_frames import frames_held, plan_from_first
from vqa_harness.alignment.format_checks import Regions
from vqa_harness.alignment.formats import FormatPlan
from vqa_harness.alignment.guide import Guide
from vqa_harness.alignment.models import Choice, ContentModel, IndexModel, Model, TimeModel, choose
from vqa_harness.alignment.monitor import Monitor, proven, support_of
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.outcome import (
    ComparablePair,
    PairingOutcome,
    refuse_strangers,
    strangers,
)
from vqa_harness.alignment.report import DOUBTFUL, AlignReport, rates_differ
from vqa_harness.alignment.scan import SideScan, plan_scan
from vqa_harness.alignment.signatures import Region
from vqa_harness.alignment.stream import Disagreement, PairStream
from vqa_harness.alignment.study import Study, cadence_of, study
from vqa_harness.alignment.turned import fitting_turn_of_all
from vqa_harness.alignment.window import FrameWindow
from vqa_harness.errors import AlignError
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.colour_tags import ColourRule
from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.read_report import ReadReport
from vqa_harness.media.recoloured import recoloured
from vqa_harness.media.source import VideoSource
from vqa_harness.media.without_grain import grained

PROBED = 20.0
"""Seconds of signatures that are read first where equal numbers do not fit.

A constant offset or another rate shows in so much already, so that most videos need not be decoded
twice; only a pairing by content needs the signatures of all.
"""
AHEAD = 8
"""Frames that are checked before one is given out.

The search needs a few frames after a drop to be sure of it. Pairs that were given out cannot be
taken back.
"""
CHECKED = "pairs, checked on the way"
"""What the report calls a pass in which `Monitor` checks the pairs."""


class AlignedPairs:
    """Frames of a distorted video, each with its reference frame.

    A `vqa_harness.pipeline.sources.Pairs`.

    Iterate once. Nothing is ever paired by repeating a frame, unless ``tail="repeat"`` asks for it.

    Args:
        distorted: the video that is scored.
        reference: the video it is compared with.
        options: see `AlignOptions`.

    Attributes:
        distorted: facts of the frames given out, after scaling and recoding.
        reference: facts of the reference frames given out, likewise.
        expected: frames that the distorted video promises; None if unknown.
        report: how frames were paired; final once every pair was given out.

    Raises:
        InputError: a file cannot be read.
        AlignError: the two cannot be compared; while iterating also what ``options`` refuse.
    """

    def __init__(
        self,
        distorted: Path | VideoSource,
        reference: Path | VideoSource,
        options: AlignOptions | None = None,
    ) -> None:
        self._options = options or AlignOptions()
        grain = self._options.grain
        self._files = (grained(distorted, grain), grained(reference, grain))
        one, two = self._options.colours
        self._read_colours_by((ColourRule(one), ColourRule(two)))
        self._regions: Regions = (None, None)
        self._deinterlace: tuple[Deinterlace, Deinterlace] = ("off", "off")
        self._windows: list[FrameWindow] = []
        try:
            self._open()
            self._held = frames_held(self._windows)
            scans = self._make_scan()
            self._plan = self._make_plan()
            self._cadence = cadence_of(self._windows[0], self._windows[1], self._held)
        except BaseException:
            self.close()
            raise
        first, second = self._windows[0].info, self._windows[1].info
        self.distorted: StreamInfo = self._plan.stream(first)
        self.reference: StreamInfo | None = self._plan.stream(second)
        self.expected = first.expected_frames
        self.report = AlignReport(self._options)
        self.report.rates = self._cadence.rates
        self.report.format = self._plan.to_json(first, second)
        for scan in scans:
            self.report.format[scan.side]["deinterlaced"] = scan.deinterlace != "off"
            self.report.format[scan.side]["scan"] = scan.to_json()

    def __iter__(self) -> Iterator[tuple[Frame, Frame | None]]:
        """Yield (distorted, reference); the consumer releases them.

        Raises:
            InputError: decoding fails, or a damaged frame under ``on_corrupt="fail"``.
            AlignError: the options refuse what was found; some of it is only known at the end.
        """
        outcome = PairingOutcome(self.report, self._plan, self._options, self._cadence)
        differ = rates_differ(self.report.rates)
        if differ and self._options.fps_policy == "error":
            one, two = (float(rate or 0) for rate in self.report.rates)
            raise AlignError(
                f"frame rates differ (distorted {one:.4g}, reference {two:.4g}): say "
                "--fps-policy match-dist or match-ref"
            )
        if differ and self._options.fps_policy == "match-ref":
            yield from self._by_reference(outcome)
        else:
            yield from self._by_distorted(outcome)
        outcome.conclude()

    def reading(self) -> dict[str, Any]:
        """What decoding lost, per stream."""
        names = ("distorted", "reference")
        return {n: w.report.to_json() for n, w in zip(names, self._windows, strict=True)}

    def alignment(self) -> dict[str, Any]:
        """How frames were paired."""
        return self.report.to_json()

    def warnings(self) -> list[str]:
        """One line for each thing lost in decoding, and for each finding of the alignment."""
        return self.losses() + self.report.warnings()

    def losses(self) -> list[str]:
        """What decoding lost, one line each."""
        return [text for window in self._windows for text in window.report.warnings()]

    def sides(self) -> Iterator[tuple[Path | VideoSource, Deinterlace, ReadReport]]:
        """Each video as it was read, how it was deinterlaced, and what reading it found."""
        for source, mode, window in zip(
            self._sources, self._deinterlace, self._windows, strict=True
        ):
            yield source, mode, window.report

    @property
    def formats(self) -> FormatPlan:
        """How the frames of both are made comparable."""
        return self._plan

    def close(self) -> None:
        """Close both files; may be called twice."""
        for window in self._windows:
            window.close()

    def _open(self, *, signatures: bool = True) -> tuple[FrameWindow, FrameWindow]:
        """Begin both videos again."""
        self.close()
        self._windows = []
        for side in (0, 1):
            self._windows.append(self._begin(side, signatures=signatures))
        return self._windows[0], self._windows[1]

    def _begin(
        self, side: int, region: Region | None = None, *, signatures: bool = True
    ) -> FrameWindow:
        """A window of its own on one video, at its beginning."""
        return FrameWindow(
            self._sources[side],
            self._regions[side] if region is None else region,
            signatures=signatures,
            deinterlace=self._deinterlace[side],
        )

    def _make_scan(self) -> tuple[SideScan, SideScan]:
        """Decide what is deinterlaced; begin again where anything is."""
        cadence = cadence_of(self._windows[0], self._windows[1], self._held)
        scans, self._scan_notes = plan_scan(self._windows, self._held, cadence, self._options)
        self._deinterlace = scans[0].deinterlace, scans[1].deinterlace
        if self._deinterlace != ("off", "off"):
            self._open()
        return scans

    def _make_plan(self) -> FormatPlan:
        """Decide from the first frames.

        Begin again where black bars are to be cut off, or a colour is to be read otherwise.
        """
        begins = [partial(self._begin, side) for side in (0, 1)]
        plan, regions = plan_from_first(self._windows, begins, self._held, self._options)
        plan = replace(plan, notes=(*self._scan_notes, *plan.notes))
        colours = [window.info.colour for window in self._windows]
        again = regions != self._regions
        if plan.agreed is not None and colours != [info.colour for info in plan.agreed.infos]:
            one, two = self._options.colours
            self._read_colours_by((plan.agreed.rule(0, one), plan.agreed.rule(1, two)))
            again = True
        self._regions = regions
        if again:
            self._open()
        return plan

    def _read_colours_by(self, rules: tuple[ColourRule, ColourRule]) -> None:
        (one, two), (first, second) = self._files, rules
        self._sources = (recoloured(one, first), recoloured(two, second))

    def _by_distorted(self, outcome: PairingOutcome) -> Iterator[ComparablePair]:
        """One pair for each distorted frame that has a partner, by the simplest model that fits.

        A model that the pictures contradict on the way costs another pass: what was given out until
        then stays, and the rest is found from signatures of the whole.
        """
        named = self._named_model()
        if named is not None:
            yield from self._streamed(outcome, named, insist=True)
            return
        model: Model = IndexModel()
        if not self._proven():
            studied, choice = self._study(PROBED if self._options.mode == "auto" else None)
            model = choice.model
            if studied.complete:
                yield from self._after_study(outcome, studied, choice, 0)
                return
            self.report.shifts = choice.shifts
            self._open()
        try:
            yield from self._streamed(outcome, model, insist=False)
        except Disagreement:
            begin = len(outcome.pairing)
            studied, choice = self._study(None)
            yield from self._after_study(outcome, studied, choice, begin)

    def _named_model(self) -> Model | None:
        """The model that the options name; None where the pictures are to tell."""
        mode = self._options.mode
        if mode == "index":
            return IndexModel()
        nearest = self._options.fps_policy == "match-dist" and rates_differ(self.report.rates)
        if mode == "time" or (mode == "auto" and nearest):
            if self._cadence.distorted is None or self._cadence.reference is None:
                raise AlignError("the files do not tell frame times: say --align index or content")
            return TimeModel(self._cadence.early, 0, self._cadence.similar)
        return None

    def _proven(self) -> bool:
        if self._options.mode != "auto" or not self._cadence.similar:
            return False
        first, second = (
            [one.signature for one in window.first(self._held) if one.signature is not None]
            for window in self._windows
        )
        return proven(first, second)

    def _study(self, seconds: float | None) -> tuple[Study, Choice]:
        """Read signatures and choose a model; read all where the first ``seconds`` do not tell."""
        self.close()  # what these windows hold is not needed beside those of the study
        part = "all" if seconds is None else f"up to {seconds:g} s"
        self.report.passes.append(f"signatures of {part}")
        options = self._options

        def read(guide: Guide | None = None) -> Study:
            return study(
                *self._sources,
                self._regions,
                options.max_offset,
                seconds,
                self._deinterlace,
                guide,
            )

        studied = read()
        if studied.guide is not None:
            self.report.passes.append(f"signatures of {part}, beyond --max-offset")
            self.report.looked_further = True
            studied = read(studied.guide)
        choice = choose(
            studied.tracker, studied.path, studied.times, studied.ref_times, studied.cadence
        )
        if isinstance(choice.model, ContentModel) and not studied.complete:
            return self._study(None)
        if self._options.mode == "content":
            choice = Choice(ContentModel(choice.path), choice.path, 0.0, choice.shifts)
        if isinstance(choice.model, ContentModel):
            self._refuse_guesses(studied, choice)
        return studied, choice

    def _refuse_guesses(self, studied: Study, choice: Choice) -> None:
        """Stop where the pictures are needed to tell the pairing, and do not.

        Raises:
            AlignError: hardly any frame was found in the reference, or the rates differ and the
                pictures hardly change.
        """
        pairing = choice.path.reference
        matched = float(np.mean(pairing >= 0)) if pairing.size else 0.0
        sure = support_of(studied.tracker, pairing.tolist()).confidence
        if strangers(matched, sure):
            turn = fitting_turn_of_all(*(partial(self._begin, side) for side in (0, 1)))
            refuse_strangers(matched, sure, turn)
        if rates_differ(self.report.rates) and sure < DOUBTFUL:
            raise AlignError(
                "frame rates differ and the pictures do not tell which frames belong together: say "
                "--fps-policy match-dist or match-ref, or --align index"
            )

    def _after_study(
        self, outcome: PairingOutcome, studied: Study, choice: Choice, begin: int
    ) -> Iterator[ComparablePair]:
        """Pairs from frame ``begin`` on, as a study of the whole found them."""
        self.report.passes.append("pairs")
        self.report.shifts = choice.shifts
        repeat = self._options.tail == "repeat"
        stream = PairStream(*self._open(signatures=False), choice.model, repeat=repeat)
        yield from self._comparable(outcome, stream, begin)
        outcome.finish(choice.model, self._windows, support_of(studied.tracker, outcome.pairing))

    def _streamed(
        self, outcome: PairingOutcome, model: Model, *, insist: bool
    ) -> Iterator[ComparablePair]:
        """Pairs under a model, checked a few frames ahead."""
        self.report.passes.append(CHECKED)
        ahead = max(min(4, self._held), min(AHEAD, self._held // 3))
        low, high = self._cadence.advances
        monitor = Monitor(ahead * max(1, high), low, high)
        repeat = self._options.tail == "repeat"
        stream = PairStream(
            self._windows[0],
            self._windows[1],
            model,
            monitor,
            ahead=ahead,
            insist=insist,
            repeat=repeat,
        )
        yield from self._comparable(outcome, stream, 0)
        self.report.disagrees_from = stream.disagrees_from
        outcome.finish(model, self._windows, monitor.support)

    def _comparable(
        self, outcome: PairingOutcome, stream: PairStream, begin: int
    ) -> Iterator[ComparablePair]:
        """The pairs of a stream, made comparable; the last frame is held if the options say so."""
        try:
            for _, distorted, target, reference in stream.pairs(begin):
                pair = outcome.give(distorted, reference, target)
                if pair is not None:
                    yield pair
                del distorted, reference, pair  # not held while the next ones are decoded
        finally:
            outcome.pairing = [*outcome.pairing[:begin], *stream.pairing[begin:]]
        self.report.repeated_tail += stream.repeated
        if self._options.tail == "repeat":
            yield from outcome.hold_last(self._windows[1])

    def _by_reference(self, outcome: PairingOutcome) -> Iterator[ComparablePair]:
        """One pair for each reference frame, with the distorted frame shown at its time.

        Raises:
            AlignError: the files do not tell times.
        """
        period = self._cadence.reference
        if period is None or self._cadence.distorted is None:
            raise AlignError("the files do not tell frame times: say --align index or content")
        self.report.passes.append("pairs")
        model = TimeModel(self._cadence.early, 0, similar=False)
        dist, ref = self._open(signatures=False)
        stream = PairStream(ref, dist, model)
        for _, reference, target, distorted in stream.pairs():
            pair = outcome.give(distorted, reference, target)
            if pair is not None:
                yield pair
        outcome.finish_swapped(stream.pairing, self._windows)
