"""What is said of how the colour of two videos is read: warnings, and the log."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from vqa_harness.alignment.colour_agreement import (
    BEYOND,
    CODED,
    Changes,
    ColourAgreement,
    Fact,
)
from vqa_harness.alignment.report import Note
from vqa_harness.frames import StreamInfo
from vqa_harness.media.colour_tags import FACTS, fact_text, option_of, silent

SIDES = ("distorted", "reference")
WORDS = {"full_range": "range", "transfer": "transfer function"}
"""What people call an attribute of `ColourInfo`, where it is not its name."""


def colour_notes(found: ColourAgreement, told: tuple[StreamInfo, StreamInfo]) -> list[Note]:
    """Warnings of what was guessed, and of tags that the pictures contradict.

    What neither video says is no reason to warn where both are read alike: then nothing is
    converted, and code values are compared as they are.

    Args:
        found: how the colours are read.
        told: facts of both videos before anything was taken from the other one or guessed.
    """
    texts = [*_guesses(found, told), *_contradiction(found)]
    return [Note("colour", text) for text in texts]


def colour_json(found: ColourAgreement) -> dict[str, Any]:
    """Each fact with its value and where it comes from, and the evidence."""
    out: dict[str, Any] = {
        side: {
            "range" if name == "full_range" else name: {
                "value": _value((at, name), found),
                "from": found.origins[at, name],
                **_how_sure(found, (at, name)),
            }
            for name in FACTS
        }
        for at, side in enumerate(SIDES)
    }
    out["evidence"] = out["contradicted"] = None
    if found.cells is not None and found.misfit is not None:
        out["evidence"] = {
            "pairs": found.cells.pairs,
            "luma_slope": None if found.slope is None else round(found.slope, 4),
            "expected_slope": round(found.expected_slope(), 4),
            "misfit": _rms(found.misfit),
        }
    if found.better is not None:
        out["contradicted"] = {"misfit": _rms(found.better), "options": _options(found)}
    return out


def _guesses(found: ColourAgreement, told: tuple[StreamInfo, StreamInfo]) -> Iterator[str]:
    for at, info in enumerate(told):
        facts = [name for name in FACTS if _is_worth_it(found, (at, name), info)]
        if not facts:
            continue
        values = ",".join(option_of(name, found.value((at, name))) for name in facts)
        words = " and ".join(WORDS.get(name, name) for name in facts)
        guessed = any(found.origins[at, name] != "other side" for name in facts)
        how = "guessed" if guessed else "taken from the other video"
        why = "; ".join([*_evidence(found, at, facts), _sureness(found, at, facts)])
        yield (
            f"the {SIDES[at]} video does not say its {words}: {values} is {how} ({why}); "
            f"--{SIDES[at]}-colour {values} states it"
        )


def _is_worth_it(found: ColourAgreement, fact: Fact, info: StreamInfo) -> bool:
    """Whether a fact that is not said may have changed scores."""
    side, name = fact
    origin, own = found.origins[fact], getattr(info.colour, name)
    if not silent(info.colour, name):
        return False
    if origin == "other side":
        hdr = name == "transfer" and found.infos[side].colour.hdr
        return hdr or (name == "full_range" and own != found.value(fact))
    return name in CODED and (origin == "pictures" or (origin == "guess" and found.against_rgb))


def _evidence(found: ColourAgreement, side: int, facts: list[str]) -> list[str]:
    if "full_range" not in facts or found.slope is None:
        return []
    other = found.expected_slope({(side, "full_range"): not found.value((side, "full_range"))})
    if abs(found.expected_slope() - found.slope) < abs(other - found.slope):
        return [f"luma slope {found.slope:.2f}, not {other:.2f}"]
    return [f"luma slope {found.slope:.2f}"]


def _sureness(found: ColourAgreement, side: int, facts: list[str]) -> str:
    if found.cells is None:
        return "the first frames show different pictures, so nothing confirms it"
    if facts == ["transfer"]:
        return f"code values agree to {found.cells.explained(found.reading()):.1%}"
    sure = found.sure([(side, name) for name in facts])
    return "the first frames do not tell" if sure is None else f"{sure:.0%} sure"


def _how_sure(found: ColourAgreement, fact: Fact) -> dict[str, float | None]:
    """How sure the first frames are of a fact, if it is not said and code values depend on it."""
    if fact[1] not in CODED or found.origins[fact] in ("samples", "option", "tag"):
        return {}
    sure = found.sure([fact])
    return {"sure": None if sure is None else round(sure, 3)}


def _contradiction(found: ColourAgreement) -> Iterator[str]:
    if found.better is None or found.misfit is None:
        return
    names = {name for changes in found.contradictions for _, name in changes}
    parts = []
    for name in (n for n in CODED if n in names):
        one, two = (_value((at, name), found) for at in (0, 1))
        parts.append(f"{WORDS.get(name, name)} {one} against {two}")
    if "full_range" in names and found.slope is not None:
        evidence = f"luma slope {found.slope:.2f}, not {found.expected_slope():.2f}"
    else:
        evidence = f"off by {_rms(found.misfit):.2f} levels, otherwise by {_rms(found.better):.2f}"
    yield (
        f"the pictures contradict {' and '.join(parts)} (distorted against reference): {evidence}; "
        f"if a tag is wrong say {' or '.join(_options(found))}"
    )


def _options(found: ColourAgreement) -> list[str]:
    """What to say instead, in the order of likelihood; only the likely one where that is clear."""
    out = []
    for changes in sorted(found.contradictions, key=lambda c: (not _is_likely(found, c), min(c))):
        for at, side in enumerate(SIDES):
            facts = [option_of(name, value) for (s, name), value in changes.items() if s == at]
            if facts:
                out.append(f"--{side}-colour {','.join(facts)}")
    return out[:1] if any(_is_likely(found, c) for c in found.contradictions) else out


def _is_likely(found: ColourAgreement, changes: Changes) -> bool:
    """Whether a range is made full of a video whose samples lie beyond limited range."""
    assert found.cells is not None
    return any(
        name == "full_range" and value and found.cells.beyond[side] > BEYOND
        for (side, name), value in changes.items()
    )


def _value(fact: Fact, found: ColourAgreement) -> str:
    return fact_text(fact[1], found.value(fact))


def _rms(square: float) -> float:
    return round(math.sqrt(square), 4)
