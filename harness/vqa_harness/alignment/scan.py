"""Whether each video is interlaced, and which of them are deinterlaced before they are compared.

What the user states counts, then what the file says. The first frames are looked at as well, so
that a wrong flag is told: nothing is deinterlaced that shows no combing, unless that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from vqa_harness.alignment.combing import Combing, look_for_combing
from vqa_harness.alignment.first_pictures import of_one_size
from vqa_harness.alignment.models import Cadence
from vqa_harness.alignment.options import AlignOptions, ScanType
from vqa_harness.alignment.report import Note
from vqa_harness.alignment.window import FrameWindow
from vqa_harness.errors import AlignError
from vqa_harness.media.filters import Deinterlace, Deinterlacing

SIDES = ("distorted", "reference")
SAME = 0.005
"""Relative difference up to which a ratio of two rates is the one meant."""
UNDO = "ffmpeg -i IN -vf fieldmatch,decimate -c:v ffv1 OUT.mkv"


@dataclass(frozen=True, slots=True)
class SideScan:
    """How the pictures of one video are made up.

    Attributes:
        side: ``distorted`` or ``reference``.
        flagged: whether the file says it is interlaced.
        stated: what the user says; ``auto`` for nothing.
        found: what the first frames show.
        deinterlace: what is done to it.
        spared: whether it is left alone because its pictures contradict its flag.
    """

    side: str
    flagged: bool
    stated: ScanType
    found: Combing
    deinterlace: Deinterlace = "off"
    spared: bool = False

    @property
    def interlaced(self) -> bool:
        """Whether it counts as interlaced: as stated, or else as flagged."""
        return self.flagged if self.stated == "auto" else self.stated != "progressive"

    @property
    def doubtful(self) -> bool:
        """Whether it counts as interlaced because of a flag that the pictures contradict."""
        return self.stated == "auto" and self.flagged and self.found.whole

    @property
    def woven(self) -> bool:
        """Whether its frames are compared as woven fields."""
        return self.interlaced and self.deinterlace == "off" and not self.spared

    def to_json(self) -> dict[str, Any]:
        """What was said, seen and done, JSON-compatible."""
        made = self.deinterlace
        return {
            "flagged": "interlaced" if self.flagged else "progressive",
            "stated": self.stated,
            "found": self.found.to_json(),
            "made": made.text if isinstance(made, Deinterlacing) else None,
        }


def plan_scan(
    windows: Sequence[FrameWindow], count: int, cadence: Cadence, options: AlignOptions
) -> tuple[tuple[SideScan, SideScan], tuple[Note, ...]]:
    """Decide what is done to each video, from what is said of it and what its first frames show.

    Args:
        windows: on the distorted video and on the reference, both at their beginning and not
            deinterlaced.
        count: frames of each that may be looked at.
        cadence: the two frame rates.
        options: how the user wants differences treated.

    Returns:
        What is done to each side, and what the user should know.

    Raises:
        AlignError: one is interlaced and stays so, and the other is not.
    """
    sides = [
        SideScan(side, window.info.interlaced, stated, _combing(window, count))
        for side, window, stated in zip(
            SIDES, windows, (options.distorted_scan, options.reference_scan), strict=True
        )
    ]
    film = _telecined(sides, cadence)
    first, second = (_decided(sides, cadence, options, number) for number in (0, 1))
    _refuse_mixed(first, second, film)
    notes = [note for one in (first, second) for note in _notes(one, options)]
    if film is not None:
        notes.append(Note("scan", f"{_film(film)}; {_DEGRADED}"))
    if first.woven and second.woven:
        notes.append(Note("format", "both videos are interlaced; woven frames are compared"))
    return (first, second), tuple(notes)


def _combing(window: FrameWindow, count: int) -> Combing:
    if window.info.still:
        return Combing()
    return look_for_combing(of_one_size(window.first(count)))


def _decided(
    sides: Sequence[SideScan], cadence: Cadence, options: AlignOptions, number: int
) -> SideScan:
    """A side with what is done to it: a frame for each field where the other has twice as many."""
    one = sides[number]
    if options.deinterlace == "off" or (options.deinterlace == "auto" and not one.interlaced):
        return one
    if options.deinterlace == "auto" and one.doubtful:
        return replace(one, spared=True)
    periods = cadence.distorted, cadence.reference
    own, other = periods[number], periods[1 - number]
    order = one.stated if one.stated in ("tff", "bff") else "auto"
    how = Deinterlacing(order, fields=_is(own, other, Fraction(2)))
    return replace(one, deinterlace=how)


def _is(long: Fraction | None, short: Fraction | None, ratio: Fraction) -> bool:
    """Whether one frame lasts ``ratio`` times as long as another."""
    return bool(long and short) and abs(float(long / short / ratio) - 1) < SAME  # type: ignore[operator]


def _telecined(sides: Sequence[SideScan], cadence: Cadence) -> SideScan | None:
    """The side that is film shown on five frames for every four of the other side; None if none."""
    periods = cadence.distorted, cadence.reference
    for number, one in enumerate(sides):
        fields = one.interlaced or one.found.order is not None or one.found.telecine
        if fields and _is(periods[1 - number], periods[number], Fraction(5, 4)):
            return one
    return None


def _film(one: SideScan) -> str:
    seen = ", and fields are repeated in its first frames" if one.found.telecine else ""
    return (
        f"the {one.side} video is interlaced and has 5 frames for every 4 of the other{seen}: it "
        "is telecined film"
    )


_DEGRADED = (
    "two fields of one film frame are taken apart or mixed with others, so scores are too low; "
    f"undo it first ({UNDO})"
)


def _refuse_mixed(first: SideScan, second: SideScan, film: SideScan | None) -> None:
    """Refuse woven frames against whole ones.

    Raises:
        AlignError: one side is woven, and the other is not.
    """
    if first.woven == second.woven:
        return
    one, other = (first, second) if first.woven else (second, first)
    text = f"the {one.side} video is interlaced and the other is not: say --deinterlace auto"
    if film is not None:
        text = f"{_film(film)}; undo it first ({UNDO}), or say --deinterlace auto"
    elif one.doubtful and not other.interlaced:
        text = (
            f"the {one.side} video is flagged as interlaced and the other is not, but "
            f"{_seen(one.found)}: say --{one.side}-scan progressive, or --deinterlace auto"
        )
    if other.spared:
        text = (
            f"the {one.side} video is interlaced, and of the {other.side} video, which is flagged "
            f"too, {_seen(other.found)}: say --{one.side}-scan and --{other.side}-scan"
        )
    raise AlignError(text)


def _notes(one: SideScan, options: AlignOptions) -> list[Note]:
    """What was done to a side, and where what is said of it and what it shows differ."""
    notes = []
    if isinstance(one.deinterlace, Deinterlacing):
        done = f"the {one.side} video was deinterlaced ({one.deinterlace.text})"
        why = ", because the other has twice as many frames" if one.deinterlace.fields else ""
        notes.append(Note("format", done + why))
    order, option = one.found.order, f"--{one.side}-scan"
    if one.stated == "auto":
        if one.doubtful:
            what = {
                "off": "its frames are compared as they are",
                "auto": "it was not deinterlaced",
                "both": "it was deinterlaced because --deinterlace both says so",
            }[options.deinterlace]
            text = f"the {one.side} video is flagged as interlaced, but {_seen(one.found)}: {what}"
            notes.append(Note("scan", f"{text}; {option} progressive or tff settles it"))
        elif order is not None and not one.flagged:
            text = f"the {one.side} video is flagged as progressive, but {_seen(one.found)}"
            notes.append(Note("scan", f"{text}: {option} {order} --deinterlace auto mends that"))
        return notes
    contradicted = one.found.whole if one.interlaced else order is not None
    if contradicted or (one.interlaced and order not in (None, one.stated)):
        text = f"{option} {one.stated} was said of the {one.side} video, but {_seen(one.found)}"
        notes.append(Note("scan", text))
    return notes


def _seen(found: Combing) -> str:
    if found.order is None:
        return f"{found.tff + found.bff} of its first {found.frames} frames are combed"
    which = {"tff": "top", "bff": "bottom"}[found.order]
    number = max(found.tff, found.bff)
    return f"{number} of its first {found.frames} frames are combed, {which} field first"
