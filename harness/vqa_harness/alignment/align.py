"""Pairing two videos without scoring them."""

from __future__ import annotations

from pathlib import Path

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.pairs import AlignedPairs
from vqa_harness.alignment.report import AlignReport
from vqa_harness.console import Progress
from vqa_harness.media.source import VideoSource


def align(
    distorted: Path | VideoSource,
    reference: Path | VideoSource,
    options: AlignOptions | None = None,
    *,
    progress: Progress | None = None,
) -> tuple[AlignReport, list[str]]:
    """Pair two videos as a run of metrics would.

    Args:
        distorted: the video that would be scored.
        reference: the video it would be compared with.
        options: how frames are paired; None for the defaults.
        progress: called after every pair, with the pairs done and the pairs expected.

    Returns:
        The report, and one line for each thing the user should know, of decoding and of pairing.

    Raises:
        InputError: a file cannot be read.
        AlignError: the two cannot be compared, or the options refuse what was found.
    """
    pairs = AlignedPairs(distorted, reference, options)
    try:
        for number, (frame, partner) in enumerate(pairs, 1):
            frame.release()
            if partner is not None:
                partner.release()
            if progress is not None:
                progress(number, pairs.expected)
        pairs.report.reading = pairs.losses()
        return pairs.report, pairs.report.warnings()
    finally:
        pairs.close()
