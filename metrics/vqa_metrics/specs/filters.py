"""Metrics that are FFmpeg filters, one row each, as data.

The names say what computes them, so that none is taken for another tool's figure: FFmpeg's ``ssim``
is neither `vqa_metrics.ssim` nor libvmaf's ``float_ssim``.
"""

from __future__ import annotations

from dataclasses import dataclass

from vqa_harness.spec import Feature, MetricSpec


@dataclass(frozen=True, slots=True)
class FilterRow:
    """A filter that leaves numbers in the metadata of its frames.

    Attributes:
        spec: The metric; its factory is `vqa_metrics.ffmpeg_filters` and the metric's name.
        filter: FFmpeg's name of the filter.
        keys: Metadata key of each feature, without the ``lavfi.`` before it.
        smallest: Fewest rows and columns; FFmpeg reads outside smaller planes, or ends the process.
        limited: Whether infinity (equal frames) and all above 6 * bits + 12 dB become that limit.
        packed_above_8: Whether the filter misreads rows with gaps between them above 8 bits.
    """

    spec: MetricSpec
    filter: str
    keys: dict[str, str]
    smallest: int = 16
    limited: bool = False
    packed_above_8: bool = False


_SSIM = MetricSpec(
    name="ssim_ffmpeg",
    factory="vqa_metrics.ffmpeg_filters:ssim_ffmpeg",
    backend="vqa_metrics.filter_backends:ssim_ffmpeg",
    features=(
        Feature("ssim_ffmpeg", lo=-1, hi=1, help="all planes, weighted by their size"),
        Feature("ssim_ffmpeg_y", lo=-1, hi=1, help="luma"),
        Feature("ssim_ffmpeg_cb", lo=-1, hi=1, help="undefined for gray"),
        Feature("ssim_ffmpeg_cr", lo=-1, hi=1, help="undefined for gray"),
    ),
    kind="stream",
    reference=True,
    context=(0, 0),
    summary="SSIM as FFmpeg's filter ssim computes it: 8x8 box windows, every 4 pixels",
    paper="after Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 2004",
)
_XPSNR = MetricSpec(
    name="xpsnr",
    factory="vqa_metrics.ffmpeg_filters:xpsnr",
    backend="vqa_metrics.filter_backends:xpsnr",
    features=(
        Feature("xpsnr_y", unit="dB", help="luma; at most 6 * bits + 12 dB"),
        Feature("xpsnr_cb", unit="dB", help="undefined for gray"),
        Feature("xpsnr_cr", unit="dB", help="undefined for gray"),
    ),
    kind="stream",
    reference=True,
    context=(2, 0),
    summary="PSNR weighted by local spatial and temporal activity (FFmpeg's filter)",
    paper="Helmrich, Siekmann, Becker, Bosse, Marpe, Wiegand, ICASSP 2020",
)
_BLOCKINESS = MetricSpec(
    name="blockiness",
    factory="vqa_metrics.ffmpeg_filters:blockiness",
    backend="vqa_metrics.filter_backends:blockiness",
    features=(
        Feature("blockiness_ffmpeg", False, lo=0, help="strength of the grid, about 1 for none"),
    ),
    kind="stream",
    summary="Visibility of a regular grid of block edges, no reference (FFmpeg's blockdetect)",
    paper="Muijs, Kirenko, EUSIPCO 2005",
)
_BLURRINESS = MetricSpec(
    name="blurriness",
    factory="vqa_metrics.ffmpeg_filters:blurriness",
    backend="vqa_metrics.filter_backends:blurriness",
    features=(Feature("blurriness_ffmpeg", False, lo=0, help="mean width of edges, pixels"),),
    kind="stream",
    context=(0, 0),
    summary="Mean width of edges, no reference (FFmpeg's blurdetect)",
    paper="Marziliano, Dufaux, Winkler, Ebrahimi, ICIP 2002",
)
ROWS: dict[str, FilterRow] = {
    row.spec.name: row
    for row in (
        FilterRow(
            _SSIM,
            "ssim",
            {
                "ssim_ffmpeg": "ssim.All",
                "ssim_ffmpeg_y": "ssim.Y",
                "ssim_ffmpeg_cb": "ssim.U",
                "ssim_ffmpeg_cr": "ssim.V",
            },
            smallest=32,
        ),
        FilterRow(
            _XPSNR,
            "xpsnr",
            {
                "xpsnr_y": "xpsnr.xpsnr.y",
                "xpsnr_cb": "xpsnr.xpsnr.u",
                "xpsnr_cr": "xpsnr.xpsnr.v",
            },
            smallest=48,
            limited=True,
            packed_above_8=True,
        ),
        FilterRow(_BLOCKINESS, "blockdetect", {"blockiness_ffmpeg": "block"}),
        FilterRow(_BLURRINESS, "blurdetect", {"blurriness_ffmpeg": "blur"}),
    )
}
SPECS: tuple[MetricSpec, ...] = tuple(row.spec for row in ROWS.values())
