"""What the first frames say about how the code values of two videos relate.

Pictures that show the same are averaged over a coarse grid, which takes most of the coding noise
out and leaves what a conversion of range or matrix does: it is affine, so it holds for the averages
as for the samples. Each way of reading both videos predicts the averages of one from those of the
other, and the way whose prediction comes nearest is the one that fits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.alignment.geometry import Geometry
from vqa_harness.alignment.signatures import Region, Signature, signature
from vqa_harness.frames import Frame, Plane
from vqa_harness.media.recode import PixelFormat, yuv_of_rgb

ROWS, COLUMNS = 18, 32
"""Cells of the grid over which samples are averaged."""
PAIRS = 6
"""Pairs of first frames that are looked at, at most."""
ALIKE = 0.95
"""Correlation of two signatures from which their frames are taken to show the same."""
LIVELY = 4.0
"""Mean square of a signature, in squared levels, below which a frame is too flat to be found."""
TRIMMED = 0.1
"""Share of the cells that fit worst and are left out, so that a logo decides nothing."""
LOW, HIGH = 8, 247
"""8-bit code values outside of which limited range holds hardly any samples."""
Floats = NDArray[np.float64]
Reading = tuple[PixelFormat, PixelFormat]
"""How the code values of the distorted video and of the reference are read."""


@dataclass(frozen=True, slots=True)
class CellMeans:
    """Averages of the planes of frames that show the same, in code values.

    Attributes:
        distorted: (cells, planes) float64.
        reference: (cells, planes) float64 of the same cells.
        depths: bits per sample of each video.
        pairs: how many pairs of frames they are of.
        beyond: of each video, the share of luma samples at either end that limited range hardly
            reaches, the smaller of the two; 0 for RGB.
    """

    distorted: Floats
    reference: Floats
    depths: tuple[int, int]
    pairs: int
    beyond: tuple[float, float]

    def luma_slope(self) -> float | None:
        """By how much the luma of the reference changes for each code of the distorted video.

        It is 1 where nothing was converted, 255/219 where full range became limited; deeper samples
        count as their 8 highest bits. None where all is flat; meaningless against RGB.
        """
        spreads = [
            float(means[:, 0].std()) / 2.0 ** (depth - 8)
            for means, depth in zip((self.distorted, self.reference), self.depths, strict=True)
        ]
        return spreads[1] / spreads[0] if spreads[0] > 0 else None

    def misfit(self, reading: Reading) -> float:
        """Mean square, in squared 8-bit levels, by which the prediction of a reading is off.

        The codes of the distorted video are predicted from the reference's; those of the reference
        where only the distorted video is RGB.
        """
        known, sought, old, new = self.reference, self.distorted, reading[1], reading[0]
        if new.chroma == "rgb" and old.chroma != "rgb":
            known, sought, old, new = sought, known, new, old
        planes = 1 if "gray" in (old.chroma, new.chroma) else 3
        if known.shape[1] == 1:
            known = np.pad(known, ((0, 0), (0, 2)), constant_values=2.0 ** (old.depth - 1))
        off = _in_codes(_as_rgb(known, old), new)[:, :planes] - sought[:, :planes]
        squares = np.mean(off**2, axis=1) / 4.0 ** (new.depth - 8)
        kept = math.ceil(len(squares) * (1 - TRIMMED))
        return float(np.mean(np.partition(squares, kept - 1)[:kept]))

    def explained(self, reading: Reading) -> float:
        """The share of the variance that a reading predicts; negative where it predicts nothing."""
        against_rgb = reading[0].chroma == "rgb"
        sought, depth = (
            (self.reference, self.depths[1]) if against_rgb else (self.distorted, self.depths[0])
        )
        variance = float(np.mean(sought.var(axis=0))) / 4.0 ** (depth - 8)
        return 1 - self.misfit(reading) / max(variance, 1e-9)


class Sighting:
    """A frame by which the other video's frames are recognised, with averages of its planes.

    Args:
        frame: the frame; it is held until `settle`.
        region: the part of the picture that shows the same as the other video's.
        made: the signature of that part, if it is there already.

    Attributes:
        unit: (2304,) the signature, of unit length; zeros where the frame is too flat to be found.
    """

    def __init__(
        self, frame: Frame, region: Region | None = None, made: Signature | None = None
    ) -> None:
        made = signature(frame, region) if made is None else made
        length = float(np.linalg.norm(made))
        flat = length**2 / made.size < LIVELY
        self.unit = np.zeros_like(made) if flat else made / np.float32(length)
        self.flat = flat
        self.depth = frame.depth
        self._frame, self._region = frame, region
        self._averages: tuple[Floats, tuple[float, float]] | None = None

    def averages(self) -> tuple[Floats, tuple[float, float]]:
        """(576, planes) means over the cells, and the shares of luma at either end."""
        if self._averages is None:
            planes = Geometry(self._region).cut(self._frame.planes, self._frame.chroma)
            cells = np.stack([_means(plane) for plane in planes], axis=1)
            rgb = self._frame.chroma == "rgb"
            self._averages = cells, (0.0, 0.0) if rgb else _ends(planes[0], self.depth)
        return self._averages

    def settle(self) -> Sighting:
        """Release the frame's pixels; what is asked for later of one that is not flat is kept."""
        if not self.flat:
            self.averages()
        self._frame.release()
        return self


