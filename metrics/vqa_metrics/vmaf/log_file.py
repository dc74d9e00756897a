"""The log that libvmaf writes, read back and compared with what was asked for."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vqa_harness.errors import MetricError

LOG_NAME = "vmaf.json"
"""What the log is called in the temporary folder of a run."""
_LOG_BYTES_MAX = 1 << 30
"""Largest log that is read: about two million frames."""


def read_log(path: Path, expected: int, names: Iterable[str], *, who: str, said: str) -> Any:
    """Read libvmaf's log, and refuse one that lacks anything.

    libvmaf and FFmpeg's filter end well also where they scored less than they were asked for.

    Args:
        path: The log.
        expected: How many frames it must hold.
        names: Models and features that each of its frames must have.
        who: The program or library that wrote it, for messages.
        said: What that printed; empty if nothing is known.

    Returns:
        libvmaf's document: ``version``, ``frames`` (``frameNum`` and ``metrics``) and
        ``pooled_metrics``.

    Raises:
        MetricError: It is missing, cannot be read, or does not hold every frame and name.
    """

    def unusable(what: str) -> MetricError:
        return MetricError(f"VMAF: {who} {what}" + (f": {said}" if said else ""))

    if not path.is_file():
        raise unusable("wrote no log")
    if path.stat().st_size > _LOG_BYTES_MAX:
        raise unusable(f"wrote a log of more than {_LOG_BYTES_MAX} bytes")
    try:
        log = json.loads(path.read_text("utf-8"))
        frames = [set(frame["metrics"]) for frame in log["frames"]]
    except (ValueError, KeyError, TypeError) as error:
        raise unusable(f"wrote a log that cannot be read ({error})") from None
    if len(frames) != expected:
        raise unusable(f"scored {len(frames)} frames instead of {expected}")
    absent = [name for name in names if not all(name in frame for frame in frames)]
    if absent:
        raise unusable(
            f"was asked for {', '.join(absent)} and gave nothing of that name for some frames"
        )
    return log


def scored(pairs: int, n_subsample: int) -> int:
    """How many of ``pairs`` are scored where every ``n_subsample``-th is."""
    return math.ceil(pairs / n_subsample)
