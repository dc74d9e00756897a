"""Checks what a user names as a video or a metric, and turns it into what the pipeline takes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.api.arrays import is_array
from vqa_harness.api.video import Video
from vqa_harness.errors import InputError, MissingBackend, UsageError
from vqa_harness.media.numbered import ImageSequence
from vqa_harness.media.raw import RawVideo
from vqa_harness.media.source import FileObject, VideoSource
from vqa_harness.registry import Registry
from vqa_harness.request import Request, how_to_get, missing_modules

VideoLike = str | os.PathLike[str] | BinaryIO | Video | RawVideo | ImageSequence
"""A path, a binary file object, raw video, numbered images, or frames in memory."""

AlignLike = AlignOptions | str | None
"""Options, or the name of a mode (``auto``, ``index``, ``time``, ``content``); None is ``auto``."""


def source_of(value: object, role: str) -> Path | VideoSource:
    """A video as the pipeline reads it.

    Args:
        value: a `VideoLike`.
        role: ``distorted`` or ``reference``, for messages.

    Raises:
        UsageError: the value is something else.
        InputError: the value is a URL.
    """
    if isinstance(value, Video | FileObject | RawVideo | ImageSequence):
        return value
    if isinstance(value, str | os.PathLike):
        return _path(value, role)
    if is_array(value):
        raise UsageError(
            f"{role}: an array does not say its rate, matrix and range: wrap it, "
            "Video.from_rgb(frames, fps=25, matrix='bt709', full_range=False)"
        )
    if hasattr(value, "read"):
        return FileObject(value)
    hint = "; put it into io.BytesIO" if isinstance(value, bytes | bytearray | memoryview) else ""
    raise UsageError(
        f"{role}: an object of type {type(value).__name__} is not a video: give a path, a "
        f"binary file object or a Video{hint}"
    )


def _path(value: str | os.PathLike[str], role: str) -> Path:
    text = os.fspath(value)
    if not isinstance(text, str):
        raise UsageError(f"{role}: the path is of bytes; os.fsdecode makes text of it")
    if not text:
        raise UsageError(f"{role}: the path is empty; name a video")
    if "://" in text:
        raise InputError(f"{role}: URLs are not opened, download it first")
    return Path(text)


def align_options(
    value: AlignLike, distorted_colour: str = "", reference_colour: str = ""
) -> AlignOptions:
    """The alignment options that a user named.

    Args:
        value: options, or the name of a mode.
        distorted_colour: replaces what ``value`` states of the distorted video, unless it is empty.
        reference_colour: the same of the reference.

    Raises:
        UsageError: there is no such mode, or what is stated of a colour cannot be read.
    """
    if not isinstance(value, AlignOptions):
        value = AlignOptions() if value is None else AlignOptions(mode=value)  # type: ignore[arg-type]
    return replace(
        value,
        distorted_colour=distorted_colour or value.distorted_colour,
        reference_colour=reference_colour or value.reference_colour,
    )


def requests_of(
    metrics: str | Request | Iterable[str | Request], registry: Registry
) -> list[Request]:
    """The metrics, named as on the command line: ``vmaf:model=vmaf_4k_v0.6.1``, ``psnr,ssim``.

    Raises:
        UnknownMetric: no such metric.
        UsageError: none, no such parameter, or a value it does not take.
        MissingBackend: a package that one of them needs is not installed.
    """
    requests: list[Request] = []
    for one in [metrics] if isinstance(metrics, str | Request) else metrics:
        if not isinstance(one, str | Request):
            raise UsageError(f"metrics: {one!r} is not the name of a metric")
        requests += [one] if isinstance(one, Request) else registry.requests([one])
    if not requests:
        raise UsageError("metrics: none is named; vqa-harness metrics lists what there is")
    for request in requests:
        absent = missing_modules(request.spec)
        if absent:
            names, how = ", ".join(absent), how_to_get(request.spec)
            raise MissingBackend(f"metric {request.spec.name!r} needs {names}; {how}")
    return requests


def checked_threads(threads: int) -> int:
    """The number of threads, if it is one.

    Raises:
        UsageError: it is not a whole number of at least 0.
    """
    if not isinstance(threads, int) or threads < 0:
        raise UsageError(f"threads={threads!r}: needs a whole number; 0 for one per processor")
    return threads


@lru_cache(maxsize=1)
def installed() -> Registry:
    """The registry of every plugin that is installed, looked for once."""
    return Registry.installed()
