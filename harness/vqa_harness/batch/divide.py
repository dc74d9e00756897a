"""Divides a long case: finds its pairs once, and packs what the processes of its pieces need."""

from __future__ import annotations

import math
import pickle
import re
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vqa_harness.batch.case import Case, Divided
from vqa_harness.batch.settings import Settings
from vqa_harness.errors import UsageError
from vqa_harness.logs.cache_key import CacheKey
from vqa_harness.media.inputs import as_source
from vqa_harness.media.source import VideoSource, open_source
from vqa_harness.pipeline.runner import RunOptions
from vqa_harness.registry import Registry
from vqa_harness.split.in_pieces import InPieces, Splitting, Undivided
from vqa_harness.split.run import plan_pieces

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) ?(s|m|min|h)?", re.ASCII)
_SECONDS = {None: 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def parse_duration(text: str, where: str) -> float:
    """Seconds of a duration such as ``90s``, ``10m``, ``1.5h`` or a number of seconds.

    Raises:
        UsageError: it is none, or nothing; the message names ``where`` it stands.
    """
    found = _DURATION.fullmatch(text.strip())
    seconds = float(found[1]) * _SECONDS[found[2]] if found is not None else 0.0
    if seconds <= 0:
        raise UsageError(f"{where} {text}: is no duration; write one such as 90s, 10m or 1h")
    return seconds


def sources_of(
    case: Case, settings: Settings
) -> tuple[Path | VideoSource, Path | VideoSource | None]:
    """What is read of a case: the video, and what it is compared with."""
    reference = case.reference_path
    compared = None if reference is None else as_source(reference, settings.stated.reference)
    return as_source(case.distorted_path, settings.stated.distorted), compared


def options_of(settings: Settings) -> RunOptions:
    """How a case is run."""
    return RunOptions(settings.threads, None, settings.align)


def divide(case: Case, key: CacheKey, registry: Registry, settings: Settings) -> Divided | None:
    """Divide a case if it is long; None if it is not.

    Raises:
        Undivided: it is, but has to be scored in one piece; the text says why.
        VqaError: it cannot be read, or its frames not be paired.
    """
    begin = time.perf_counter()
    source, reference = sources_of(case, settings)
    pieces = math.ceil(_seconds(source) / (settings.split_longer_than or math.inf))
    if pieces < 2:
        return None
    if case.remote:
        raise Undivided("it is fetched from an address by one process")
    options = options_of(settings)
    plan = plan_pieces(source, settings.requests, registry, options, reference=reference)
    packed = pack((key, plan))
    divided = Divided(packed, min(pieces, max(1, len(plan.pairs))), time.perf_counter() - begin)
    in_pieces(case, divided, registry, settings)  # refuses now what it would refuse later
    return divided


def in_pieces(
    case: Case,
    divided: Divided,
    registry: Registry,
    settings: Settings,
    told: Callable[[str], None] = lambda _: None,
) -> tuple[InPieces, CacheKey]:
    """The pieces of a case that was divided, in any process; and the key of its log.

    Args:
        case: the case.
        divided: how it was divided.
        registry: makes metrics.
        settings: how it is scored.
        told: takes a line about what cannot be split.

    Raises:
        Undivided: it has to be scored in one piece.
        InputError: it has no frame, or a warning is an error.
    """
    key, plan = unpack(divided.plan)
    source, reference = sources_of(case, settings)
    splitting = Splitting(divided.pieces, None, told)
    options = options_of(settings)
    video = InPieces(
        plan, source, settings.requests, registry, options, splitting, reference=reference
    )
    return video, key


def _seconds(source: Path | VideoSource) -> float:
    """How long a video is, as it says itself.

    Raises:
        Undivided: it does not say it.
    """
    reader = open_source(source)
    try:
        info = reader.info
    finally:
        reader.close()
    if info.duration is not None:
        return float(info.duration)
    if info.expected_frames is not None and info.rate:
        return float(info.expected_frames / info.rate)
    raise Undivided("the file does not say how long it is")


def pack(value: Any) -> bytes:
    """A value as bytes, for another process of this command; few, since pairs are regular."""
    return zlib.compress(pickle.dumps(value, pickle.HIGHEST_PROTOCOL), 1)


def unpack(packed: bytes) -> Any:
    """What `pack` packed. It is never read from a file."""
    return pickle.loads(zlib.decompress(packed))
