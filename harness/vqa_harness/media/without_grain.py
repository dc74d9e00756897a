"""Videos whose film grain is left out, as sources."""

from __future__ import annotations

from pathlib import Path

from vqa_harness.media.filters import Deinterlace
from vqa_harness.media.grain import Grain
from vqa_harness.media.numbered import is_pattern
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.source import FileObject, VideoSource, hash_path


class WithoutGrain:
    """A video file as its coder had it: see `vqa_harness.media.grain`.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, *, threads: int = 0, deinterlace: Deinterlace = "off") -> VideoReader:
        """See `VideoSource.open`."""
        return VideoReader(self.path, threads=threads, deinterlace=deinterlace, grain="off")

    def sha256(self) -> str:
        """See `VideoSource.sha256`."""
        return hash_path(self.path)


def grained(source: Path | VideoSource, grain: Grain) -> Path | VideoSource:
    """The source, whose decoders add film grain or not.

    Frames in memory, raw video and images have none to leave out.
    """
    if grain == "on":
        return source
    if isinstance(source, FileObject):
        return source.without_grain()
    return WithoutGrain(source) if isinstance(source, Path) and not is_pattern(source) else source
