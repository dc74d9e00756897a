"""How the colour of two videos is read where a tag is missing, and whether the tags can be true.

Nothing is converted on a guess. What one video does not say is taken from the other one's tag, and
where neither says it both are read alike. The first frames overrule that where another reading of
what is not said fits clearly better, and they decide what RGB is compared with. Tags are never
overruled; where the pictures contradict them, that is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Literal

from vqa_harness.alignment.colour_evidence import CellMeans, Reading
from vqa_harness.frames import ColourInfo, StreamInfo
from vqa_harness.media.colour_tags import FACTS, ColourRule, ColourTags, silent
from vqa_harness.media.recode import WEIGHTS, PixelFormat

Origin = Literal["samples", "option", "tag", "other side", "pictures", "guess", "unknown"]
Fact = tuple[int, str]
"""A side (0 is the distorted video, 1 the reference) and an attribute of `ColourInfo`."""
Changes = Mapping[Fact, Any]
"""Facts with other values."""
CODED: dict[str, tuple[Any, ...]] = {"full_range": (False, True), "matrix": tuple(WEIGHTS)}
"""The facts on which code values depend, with their values."""
CLEARLY, CLEARLY_RANGE = 0.5, 0.25
"""Share of the misfit of a reading that is left with one that fits clearly better.

A wrong range is so far off that more can be asked of the right one, so that another change of
contrast is not taken for a conversion.
"""
LEAST = 0.1
"""8-bit levels (RMS) by which it must be better besides."""
SAME = 1.05, 0.01
"""Factor and squared levels within which two misfits are the same."""
SLOPE_SLACK = 0.025
"""Relative difference from the slope that a conversion of range gives luma.

