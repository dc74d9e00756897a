"""What came of pairing, gathered while pairs are given out and summed up at the end."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from fractions import Fraction

from vqa_harness.alignment.events import find_events, stride_of
from vqa_harness.alignment.formats import FormatPlan
from vqa_harness.alignment.models import Cadence, ContentModel, IndexModel, Model, TimeModel
from vqa_harness.alignment.monitor import Support
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.placement import PlacementMeter
from vqa_harness.alignment.report import AlignReport, judge
from vqa_harness.alignment.showing import Showing, covered
from vqa_harness.alignment.study import BEYOND
from vqa_harness.alignment.turned import describe_turn
from vqa_harness.alignment.window import DecodedFrame, FrameWindow
from vqa_harness.errors import AlignError, InputError
from vqa_harness.frames import Frame
from vqa_harness.media.orientation import Orientation

FEWEST = 0.1
"""Share of the distorted frames that must have been found in the reference in any case."""
BY_CHANCE = 0.5
"""Share up to which they may have been found by chance, where nothing tells them apart."""
SURE = 0.05
"""Confidence from which they were not found by chance.

Pictures of another video fit those of the reference equally badly, so none stands out.
"""
ComparablePair = tuple[Frame, Frame]
"""A distorted frame and its reference frame, made comparable."""


class PairingOutcome:
    """Makes the pairs, counts them, and fills in the report.

    Args:
        report: to fill in.
        plan: how frames become comparable.
        options: how the user wants frames paired.
        cadence: the two frame rates.

    Attributes:
        pairing: reference index of each distorted frame, -1 for none.
    """

    def __init__(
        self, report: AlignReport, plan: FormatPlan, options: AlignOptions, cadence: Cadence
    ) -> None:
        self._report, self._plan, self._options = report, plan, options
        self._cadence = cadence
        self._first: tuple[Fraction | None, Fraction | None] | None = None
        """When the frames of the first pair are shown; the frames themselves are not held."""
        self._last: tuple[DecodedFrame, int] | None = None
        self._placement = PlacementMeter()
        self._scored: tuple[array[int], array[int]] = array("q"), array("q")
        """Frames of the pairs given out, of the distorted and of the reference."""
        self.pairing: list[int] = []

    def give(
        self, distorted: DecodedFrame, reference: DecodedFrame, target: int
    ) -> ComparablePair | None:
        """Take a pair, count it, and make its frames comparable.

        Args:
            distorted: the distorted frame.
            reference: its partner.
            target: index of the partner.

        Returns:
            The frames for the metrics; None where the pair is left out because a frame is damaged.

        Raises:
            InputError: a frame is damaged and the options refuse that.
        """
        self._first = self._first or (distorted.time, reference.time)
        if self._options.tail == "repeat":
            self._last = (distorted, target)
        one, two = distorted.frame, reference.frame
        assert one is not None
        assert two is not None
        if distorted.corrupt or reference.corrupt:
            if self._options.on_corrupt == "fail":
                side, frame = ("distorted", one) if distorted.corrupt else ("reference", two)
                raise InputError(
                    f"frame {frame.index} of the {side} video is damaged; mend the file, or say "
                    "--on-corrupt score or skip"
                )
            if self._options.on_corrupt == "skip":
                self._report.skipped_corrupt += 1
                return None
        self._report.pairs += 1
        for scored, frame in zip(self._scored, (one, two), strict=True):
            scored.append(frame.index)
        pair = self._plan.apply(one, "distorted"), self._plan.apply(two, "reference")
        self._placement.add(*pair)
        return pair

    def hold_last(self, reference: FrameWindow) -> Iterator[ComparablePair]:
        """Pair the last distorted frame with each reference frame left, for ``tail="repeat"``."""
        if self._last is None:
            return
        distorted, target = self._last
        index = target + 1
        while reference.ensure(index, forget=True):
            pair = self.give(distorted, reference.get(index), index)
            reference.drop_before(index + 1)
            self._report.repeated_tail += 1
            index += 1
            if pair is not None:
                yield pair

    def finish(self, model: Model, windows: Sequence[FrameWindow], support: Support) -> None:
        """Fill in the report; the reference is read on to count its frames, within bounds."""
        report = self._report
        windows[1].drain(BEYOND)
        self._count(windows)
        report.model = model.name
        report.confidence, report.residual = support.confidence, support.residual()
        report.blended = support.blended
        one_by_one = self._cadence.similar or isinstance(model, IndexModel)
        ratio = 1.0 if one_by_one else self._cadence.ratio
        showing = Showing(support.pictures, *(window.times for window in windows))
        report.events = find_events(self.pairing, report.reference_frames, ratio, showing)
        self._share(windows, (1, stride_of(ratio)), showing)
        self._offset(model)

    def finish_swapped(self, pairing: Sequence[int], windows: Sequence[FrameWindow]) -> None:
        """Fill in the report where a distorted frame was found for each reference frame."""
        report = self._report
        windows[0].drain(BEYOND)
        self._count(windows)
        report.model = "rate"
        report.reference_frames = len(pairing)
        used = [target for target in pairing if target >= 0]
        report.held_pairs = len(used) - len(set(used))
        head = next((n for n, target in enumerate(pairing) if target >= 0), len(pairing))
        tail = next((n for n, target in enumerate(reversed(pairing)) if target >= 0), 0)
        after = max(0, report.distorted_frames - 1 - max(used, default=-1))
        report.events.head = (min(used, default=0), head)
        report.events.tail = (after, tail)
        self._share(windows, (stride_of(1 / self._cadence.ratio), 1))

    def conclude(self) -> None:
        """Add the notes to the report, and refuse what the options do not accept.

        Raises:
            AlignError: no pair was found, or the options refuse the pairing.
        """
        report = self._report
        if report.disagrees_from is None:
            report.placement = self._placement.result()
        report.notes = [*self._plan.notes, *judge(report)]
        if not report.pairs and not report.skipped_corrupt:
            raise AlignError(
                "no frame of the distorted video was found in the reference; is it the right "
                "reference? --align index pairs by number in any case"
            )
        ends = [note for note in report.notes if note.code == "length"]
        if self._options.tail == "error" and ends:
            raise AlignError(f"{ends[0].text}; --tail common accepts that")
        if self._options.strict and report.notes:
            raise AlignError(f"--strict: {'; '.join(map(str, report.notes))}")

    def _share(
        self,
        windows: Sequence[FrameWindow],
        strides: tuple[int, int],
        showing: Showing | None = None,
    ) -> None:
        """Fill in which share of each video was scored; None where its length is unknown."""
        shares: list[float | None] = []
        for window, scored, stride, shown in zip(
            windows, self._scored, strides, (None, showing), strict=True
        ):
            count: int | None = window.count
            if not window.ended:
                promised = window.info.expected_frames
                count = None if promised is None else max(window.count, promised)
            share = None if not count else covered(scored, count, stride, shown) / count
            shares.append(share)
        self._report.shares = shares[0], shares[1]

    def _count(self, windows: Sequence[FrameWindow]) -> None:
        report = self._report
        report.distorted_frames, report.reference_frames = (w.count for w in windows[:2])
        report.reference_counted = windows[1].ended

    def _offset(self, model: Model) -> None:
        """Fill in how far apart the frames of the first pair are, in frames and in seconds."""
        report = self._report
        if self._first is None:
            return
        distorted, reference = self._first
        if distorted is not None and reference is not None:
            report.offset_seconds = reference - distorted
        head = next((i for i, j in enumerate(self.pairing) if j >= 0), 0)
        report.offset_frames = self.pairing[head] - head
        if isinstance(model, TimeModel):
            report.offset_frames = model.offset
        elif isinstance(model, ContentModel) and not self._cadence.similar:
            period, seconds = self._cadence.reference, report.offset_seconds
            report.offset_frames = None
            if period is not None and seconds is not None:
                report.offset_frames = round(seconds / period)


def strangers(matched: float, confidence: float) -> bool:
    """Whether so little of a video was found in the other that it may be by chance.

    Args:
        matched: share of the distorted frames that were found.
        confidence: share of these that the pictures tell from their neighbours.
    """
    return matched < FEWEST or (matched < BY_CHANCE and confidence < SURE)


def refuse_strangers(matched: float, confidence: float, turn: Orientation | None) -> None:
    """Refuse two videos of which hardly anything was found in the other.

    Args:
        matched: see `strangers`.
        confidence: see `strangers`.
        turn: the way to turn the distorted pictures by which they fit; None where none does.

    Raises:
        AlignError: always.
    """
    found = (
        f"only {100 * matched:.0f} % of the distorted frames were found anywhere in the reference "
        f"(confidence {confidence:.2f})"
    )
    if turn is not None:
        raise AlignError(f"{found}: {describe_turn(turn)}")
    raise AlignError(
        f"{found}; is it the right reference? --align index pairs by number in any case"
    )
