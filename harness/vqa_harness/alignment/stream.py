"""Walking through two videos along a model, a few frames ahead of what is given out."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from vqa_harness.alignment.models import Model
from vqa_harness.alignment.monitor import Monitor
from vqa_harness.alignment.window import DecodedFrame, FrameWindow

SPREAD = 64
"""Reference frames that are held at most because frames are checked ahead.

Where timestamps have a large gap, the partners of the next frames lie far ahead. Those frames are
then checked later, or memory would grow with the gap.
"""


class Disagreement(Exception):
    """The pictures contradict the model before any frame from here on was given out."""


class PairStream:
    """Pairs of frames under a model, every pair checked before it is given out.

    Args:
        distorted: window on the distorted video.
        reference: window on the reference.
        model: which reference frame belongs to which distorted one.
        monitor: checks signatures; None to trust the model.
        ahead: distorted frames that are checked before one is given out.
        insist: whether to go on where the monitor disagrees.
        repeat: whether the last reference frame is paired with distorted frames after its end.

    Attributes:
        pairing: reference index of each distorted frame passed so far, -1 for none.
        repeated: pairs made because of ``repeat``.
        disagrees_from: first frame at which the monitor disagreed; None if it did not.
    """

    def __init__(
        self,
        distorted: FrameWindow,
        reference: FrameWindow,
        model: Model,
        monitor: Monitor | None = None,
        *,
        ahead: int = 8,
        insist: bool = False,
        repeat: bool = False,
    ) -> None:
        self._dist, self._ref, self._model = distorted, reference, model
        self._monitor, self._ahead, self._insist = monitor, ahead, insist
        self._repeat = repeat
        self._checked = 0
        self.repeated = 0
        self.pairing = array("q")
        self.disagrees_from: int | None = None

    def pairs(self, begin: int = 0) -> Iterator[tuple[int, DecodedFrame, int, DecodedFrame]]:
        """Yield (index, distorted, reference index, reference) of every pair from ``begin`` on.

        Raises:
            Disagreement: the monitor disagrees, and it was not told to go on.
        """
        index = len(self.pairing)
        while self._dist.ensure(index):
            distorted = self._dist.get(index)
            target = self._model.target(index, distorted.time, self._ref)
            if self._monitor is not None:
                self._check(self._monitor, index, target)
            paired = target >= 0 and self._exists(target)
            self.pairing.append(target if paired else -1)
            if not paired and self._repeat and target >= self._ref.count > 0 and self._ref.ended:
                target, paired = self._ref.count - 1, True
                self.repeated += index >= begin
            if paired:
                self._ref.drop_before(target)
                if index >= begin:
                    yield index, distorted, target, self._ref.get(target)
            del distorted  # not held while the next one is decoded
            self._dist.drop_before(index + 1)
            index += 1

    def _exists(self, target: int) -> bool:
        """Whether there is such a reference frame.

        Of the frames read on the way the last two stay held: the very last may be repeated at the
        end.
        """
        self._ref.ensure(target, forget=True)
        return target < self._ref.count

    def _check(self, monitor: Monitor, index: int, floor: int) -> None:
        """Check the frames from ``index`` on, whose first partner is ``floor``."""
        while self._checked <= index + self._ahead and self._dist.ensure(self._checked):
            distorted = self._dist.get(self._checked)
            target = self._model.target(self._checked, distorted.time, self._ref)
            if target - floor > SPREAD and self._checked > index:
                return
            self._feed(monitor, monitor.needs(target), floor)
            assert distorted.signature is not None
            agrees = monitor.check(distorted.signature, target, marred=distorted.marred)
            if not agrees and self.disagrees_from is None:
                self.disagrees_from = self._checked
                if not self._insist:
                    raise Disagreement
            self._checked += 1

    def _feed(self, monitor: Monitor, count: int, floor: int) -> None:
        """Hand reference signatures to the monitor; frames that no pair can want are dropped."""
        while monitor.reference.count < count and self._ref.ensure(monitor.reference.count):
            signature = self._ref.get(monitor.reference.count).signature
            assert signature is not None
            monitor.reference.add(signature)
            self._ref.drop_before(min(floor, monitor.reference.count))
