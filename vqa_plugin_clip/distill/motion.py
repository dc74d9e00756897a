"""Turn a still into a short moving clip: pan, slight zoom, sub-pixel steps, sometimes no motion."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from vqa_plugin_clip.distill.planes import Planes, from_rgb

SIZE = 384
"""Side of a clip in pixels."""
FRAMES = 10
"""Frames of a clip."""
SHORT_SIDE_MIN = 448
"""Shorter side, in pixels, that a still needs for the window to move over."""
_STATIC_SHARE = 0.15
"""Share of clips without motion."""
_GRAIN_SHARE = 0.25
"""Share of clips with grain."""
_TONE_SHARE = 0.3
"""Share of varied stills with another tone curve."""
_FOCUS_SHARE = 0.12
"""Share of varied stills of which a part is out of focus."""


@dataclass(frozen=True, slots=True)
class Path2D:
    """Where the window is in frame t: centre + t * step, scaled by zoom * rate**t.

    Attributes:
        centre: Column and row of the window's centre in frame 0, in pixels of the still.
        step: Motion in columns and rows, pixels per frame.
        zoom: Pixels of the still per pixel of the clip in frame 0.
        rate: Factor on ``zoom`` from frame to frame.
    """

    centre: tuple[float, float]
    step: tuple[float, float]
    zoom: float
    rate: float


def draw_path(rng: np.random.Generator, width: int, height: int, frames: int) -> Path2D:
    """Draw a path whose windows all lie inside a still of this size, at least 448 x 448."""
    still = rng.uniform() < _STATIC_SHARE
    zoom = rng.uniform(0.85, 1.1)
    rate = 1.0 if still or rng.uniform() < 0.5 else math.exp(rng.uniform(-0.006, 0.006))
    half = SIZE / 2 * zoom * max(1.0, rate ** (frames - 1)) + 1
    speed = 0.0 if still else math.exp(rng.uniform(math.log(0.2), math.log(12.0)))
    angle = rng.uniform(0, 2 * math.pi)
    centre, step = [], []
    for side, part in ((width, math.cos(angle)), (height, math.sin(angle))):
        slack = side - 2 * half
        travel = float(np.clip(speed * part * (frames - 1), -slack, slack))
        low = half + max(0.0, -travel)
        high = max(
            low, side - half - max(0.0, travel)
        )  # equal but for rounding where travel = slack
        centre.append(rng.uniform(low, high))
        step.append(travel / max(1, frames - 1))
    return Path2D((centre[0], centre[1]), (step[0], step[1]), zoom, rate)


def moving_clip(picture: Image.Image, rng: np.random.Generator, frames: int) -> list[Planes]:
    """Make a clip of ``frames`` frames of 384x384 in which the window moves over the picture.

    Every fourth clip carries faint noise that changes from frame to frame, as film and sensors do.
    """
    path = draw_path(rng, picture.width, picture.height, frames)
    grain = rng.uniform(0.5, 3.0) if rng.uniform() < _GRAIN_SHARE else 0.0
    return [_frame(picture, path, t, grain, rng) for t in range(frames)]


def vary_picture(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Give a still another tone curve (three in ten) or a part out of focus (one in eight).

    This is no damage: the clip made of the picture is the reference.
    """
    if rng.uniform() < _TONE_SHARE:
        gamma, gain = math.exp(rng.uniform(-0.4, 0.4)), rng.uniform(0.75, 1.0)
        lift = rng.uniform(0, 1 - gain)
        curve = 255 * (gain * (np.arange(256) / 255) ** gamma + lift)
        picture = picture.point([round(float(value)) for value in curve.clip(0, 255)] * 3)
    if rng.uniform() < _FOCUS_SHARE:
        soft = picture.filter(ImageFilter.GaussianBlur(math.exp(rng.uniform(0, math.log(7)))))
        coarse = (128 + 400 * rng.uniform(-1, 1, (4, 4))).clip(0, 255).astype(np.uint8)
        mask = Image.fromarray(coarse).resize(picture.size, Image.Resampling.BICUBIC)
        picture = Image.composite(soft, picture, mask)
    return picture


def _frame(
    picture: Image.Image, path: Path2D, t: int, grain: float, rng: np.random.Generator
) -> Planes:
    zoom = path.zoom * path.rate**t
    left, top = (c + t * s - SIZE / 2 * zoom for c, s in zip(path.centre, path.step, strict=True))
    rgb: np.ndarray = np.asarray(
        picture.transform(
            (SIZE, SIZE),
            Image.Transform.AFFINE,
            (zoom, 0.0, left, 0.0, zoom, top),
            Image.Resampling.BICUBIC,
        )
    )
    if grain > 0:
        rgb = rgb + grain * rng.standard_normal((SIZE, SIZE, 1), np.float32)
        rgb = rgb.clip(0, 255)
    return from_rgb(rgb)
