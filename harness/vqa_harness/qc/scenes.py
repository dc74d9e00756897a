"""Scene cuts: frames from which on the picture is another one.

A cut is a sudden change that stays. The pictures before and after it are unlike, however their
parts are moved by a ninth of the height (so a camera in the hand or a pan is none); they are unlike
also some frames further on (so a flash, or one damaged frame, is none); and they change far more
than the frames around (so a fade, a dissolve or fast motion is none). Where a converter of frame
rates blended the two scenes in one frame, the cut is at the first frame wholly of the new one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vqa_harness.alignment.signatures import Signature, energy, signature
from vqa_harness.frames import Frame
from vqa_harness.media.source import VideoSource, open_source
from vqa_harness.qc.events import time_of
from vqa_harness.qc.likeness import Change, is_blend, moved_change, plain_change

UNLIKE = 0.25
"""Share of the greatest possible change from which two pictures are of two scenes."""
STEEP = 1.75
"""How many times the change of the frames around it a cut changes at least."""
LEAST = 4.0
"""Squared levels of 8-bit full range that a cut changes more than that, on average."""
FADING = 0.5
"""Share of a scene's contrast below which its picture at the cut is still fading in or out."""
FLASH = Fraction(1, 5)
"""Seconds for which a flash may last, or any picture between two that are alike."""
FEWEST, MOST = 3, 24
"""Frames that are looked at before and after a cut, at least and at most."""


@dataclass(frozen=True, slots=True)
class SceneCut:
    """Where a scene begins, other than the first.

    Attributes:
        frame: index of its first frame, from 0, in display order.
        time: presentation time of that frame in exact seconds from the first frame.
        strength: how unlike the pictures before and after are, 0.25 to 1; motion is taken off.
    """

    frame: int
    time: Fraction
    strength: float


@dataclass(slots=True)
class _Seen:
    """A frame that went by.

    Attributes:
        index: its index in display order.
        time: its presentation time in seconds.
        signature: its (2304,) signature.
        plain: its change from the frame before, in squared levels, nothing moved.
        moved: the same with motion taken off; None as long as nobody asked.
    """

    index: int
    time: Fraction
    signature: Signature
    plain: float
    moved: Change | None = None


class SceneDetector:
    """Finds cuts in frames that are shown to it one after another.

    Args:
        rate: frames per second, which says how many frames a flash may take; None if unknown.
    """

    def __init__(self, rate: Fraction | None = None) -> None:
        frames = round(FLASH * rate) if rate else FEWEST
        self._reach = min(MOST, max(FEWEST, frames))
        self._frames: deque[_Seen] = deque(maxlen=2 * self._reach + 3)
        """The frames around the one that is judged, which comes `_reach` before the last."""
        self._last_cut: int | None = None

    def see(self, frame: Frame) -> list[SceneCut]:
        """Take the next frame; the cuts, none or one, that are certain by now."""
        return self.take(frame.index, time_of(frame), signature(frame))

    def take(self, index: int, time: Fraction, picture: Signature) -> list[SceneCut]:
        """As `see`, of a frame by its index, time in seconds and (2304,) signature."""
        last = self._frames[-1] if self._frames else None
        plain = 0.0 if last is None else plain_change(last.signature, picture)
        self._frames.append(_Seen(index, time, picture, plain))
        return self._judge(len(self._frames) - 1 - self._reach)

    def finish(self) -> list[SceneCut]:
        """The cuts among the last frames, when no more come."""
        first = max(1, len(self._frames) - self._reach)
        return [cut for place in range(first, len(self._frames)) for cut in self._judge(place)]

    def _judge(self, place: int) -> list[SceneCut]:
        """The cut at a place of the frames held, if there is one."""
        if place < 1 or not self._frames[place].plain:
            return []
        seen = self._frames[place]
        if self._last_cut is not None and seen.index - self._last_cut < self._reach:
            return []
        strength = 0.0
        if self._is_sudden(place, place - 1):
            strength = self._stays(place, place - 1)
        elif self._is_blended(place):
            strength = self._stays(place, place - 2)
        if strength < UNLIKE:
            return []
        self._last_cut = seen.index
        return [SceneCut(seen.index, seen.time, strength)]

    def _is_sudden(self, place: int, before: int) -> bool:
        """Whether far more changes between two frames than around them."""
        change = self._step(place) if before == place - 1 else self._between(before, place)
        if change.share < UNLIKE or change.amount < LEAST or self._fades(place, before):
            return False
        near = (before - 1, before, place + 1, place + 2)
        steps = [step for step in near if 0 < step < len(self._frames)]
        most = change.share / (STEEP * (place - before))
        return all(self._step(step).share <= most for step in steps)

    def _fades(self, place: int, before: int) -> bool:
        """Whether the contrast still grows after, or fell already before."""
        contrast = [energy(seen.signature) for seen in self._frames]
        after = max(contrast[place : place + self._reach + 1])
        earlier = max(contrast[max(0, before - self._reach) : before + 1])
        return contrast[place] < FADING * after or contrast[before] < FADING * earlier

    def _is_blended(self, place: int) -> bool:
        """Whether the frame before mixes the two around it, which are of two scenes."""
        if place < 2:
            return False
        one, middle, two = (self._frames[at].signature for at in (place - 2, place - 1, place))
        return is_blend(middle, one, two) and self._is_sudden(place, place - 2)

    def _stays(self, place: int, before: int) -> float:
        """The least share that changed between the frames before and after, near and far."""
        least = 1.0
        for further in range(self._reach + 1):
            pairs = {(before, place + further), (before - further, place)}
            for one, two in pairs:
                if one >= 0 and two < len(self._frames):
                    least = min(least, self._between(one, two).share)
            if least < UNLIKE:
                break
        return least

    def _step(self, place: int) -> Change:
        """The change from the frame before, motion taken off."""
        seen = self._frames[place]
        if seen.moved is None:
            seen.moved = self._between(place - 1, place)
        return seen.moved

    def _between(self, one: int, two: int) -> Change:
        return moved_change(self._frames[one].signature, self._frames[two].signature)


def scene_cuts(source: str | Path | VideoSource, *, threads: int = 0) -> list[SceneCut]:
    """The cuts of a video, in one pass over it; see the module for what a cut is.

    Args:
        source: a file, a pattern of numbered images, or another source of frames.
        threads: decoder threads; 0 lets FFmpeg choose.

    Returns:
        The cuts in order of time; the first scene, which begins with the video, has none.

    Raises:
        InputError: the source cannot be read as a video.
    """
    return list(_cuts(Path(source) if isinstance(source, str) else source, threads))


def _cuts(source: Path | VideoSource, threads: int) -> Iterator[SceneCut]:
    reader = open_source(source, threads=threads)
    try:
        detector = SceneDetector(reader.info.rate)
        for frame in reader:
            yield from detector.see(frame)
            frame.release()
        yield from detector.finish()
    finally:
        reader.close()
