"""How two videos relate in time, without scoring anything."""

from __future__ import annotations

from pathlib import Path

from vqa_harness.align_options import AlignOptions
from vqa_harness.align_report import AlignReport
from vqa_harness.aligned_pairs import AlignedPairs
from vqa_harness.pipeline import Progress


def align(
    distorted: Path,
    reference: Path,
    options: AlignOptions | None = None,
    *,
    progress: Progress | None = None,
) -> tuple[AlignReport, list[str]]:
    """Pair two videos as a run of metrics would.

    Args:
        distorted: the video that would be scored.
        reference: the video it would be compared with.
        options: see `AlignOptions`.
        progress: told about every pair.

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
        return pairs.report, pairs.warnings()
    finally:
        pairs.close()
