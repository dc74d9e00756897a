"""Varied sets, for training: more coders, uneven ladders, two generations, stalls, more noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from vqa_plugin_clip.distill.coders import ALL_CODERS, MORE_CODERS, more_beside
from vqa_plugin_clip.distill.damage import Damage
from vqa_plugin_clip.distill.draw import DOWNSCALES, draw_crf, with_strength

GROUP = 6
"""Damages of one moving clip."""
_SHARES = {
    "codec": 0.58,
    "twice": 0.04,
    "scale": 0.06,
    "blur": 0.07,
    "noise": 0.07,
    "banding": 0.07,
    "freeze": 0.08,
}
"""Shares of the kinds where nothing is held out, but for undamaged clips."""
_LADDER_SHARE = 0.4
"""Share of the groups that are a rate ladder."""
_LADDER_RESCALED_SHARE = 0.4
_RESCALED_SHARE = 0.45
_MORE_SHARE = 0.35
"""How often a coder is one of `MORE_CODERS`."""
_STALL_SHARE = 0.4
"""Share of the freezes that are one longer stall; the others stutter evenly."""
_STALL_STARTS = 7
_FREEZE_CODED_SHARE = 0.35
_LUMA_ONLY_SHARE = 0.5
"""Share of noise that leaves the colours alone, as FFmpeg's and many cameras' does."""
_STEADY_SHARE = 0.25
_VERSION = 1
"""Changes with anything here that changes what is drawn and is not in `Varied.facts`."""


@dataclass(frozen=True, slots=True)
class Varied:
    """How a varied set is drawn.

    Attributes:
        clean: Share of undamaged clips among those outside ladders, 0 to 1.
    """

    clean: float = 0.02

    def facts(self) -> list[str]:
        """Everything that decides the draw, for a fingerprint."""
        coders = [f"{name} {coder}" for name, coder in MORE_CODERS.items()]
        return [f"varied {_VERSION}", f"clean {self.clean:g}", repr(_SHARES), *coders]

    def draw(
        self, rng: np.random.Generator, coders: Sequence[str], kinds: Sequence[str]
    ) -> list[Damage]:
        """Draw the damages of one moving clip.

        They are a rate ladder of one coder with uneven steps, of which some are rescaled; or three
        pairs, each of one damage at two strengths.

        Args:
            rng: Source of randomness.
            coders: Those of `CODERS` that may be drawn; `MORE_CODERS` follow from them.
            kinds: Kinds that may be drawn, and whether ``none`` is among them.
        """
        if rng.uniform() < _LADDER_SHARE:
            return _ladder(rng, coders)
        group: list[Damage] = []
        for index in range(GROUP):
            if index % 2 and group[-1].kind != "none":
                group.append(_with_strength(group[-1], rng))
            else:
                group.append(self._draw(rng, coders, kinds))
        return group

    def _draw(
        self, rng: np.random.Generator, coders: Sequence[str], kinds: Sequence[str]
    ) -> Damage:
        if "none" in kinds and rng.uniform() < self.clean:
            return Damage("none")
        allowed = (*kinds, "twice")
        shares = {kind: share for kind, share in _SHARES.items() if kind in allowed}
        weights = np.array(list(shares.values()))
        kind = str(rng.choice(np.array(list(shares)), p=weights / weights.sum()))
        return _with_strength(_of_kind(kind, rng, coders), rng)


def _of_kind(kind: str, rng: np.random.Generator, coders: Sequence[str]) -> Damage:
    """Draw everything of a damage but its strength."""
    coder = _any_coder(rng, coders)
    if kind in ("codec", "twice"):
        scale = float(rng.choice(DOWNSCALES)) if rng.uniform() < _RESCALED_SHARE else 1.0
        return Damage(kind, coder, scale=scale, then=_any_coder(rng, coders) * (kind == "twice"))
    if kind == "scale":
        return Damage(kind, str(rng.choice(np.array(coders))))
    if kind == "noise":
        luma_only, steady = rng.uniform(size=2) < (_LUMA_ONLY_SHARE, _STEADY_SHARE)
        return Damage(kind, luma_only=bool(luma_only), steady=bool(steady))
    if kind == "freeze":
        start = int(rng.integers(_STALL_STARTS)) if rng.uniform() < _STALL_SHARE else -1
        return Damage(kind, coder * (rng.uniform() < _FREEZE_CODED_SHARE), start=start)
    return Damage(kind)


def _with_strength(damage: Damage, rng: np.random.Generator) -> Damage:
    stronger = with_strength(damage, rng)
    if damage.kind == "twice":
        crf, then_crf = draw_crf(damage.coder, rng), draw_crf(damage.then, rng)
        return replace(stronger, crf=crf, then_crf=then_crf)
    if damage.kind == "freeze" and damage.coder:
        return replace(stronger, crf=draw_crf(damage.coder, rng))
    return stronger


def _ladder(rng: np.random.Generator, coders: Sequence[str]) -> list[Damage]:
    coder = _any_coder(rng, coders)
    scale = float(rng.choice(DOWNSCALES)) if rng.uniform() < _LADDER_RESCALED_SHARE else 1.0
    low, high = ALL_CODERS[coder].crf
    edges = np.linspace(low, high + 1, GROUP + 1)
    factors = [int(rng.uniform(first, last)) for first, last in pairwise(edges)]
    return [Damage("codec", coder, crf=crf, scale=scale) for crf in factors]


def _any_coder(rng: np.random.Generator, coders: Sequence[str]) -> str:
    more = more_beside(coders)
    names = more if more and rng.uniform() < _MORE_SHARE else tuple(coders)
    return str(rng.choice(np.array(names)))
