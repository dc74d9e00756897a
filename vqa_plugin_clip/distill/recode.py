"""Encode a short clip in memory and decode it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vqa_harness.encode import roundtrip
from vqa_plugin_clip.distill.planes import Planes


def recode(frames: Sequence[Planes], encoder: str, options: Mapping[str, str]) -> list[Planes]:
    """What a viewer of the coded clip sees.

    Args:
        frames: pictures of one size, at 25 frames per second.
        encoder: FFmpeg's name.
        options: of the encoder; it works on one thread, so the result is the same everywhere.

    Returns:
        as many frames as the decoder gave.
    """
    fixed = {"threads": "1", "b": "0"}
    coded = roundtrip(frames, encoder, {**fixed, **options}, container="matroska")
    return [Planes(*(np.array(plane, np.uint8) for plane in planes)) for planes in coded]
