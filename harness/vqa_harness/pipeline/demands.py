"""What metrics ask of a run, checked before it begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vqa_harness.errors import InputError, UsageError, refuse_twice
from vqa_harness.frames import StreamInfo
from vqa_harness.pipeline.sight import beyond_sdr
from vqa_harness.request import Request


def check_requests(requests: Sequence[Request], *, with_reference: bool) -> None:
    """Refuse metrics that cannot be run together, or not without a reference.

    Raises:
        UsageError: no metric is named, one is named twice, or one needs a reference that is not
            there.
    """
    if not requests:
        raise UsageError("no metric asked for; add --metric NAME (vqa-harness metrics lists them)")
    refuse_twice("metric", (request.label for request in requests))
    for request in requests:
        if request.spec.reference and not with_reference:
            raise UsageError(
                f"metric {request.spec.name!r} compares with a reference; add --reference FILE"
            )


def refuse_file_metrics(requests: Sequence[Request], otherwise: str = "give a path") -> None:
    """Refuse metrics that read files by themselves, where what they would read is another video.

    Args:
        requests: the metrics.
        otherwise: what to do or know instead of leaving the metric out, for the message.

    Raises:
        UsageError: a metric reads files; the message names it.
    """
    for request in requests:
        if request.spec.kind == "file":
            raise UsageError(
                f"metric {request.spec.name!r} reads the video file by itself; {otherwise}, or "
                "leave it out"
            )


def refuse_hdr(requests: Iterable[Request], video: StreamInfo) -> None:
    """Refuse metrics made for SDR where the video is HDR; for who takes warnings as errors.

    Raises:
        InputError: it is.
    """
    for request in requests:
        if warning := beyond_sdr(request.spec, video):
            raise InputError(f"{video.name}: --strict: {warning}")
