"""How training changes the pictures of a clip: crop or fragments, mirror, colours.

The published augmentation for resized frames (arXiv 2407.04928): a crop of several scales and
places, mirroring, colour jitter that is drawn again for every frame, and grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_harness.errors import UsageError
from vqa_plugin_clip.inputs.preprocess import Preprocessing, fragments, scaled
from vqa_plugin_clip.inputs.sampling import Size, crop_candidates

Pictures = NDArray[np.uint8]

_LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601) that make grey in the published augmentation."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How often and how far clips are changed; the defaults are the paper's.

    Attributes:
        crops: Whether to cut at a random place; otherwise in the middle.
        mirror: Share of clips that are mirrored left to right.
        jitter: Share of clips whose colours are changed.
        amounts: How far brightness, contrast, saturation (as factors around 1) and hue (as parts
            of a turn) may be changed.
        each: Whether the change is drawn for every ``frame`` (published: it flickers) or for the
            whole ``clip``.
        grey: Share of clips that lose their colours.
    """

    crops: bool = True
    mirror: float = 0.5
    jitter: float = 0.8
    amounts: tuple[float, float, float, float] = (0.4, 0.4, 0.2, 0.1)
    each: Literal["frame", "clip"] = "frame"
    grey: float = 0.2

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UsageError: A number is out of range.
        """
        for name in ("mirror", "jitter", "grey"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"--{name} {getattr(self, name):g}: needs a share from 0 to 1")
        if self.each not in ("frame", "clip"):
            raise UsageError(f"--jitter-each {self.each}: choose frame or clip")
        if not all(0 <= amount <= 1 for amount in self.amounts) or self.amounts[3] > 0.5:
            raise UsageError("--jitter-amounts: need three numbers from 0 to 1 and one up to 0.5")

    def pictures(
        self, frames: Pictures, preprocessing: Preprocessing, rng: np.random.Generator
    ) -> Pictures:
        """Change a clip.

        Args:
            frames: [T, H, W, 3] uint8 RGB, what `figures.reduced` makes of decoded frames.
            preprocessing: The network's.
            rng: What everything is drawn from.

        Returns:
            [T, size, size, 3] uint8.
        """
        if preprocessing.kind == "fragments":
            cut = _fragments(frames, preprocessing, rng if self.crops else None)
        else:
            cut = _crop(frames, preprocessing.size, rng if self.crops else None)
        if rng.uniform() < self.mirror:
            cut = cut[:, :, ::-1]
        jitter, grey = rng.uniform() < self.jitter, rng.uniform() < self.grey
        if not jitter and not grey:
            return np.ascontiguousarray(cut)
        values = torch.from_numpy(np.ascontiguousarray(cut)).movedim(-1, 1).float() / 255
        if jitter:
            values = self._jittered(values, rng)
        if grey:
            values = _luma(values).expand_as(values)
        return (values * 255).round().to(torch.uint8).movedim(1, -1).contiguous().numpy()

    def _jittered(self, frames: Tensor, rng: np.random.Generator) -> Tensor:
        if self.each == "clip":
            return jitter(frames, self.amounts, rng)
        return torch.cat([jitter(frame[None], self.amounts, rng) for frame in frames])


PUBLISHED = Augmentation()
"""The augmentation for frames that are resized: the paper's."""

FOR_FRAGMENTS = Augmentation(jitter=0.0, grey=0.0)
"""The augmentation for fragments: places and mirroring only, as coding damages colours, too."""


def jitter(
    frames: Tensor, amounts: tuple[float, float, float, float], rng: np.random.Generator
) -> Tensor:
    """Change brightness, contrast, saturation and hue of [T, 3, H, W] in 0..1, in random order.

    All frames are changed alike; contrast is measured frame by frame.
    """
    brightness, contrast, saturation = (rng.uniform(1 - a, 1 + a) for a in amounts[:3])
    hue = rng.uniform(-amounts[3], amounts[3])
    for step in rng.permutation(4):
        if step == 0:
            frames = frames * brightness
        elif step == 1:
            mean = _luma(frames).mean(dim=(1, 2, 3), keepdim=True)
            frames = mean + (frames - mean) * contrast
        elif step == 2:
            grey = _luma(frames)
            frames = grey + (frames - grey) * saturation
        else:
            frames = turn_hue(frames, float(hue))
        frames = frames.clamp(0, 1)
    return frames


def turn_hue(frames: Tensor, turn: float) -> Tensor:
    """Turn the hue of RGB [T, 3, H, W] on 0 to 1; value and chroma stay as they are.

    Args:
        frames: [T, 3, H, W] float32.
        turn: Part of a whole circle to turn by.
    """
    red, green, blue = frames.unbind(1)
    top, low = frames.amax(1), frames.amin(1)
    chroma = top - low
    safe = torch.where(chroma > 0, chroma, torch.ones_like(chroma))
    sextant = torch.where(
        top == red,
        (green - blue) / safe,
        torch.where(top == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    sextant = (sextant + 6 * turn) % 6
    channels = []
    for offset in (5.0, 3.0, 1.0):
        place = (sextant + offset) % 6
        share = torch.minimum(place, 4 - place).clamp(0, 1)
        channels.append(top - chroma * share)
    return torch.stack(channels, dim=1)


def _luma(frames: Tensor) -> Tensor:
    weights = torch.tensor(_LUMA).view(1, 3, 1, 1)
    return (frames * weights).sum(dim=1, keepdim=True)


def _fragments(
    frames: Pictures, preprocessing: Preprocessing, rng: np.random.Generator | None
) -> Pictures:
    grid = preprocessing.grid
    places = None if rng is None else rng.uniform(size=(grid, grid, 2))
    patch = preprocessing.size // grid
    return np.stack([fragments(frame, grid, patch, places) for frame in frames])


def _crop(frames: Pictures, side: int, rng: np.random.Generator | None) -> Pictures:
    height, width = frames.shape[1:3]
    if rng is None:
        top, left = (height - side) // 2, (width - side) // 2
        return frames[:, top : top + side, left : left + side]
    candidates = crop_candidates(Size(width, height), side)
    candidate = candidates[rng.integers(len(candidates))]
    left, top = candidate.corners[rng.integers(len(candidate.corners))]
    size = candidate.size
    return scaled(frames[:, top : top + size.height, left : left + size.width], (side, side))
