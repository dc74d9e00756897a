"""Looks at one video, picture and sound, and reports its events."""

from __future__ import annotations

from pathlib import Path

from vqa_harness import interruption
from vqa_harness.console import Progress
from vqa_harness.errors import InputError
from vqa_harness.media.numbered import is_pattern
from vqa_harness.media.opening import display_name, looks_raw
from vqa_harness.media.source import Reader, VideoSource, open_source
from vqa_harness.qc.events import QcReport
from vqa_harness.qc.sound import add_sound, tracks
from vqa_harness.qc.watch import VideoWatch


def check(
    source: Path | VideoSource, *, threads: int = 0, progress: Progress | None = None
) -> QcReport:
    """Every event of a video and its sound.

    Args:
        source: a file, a pattern of numbered images, or another source of frames, which has no
            sound.
        threads: decoder threads; 0 lets FFmpeg choose.
        progress: called after every frame, with the frames done and the frames expected.

    Raises:
        InputError: the source holds neither video nor sound, or cannot be read.
    """
    if isinstance(source, Path) and _is_container(source):
        has = tracks(source)
        if not has.video:
            return _sound_alone(source, sound=bool(has.sound))
    reader = open_source(source, threads=threads)
    try:
        report = _picture(reader, progress)
    finally:
        reader.close()
    report.warnings += reader.report.warnings()
    add_sound_of(report, source, still=reader.info.still)
    return report


def add_sound_of(report: QcReport, source: Path | VideoSource, *, still: bool) -> None:
    """Add the events of the sound of a source to those of its picture, if it can have sound."""
    if isinstance(source, Path) and _is_container(source) and not still:
        add_sound(report, source)


def _is_container(path: Path) -> bool:
    return not is_pattern(path) and not looks_raw(path)


def _picture(reader: Reader, progress: Progress | None) -> QcReport:
    watch = VideoWatch(reader.info)
    for frame in reader:
        interruption.check()
        watch.see(frame)
        frame.release()
        if progress:
            progress(frame.index + 1, reader.info.expected_frames)
    return watch.report(reader.info.name)


def _sound_alone(path: Path, *, sound: bool) -> QcReport:
    name = display_name(path)
    if not sound:
        raise InputError(f"{name}: holds neither video nor sound; name a video or a sound file")
    report = QcReport(name, warnings=["there is no video: only the sound is judged"])
    add_sound(report, path)
    return report
