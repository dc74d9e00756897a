"""The events of a log that need no reference, with types: ``LogView.qc``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class QcEventEntry:
    """One event.

    Attributes:
        kind: such as ``black``; another program may have kinds of its own.
        start: seconds from the first frame of the video.
        end: the same of its end, not before ``start``.
        strength: how strong it is; None where there are no degrees.
        first_frame: index of its first frame; None for sound.
        stop_frame: one past its last frame; None for sound.
        detail: what else is known; mostly empty.
    """

    kind: str
    start: float
    end: float
    strength: float | None = None
    first_frame: int | None = None
    stop_frame: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Qc:
    """What was found in the distorted video without a reference; empty where nobody looked.

    Attributes:
        duration: seconds that the video lasts.
        judged: the kinds of event that could be judged.
        facts: each number by its dotted name, such as ``black.seconds`` and
            ``loudness.integrated``; None where unknown.
        events: what was found, in order of start.
        warnings: what the user should know, a line each.
    """

    duration: float | None = None
    judged: tuple[str, ...] = ()
    facts: Mapping[str, float | None] = field(default_factory=dict)
    events: tuple[QcEventEntry, ...] = ()
    warnings: tuple[str, ...] = ()