Within it, luma shows that slope; other changes of contrast are not taken for a conversion.
"""
SAME_CURVE = 0.9
"""Share of the variance that code values must explain before a lost PQ or HLG tag is filled in."""
BEYOND = 0.0005
"""Share of luma samples beyond limited range, at both ends, from which the range is full."""


@dataclass(slots=True)
class ColourAgreement:
    """How the colour of each side is read.

    Attributes:
        infos: facts of the distorted video and of the reference, with these colours.
        origins: where each fact comes from.
        cells: what the first frames show; None where they show nothing.
        misfit: mean square, in squared 8-bit levels, by which the colours are off; None where the
            first frames show nothing.
        misfits: other readings of what is not said, each with its misfit.
        contradictions: other readings of tags, each of which fits clearly better.
        better: their misfit.
    """

    infos: list[StreamInfo]
    origins: dict[Fact, Origin] = field(default_factory=dict)
    cells: CellMeans | None = None
    misfit: float | None = None
    misfits: list[tuple[Changes, float]] = field(default_factory=list)
    contradictions: list[Changes] = field(default_factory=list)
    better: float | None = None

    @property
    def against_rgb(self) -> bool:
        """Whether one of the two is RGB and the other is not."""
        return (self.infos[0].chroma == "rgb") != (self.infos[1].chroma == "rgb")

    @property
    def slope(self) -> float | None:
        """See `CellMeans.luma_slope`; None where one is RGB."""
        rgb = "rgb" in (self.infos[0].chroma, self.infos[1].chroma)
        return None if self.cells is None or rgb else self.cells.luma_slope()

    def value(self, fact: Fact) -> Any:
        """What a fact is taken as."""
        return getattr(self.infos[fact[0]].colour, fact[1])

    def rule(self, side: int, stated: ColourTags) -> ColourRule:
        """How the colour of a side is read, where ``stated`` goes before its tags."""
        colour = self.infos[side].colour
        facts = {name: getattr(colour, name) for name in FACTS if silent(colour, name)}
        known = {name: value for name, value in facts.items() if value not in ("unknown", "rgb")}
        return ColourRule(stated, ColourTags(**known))

    def reading(self, changes: Changes | None = None) -> Reading:
        """The pixel formats of both sides, with some facts changed."""
        one, two = (
            PixelFormat(info.chroma, info.depth, colour.full_range, colour.matrix)
            for info, colour in zip(self.infos, self._colours(changes or {}), strict=True)
        )
        if "gray" in (one.chroma, two.chroma) and "rgb" not in (one.chroma, two.chroma):
            one = replace(one, matrix=two.matrix)  # luma alone is compared, as it is
        return one, two

    def expected_slope(self, changes: Changes | None = None) -> float:
        """What `slope` would be if a reading were true."""
        one, two = (replace(form, depth=8).luma_scale()[1] for form in self.reading(changes))
        return two / one

    def change(self, changes: Changes, origin: Origin) -> None:
        """Take facts for something else; what stays as it is keeps its origin."""
        for fact, value in changes.items():
            if self.value(fact) != value:
                self.origins[fact] = origin
        for side, colour in enumerate(self._colours(changes)):
            self.infos[side] = replace(self.infos[side], colour=colour)

    def sure(self, facts: Iterable[Fact]) -> float | None:
        """How sure the first frames are of some facts that are not said, 0 to 1.

        It is the share of the misfit of the next best reading, with any of these facts changed,
        that the one taken saves. None where the first frames do not tell the two apart.
        """
        if self.misfit is None:
            return None
        low, high = self.misfit * SAME[0] + SAME[1], (self.misfit - SAME[1]) / SAME[0]
        others = [m for c, m in self.misfits if not c.keys().isdisjoint(facts)]
        told = [m for m in others if m > low or m < high]
        return max(0.0, 1 - self.misfit / min(told)) if told else None

    def _colours(self, changes: Changes) -> list[ColourInfo]:
        return [
            replace(info.colour, **{name: v for (at, name), v in changes.items() if at == side})
            for side, info in enumerate(self.infos)
        ]


def agree(
    infos: Iterable[StreamInfo], stated: tuple[ColourTags, ColourTags], cells: CellMeans | None
) -> ColourAgreement:
    """Decide how the colour of two videos is read.

    Args:
        infos: facts of the distorted video and of the reference, with what is stated of them.
        stated: what the options state of each.
        cells: what the first frames show; None where they show nothing.
    """
    found = ColourAgreement(list(infos), cells=cells)
    missing = {
        (side, name)
        for side, info in enumerate(found.infos)
        for name in FACTS
        if silent(info.colour, name)
    }
    for side, name in product((0, 1), FACTS):
        found.origins[side, name] = _origin(found, (side, name), stated[side], missing)
    for name in FACTS:
        _fill(found, name, missing)
    _drop_curve(found)
    if cells is not None:
        _overrule(found, cells, missing)
        _contradict(found, cells)
    return found


def _origin(found: ColourAgreement, fact: Fact, stated: ColourTags, missing: set[Fact]) -> Origin:
    side, name = fact
    if name in stated.facts():
        return "option"
    if fact not in missing:
        rgb = found.infos[side].chroma == "rgb" and name in CODED
        return "samples" if rgb else "tag"
    return "unknown" if found.value(fact) == "unknown" else "guess"


def _fill(found: ColourAgreement, name: str, missing: set[Fact]) -> None:
    """Read what one side does not say as on the other, and what neither says as the reference."""
    sides = [side for side in (0, 1) if (side, name) in missing]
    if not sides or (name in CODED and "rgb" in (i.chroma for i in found.infos)):
        return
    side = sides[0] if len(sides) == 1 or found.infos[1].chroma != "gray" else 1
    value = found.value((1 - side, name))
    if value != "unknown":
        found.change({(side, name): value}, "guess")
        if len(sides) == 1:
            found.origins[side, name] = "other side"


def _drop_curve(found: ColourAgreement) -> None:
    """Take no PQ or HLG tag from the other side unless the pictures follow one curve."""
    for side in (0, 1):
        fact = side, "transfer"
        if found.origins[fact] == "other side" and found.infos[side].colour.hdr:
            cells = found.cells
            if cells is None or cells.explained(found.reading()) < SAME_CURVE:
                found.change({fact: "unknown"}, "unknown")


def _overrule(found: ColourAgreement, cells: CellMeans, missing: set[Fact]) -> None:
    """Let the first frames decide what is not said."""
    open_facts = [fact for fact in _coded(found) if fact in missing]
    misfits = _misfits(found, cells, open_facts)
    better = _clearly_better(found, misfits)
    if better:
        found.change(better[0][0], "pictures")
    elif all((side, "full_range") in missing for side in (0, 1)) and min(cells.beyond) > BEYOND:
        full: Changes = {(side, "full_range"): True for side in (0, 1)}
        least = cells.misfit(found.reading())
        if cells.misfit(found.reading(full)) <= SAME[0] * least + SAME[1]:
            found.change(full, "pictures")
    found.misfit = cells.misfit(found.reading())
    found.misfits = _misfits(found, cells, open_facts)


def _contradict(found: ColourAgreement, cells: CellMeans) -> None:
    """Find other readings of what is said that fit clearly better."""
    better = _clearly_better(found, _misfits(found, cells, _coded(found)))
    found.contradictions = [changes for changes, _ in better]
    found.better = better[0][1] if better else None


def _coded(found: ColourAgreement) -> list[Fact]:
    """The facts that the comparison of code values depends on."""
    chroma = [info.chroma for info in found.infos]
    matrix = "gray" not in chroma or "rgb" in chroma
    return [
        (side, name)
        for side, name in product((0, 1), CODED)
        if name != "matrix" or (matrix and chroma[side] != "rgb")
    ]


def _misfits(
    found: ColourAgreement, cells: CellMeans, facts: list[Fact]
) -> list[tuple[Changes, float]]:
    """Every reading that differs in these facts, with its misfit."""
    out: list[tuple[Changes, float]] = []
    for values in product(*(CODED[name] for _, name in facts)):
        pairs = zip(facts, values, strict=True)
        changes = {fact: value for fact, value in pairs if found.value(fact) != value}
        out.append((changes, cells.misfit(found.reading(changes))))
    return out


def _clearly_better(
    found: ColourAgreement, misfits: list[tuple[Changes, float]]
) -> list[tuple[Changes, float]]:
    """The readings that fit best with the fewest changes; none where it is not clear."""
    own = next(misfit for changes, misfit in misfits if not changes)
    likely = [(c, m) for c, m in misfits if _shows(found, c)]
    least = min(misfit for _, misfit in likely)
    best = [(c, m) for c, m in likely if m <= SAME[0] * least + SAME[1]]
    fewest = min(len(changes) for changes, _ in best)
    best = [(c, m) for c, m in best if len(c) == fewest]
    moved = any(found.expected_slope(c) != found.expected_slope() for c, _ in best)
    clear = least <= (CLEARLY_RANGE if moved else CLEARLY) * own
    return best if clear and own**0.5 - least**0.5 >= LEAST else []


def _shows(found: ColourAgreement, changes: Changes) -> bool:
    """Whether luma has the slope of a reading, where the reading gives it another."""
    slope, expected = found.slope, found.expected_slope(changes)
    if slope is None or expected == found.expected_slope():
        return True
    return abs(slope / expected - 1) < SLOPE_SLACK
