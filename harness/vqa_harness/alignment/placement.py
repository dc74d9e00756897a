"""Whether the pictures of pairs lie at one place: a shift of a pixel, or an overscan crop.

Blocks all over the picture are registered by phase correlation (Kuglin and Hines, 1975) with a
parabola through the peak, and a straight line through their displacements along each axis gives the
shift of the middle and the scale. Blocks without texture, and pairs whose blocks do not agree, tell
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Frame, Plane

PAIRS = 4
"""Pairs that are measured."""
LOOKED_AT = 100
"""Pairs that are looked at for these: black and flat ones are passed over."""
BETWEEN = 4
"""Pairs that are passed over after one that was measured, which would tell much the same."""
ACROSS, DOWN = 6, 4
"""Blocks of a picture along each axis."""
SIDES = (128, 64, 32)
"""Sides of a block, in pixels; the largest is taken of which two fit into the picture."""
HALVINGS = 2
"""How often a picture is halved in size whose blocks do not agree.

What lies further apart than a block is wide, or is smeared over it by the scale, is found so.
"""
TEXTURE = 3.0
"""Standard deviation of a block, in levels of 8 bits, below which it is not registered."""
PEAK = 0.08
"""Height of the peak below which a block is not registered; 1 is a perfect one."""
FEWEST = 6
"""Blocks, and the square of the rows or columns of them, that a line needs."""
AGREED = 0.35
"""Pixels within which the displacements must lie around the line, in the median."""
STEADY = 0.25
"""Pixels within which the pairs must agree: what moves from pair to pair is no displacement."""
SHIFTED = 0.4
"""Pixels of shift from which it is told; a resampler's own rounding is less."""
STRETCHED = 1.5
"""Pixels of displacement at an edge, by scale alone, from which the scale is told."""
Floats = NDArray[np.float64]
Luma = Plane | NDArray[np.float32] | Floats


