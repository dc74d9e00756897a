"""Pairs two videos without scoring them."""

from __future__ import annotations

from vqa_harness.alignment.align import align as align_sources
from vqa_harness.alignment.report import AlignReport
from vqa_harness.api.inputs import AlignLike, VideoLike, align_options, source_of
from vqa_harness.console import Progress


def align(
    distorted: VideoLike,
    reference: VideoLike,
    options: AlignLike = None,
    *,
    distorted_colour: str = "",
    reference_colour: str = "",
    progress: Progress | None = None,
) -> AlignReport:
    """Pair two videos as `vqa_harness.score` would.

    Args:
        distorted: the video that would be scored; as `vqa_harness.score` takes it.
        reference: the video it would be compared with.
        options: how frames are paired: `AlignOptions`, or the name of a mode.
        distorted_colour: what the distorted video does not say of its colour, or says wrongly:
            ``"matrix=bt709,range=full"``, or a word such as ``"bt709"``.
        reference_colour: the same of the reference.
        progress: called with the pairs done, and the pairs expected (None if unknown).

    Returns:
        The report; ``warnings()`` lists what you should know, of decoding and of pairing.

    Raises:
        UsageError: a wrong option, or something that is not a video.
        InputError: a video cannot be read.
        AlignError: the two cannot be compared, or the options refuse what was found.
    """
    report, _ = align_sources(
        source_of(distorted, "distorted"),
        source_of(reference, "reference"),
        align_options(options, distorted_colour, reference_colour),
        progress=progress,
    )
    return report
