"""Whether PyAV's own FFmpeg has libvmaf, found out without loading it where that is possible."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def library_is_there() -> bool:
    """Whether PyAV's FFmpeg has the libvmaf filter.

    The wheels of PyAV tell by the libraries that lie beside them. Only an FFmpeg from elsewhere is
    asked itself, because that loads it.
    """
    if _folders():
        return bool(library_files())
    if importlib.util.find_spec("av") is None:
        return False
    from vqa_harness.media.pair_filter import filter_starts

    return filter_starts("libvmaf", {})


def library_files() -> tuple[Path, ...]:
    """The libvmaf beside PyAV, one file; none if it is not of a wheel, or without libvmaf."""
    return tuple(sorted(file for place in _folders() for file in place.glob("*vmaf*")))


def _folders() -> list[Path]:
    """Where a wheel of PyAV keeps its libraries; none for a PyAV built on FFmpeg from elsewhere."""
    package = importlib.util.find_spec("av")
    if package is None or not package.origin:
        return []
    folder = Path(package.origin).parent
    return [place for place in (folder.parent / "av.libs", folder / ".dylibs") if place.is_dir()]
