"""Damage to clips and how it is done: coding, scaling, blur, noise, banding, freezes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from vqa_plugin_clip.distill.coders import ALL_CODERS, Recode
from vqa_plugin_clip.distill.planes import Bytes, Planes, resize
from vqa_plugin_clip.network.captions import CAPTIONS, CLEAN, caption

_WORDS = {"scale": "upscaled", "blur": "blurred", "noise": "noisy", "banding": "banded"}
_CLEAN_VMAF = 96.0


@dataclass(frozen=True, slots=True)
class Damage:
    """One damage of a clip.

    Attributes:
        kind: ``codec``, ``twice`` (coded by two coders in turn), ``scale``, ``blur``, ``noise``,
            ``banding``, ``freeze`` or ``none``.
        coder: Key of `ALL_CODERS` for the kinds that encode, and for freezes that are coded, too.
        crf: Constant rate factor or quantiser.
        scale: Factor of the down-scaling before coding; 1 for none.
        sigma: Standard deviation of the blur in pixels, or of the noise in code values.
        hold: For how many frames each shown frame stays (freeze).
        step: Code values from one band to the next (banding).
        start: The only frame that stays (freeze); -1 where every frame that is shown does.
        then: Coder of the second generation (twice).
        then_crf: Its constant rate factor or quantiser.
        luma_only: Whether noise leaves the colours alone.
        steady: Whether every frame has the same noise.
    """

    kind: str
    coder: str = ""
    crf: int = 0
    scale: float = 1.0
    sigma: float = 0.0
    hold: int = 1
    step: int = 1
    start: int = -1
    then: str = ""
    then_crf: int = 0
    luma_only: bool = False
    steady: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as a dict, for the label file."""
        return asdict(self)

    def shown(self, index: int) -> int:
        """Return which frame of the clip is shown in place of this one; itself without a freeze."""
        if self.kind != "freeze":
            return index
        if self.start < 0:
            return index - index % self.hold
        return self.start if self.start <= index < self.start + self.hold else index


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
    if damage.kind == "twice":
        once = _code(damage, frames, recode)
        return _code(replace(damage, coder=damage.then, crf=damage.then_crf, scale=1), once, recode)
    if damage.kind == "blur":
        return [_blur(frame, damage.sigma) for frame in frames]
    if damage.kind == "noise":
        return _add_noise(frames, damage, rng)
    if damage.kind == "banding":
        return [_band(frame, damage.step) for frame in frames]
    if damage.kind == "freeze":
        held = [frames[damage.shown(index)] for index in range(len(frames))]
        return _code(damage, held, recode) if damage.coder else held
    return list(frames)


def _code(damage: Damage, frames: Sequence[Planes], recode: Recode) -> list[Planes]:
    rows, columns = frames[0].y.shape
    coder = ALL_CODERS[damage.coder]
    small = [2 * round(side * damage.scale / 2) for side in (rows, columns)]
    sent = frames if damage.scale == 1 else [resize(frame, *small) for frame in frames]
    back = recode(sent, coder.encoder, coder.settings(damage.crf))
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


def _add_noise(frames: Sequence[Planes], damage: Damage, rng: np.random.Generator) -> list[Planes]:
    chroma = 0.0 if damage.luma_only else damage.sigma / 2
    sigmas = (damage.sigma, chroma, chroma)
    seed = int(rng.integers(1 << 32)) if damage.steady else 0
    noisy = []
    for frame in frames:
        drawn = np.random.default_rng(seed) if damage.steady else rng
        noisy.append(Planes(*(_noisy(p, s, drawn) for p, s in zip(frame, sigmas, strict=True))))
    return noisy


def _noisy(plane: Bytes, sigma: float, rng: np.random.Generator) -> Bytes:
    if sigma == 0:
        return plane
    noise = sigma * rng.standard_normal(plane.shape, np.float32)
    return np.clip(np.rint(plane + noise), 0, 255).astype(np.uint8)
