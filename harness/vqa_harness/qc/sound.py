"""Events of the sound: silences, and where there is none at all."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from vqa_harness.errors import InputError
from vqa_harness.media.container import FFmpegError, message
from vqa_harness.media.opening import checked_source, display_name
from vqa_harness.media.sound import SoundFacts, Tracks, measure_sound, tracks_of
from vqa_harness.qc.events import Loudness, QcEvent, QcReport

MISSING = Fraction(1, 10)
"""Seconds without sound at either end of the video that are told: less is a matter of packets."""


def tracks(path: Path) -> Tracks:
    """The tracks of a file.

    Raises:
        InputError: it cannot be opened.
    """
    source = checked_source(path)
    try:
        return tracks_of(source)
    except (FFmpegError, OSError, ValueError) as error:
        raise InputError(
            f"{display_name(path)}: cannot be opened as video or sound ({message(error)}); "
            "is it complete, and a media file?"
        ) from error


def add_sound(report: QcReport, path: Path | BinaryIO) -> None:
    """Measure the sound of a file and add what was found to the report of its picture.

    Args:
        report: the report; without a duration where there is no video.
        path: the file.
    """
    try:
        facts = measure_sound(checked_source(path))
    except (FFmpegError, OSError, ValueError, LookupError) as error:
        why = error.args[0] if isinstance(error, LookupError) else message(error)
        report.warnings.append(f"the sound cannot be read ({why}); nothing is known of it")
        return
    if facts is None:
        length = report.duration or Fraction(0)
        report.add(
            ["missing_audio"],
            [QcEvent("missing_audio", Fraction(0), length, detail="no track of sound")],
        )
        return
    if facts.tracks > 1:
        report.warnings.append(f"of {facts.tracks} tracks of sound the main one is judged")
    if facts.errors:
        why = f" ({facts.first_error})" if facts.first_error else ""
        report.warnings.append(f"{facts.errors} packets of the sound are damaged{why}")
    report.add(["missing_audio"], _missing(facts, report.duration))
    if facts.end == facts.start:
        report.warnings.append("none of the sound could be decoded; its loudness is unknown")
        return
    if report.duration is None:
        report.duration = facts.end - min(facts.start, Fraction(0))
    report.add(["silence"], [QcEvent("silence", start, end) for start, end in facts.silences])
    report.loudness = Loudness(facts.integrated, facts.range, facts.true_peak)


def _missing(facts: SoundFacts, length: Fraction | None) -> list[QcEvent]:
    """Where the video has no sound: before it, after it, and in gaps of it."""
    spans = [(start, end, "a gap") for start, end in facts.gaps]
    if length is not None:
        if facts.end == facts.start:
            return [QcEvent("missing_audio", Fraction(0), length, detail="none could be decoded")]
        if facts.start >= MISSING:
            spans.append((Fraction(0), min(facts.start, length), "the sound begins later"))
        if length - facts.end >= MISSING:
            spans.append((max(facts.end, Fraction(0)), length, "the sound ends earlier"))
    return [QcEvent("missing_audio", start, end, detail=why) for start, end, why in spans]
