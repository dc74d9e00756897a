"""Frames as ColorVideoVDP takes them: display-encoded R'G'B' from 0 to 1, tensors of float32."""

from __future__ import annotations

import torch
from torch import Tensor

from vqa_harness import Frame

_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""Weights of red and blue in luma (ITU-R BT.601, BT.709, BT.2020)."""


def display_encoded(frame: Frame, device: torch.device) -> Tensor:
    """The frame as R'G'B', [1, 3, 1, rows, columns], code values as encoded: PQ stays PQ.

    Chroma is interpolated bilinearly, as ColorVideoVDP does for raw video; what is outside of 0 to
    1 is clipped. Gray frames have three equal planes.
    """
    planes = [_tensor(plane, device) for plane in frame.planes]
    top = float((1 << frame.depth) - 1)
    if frame.chroma == "rgb":
        return torch.stack(planes)[None, :, None] / top
    scale = float(1 << (frame.depth - 8))
    full = frame.colour.full_range
    low, span = (0.0, top) if full else (16 * scale, 219 * scale)
    luma = (planes[0] - low) / span
    if frame.chroma == "gray":
        return luma.clip(0, 1).expand(3, -1, -1)[None, :, None]
    middle, width = 128 * scale, top if full else 224 * scale
    cb, cr = ((_as_large(plane, luma) - middle) / width for plane in planes[1:])
    red, blue = _WEIGHTS[frame.colour.matrix]
    r = luma + 2 * (1 - red) * cr
    b = luma + 2 * (1 - blue) * cb
    g = (luma - red * r - blue * b) / (1 - red - blue)
    return torch.stack([r, g, b]).clip(0, 1)[None, :, None]


def _tensor(plane: object, device: torch.device) -> Tensor:
    """A plane of samples as float32; torch knows few operations on uint16."""
    import numpy as np

    samples = np.ascontiguousarray(plane, np.int32 if np.asarray(plane).itemsize > 1 else np.uint8)
    return torch.from_numpy(samples.copy()).to(device).to(torch.float32)


def _as_large(chroma: Tensor, luma: Tensor) -> Tensor:
    """A plane of chroma at the size of luma."""
    if chroma.shape == luma.shape:
        return chroma
    size = (luma.shape[0], luma.shape[1])
    mode = torch.nn.functional.interpolate(chroma[None, None], size, mode="bilinear")
    return mode[0, 0]
