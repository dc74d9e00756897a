"""ST-RRED, VIIDEO and the Video BLIINDS features, as data."""

from __future__ import annotations

from vqa_harness.spec import Feature, MetricSpec

EXTRA = "vqa-harness[skvideo]"
VERSION = "skvideo-1.1.11"

_NEIGHBOURS = {
    "h": "horizontal neighbours",
    "v": "vertical neighbours",
    "d1": "neighbours on the main diagonal",
    "d2": "neighbours on the other diagonal",
}


def _spatial(scale: int) -> list[tuple[str, str]]:
    """Name the 18 spatial features of one scale: generalised Gaussians fitted to 96x96 blocks."""
    size = "full" if scale == 1 else "half"
    features = [
        (f"s{scale}_shape", f"{size} size, normalised luma: shape of its distribution"),
        (f"s{scale}_scale", f"{size} size, normalised luma: scale of its distribution"),
    ]
    for name, text in _NEIGHBOURS.items():
        for part in ("shape", "mean", "left", "right"):
            what = f"{part} scale" if part in ("left", "right") else part
            features.append((f"s{scale}_{name}_{part}", f"{size} size, products of {text}: {what}"))
    return features


_FEATURES = (
    *_spatial(1),
    *_spatial(2),
    ("niqe", "distance to natural pictures; the library's model, not that of metric niqe"),
    ("dc_compensated", "change of the spread of motion-compensated block means, log(1 + x)"),
    ("dc_difference", "change of the mean of frame differences, log(1 + x)"),
    ("ratio_hl", "spectral shape of frame differences, high to low bands, log(1 + x)"),
    ("ratio_hm", "spectral shape of frame differences, high to middle bands, log(1 + x)"),
    ("ratio_hml", "likewise, mean of high and middle to low bands, log(1 + x)"),
    ("ratio_high", "likewise, high to mean of middle and low bands, log(1 + x)"),
    ("ratio_ml", "likewise, middle to low bands, log(1 + x)"),
    ("coherence", "coherence of motion vectors, log(1 + x)"),
    ("global_motion", "how far motion is from its most frequent amount, log(1 + x)"),
)
BLIINDS_NAMES: tuple[str, ...] = tuple(
    f"bliinds_{number:02}_{name}" for number, (name, _) in enumerate(_FEATURES)
)

STRRED = MetricSpec(
    name="strred",
    factory="vqa_metrics.skvideo.metrics:Strred",
    features=(
        Feature("strred", False, lo=0, help="mean spatial times mean temporal part, of the video"),
        Feature("strred_spatial", False, lo=0, help="of the pair of frames 2n and 2n+1"),
        Feature("strred_temporal", False, lo=0, help="of the pair of frames 2n and 2n+1"),
    ),
    kind="stream",
    reference=True,
    version=VERSION,
    summary="Spatio-temporal reduced-reference entropic differences, by scikit-video",
    paper="Soundararajan, Bovik, IEEE TCSVT 2013",
    extra=EXTRA,
    requires=("skvideo",),
    sdr_only=True,
)
VIIDEO = MetricSpec(
    name="viideo",
    factory="vqa_metrics.skvideo.metrics:Viideo",
    features=(Feature("viideo", False, help="of the video; higher is worse"),),
    kind="stream",
    version=VERSION,
    summary="Completely blind video integrity oracle, by scikit-video",
    paper="Mittal, Saad, Bovik, IEEE TIP 2016",
    extra=EXTRA,
    requires=("skvideo",),
    sdr_only=True,
    needs_detail=True,
)
BLIINDS = MetricSpec(
    name="bliinds",
    factory="vqa_metrics.skvideo.metrics:Bliinds",
    features=tuple(
        Feature(name, None, help=text)
        for name, (_, text) in zip(BLIINDS_NAMES, _FEATURES, strict=True)
    ),
    kind="stream",
    version=VERSION,
    summary="The 46 features of Video BLIINDS (no score: no trained model), by scikit-video",
    paper="Saad, Bovik, Charrier, IEEE TIP 2014",
    extra=EXTRA,
    requires=("skvideo",),
    sdr_only=True,
    needs_detail=True,
)
SPECS: tuple[MetricSpec, ...] = (STRRED, VIIDEO, BLIINDS)
