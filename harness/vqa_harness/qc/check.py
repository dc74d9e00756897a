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
    path = source if isinstance(source, Path) else None
    silent = path is None or is_pattern(path) or looks_raw(path)
    if path is not None and not silent:
        has = tracks(path)
        if not has.video:
            return _sound_alone(path, sound=bool(has.sound))
    reader = open_source(source, threads=threads)
    try:
        report = _picture(reader, progress)
    finally:
        reader.close()
    report.warnings += reader.report.warnings()
    if path is not None and not silent and not reader.info.still:
        add_sound(report, path)
    return report


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
