"""What NIQE and BRISQUE are, as data: imports no kernel."""

from __future__ import annotations

from vqa_harness.spec import Feature, MetricSpec


def _flat(metric: str) -> Feature:
    return Feature(
        f"{metric}_flat_fraction",
        higher_is_better=None,
        lo=0.0,
        hi=1.0,
        help="share of pixels in flat areas or linear ramps, where the score is rounding residue",
        diagnostic=True,
    )


SPECS: tuple[MetricSpec, ...] = (
    MetricSpec(
        name="niqe",
        factory="vqa_metrics.niqe:Niqe",
        features=(
            Feature(
                "niqe",
                higher_is_better=False,
                lo=0.0,
                help="distance to the statistics of pristine images; needs 96x96 pixels",
            ),
            _flat("niqe"),
        ),
        summary="NIQE, no reference, equal to the LIVE release",
        warmup="vqa_metrics.nss_warmup",
        sdr_only=True,
        needs_detail=True,
        context=(0, 0),
        smallest=96,
        paper="Mittal, Soundararajan, Bovik, IEEE Signal Processing Letters 20 (3), 2013",
    ),
    MetricSpec(
        name="brisque",
        factory="vqa_metrics.brisque:Brisque",
        features=(
            Feature(
                "brisque",
                higher_is_better=False,
                help="regression on scene statistics; about 0 (good) to 100, not limited to that",
            ),
            _flat("brisque"),
        ),
        summary="BRISQUE, no reference, equal to the LIVE release",
        warmup="vqa_metrics.nss_warmup",
        sdr_only=True,
        needs_detail=True,
        context=(0, 0),
        paper="Mittal, Moorthy, Bovik, IEEE Transactions on Image Processing 21 (12), 2012",
    ),
)
