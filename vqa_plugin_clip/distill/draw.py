"""Which damage a clip gets: by chance, in the proportions of tables; groups and rate ladders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vqa_plugin_clip.distill.coders import ALL_CODERS
from vqa_plugin_clip.distill.damage import Damage

DOWNSCALES = (0.75, 0.5, 0.375, 0.25)
"""Factors by which clips are shrunk before coding."""
_LIGHT_CRF = 6
"""How far above the smallest rate factor scaled clips are coded."""
_SHARES = {
    "codec": 0.66,
    "scale": 0.08,
    "blur": 0.09,
    "noise": 0.06,
    "banding": 0.06,
    "freeze": 0.05,
    "none": 0.05,
}
KINDS = tuple(_SHARES)


def draw(rng: np.random.Generator, coders: Sequence[str], kinds: Sequence[str]) -> Damage:
    """Draw a damage.

    Args:
        rng: Source of randomness.
        coders: Keys of `ALL_CODERS` to draw from.
        kinds: Kinds to draw from, in the proportions of the module's table.
    """
    weights = np.array([_SHARES[kind] for kind in kinds])
    kind = str(rng.choice(np.array(kinds), p=weights / weights.sum()))
    if kind == "codec":
        scale = float(rng.choice(DOWNSCALES)) if rng.uniform() < 0.5 else 1.0
        return with_strength(Damage(kind, str(rng.choice(np.array(coders))), scale=scale), rng)
    if kind == "scale":
        return with_strength(Damage(kind, str(rng.choice(np.array(coders)))), rng)
    return with_strength(Damage(kind), rng)


def draw_group(
    rng: np.random.Generator, size: int, coders: Sequence[str], kinds: Sequence[str]
) -> list[Damage]:
    """Draw ``size`` damages for one clip.

    Every second one repeats the one before at another strength, so that the network sees the same
    content better and worse.
    """
    group: list[Damage] = []
    for index in range(size):
        if index % 2 and group[-1].kind != "none":
            group.append(with_strength(group[-1], rng))
        else:
            group.append(draw(rng, coders, kinds))
    return group


def draw_ladder(rng: np.random.Generator, size: int, coders: Sequence[str]) -> list[Damage]:
    """Draw a rate ladder: one coder at evenly spread constant rate factors, the best rung first."""
    coder = str(rng.choice(np.array(coders)))
    factors = np.linspace(*ALL_CODERS[coder].crf, size)
    return [Damage("codec", coder, crf=round(float(crf))) for crf in factors]


def with_strength(damage: Damage, rng: np.random.Generator) -> Damage:
    """Draw how strong a damage is; its kind and coders stay."""
    if damage.kind == "codec":
        return replace(damage, crf=draw_crf(damage.coder, rng))
    if damage.kind == "scale":
        light = ALL_CODERS[damage.coder].crf[0] + int(rng.integers(0, _LIGHT_CRF))
        return replace(damage, crf=light, scale=float(rng.uniform(0.2, 0.9)))
    if damage.kind == "blur":
        return replace(damage, sigma=float(rng.uniform(0.4, 3.5)))
    if damage.kind == "noise":
        return replace(damage, sigma=float(np.exp(rng.uniform(np.log(2.0), np.log(35.0)))))
    if damage.kind == "banding":
        return replace(damage, step=int(rng.integers(4, 33)))
    if damage.kind == "freeze":
        return replace(damage, hold=int(rng.integers(2, 11)))
    return damage


def draw_crf(coder: str, rng: np.random.Generator) -> int:
    """Draw a constant rate factor, or quantiser, from the coder's range."""
    low, high = ALL_CODERS[coder].crf
    return int(rng.integers(low, high + 1))
