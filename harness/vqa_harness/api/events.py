"""Finds the events of a video that need no reference."""

from __future__ import annotations

from vqa_harness.api.inputs import VideoLike, checked_threads, source_of
from vqa_harness.console import Progress
from vqa_harness.qc.check import check
from vqa_harness.qc.events import QcReport


def find_events(
    video: VideoLike, *, threads: int = 0, progress: Progress | None = None
) -> QcReport:
    """Find black, frozen and flashing pictures, cuts, silence and more, as ``vqa-harness qc`` does.

    Args:
        video: a path, a binary file object, or a `Video` of frames in memory; only a path has
            sound.
        threads: decoder threads; 0 lets FFmpeg choose.
        progress: called with the frames done, and the frames expected (None if unknown).

    Returns:
        The events in order of start, times in exact seconds from the first frame.

    Raises:
        UsageError: something that is not a video.
        InputError: it holds neither video nor sound, or cannot be read.
    """
    return check(source_of(video, "video"), threads=checked_threads(threads), progress=progress)
