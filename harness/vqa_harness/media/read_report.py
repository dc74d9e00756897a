"""The report of reading a file: counts, and what was wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from vqa_harness.media.facts import Facts, Scan

TELL_THE_END = ("ogg", "avi", "nut", "mxf", "ivf", "asf")
"""Containers whose duration of a stream is told by the file and not estimated by FFmpeg.

Matroska and FLV are looked at in detail; MP4 has an index, which says more.
"""
LISTED = 20
"""Entries of a list that the report holds at most; the counts beside it are of all."""
SECONDS = ("duration", "longest_gap")
"""Attributes that are times in seconds."""


@dataclass(slots=True)
class ReadReport:
    """Counts and findings of one read; they grow while frames are read and are final afterwards.

    Attributes:
        name: the file's base name.
        packets: video packets read.
        discarded_packets: of these, packets an edit list cuts away.
        hidden_packets: of these, packets holding a frame that is never shown.
        corrupt_packets: of these, packets the container flags as damaged.
        decode_errors: packets the decoder refused.
        first_error: FFmpeg's message for the first of them; None if there was none.
        frames: frames yielded; where some were left out, all that the packets hold.
        decoded_frames: of these, frames that were decoded; None where all were to be.
        corrupt_frames: of these, frames the decoder flags as damaged.
        corrupt_indices: the first of these frames.
        missing_pts: frames without a timestamp.
        non_monotone_pts: frames whose timestamp does not exceed that of the frame before.
        restarts: jumps back by a second or more, as where files were joined.
        frames_without_grain: frames whose film grain was left out; None where it was not to be.
        size_changes: changes of the frame size.
        sizes: (index, width, height) of the first changes.
        gaps: intervals above 1.5 periods.
        gap_list: (index, seconds) of the first gaps, the index that of the frame after.
        longest_gap: seconds of the longest gap; None without gaps.
        expected_frames: what the packets promised before decoding; None if nothing told.
        counted_frames: what the header counts, where there is no index of the packets.
        duration: seconds from the first frame to the end of the last; None if unknown.
        complete: whether everything was read.
        interlaced: whether the stream says that its frames are interlaced.
        truncated: whether the file ends before what it promises; None if it promises nothing.
        metadata_problems: facts the file states wrongly or not at all.
        notes: what else was done to read the file.
    """

    name: str
    packets: int = 0
    discarded_packets: int = 0
    hidden_packets: int = 0
    corrupt_packets: int = 0
    decode_errors: int = 0
    first_error: str | None = None
    frames: int = 0
    decoded_frames: int | None = None
    corrupt_frames: int = 0
    corrupt_indices: list[int] = field(default_factory=list)
    missing_pts: int = 0
    non_monotone_pts: int = 0
    restarts: int = 0
    frames_without_grain: int | None = None
    size_changes: int = 0
    sizes: list[tuple[int, int, int]] = field(default_factory=list)
    gaps: int = 0
    gap_list: list[tuple[int, float]] = field(default_factory=list)
    longest_gap: Fraction | None = None
    expected_frames: int | None = None
    counted_frames: int | None = None
    duration: Fraction | None = None
    truncated: bool | None = None
    complete: bool = False
    interlaced: bool = False
    metadata_problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def missing_frames(self) -> int:
        """Shown packets that gave no frame, once everything was read.

        In interlaced streams two packets may make one frame, so there half of them is enough.
        """
        if not self.complete:
            return 0
        shown = self.packets - self.discarded_packets - self.hidden_packets
        return max(0, (-(-shown // 2) if self.interlaced else shown) - self.frames)

    @property
    def uncounted_frames(self) -> int:
        """Frames that the header counts and that were in no packet, once everything was read."""
        if not self.complete or self.counted_frames is None:
            return 0
        seen = max(self.packets, self.frames)
        return max(0, self.counted_frames - (2 * seen if self.interlaced else seen))

    def note(self, text: str) -> None:
        """Add a note, once."""
        if text not in self.notes and len(self.notes) < LISTED:
            self.notes.append(text)

    def problem(self, text: str) -> None:
        """Add a problem with what the file says about itself, once."""
        if text not in self.metadata_problems and len(self.metadata_problems) < LISTED:
            self.metadata_problems.append(text)

    def leave_out(self, decoded: int | None) -> None:
        """Note how many frames were decoded, as no metric looks at the others; None for all.

        It takes the place of what was noted before.
        """
        old, new = self._left_out(self.decoded_frames), self._left_out(decoded)
        self.decoded_frames = decoded
        if old in self.notes:
            place = self.notes.index(old)
            self.notes[place : place + 1] = [new] if new else []
        elif new:
            self.note(new)

    def _left_out(self, decoded: int | None) -> str:
        if decoded is None:
            return ""
        return f"{decoded} of {self.frames} frames were decoded: nobody looks at the others"

    def count_corrupt(self, index: int) -> None:
        """Count a frame with damage."""
        self.corrupt_frames += 1
        if len(self.corrupt_indices) < LISTED:
            self.corrupt_indices.append(index)

    def count_size(self, index: int, size: tuple[int, int]) -> None:
        """Count a frame of another size than the one before it."""
        self.size_changes += 1
        if len(self.sizes) < LISTED:
            self.sizes.append((index, *size))

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible: seconds as float, pairs as lists."""
        out: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        for name in ("decoded_frames", "frames_without_grain"):
            if out[name] is None:
                del out[name]
        for name in SECONDS:
            out[name] = None if out[name] is None else float(out[name])
        for name in ("sizes", "gap_list"):
            out[name] = [list(item) for item in out[name]]
        return out | {"missing_frames": self.missing_frames, "warnings": self.warnings()}

    def warnings(self) -> list[str]:
        """One line for each thing that may have changed the score; empty for a clean file."""
        longest = f"{float(self.longest_gap or 0):.3f} s"
        findings = [
            (self.truncated, "the file ends early: it is truncated or still being written"),
            (
                self.decode_errors,
                f"{_count(self.decode_errors, 'packet')} could not be decoded ({self.first_error})",
            ),
            (self.corrupt_packets, f"{_count(self.corrupt_packets, 'damaged packet')}"),
            (
                self.corrupt_frames,
                f"{_count(self.corrupt_frames, 'damaged frame')}, first {self.corrupt_indices[:1]}",
            ),
            (
                self.uncounted_frames,
                f"its header counts {self.counted_frames} frames, but it holds {self.packets}",
            ),
            (self.missing_frames, f"{_count(self.missing_frames, 'packet')} gave no frame"),
            (
                self.missing_pts % max(1, self.frames),
                f"{_count(self.missing_pts, 'frame')} without a timestamp",
            ),
            (self.non_monotone_pts, f"{_count(self.non_monotone_pts, 'timestamp')} out of order"),
            (
                self.restarts,
                f"timestamps jump back ({_count(self.restarts, 'time')}): joined files?",
            ),
            (
                self.size_changes,
                f"{_count(self.size_changes, 'change')} of frame size: {self._sizes()}",
            ),
            (
                self.gaps,
                f"{_count(self.gaps, 'gap')} in time, the longest {longest}: "
                "frames were dropped, or the rate varies",
            ),
        ]
        lines = [text for wrong, text in findings if wrong]
        return [f"{self.name}: {text}" for text in lines + self.metadata_problems]

    def _sizes(self) -> str:
        return ", ".join(f"{w}x{h} from frame {index}" for index, w, h in self.sizes[:3])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def is_truncated(facts: Facts, scan: Scan, report: ReadReport) -> bool | None:
    """Whether the file ends before its index, its duration or its last transport packet does."""
    if scan.promised:
        return report.packets < scan.packets
    if facts.container == "mpegts":
        return True if facts.cut_packet else None
    promised = _promised_end(facts)
    if promised is None or report.duration is None:
        return None
    slack = max(2 * report.duration / report.frames, report.longest_gap or Fraction(0))
    return (facts.start or 0) + report.duration + slack < promised


def _promised_end(facts: Facts) -> Fraction | None:
    """When the container says that the video ends; None if only the whole file's end is told."""
    if facts.container in TELL_THE_END and facts.stream_duration is not None:
        return (facts.start or 0) + facts.stream_duration
    if not facts.container.startswith(("matroska", "flv")):
        return None
    tag = facts.metadata.get("DURATION", "")
    if re.fullmatch(r"\d+:\d+:\d+(\.\d+)?", tag):
        hours, minutes, seconds = tag.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    return facts.container_duration if facts.streams == 1 else None
