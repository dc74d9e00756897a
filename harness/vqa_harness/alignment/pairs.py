"""Two videos as pairs of frames that belong together and can be compared.

The pictures decide what belongs together. Where the first frames already prove that equal numbers
do, both videos are decoded once and every later pair is checked before it is given out; otherwise
signatures are read first, of as much as it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vqa_harness.alignment.format_checks import Regions, bars_differ
from vqa_harness.alignment.formats import FormatPlan, plan_formats
from vqa_harness.alignment.letterbox import matching_areas, picture_area
from vqa_harness.alignment.models import Choice, ContentModel, IndexModel, Model, TimeModel, choose
from vqa_harness.alignment.monitor import Monitor, proven, support_of
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.outcome import Made, Outcome, refuse_strangers
from vqa_harness.alignment.report import DOUBTFUL, AlignReport, Note, rates_differ
from vqa_harness.alignment.stream import Disagreement, PairStream
from vqa_harness.alignment.study import Study, cadence_of, study
from vqa_harness.alignment.window import FrameWindow
from vqa_harness.console import Progress
from vqa_harness.errors import AlignError
from vqa_harness.frames import Frame, StreamInfo
from vqa_harness.media.source import VideoSource

PROBED = 20.0  # seconds of signatures that a model other than equal numbers is first told from
HELD_BYTES = 512 << 20  # of pictures held at the start, of both videos
FEWEST, MOST = 10, 24  # frames held at the start, of each video
BARS_EVERY = 4  # of the frames held, one so often is searched for black bars
AHEAD = 8  # frames checked before one is given out
CHECKED = "pairs, checked on the way"


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
        reference: likewise.
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
        self._sources = (distorted, reference)
        self._options = options or AlignOptions()
        self._regions: Regions = (None, None)
        self._windows: list[FrameWindow] = []
        try:
            self._open()
            self._held = _held(self._windows)
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
        for side, window in zip(("distorted", "reference"), self._windows, strict=True):
            self.report.format[side]["deinterlaced"] = window.deinterlaced

    def __iter__(self) -> Iterator[tuple[Frame, Frame | None]]:
        """Yield (distorted, reference); the consumer releases them.

        Raises:
            InputError: decoding fails, or a damaged frame under ``on_corrupt="fail"``.
            AlignError: the options refuse what was found; some of it is only known at the end.
        """
        outcome = Outcome(self.report, self._plan, self._options, self._cadence)
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
        """What decoding lost, and what alignment found."""
        return self.losses() + self.report.warnings()

    def losses(self) -> list[str]:
        """What decoding lost, one line each."""
        return [text for window in self._windows for text in window.report.warnings()]

    def close(self) -> None:
        """Close both files; may be called twice."""
        for window in self._windows:
            window.close()

    def _open(self, *, signatures: bool = True) -> tuple[FrameWindow, FrameWindow]:
        """Begin both videos anew."""
        self.close()
        self._windows = []
        for source, region in zip(self._sources, self._regions, strict=True):
            window = FrameWindow(
                source, region, signatures=signatures, deinterlace=self._options.of_reader
            )
            self._windows.append(window)
        return self._windows[0], self._windows[1]

    def _make_plan(self) -> FormatPlan:
        """Compare the formats of the first frames; begin again where bars are to be cut off."""
        infos = [w.info for w in self._windows]
        told = tuple(
            Note("format", f"the {side} video was deinterlaced (bwdif, a frame for each frame)")
            for side, window in zip(("distorted", "reference"), self._windows, strict=True)
            if window.deinterlaced
        )
        if self._options.crop == "off":
            plan = plan_formats(infos[0], infos[1], self._options)
            return replace(plan, notes=(*told, *plan.notes))
        frames = [self._first_frames(side) for side in (0, 1)]
        areas = picture_area(frames[0][::BARS_EVERY]), picture_area(frames[1][::BARS_EVERY])
        alike: Regions = (None, None)
        if areas[0] and areas[1] and bars_differ(infos[0], infos[1], areas):
            alike = matching_areas(frames[0], frames[1], (areas[0], areas[1])) or alike
        plan = plan_formats(infos[0], infos[1], self._options, areas, alike)
        if alike != self._regions:
            self._regions = alike
            self._open()
        return replace(plan, notes=(*told, *plan.notes))

    def _first_frames(self, side: int) -> list[Frame]:
        items = self._windows[side].first_items(self._held)
        frames = [i.frame for i in items if i.frame is not None]
        size = frames[0].width, frames[0].height
        return [f for f in frames if (f.width, f.height) == size]

    def _by_distorted(self, outcome: Outcome) -> Iterator[Made]:
        asked = self._asked_model()
        if asked is not None:
            yield from self._streamed(outcome, asked, insist=True)
            return
        model: Model = IndexModel()
        if not self._proven():
            found, choice = self._study(PROBED if self._options.mode == "auto" else None)
            model = choice.model
            if found.complete:
                yield from self._studied(outcome, found, choice, 0)
                return
            self.report.shifts = choice.shifts
            self._open()
        try:
            yield from self._streamed(outcome, model, insist=False)
        except Disagreement:
            begin = len(outcome.pairing)
            found, choice = self._study(None)
            yield from self._studied(outcome, found, choice, begin)

    def _asked_model(self) -> Model | None:
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
        found = [
            [i.signature for i in w.first_items(self._held) if i.signature is not None]
            for w in self._windows
        ]
        return proven(found[0], found[1])

    def _study(self, seconds: float | None) -> tuple[Study, Choice]:
        """Read signatures: all of them where the first ``seconds`` do not settle it."""
        part = "all" if seconds is None else f"up to {seconds:g} s"
        self.report.passes.append(f"signatures of {part}")
        options = self._options
        found = study(*self._sources, self._regions, options.max_offset, seconds, options.of_reader)
        choice = choose(found.tracker, found.times, found.ref_times, found.cadence)
        if isinstance(choice.model, ContentModel) and not found.complete:
            return self._study(None)
        if self._options.mode == "content":
            choice = Choice(ContentModel(choice.path), choice.path, 0.0, choice.shifts)
        if isinstance(choice.model, ContentModel):
            self._refuse_guesses(found, choice)
        return found, choice

    def _refuse_guesses(self, found: Study, choice: Choice) -> None:
        """Stop where the pictures are needed to tell the pairing, and do not.

        Raises:
            AlignError: hardly any frame was found in the reference, or the rates differ and the
                pictures hardly change.
        """
        pairing = choice.path.reference
        refuse_strangers(float(np.mean(pairing >= 0)) if pairing.size else 0.0)
        sure = support_of(found.tracker, pairing.tolist()).confidence
        if rates_differ(self.report.rates) and sure < DOUBTFUL:
            raise AlignError(
                "frame rates differ and the pictures do not tell which frames belong together: say "
                "--fps-policy match-dist or match-ref, or --align index"
            )

    def _studied(
        self, outcome: Outcome, found: Study, choice: Choice, begin: int
    ) -> Iterator[Made]:
        """Pairs from frame ``begin`` on, as a study of the whole found."""
        self.report.passes.append("pairs")
        self.report.shifts = choice.shifts
        repeat = self._options.tail == "repeat"
        stream = PairStream(*self._open(signatures=False), choice.model, repeat=repeat)
        yield from self._given(outcome, stream, begin)
        outcome.finish(choice.model, self._windows, support_of(found.tracker, outcome.pairing))

    def _streamed(self, outcome: Outcome, model: Model, *, insist: bool) -> Iterator[Made]:
        """Pairs under a model, checked a few frames ahead."""
        self.report.passes.append(CHECKED)
        ahead = max(4, min(AHEAD, self._held // 3))
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
        yield from self._given(outcome, stream, 0)
        self.report.disagrees_from = stream.disagrees_from
        outcome.finish(model, self._windows, monitor.support)

    def _given(self, outcome: Outcome, stream: PairStream, begin: int) -> Iterator[Made]:
        """What a stream gives, made comparable; the end is held where the options ask for it."""
        try:
            for _, distorted, target, reference in stream.pairs(begin):
                made = outcome.give(distorted, reference, target)
                if made is not None:
                    yield made
        finally:
            outcome.pairing = [*outcome.pairing[:begin], *stream.pairing[begin:]]
        self.report.repeated_tail += stream.repeated
        if self._options.tail == "repeat":
            yield from outcome.hold_last(self._windows[1])

    def _by_reference(self, outcome: Outcome) -> Iterator[Made]:
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
            made = outcome.give(distorted, reference, target)
            if made is not None:
                yield made
        outcome.finish_swapped(stream.pairing, self._windows)


def _held(windows: list[FrameWindow]) -> int:
    """How many frames of each video may be held at the start."""
    size = 0
    for info in (w.info for w in windows):
        samples = info.width * info.height * (3 if info.chroma in ("444", "rgb") else 2)
        size += samples * (1 if info.depth == 8 else 2)
    return max(FEWEST, min(MOST, HELD_BYTES // size))


def align(
    distorted: Path | VideoSource,
    reference: Path | VideoSource,
    options: AlignOptions | None = None,
    *,
    progress: Progress | None = None,
) -> tuple[AlignReport, list[str]]:
    """Pair two videos as a run of metrics would.

    Args:
        distorted: the video that would be scored.
        reference: the video it would be compared with.
        options: see `AlignOptions`.
        progress: told about every pair.

    Returns:
        The report, and one line for each thing the user should know, of decoding and of pairing.

    Raises:
        InputError: a file cannot be read.
        AlignError: the two cannot be compared, or the options refuse what was found.
    """
    pairs = AlignedPairs(distorted, reference, options)
    try:
        for number, (frame, partner) in enumerate(pairs, 1):
            frame.release()
            if partner is not None:
                partner.release()
            if progress is not None:
                progress(number, pairs.expected)
        pairs.report.reading = pairs.losses()
        return pairs.report, pairs.report.warnings()
    finally:
        pairs.close()
