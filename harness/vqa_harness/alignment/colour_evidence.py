"""What the first frames say about how the code values of two videos relate.

Pictures that show the same are averaged over a coarse grid, which takes most of the coding noise
out and leaves what a conversion of range or matrix does: it is affine, so it holds for the averages
as for the samples. Each way of reading both videos predicts the averages of one from those of the
other, and the way whose prediction comes nearest is the one that fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vqa_harness.alignment.format_checks import Regions
from vqa_harness.alignment.geometry import Geometry
from vqa_harness.alignment.signatures import Region, signature
from vqa_harness.alignment.window import DecodedFrame
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
        squares = np.sort(np.mean(off**2, axis=1)) / 4.0 ** (new.depth - 8)
        return float(np.mean(squares[: round(len(squares) * (1 - TRIMMED))]))

    def explained(self, reading: Reading) -> float:
        """The share of the variance that a reading predicts; negative where it predicts nothing."""
        against_rgb = reading[0].chroma == "rgb"
        sought, depth = (
            (self.reference, self.depths[1]) if against_rgb else (self.distorted, self.depths[0])
        )
        variance = float(np.mean(sought.var(axis=0))) / 4.0 ** (depth - 8)
        return 1 - self.misfit(reading) / max(variance, 1e-9)


def cell_means(
    distorted: Sequence[DecodedFrame], reference: Sequence[DecodedFrame], regions: Regions
) -> CellMeans | None:
    """Find first frames that show the same, and average their planes.

    Args:
        distorted: first frames of the distorted video, of one size, with their pictures.
        reference: first frames of the reference, likewise.
        regions: the part of each picture that shows the same; None for all of it.

    Returns:
        None where no two frames are alike: the videos begin elsewhere, or all is flat.
    """
    pairs = _alike(_signatures(distorted, regions[0]), _signatures(reference, regions[1]))
    one = [f for i, _ in pairs if (f := distorted[i].frame) is not None]
    two = [f for _, j in pairs if (f := reference[j].frame) is not None]
    if not one or not two:
        return None
    return CellMeans(
        np.concatenate([_cells(f, regions[0]) for f in one]),
        np.concatenate([_cells(f, regions[1]) for f in two]),
        (one[0].depth, two[0].depth),
        len(pairs),
        (_beyond(one), _beyond(two)),
    )


def _signatures(frames: Sequence[DecodedFrame], region: Region | None) -> Floats:
    """(frames, 2304) signatures of unit length; zeros for frames that are too flat to be found."""
    rows = []
    for one in frames:
        assert one.frame is not None
        made = one.signature if region is None else signature(one.frame, region)
        made = signature(one.frame) if made is None else made
        power = float(np.mean(made.astype(np.float64) ** 2))
        unit = np.sqrt(power * made.size)
        rows.append(made / unit if power > LIVELY else np.zeros(made.size))
    return np.array(rows, np.float64)


def _alike(distorted: Floats, reference: Floats) -> list[tuple[int, int]]:
    """Up to `PAIRS` numbers of distorted frames, spread evenly, each with its likest partner."""
    if not distorted.size or not reference.size:
        return []
    correlation = distorted @ reference.T
    partners = correlation.argmax(axis=1)
    found = np.flatnonzero(correlation.max(axis=1) > ALIKE)
    chosen = found[np.unique(np.linspace(0, len(found) - 1, PAIRS).astype(int))] if len(found) else ()
    return [(int(i), int(partners[i])) for i in chosen]


def _cells(frame: Frame, region: Region | None) -> Floats:
    """(576, planes) means of a frame's planes over the cells, in code values."""
    planes = Geometry(region).cut(frame.planes, frame.chroma)
    return np.stack([_means(plane) for plane in planes], axis=1)


def _means(plane: Plane) -> Floats:
    rows, columns = (_shares(n, k) for n, k in zip(plane.shape, (ROWS, COLUMNS), strict=True))
    return (rows @ plane.astype(np.float32) @ columns.T).astype(np.float64).reshape(-1)


@lru_cache(maxsize=32)
def _shares(size: int, cells: int) -> NDArray[np.float32]:
    """(cells, size) by how much each sample counts in the mean of each cell."""
    edges = np.arange(cells + 1)[:, None] * (size / cells)
    places = np.arange(size)[None, :]
    covered = np.clip(np.minimum(edges[1:], places + 1) - np.maximum(edges[:-1], places), 0, 1)
    return np.asarray(covered * (cells / size), np.float32)


def _beyond(frames: Sequence[Frame]) -> float:
    if frames[0].chroma == "rgb":
        return 0.0
    steps = 2 ** (frames[0].depth - 8)
    low = np.mean([np.mean(f.planes[0] < LOW * steps) for f in frames])
    high = np.mean([np.mean(f.planes[0] > HIGH * steps) for f in frames])
    return float(min(low, high))


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
