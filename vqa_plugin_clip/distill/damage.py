"""Damage to clips: coding, scaling, blur, noise, banding, freezes; it is drawn, then applied."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from vqa_plugin_clip.distill.planes import Planes, resize
from vqa_plugin_clip.network.captions import CAPTIONS, CLEAN, caption

Recode = Callable[[Sequence[Planes], str, Mapping[str, str]], list[Planes]]
"""A function that encodes a clip in memory and decodes it again.

Its arguments are the frames, FFmpeg's name of the encoder, and the encoder's options. It must
return as many frames.
"""


@dataclass(frozen=True, slots=True)
class Coder:
    """An encoder setting and the range of its rate control.

    Attributes:
        encoder: FFmpeg's name of the encoder.
        options: Fixed options; ``crf`` is added.
        crf: Smallest and largest constant rate factor that may be drawn.
    """

    encoder: str
    options: Mapping[str, str]
    crf: tuple[int, int]


_X265 = "log-level=none:pools=none:frame-threads=1"
CODERS: Mapping[str, Coder] = {
    "x264-fast": Coder("libx264", {"preset": "fast"}, (16, 50)),
    "x264-ultrafast": Coder("libx264", {"preset": "ultrafast"}, (16, 50)),
    "x265-ultrafast": Coder("libx265", {"preset": "ultrafast", "x265-params": _X265}, (16, 48)),
    "vp9-realtime": Coder("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}, (20, 63)),
    "x264-lowdelay": Coder("libx264", {"preset": "veryfast", "tune": "zerolatency"}, (16, 50)),
    "x265-fast": Coder("libx265", {"preset": "fast", "x265-params": _X265}, (16, 48)),
    "vp9-good": Coder("libvpx-vp9", {"deadline": "good", "cpu-used": "4"}, (20, 63)),
    "av1-svt": Coder("libsvtav1", {"preset": "10", "svtav1-params": "lp=1"}, (22, 63)),
}
_WORDS = {"scale": "upscaled", "blur": "blurred", "noise": "noisy", "banding": "banded"}
_CLEAN_VMAF = 96.0
_DOWNSCALES = (0.75, 0.5, 0.375, 0.25)
_LIGHT_CRF = 6
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


@dataclass(frozen=True, slots=True)
class Damage:
    """One damage of a clip.

    Attributes:
        kind: ``codec``, ``scale``, ``blur``, ``noise``, ``banding``, ``freeze`` or ``none``.
        coder: Key of `CODERS` for the kinds that encode.
        crf: Constant rate factor.
        scale: Factor of the down-scaling before coding; 1 for none.
        sigma: Standard deviation of the blur in pixels, or of the noise in code values.
        hold: For how many frames each shown frame stays (freeze).
        step: Code values from one band to the next (banding).
    """

    kind: str
    coder: str = ""
    crf: int = 0
    scale: float = 1.0
    sigma: float = 0.0
    hold: int = 1
    step: int = 1

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as a dict, for the label file."""
        return asdict(self)


def draw(rng: np.random.Generator, coders: Sequence[str], kinds: Sequence[str]) -> Damage:
    """Draw a damage.

    Args:
        rng: Source of randomness.
        coders: Keys of `CODERS` to draw from.
        kinds: Kinds to draw from, in the proportions of the module's table.
    """
    weights = np.array([_SHARES[kind] for kind in kinds])
    kind = str(rng.choice(np.array(kinds), p=weights / weights.sum()))
    if kind == "codec":
        scale = float(rng.choice(_DOWNSCALES)) if rng.uniform() < 0.5 else 1.0
        return _with_strength(Damage(kind, str(rng.choice(np.array(coders))), scale=scale), rng)
    if kind == "scale":
        return _with_strength(Damage(kind, str(rng.choice(np.array(coders)))), rng)
    return _with_strength(Damage(kind), rng)


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
            group.append(_with_strength(group[-1], rng))
        else:
            group.append(draw(rng, coders, kinds))
    return group


def draw_ladder(rng: np.random.Generator, size: int, coders: Sequence[str]) -> list[Damage]:
    """Draw a rate ladder: one coder at evenly spread constant rate factors, the best rung first."""
    coder = str(rng.choice(np.array(coders)))
    factors = np.linspace(*CODERS[coder].crf, size)
    return [Damage("codec", coder, crf=round(float(crf))) for crf in factors]


def caption_of(damage: Damage, vmaf: float) -> int:
    """Find the caption of a damage at this VMAF: its place in `CAPTIONS`; -1 for freezes."""
    if damage.kind == "freeze":
        return -1
    if damage.kind == "none" or vmaf >= _CLEAN_VMAF:
        return CAPTIONS.index(CLEAN)
    coded = "compressed" if damage.scale == 1 else "compressed upscaled"
    return CAPTIONS.index(caption(_WORDS.get(damage.kind, coded), vmaf))


def apply(
    damage: Damage, frames: Sequence[Planes], recode: Recode, rng: np.random.Generator
) -> list[Planes]:
    """Apply a damage to a clip; gives as many frames, of the same size."""
    if damage.kind in ("codec", "scale"):
        return _code(damage, frames, recode)
    if damage.kind == "blur":
        return [_blur(frame, damage.sigma) for frame in frames]
    if damage.kind == "noise":
        return [_add_noise(frame, damage.sigma, rng) for frame in frames]
    if damage.kind == "banding":
        return [_band(frame, damage.step) for frame in frames]
    if damage.kind == "freeze":
        return [frames[index - index % damage.hold] for index in range(len(frames))]
    return list(frames)


def _with_strength(damage: Damage, rng: np.random.Generator) -> Damage:
    if damage.kind == "codec":
        low, high = CODERS[damage.coder].crf
        return replace(damage, crf=int(rng.integers(low, high + 1)))
    if damage.kind == "scale":
        light = CODERS[damage.coder].crf[0] + int(rng.integers(0, _LIGHT_CRF))
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


def _code(damage: Damage, frames: Sequence[Planes], recode: Recode) -> list[Planes]:
    rows, columns = frames[0].y.shape
    coder = CODERS[damage.coder]
    small = [2 * round(side * damage.scale / 2) for side in (rows, columns)]
    sent = frames if damage.scale == 1 else [resize(frame, *small) for frame in frames]
    back = recode(sent, coder.encoder, {**coder.options, "crf": str(damage.crf)})
    if len(back) != len(frames):
        raise RuntimeError(f"{coder.encoder} gave {len(back)} frames for {len(frames)}")
    return back if damage.scale == 1 else [resize(frame, rows, columns) for frame in back]


def _blur(frame: Planes, sigma: float) -> Planes:
    sigmas = (sigma, sigma / 2, sigma / 2)
    return Planes(
        *(gaussian_filter(plane, s, truncate=3.0) for plane, s in zip(frame, sigmas, strict=True))
    )


def _band(frame: Planes, step: int) -> Planes:
    """Round to multiples of the step, as a picture of few bits does."""
    rounded = ((plane.astype(np.int32) + step // 2) // step * step for plane in frame)
    return Planes(*(np.minimum(plane, 255).astype(np.uint8) for plane in rounded))


def _add_noise(frame: Planes, sigma: float, rng: np.random.Generator) -> Planes:
    sigmas = (sigma, sigma / 2, sigma / 2)
    noisy = (
        plane + s * rng.standard_normal(plane.shape, np.float32)
        for plane, s in zip(frame, sigmas, strict=True)
    )
    return Planes(*(np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in noisy))
