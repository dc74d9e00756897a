"""The luma that NIQE and BRISQUE are computed of: uint8, full range, whatever the source.

Both were defined, and their models trained, on 8-bit luma of full-range RGB images. That decides:

* Video, and everything else that is decoded as YUV: the Y plane, expanded to 0-255 where it is of
  limited range, and rounded once, half up, from the coded value: ``(Y - 16) * 255 / 219`` for 8
  bits, ``(Y - 64) * 255 / 876`` for 10, ``Y * 255 / (2**depth - 1)`` for deeper full range,
  clipped. 8-bit full range is taken as it is. No matrix is involved.
* RGB sources, and still images of any kind (a JPEG is YUV to a decoder): 8-bit RGB weighted as the
  releases do (`WEIGHTS`, the inverse of the NTSC matrix), rounded half up. These are the scores
  that papers report for images.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Frame, Plane
from vqa_harness.jit import kernel

WEIGHTS = (0.2989360212937754, 0.5870430744511212, 0.11402090425510325)
"""Weights of red, green and blue: those of MATLAB's ``rgb2gray``.

They are the first row of ``inv([1 .956 .621; 1 -.272 -.647; 1 -1.106 1.703])``. No sum of weighted
bytes is so close to a half that the order of additions matters.
"""


@kernel()
def _expand(plane: Plane, low: int, span: int, out: NDArray[np.uint8]) -> None:
    """Set ``out`` to ``floor((plane - low) * 255 / span + 0.5)``, clipped to 0-255.

    There is no division per pixel.

    The quotient is a fraction over ``2 * span``: raised by 2**-45 of itself, it never falls below a
    whole number that it should reach, and reaches none that it should not.
    """
    scale = (1.0 + 2.0**-45) / (2.0 * span)
    offset = span - 510.0 * low
    for row in range(plane.shape[0]):
        source, target = plane[row], out[row]
        for c in range(len(source)):
            value = (510.0 * source[c] + offset) * scale
            target[c] = np.uint8(np.int32(min(max(value, 0.0), 255.0)))


@kernel()
def _weigh(
    rgb: NDArray[np.uint8], weights: tuple[float, float, float], out: NDArray[np.uint8]
) -> None:
    """Set ``out`` to ``floor(weights . rgb + 0.5)``, given interleaved pixels."""
    red, green, blue = weights
    for row in range(rgb.shape[0]):
        source, target = rgb[row], out[row]
        for c in range(len(target)):
            value = red * source[c, 0] + green * source[c, 1] + blue * source[c, 2] + 0.5
            target[c] = np.uint8(np.int32(value))


def luma_from_rgb(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Compute weighted 8-bit luma as the LIVE releases do.

    Args:
        rgb: (H, W, 3) uint8, full range.

    Returns:
        (H, W) uint8.

    Raises:
        ValueError: The array has another shape or dtype.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"rgb must be an (H, W, 3) uint8 array, not {rgb.dtype} {rgb.shape}")
    out = np.empty(rgb.shape[:2], np.uint8)
    _weigh(np.require(rgb, requirements=("C", "W")), WEIGHTS, out)
    return out


def luma_from_plane(plane: Plane, depth: int, *, full_range: bool) -> NDArray[np.uint8]:
    """Convert a Y plane to 8-bit full-range luma.

    Args:
        plane: (H, W) uint8, or uint16 with the samples in the low bits; any strides.
        depth: bits per sample, 8 to 16.
        full_range: whether code values run from 0 to ``2**depth - 1``.

    Returns:
        (H, W) uint8; the plane itself where nothing has to be converted.

    Raises:
        ValueError: The plane is not two-dimensional, or neither uint8 nor uint16.
    """
    if plane.ndim != 2 or plane.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"a plane must be (H, W) uint8 or uint16, not {plane.dtype} {plane.shape}")
    if full_range and plane.dtype == np.uint8:
        return cast(NDArray[np.uint8], plane)
    extra = depth - 8
    low, span = (0, 2**depth - 1) if full_range else (16 << extra, 219 << extra)
    out = np.empty(plane.shape, np.uint8)
    _expand(np.require(plane, requirements=("C", "W")), low, span, out)
    return out


def nss_luma(frame: Frame, *, still: bool) -> NDArray[np.uint8]:
    """Compute the luma that NIQE and BRISQUE score, as the module's description says.

    Args:
        frame: A frame of any chroma subsampling, range and bit depth.
        still: Whether the input is a still image.

    Returns:
        (H, W) uint8, full range.
    """
    if frame.chroma == "rgb" or (still and frame.chroma != "gray"):
        return luma_from_rgb(frame.rgb)
    return luma_from_plane(frame.luma, frame.depth, full_range=frame.colour.full_range)


def compile_luma() -> None:
    """Compile the kernels for both sample types and for RGB, or load them from the disk cache."""
    luma_from_plane(np.zeros((2, 2), np.uint8), 8, full_range=False)
    luma_from_plane(np.zeros((2, 2), np.uint16), 10, full_range=False)
    luma_from_rgb(np.zeros((2, 2, 3), np.uint8))
