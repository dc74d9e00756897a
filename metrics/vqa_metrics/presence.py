"""What PyAV's own FFmpeg has, found out without loading it where that is possible.

The wheels of PyAV tell by the libraries that lie beside them. Only an FFmpeg from elsewhere has to
be asked itself.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def library_is_there() -> bool:
    """Whether PyAV's FFmpeg has the libvmaf filter."""
    return bool(library_files()) if of_a_wheel() else filter_is_there("libvmaf")


def library_files() -> tuple[Path, ...]:
    """The libvmaf beside PyAV, one file; none if it is not of a wheel, or without libvmaf."""
    return tuple(sorted(file for place in _folders() for file in place.glob("*vmaf*")))


def of_a_wheel() -> bool:
    """Whether PyAV brought its FFmpeg: one with every filter that needs no other library."""
    return bool(_folders())


def filter_is_there(name: str) -> bool:
    """Whether PyAV's FFmpeg has a filter; loads it."""
    if importlib.util.find_spec("av") is None:
        return False
    from vqa_harness.media.pair_filter import filter_is_there

    return filter_is_there(name)


def _folders() -> list[Path]:
    """Where a wheel of PyAV keeps its libraries; none for a PyAV built on FFmpeg from elsewhere."""
    package = importlib.util.find_spec("av")
    if package is None or not package.origin:
        return []
    folder = Path(package.origin).parent
    return [place for place in (folder.parent / "av.libs", folder / ".dylibs") if place.is_dir()]
