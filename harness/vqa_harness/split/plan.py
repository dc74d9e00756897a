"""Which pairs a video has, found in one pass without measuring anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.pairs import AlignedPairs
from vqa_harness.console import Progress
from vqa_harness.media.colour_tags import ColourRule
from vqa_harness.media.read_report import ReadReport
from vqa_harness.media.recoloured import recoloured
from vqa_harness.media.selection import PacketTable
from vqa_harness.media.source import VideoSource
from vqa_harness.pipeline.sources import Pairs, SingleStream
from vqa_harness.split.picked import Recipe, Side


@dataclass(slots=True)
class SplitPlan:
    """The pairs of a video, and all that a run says of reading and pairing.

    Attributes:
        recipe: how they are made.
        pairs: numbers of the frames of each, see `PickedPairs`.
        times: seconds of each distorted frame; None where unknown.
        table: the packets of the distorted video, where these tell its frames and nothing was
            decoded to plan.
        reading: what decoding lost; None where nothing was decoded, and the pieces tell.
        alignment: how frames were paired; empty without a reference.
        warnings: what the user should know.
    """

    recipe: Recipe
    pairs: Sequence[tuple[int, ...]]
    times: list[Fraction | None]
    table: PacketTable | None = None
    reading: dict[str, Any] | None = None
    alignment: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def plan_single(source: Path | VideoSource, options: AlignOptions | None) -> SplitPlan:
    """Plan a video without a reference; it is decoded only if its packets do not tell its frames.

    Raises:
        InputError: it cannot be read.
        UsageError: a matrix is stated of RGB.
    """
    stated = None if options is None else options.colours[0]
    stream = SingleStream(source, stated)
    try:
        read = source if stated is None else recoloured(source, ColourRule(stated))
        table = stream.packets()
        if table is not None:
            times = stream.only(table, set())
            recipe = Recipe(stream.distorted, None, (Side(read, by_packets=True),))
            return SplitPlan(recipe, [(i,) for i in range(len(times))], times, table)
        numbers, times = _read(stream, None)
        return SplitPlan(
            Recipe(stream.distorted, None, (Side(read),)),
            numbers,
            times,
            None,
            stream.reading(),
            {},
            stream.warnings(),
        )
    finally:
        stream.close()


def plan_pairs(
    distorted: Path | VideoSource,
    reference: Path | VideoSource,
    options: AlignOptions | None,
    progress: Progress | None = None,
) -> SplitPlan:
    """Pair a video with its reference, as a run does.

    Raises:
        InputError: a video cannot be read.
        AlignError: the two cannot be paired as the options ask.
    """
    pairs = AlignedPairs(distorted, reference, options)
    try:
        numbers, times = _read(pairs, progress)
        return SplitPlan(
            recipe_of(pairs),
            numbers,
            times,
            None,
            pairs.reading(),
            pairs.alignment(),
            pairs.warnings(),
        )
    finally:
        pairs.close()


def recipe_of(pairs: AlignedPairs) -> Recipe:
    """What it takes to make these pairs again; what was wrong with reading counts until now."""
    return Recipe(pairs.distorted, pairs.reference, _sides(pairs), pairs.formats)


def _read(
    pairs: Pairs, progress: Progress | None
) -> tuple[list[tuple[int, ...]], list[Fraction | None]]:
    """The numbers of the frames of every pair, and the time of each."""
    numbers: list[tuple[int, ...]] = []
    times: list[Fraction | None] = []
    for frame, ref in pairs:
        numbers.append((frame.index,) if ref is None else (frame.index, ref.index))
        times.append(frame.time)
        frame.release()
        if ref is not None:
            ref.release()
        if progress is not None:
            progress(len(times), pairs.expected)
    return numbers, times


def _sides(pairs: AlignedPairs) -> tuple[Side, ...]:
    """Both videos; what no piece looks at is left out where nothing was wrong with the reading."""
    return tuple(
        Side(source, deinterlace, deinterlace == "off" and _as_promised(report))
        for source, deinterlace, report in pairs.sides()
    )


def _as_promised(report: ReadReport) -> bool:
    wrong = (report.decode_errors, report.corrupt_frames, report.corrupt_packets)
    return not any(wrong) and report.frames == report.expected_frames