def cell_means(distorted: Sequence[Sighting], reference: Sequence[Sighting]) -> CellMeans | None:
    """Find frames that show the same, and average their planes.

    Args:
        distorted: frames of the distorted video, of one size and kind.
        reference: frames of the reference, likewise.

    Returns:
        None where no two frames are alike.
    """
    pairs = _alike(distorted, reference)
    if not pairs:
        return None
    one = [distorted[i].averages() for i, _ in pairs]
    two = [reference[j].averages() for _, j in pairs]
    return CellMeans(
        np.concatenate([cells for cells, _ in one]),
        np.concatenate([cells for cells, _ in two]),
        (distorted[0].depth, reference[0].depth),
        len(pairs),
        (_beyond([ends for _, ends in one]), _beyond([ends for _, ends in two])),
    )


def _alike(distorted: Sequence[Sighting], reference: Sequence[Sighting]) -> list[tuple[int, int]]:
    """Up to `PAIRS` numbers of distorted frames, spread evenly, each with its likest partner."""
    if not distorted or not reference:
        return []
    correlation = np.stack([s.unit for s in distorted]) @ np.stack([s.unit for s in reference]).T
    partners = correlation.argmax(axis=1)
    found = np.flatnonzero(correlation.max(axis=1) > ALIKE).tolist()
    places = set(np.linspace(0, len(found) - 1, PAIRS).astype(int).tolist()) if found else ()
    return [(found[place], int(partners[found[place]])) for place in sorted(places)]


def _means(plane: Plane) -> Floats:
    """(576,) means over the cells, row by row; samples on a border are shared out."""
    return _bands(_bands(plane, ROWS).T, COLUMNS).T.reshape(-1)


def _bands(values: NDArray[Any], count: int) -> Floats:
    """(count, n) means over equal parts of the first axis of (m, n) values.

    Sums of slices are several times as fast as a matrix product, which also starts threads.
    """
    size = len(values)
    wide = np.uint32 if values.dtype.kind == "u" else np.float64
    out = np.empty((count, values.shape[1]))
    for number in range(count):
        begin, end = number * size / count, (number + 1) * size / count
        first, last = math.ceil(begin), math.floor(end)
        if first > last:  # within one sample
            out[number] = values[last]
            continue
        total = values[first:last].sum(axis=0, dtype=wide).astype(np.float64)
        if first > begin:
            total += (first - begin) * values[first - 1]
        if end > last:
            total += (end - last) * values[last]
        out[number] = total / (end - begin)
    return out


def _ends(luma: Plane, depth: int) -> tuple[float, float]:
    """The shares of samples that are darker and brighter than limited range hardly ever is."""
    steps = 2 ** (depth - 8)
    return float(np.mean(luma < LOW * steps)), float(np.mean(luma > HIGH * steps))


def _beyond(ends: Sequence[tuple[float, float]]) -> float:
    return float(min(np.mean(ends, axis=0)))


def _as_rgb(codes: Floats, form: PixelFormat) -> Floats:
    """Code values as R, G, B in 0 to 1."""
    black, white = form.luma_scale()
    if form.chroma == "rgb":
        return (codes - black) / white
    middle, span = form.chroma_scale()
    unit = (codes - (black, middle, middle)) / (white, span, span)
    return np.asarray(unit @ np.linalg.inv(yuv_of_rgb(form.matrix)).T.astype(np.float64))


def _in_codes(rgb: Floats, form: PixelFormat) -> Floats:
    """R, G, B in 0 to 1 as code values."""
    black, white = form.luma_scale()
    if form.chroma == "rgb":
        return rgb * white + black
    middle, span = form.chroma_scale()
    unit = rgb @ yuv_of_rgb(form.matrix).T.astype(np.float64)
    return np.asarray(unit * (white, span, span) + (black, middle, middle))
