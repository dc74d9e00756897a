"""What a log says of how frames were paired: a part of `vqa_harness.logs.view`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A stretch of distorted frames that were all paired in one way.

    Attributes:
        kind: ``matched``, ``frozen`` or ``unmatched``.
        distorted: (first frame, one past the last), the first below the other.
        reference: the frames of the reference, in the same form; None without a partner.
    """

    kind: str
    distorted: tuple[int, int]
    reference: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """Frames of one kind.

    Attributes:
        count: how many there are.
        frames: the first of them; our logs list 50.
    """

    count: int | None = None
    frames: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Alignment:
    """How frames were paired with the reference; of a run without one, everything is empty.

    Attributes:
        mode: the mode that was chosen, such as ``auto``.
        model: the model that was found: ``index``, ``time``, ``offset``, ``rate`` or ``content``.
        options: all alignment options; any JSON values.
        pairs: how many pairs were given to the metrics.
        offset_frames: reference frame of the first pair minus its distorted frame.
        offset_seconds: the same offset in seconds.
        distorted_frames: how many distorted frames were read.
        reference_frames: how many reference frames were read.
        distorted_head: distorted frames before the first pair.
        distorted_tail: distorted frames after the last pair.
        reference_head: reference frames before the first pair.
        reference_tail: reference frames after the last pair.
        dropped: reference frames that are missing in the distorted video.
        duplicated: distorted frames that repeat the one before.
        frozen_frames: distorted frames that stand still while the reference moves.
        unmatched_frames: distorted frames that are not in the reference.
        confidence: share of the pairs that the pictures tell from pairs a frame or two off, 0 to 1.
        segments: the segments in order; our logs list the first 50.
        distorted_size: (width, height) in pixels of the distorted video before it was scaled to
            the reference.
        facts: each number, truth value (0 or 1) and length of a list by its name, such as
            ``dropped``; inside another object by its dotted name. None where unknown.
    """

    mode: str | None = None
    model: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    pairs: int | None = None
    offset_frames: int | None = None
    offset_seconds: float | None = None
    distorted_frames: int | None = None
    reference_frames: int | None = None
    distorted_head: int | None = None
    distorted_tail: int | None = None
    reference_head: int | None = None
    reference_tail: int | None = None
    dropped: Counted = field(default_factory=Counted)
    duplicated: Counted = field(default_factory=Counted)
    frozen_frames: int | None = None
    unmatched_frames: int | None = None
    confidence: float | None = None
    segments: tuple[SegmentEntry, ...] = ()
    distorted_size: tuple[int, int] | None = None
    facts: Mapping[str, float | None] = field(default_factory=dict)
