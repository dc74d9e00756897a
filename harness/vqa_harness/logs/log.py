"""The log of a run: scores per frame, pooled scores, and how they came about.

`Log` is what every writer writes and `vqa_harness.logs.read.read_log` returns. It is laid out as
libvmaf's log, with everything libvmaf has no place for in ``extra``, which ``view`` gives typed.
``docs/log-format.md`` describes each field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqa_harness.logs.view import LogView

VERSION_PREFIX = "vqa-harness "
"""How ``version`` begins in a log without VMAF."""


@dataclass
class Log:
    """Scores of one distorted video.

    Attributes:
        version: libvmaf's version where VMAF was run, else ``vqa-harness X.Y.Z``.
        fps: frames scored per second of processor time; None if unknown. Not the clip's rate.
        frame_numbers: number of each frame, ascending from 0.
        columns: feature name to one value per frame. None where a log read has none, or has null,
            NaN or infinity; a log that was built has none of these.
        pooled: feature name to ``min``, ``max``, ``mean`` and ``harmonic_mean``.
        aggregate: libvmaf's numbers about the whole stream; empty in a log that was built.
        extra: the ``vqa_harness`` object, JSON-compatible; empty for another program's log.
        size: (width, height) scored, pixels; None if unknown. Only XML has a place for it.
    """

    version: str
    fps: float | None = None
    frame_numbers: list[int] = field(default_factory=list)
    columns: dict[str, list[float | None]] = field(default_factory=dict)
    pooled: dict[str, dict[str, float | None]] = field(default_factory=dict)
    aggregate: dict[str, float | None] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    size: tuple[int, int] | None = None

    @cached_property
    def view(self) -> LogView:
        """What ``extra`` says, as typed values.

        It is read once, so later changes to ``extra`` do not show; `dataclasses.replace` gives a
        log that reads it again.
        """
        # a run does not look at its own log, and need not load some forty classes for it
        from vqa_harness.logs.view_parser import parse_view

        return parse_view(self.extra)

    def __len__(self) -> int:
        """How many frames were scored."""
        return len(self.frame_numbers)

    def frames(self) -> Iterator[tuple[int, dict[str, float | None]]]:
        """Yield (frame number, feature name to value)."""
        for i, number in enumerate(self.frame_numbers):
            yield number, {name: column[i] for name, column in self.columns.items()}
