"""Pairs of small lossless files, and what came of pairing them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.pairs import AlignedPairs
from vqa_harness.alignment.report import AlignReport
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
