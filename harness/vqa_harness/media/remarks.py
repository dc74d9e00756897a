"""What is said of a file once its first frame is there: facts that are missing, odd or assumed."""

from __future__ import annotations

from fractions import Fraction

from vqa_harness.media.facts import Facts, Look
from vqa_harness.media.input_format import InputFormat
from vqa_harness.media.read_report import ReadReport
from vqa_harness.media.video_file import VideoFile

MAX_RATE = 1000
"""Frames per second from which a rate is not believed.

Containers that know no rate give their time base instead.
"""


def believed_rate(facts: Facts) -> Fraction | None:
    """Frames per second as the container tells, if that makes sense."""
    rate = facts.rate
    return rate if rate is not None and 0 < rate < MAX_RATE else None


def remark(report: ReadReport, file: VideoFile, look: Look, raw: InputFormat | None) -> None:
    """Put notes and problems into the report.

    Args:
        report: what grows.
        file: the open file.
        look: what the first picture looks like.
        raw: size and format, if the file holds raw frames.
    """
    facts = file.facts
    if raw is not None:
        _remark_raw(report, file, raw)
    if any(_undecodable(text) for pair in facts.metadata.items() for text in pair):
        report.note("metadata is not UTF-8")
    if facts.video_streams > 1:
        report.note(f"{facts.video_streams} video streams: the default one was read")
    if file.odd_matrix:
        report.problem("its display matrix is not a multiple of 90 degrees and was not applied")
    if look.odd_colours:
        report.problem(f"its colour matrix is not supported; {look.colour.matrix} was used for RGB")
    if file.deinterlaced is not None:
        report.note(f"frames were deinterlaced ({file.deinterlaced.text})")
    if look.alpha:
        report.note("the alpha channel was left out")
    if believed_rate(facts) is None and not facts.still:
        report.problem("it does not tell its frame rate")


def _remark_raw(report: ReadReport, file: VideoFile, raw: InputFormat) -> None:
    report.note(f"raw video, read as {raw}")
    if raw.assumed():
        report.problem(f"nobody stated it, so it is read as {raw.assumed()}")
    frames, rest = divmod(file.bytes, file.frame_bytes)
    if rest:
        report.problem(
            f"its {file.bytes:,} bytes are {frames} frames of {raw} and {rest:,} bytes over: "
            "it is cut off, or --size or --pix-fmt is wrong"
        )


def _undecodable(text: str) -> bool:
    """Whether PyAV met bytes that are not UTF-8: version 18 replaces them, 19 escapes them."""
    return any(c == "\ufffd" or "\ud800" <= c <= "\udfff" for c in text)
