"""Rules on events that need no reference: ``qc.black <= 1s``, ``qc.loudness >= -24 LUFS``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from vqa_harness.errors import UsageError, nearest
from vqa_harness.gate.facts import Finding
from vqa_harness.gate.target import Evidence, Needs, RuleTarget
from vqa_harness.qc.events import KINDS, OF_SOUND

if TYPE_CHECKING:
    from vqa_harness.gate.rules import Rule

LEVELS = {
    "loudness": ("loudness.integrated", "LUFS"),
    "loudness_range": ("loudness.range", "LU"),
    "true_peak": ("loudness.true_peak", "dBTP"),
}
"""Values of the sound as a whole: their key in the log, and their unit."""
TOTALS = {"seconds": "s", "longest": "s", "frames": "frames", "count": "", "strength": ""}
"""What the events of a kind come to, and its unit."""


@dataclass(frozen=True, slots=True)
class QcTarget(RuleTarget):
    """What the events of one kind come to, or how loud the sound is.

    Attributes:
        name: a kind of event, or one of `LEVELS`.
        total: one of `TOTALS`; empty for a level.
        whole: whether ``total`` is written in the rule.
    """

    forms: ClassVar[tuple[str, ...]] = ("qc.KIND", "qc.KIND.TOTAL", "qc.LEVEL")
    example: ClassVar[str] = "qc.black"
    about: ClassVar[str] = "events that need no reference, and the level of the sound"
    expression: ClassVar[re.Pattern[str]] = re.compile(r"qc\.(?P<name>\w+)(?:\.(?P<total>\w+))?")

    name: str
    total: str = ""
    whole: bool = False

    @classmethod
    def read(cls, match: re.Match[str]) -> Self:
        """See `RuleTarget.read`.

        Raises:
            UsageError: there is no such kind of event, level or total.
        """
        name, total = match["name"], match["total"] or ""
        if name in LEVELS:
            if total:
                raise UsageError(f"'qc.{name}.{total}': qc.{name} is one number; write qc.{name}")
            return cls(name)
        if name not in KINDS:
            raise UsageError(f"qc has no {name!r}{nearest(name, [*KINDS, *LEVELS])}")
        if total and total not in TOTALS:
            raise UsageError(f"qc.{name} has no {total!r}{nearest(total, list(TOTALS))}")
        if total == "frames" and name in OF_SOUND:
            raise UsageError(f"'qc.{name}.frames': sound has no frames; write qc.{name}.seconds")
        return cls(name, total or ("count" if name == "scene" else "seconds"), whole=bool(total))

    def __str__(self) -> str:
        return f"qc.{self.name}.{self.total}" if self.whole else f"qc.{self.name}"

    @property
    def unit(self) -> str:
        """The unit of the total or of the level."""
        unit = LEVELS[self.name][1] if self.name in LEVELS else TOTALS[self.total]
        return f" {unit}" if unit else ""

    def bound(self, limit: float) -> str:
        """With the unit: it tells frames from seconds."""
        return f"{limit:g}{self.unit}"

    def in_unit(self, unit: str) -> RuleTarget:
        """The target in that unit: seconds and frames are both lengths of the same events."""
        lengths = {"s": "seconds", "frames": "frames"}
        open_unit = self.name in KINDS and not self.whole and self.name != "scene"
        if unit in lengths and open_unit and not (unit == "frames" and self.name in OF_SOUND):
            return QcTarget(self.name, lengths[unit])
        return RuleTarget.in_unit(self, unit)

    def needs(self) -> Needs:
        """Events have to be looked for."""
        return Needs(qc=True)

    def find(self, rule: Rule, evidence: Evidence) -> Finding:
        """The number that the log of a case holds."""
        (item,) = evidence.measured
        assert item.log is not None  # see Evidence
        qc = item.log.view.qc
        if not qc.judged and not qc.facts:
            return Finding(reason="the log has no events; make it with run --qc")
        key = LEVELS[self.name][0] if self.name in LEVELS else f"{self.name}.{self.total}"
        value = qc.facts.get(key)
        if value is None:
            return Finding(reason=_why_unknown(self.name, key in qc.facts, qc.warnings))
        kinds = [event for event in qc.events if event.kind == self.name]
        first = f"first at {kinds[0].start:.3f} s" if kinds and self.name != "scene" else ""
        return Finding(value, note=first)


def _why_unknown(name: str, known: bool, warnings: tuple[str, ...]) -> str:
    if name in LEVELS and known:
        return f"qc.{name} is undefined: the sound is silent"
    if known:
        return f"qc.{name} is unknown"
    said = f" ({'; '.join(warnings)})" if warnings else ""
    what = "there is no sound, or it cannot be read" if name in (*LEVELS, *OF_SOUND) else ""
    return f"qc.{name} could not be judged" + (f": {what}" if what else "") + said