@dataclass(frozen=True, slots=True)
class Placement:
    """How the distorted picture lies on that of the reference, in pixels of the frames compared.

    Attributes:
        shift: pixels that the middle of the picture lies to the right and further down.
        scale: how many times as wide and as high things are shown.
        size: width and height of the frames.
        pairs: how many pairs tell so.
        unit: pixels of the frames to one of those that were measured, which may be halved in size.
    """

    shift: tuple[float, float]
    scale: tuple[float, float]
    size: tuple[int, int]
    pairs: int
    unit: float = 1.0

    @property
    def displaced(self) -> bool:
        """Whether it is off by so much that scores are lower for it."""
        shifted = max(map(abs, self.shift)) >= SHIFTED * self.unit
        return shifted or self._stretched

    @property
    def _stretched(self) -> bool:
        edges = (abs(s - 1) * n / 2 for s, n in zip(self.scale, self.size, strict=True))
        return max(edges) >= STRETCHED * self.unit

    def describe(self) -> str:
        """One line for people."""
        x, y = self.shift
        places = [
            f"{abs(x):.1f} pixels to the {'right' if x > 0 else 'left'}" if abs(x) >= 0.1 else "",
            f"{abs(y):.1f} pixels {'down' if y > 0 else 'up'}" if abs(y) >= 0.1 else "",
        ]
        told = "is displaced by " + " and ".join(p for p in places if p) if any(places) else ""
        if self._stretched:
            wide, high = (100 * (s - 1) for s in self.scale)
            size = f"shows things {wide:+.1f} % wide and {high:+.1f} % high (an overscan crop?)"
            told = f"{told}, and {size}" if told else size
        return (
            f"the distorted picture {told} against the reference, by {self.pairs} of the first "
            "pairs: scores are lower for it; crop, pad or scale it back (ffmpeg -vf)"
        )

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible; pixels to hundredths, scale to a hundredth of a per cent."""
        return {
            "shift": [round(value, 2) for value in self.shift],
            "scale": [round(value, 4) for value in self.scale],
            "pairs": self.pairs,
        }


class PlacementMeter:
    """Measures the first pairs that carry a picture, and no more of them.

    Attributes:
        done: whether enough pairs were seen.
    """

    def __init__(self) -> None:
        self._seen = self._next = 0
        self._found: list[Floats] = []
        self._size = (0, 0)

    @property
    def done(self) -> bool:
        """Whether no further pair is looked at."""
        return len(self._found) >= PAIRS or self._seen >= LOOKED_AT

    def add(self, distorted: Frame, reference: Frame) -> None:
        """Look at a pair of comparable frames; does nothing once it is `done`."""
        if self.done:
            return
        self._seen += 1
        if self._seen <= self._next:
            return
        size = reference.width, reference.height
        if self._found and size != self._size:
            return
        unit = float(2 ** (reference.depth - 8))  # both have one depth, as they are comparable
        found = coarse_displacement(distorted.luma, reference.luma, unit)
        if found is not None:
            self._size = size
            self._found.append(found)
            self._next = self._seen + BETWEEN

    def result(self) -> Placement | None:
        """What the pairs agree on; None where they do not, or where none of them tells."""
        if not self._found or len(self._found) < min(2, self._seen):
            return None
        all_of = np.stack(self._found)
        middle = np.median(all_of, axis=0)
        x, y, wide, high, unit = (float(value) for value in middle)
        apart = np.median(np.abs(all_of - middle), axis=0)[:4]
        apart[2:] *= np.array(self._size) / 2
        if apart.max() > STEADY * unit:
            return None
        agreed = Placement((x, y), (wide, high), self._size, len(self._found), unit)
        if agreed.displaced and any(self._in_place(one, unit) for one in all_of):
            return None
        return agreed

    def _in_place(self, found: Floats, unit: float) -> bool:
        """Whether a single pair lies where it belongs.

        A coder at a low rate leaves parts of a picture where they were, so that what moves lies
        behind, pair after pair, but not in a picture that is coded by itself, as the first one is.
        """
        x, y, wide, high, _ = (float(value) for value in found)
        one = Placement((2 * x, 2 * y), (2 * wide - 1, 2 * high - 1), self._size, 1, unit)
        return not one.displaced


def coarse_displacement(one: Luma, two: Luma, level: float = 1.0) -> Floats | None:
    """As `displacement`, of pictures that are halved in size as long as their blocks disagree.

    Returns:
        (5,) with the pixels to one that was measured; None where the pictures do not tell.
    """
    for halving in range(HALVINGS + 1):
        found = displacement(one, two, level)
        if found is not None:
            unit = 2.0**halving
            return np.array([found[0] * unit, found[1] * unit, found[2], found[3], unit])
        one, two = _halved(one), _halved(two)
    return None


def displacement(one: Luma, two: Luma, level: float = 1.0) -> Floats | None:
    """How a picture is displaced against another: (right, down, scale across, scale down).

    Args:
        one: (H, W) luma.
        two: (H, W) luma of the other.
        level: what one level of 8 bits is in both.

    Returns:
        (4,) pixels at the middle, and factors; None where the pictures do not tell.
    """
    height, width = two.shape
    side = next((s for s in SIDES if 2 * s <= min(height, width)), None)
    if side is None or one.shape != two.shape:
        return None
    places, moves = [], []
    for top in _starts(height, side, DOWN):
        for left in _starts(width, side, ACROSS):
            block = slice(top, top + side), slice(left, left + side)
            move = _registered(_levels(one[block], level), _levels(two[block], level))
            if move is not None:
                places.append((left + side / 2 - width / 2, top + side / 2 - height / 2))
                moves.append(move)
    if len(moves) < FEWEST:
        return None
    at, by = np.array(places), np.array(moves)
    across, down = _line(at[:, 0], by[:, 0]), _line(at[:, 1], by[:, 1])
    if across is None or down is None:
        return None
    return np.array([across[0], down[0], 1 + across[1], 1 + down[1]])


def _levels(block: Luma, level: float) -> Floats:
    return np.asarray(block, np.float64) / level


def _halved(luma: Luma) -> NDArray[np.float32]:
    """The means of 2 x 2 samples, exact: after two halvings 16 bits have become 20 of 24."""
    height, width = (n - n % 2 for n in luma.shape)
    half = np.array(luma[:height:2, :width:2], np.float32)
    for down, across in ((0, 1), (1, 0), (1, 1)):
        half += luma[down:height:2, across:width:2]
    half *= np.float32(0.25)
    return half


def _starts(size: int, side: int, count: int) -> list[int]:
    """Where blocks begin: evenly over the picture, a little of its edges left out."""
    edge = size // 32
    last = size - side - edge
    return sorted({int(at) for at in np.linspace(edge, last, count)})


def _registered(one: Floats, two: Floats) -> tuple[float, float] | None:
    """By how much a block of ``one`` lies to the right of and below that of ``two``."""
    if min(one.std(), two.std()) < TEXTURE:
        return None
    window = _window(one.shape[0])
    first = np.fft.rfft2((one - one.mean()) * window)
    second = np.fft.rfft2((two - two.mean()) * window)
    cross = first * second.conj()
    cross /= np.maximum(np.abs(cross), 1e-9 * np.abs(cross).max() + 1e-12)
    surface = np.fft.irfft2(cross * _smooth(one.shape[0]), s=one.shape)
    surface /= _smooth_peak(one.shape[0])
    row, column = np.unravel_index(int(surface.argmax()), surface.shape)
    if surface[row, column] < PEAK:
        return None
    n = one.shape[0]
    down = _peak(
        surface[(row - 1) % n, column], surface[row, column], surface[(row + 1) % n, column]
    )
    right = _peak(surface[row, column - 1], surface[row, column], surface[row, (column + 1) % n])
    y, x = (int(k) if k < n // 2 else int(k) - n for k in (row, column))
    return x + right, y + down


def _peak(before: float, middle: float, after: float) -> float:
    """Where a Gaussian through three samples around a peak has its top, from the middle one."""
    low = 1e-6 * middle
    a, b, c = (float(np.log(max(value, low))) for value in (before, middle, after))
    curve = a - 2 * b + c
    return 0.0 if curve >= 0 else float(np.clip((a - c) / (2 * curve), -0.5, 0.5))


def _line(at: Floats, by: Floats) -> tuple[float, float] | None:
    """Value at 0 and slope of the line through most points; None where they lie apart.

    The slope is the median of those between points far enough apart (Theil, 1950), which a third of
    wrong points does not move.
    """
    distances = at[:, None] - at[None]
    far = distances > 0.25 * max(float(np.ptp(at)), 1.0)
    if not far.any():
        return None
    slopes = (by[:, None] - by[None])[far] / distances[far]
    slope = float(np.median(slopes))
    start = float(np.median(by - slope * at))
    apart = float(np.median(np.abs(by - slope * at - start)))
    return (start, slope) if apart <= AGREED else None


@lru_cache(maxsize=8)
def _window(side: int) -> Floats:
    line = np.hanning(side)
    return np.asarray(line[:, None] * line[None])


@lru_cache(maxsize=8)
def _smooth(side: int) -> Floats:
    """A Gaussian over the frequencies: coarse ones say more after lossy coding."""
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    return np.asarray(np.exp(-((fy**2 + fx**2) / (2 * 0.12**2))))


@lru_cache(maxsize=8)
def _smooth_peak(side: int) -> float:
    return float(np.fft.irfft2(_smooth(side), s=(side, side))[0, 0])
