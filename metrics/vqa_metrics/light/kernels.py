"""Planes to linear RGB in one pass; the arithmetic is float32.

Chroma is interpolated linearly. Its samples lie on those of luma's columns (the first of two), and
between luma's rows, as MPEG-2, H.264 and HEVC have them unless they say otherwise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Plane
from vqa_harness.jit import part
from vqa_metrics.light.conversion import Conversion
from vqa_metrics.light.transfer import HLG_GAMMA, HLG_PEAK, STEPS, WHITE

_MATHS = {"contract", "nsz", "reassoc"}
_TOP = np.float32(STEPS)
_HLG_PEAK = np.float32(HLG_PEAK / WHITE)
_HLG_POWER = np.float32(HLG_GAMMA - 1)

Row = NDArray[np.float32]


@part(fastmath=_MATHS)
def _chroma_row(plane: Plane, row: int, across: int, down: int, short: Row, out: Row) -> None:
    """Interpolate the chroma of one row of luma.

    ``short`` has room for a row of chroma and one more, ``out`` for ``across`` times as much.
    """
    height, width = plane.shape
    place = (row + np.float32(0.5)) / np.float32(down) - np.float32(0.5)
    place = min(max(place, np.float32(0)), np.float32(height - 1))
    upper = int(place)
    lower = min(upper + 1, height - 1)
    share = np.float32(place - np.float32(upper))
    above, below = plane[upper], plane[lower]
    for c in range(width):
        first = np.float32(above[c])
        short[c] = first + share * (np.float32(below[c]) - first)
    short[width] = short[width - 1]
    if across == 1:
        for c in range(width):
            out[c] = short[c]
    elif across == 2:
        for c in range(width):
            out[2 * c] = short[c]
            out[2 * c + 1] = (short[c] + short[c + 1]) * np.float32(0.5)
    else:
        for k in range(across):
            part_way = np.float32(np.float32(k) / np.float32(across))
            for c in range(width):
                out[across * c + k] = short[c] + part_way * (short[c + 1] - short[c])


@part(fastmath=_MATHS)
def _light_row(
    first: Row,
    second: Row,
    third: Row,
    weights: Row,
    curve: Row,
    width: int,
    out: Row,
) -> None:
    """Weigh three code values, and look the signal up in the curve."""
    w0, w1, w2, constant = weights[0], weights[1], weights[2], weights[3]
    for c in range(width):
        signal = w0 * first[c] + w1 * second[c] + w2 * third[c] + constant
        signal = min(max(signal, np.float32(0)), _TOP)
        step = np.int32(signal)
        at = np.uint32(step)
        low = curve[at]
        out[c] = low + (signal - np.float32(step)) * (curve[at + np.uint32(1)] - low)


@part(fastmath=_MATHS)
def _show_hlg(r: Row, g: Row, b: Row, width: int) -> None:
    """Make light of the scene light of a display (BT.2100), by the luminance of BT.2020's RGB."""
    for c in range(width):
        luminance = (
            np.float32(0.2627) * r[c] + np.float32(0.6780) * g[c] + np.float32(0.0593) * b[c]
        )
        gain = _HLG_PEAK * max(luminance, np.float32(0)) ** _HLG_POWER
        r[c] *= gain
        g[c] *= gain
        b[c] *= gain


@part(fastmath=_MATHS)
def _change_primaries(r: Row, g: Row, b: Row, m: Row, width: int) -> None:
    """Multiply by a matrix; colours outside BT.709's become negative."""
    for c in range(width):
        red, green, blue = r[c], g[c], b[c]
        r[c] = m[0] * red + m[1] * green + m[2] * blue
        g[c] = m[3] * red + m[4] * green + m[5] * blue
        b[c] = m[6] * red + m[7] * green + m[8] * blue


class Codes(NamedTuple):
    """One picture's code values.

    Attributes:
        first: (H, W) Y, or R.
        second: (h, w) Cb, or G; the first plane again where there is no chroma.
        third: the same of Cr, or B.
        across: columns of luma to one of chroma.
        down: rows of luma to one of chroma.
        conversion: what makes light of them.
    """

    first: Plane
    second: Plane
    third: Plane
    across: int
    down: int
    conversion: Conversion


@part(fastmath=_MATHS)
def linear_row(codes: Codes, row: int, scratch: Row, r: Row, g: Row, b: Row) -> None:
    """Make one row of linear RGB, white of standard dynamic range being 1.

    Args:
        codes: the picture.
        row: which row.
        scratch: room for four rows, `scratch_size` in all.
        r: room for a row of red.
        g: room for a row of green.
        b: room for a row of blue.
    """
    width = codes.first.shape[1]
    room = scratch.size // 4
    first, second, third = scratch[:room], scratch[room : 2 * room], scratch[2 * room : 3 * room]
    source = codes.first[row]
    for c in range(width):
        first[c] = np.float32(source[c])
    short = scratch[3 * room :]
    _chroma_row(codes.second, row, codes.across, codes.down, short, second)
    _chroma_row(codes.third, row, codes.across, codes.down, short, third)
    signal, curve = codes.conversion.signal, codes.conversion.curve
    _light_row(first, second, third, signal, curve, width, r)
    _light_row(first, second, third, signal[4:], curve, width, g)
    _light_row(first, second, third, signal[8:], curve, width, b)
    if codes.conversion.hlg:
        _show_hlg(r, g, b, width)
    if not codes.conversion.same:
        _change_primaries(r, g, b, codes.conversion.primaries, width)


def scratch_size(width: int) -> int:
    """Elements of scratch that `linear_row` needs for rows of so many pixels."""
    return 4 * (width + 8)
