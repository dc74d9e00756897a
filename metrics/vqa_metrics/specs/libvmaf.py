"""Features of libvmaf that are metrics of their own, as data."""

from __future__ import annotations

from dataclasses import dataclass, field

from vqa_harness.spec import Feature, MetricSpec, Param

THREADS = Param(
    "threads",
    0,
    "threads that libvmaf uses; 0 for as many as the run may use",
    0,
    1024,
    changes_score=False,
)
CONTEXT = (4, 1)
"""Features look one frame back and up to two ahead, those of models for high rates four back."""
SUBSAMPLE = Param(
    "subsample",
    1,
    "score every n-th frame only",
    1,
    1_000_000,
    changes_score=False,
    whole=True,
)
FFMPEG = Param(
    "ffmpeg",
    "",
    "an ffmpeg that has libvmaf, to be used instead of the library",
    changes_score=False,
)
BACKEND = Param(
    "backend",
    "auto",
    "PyAV's libvmaf (av 19 and later) or that of an ffmpeg",
    choices=("auto", "library", "program"),
    changes_score=False,
)
HOW = (THREADS, SUBSAMPLE, FFMPEG, BACKEND)
"""What is set of every metric that libvmaf computes."""
EXTRA = "vqa-harness[vmaf]"


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A metric that is one or more of libvmaf's feature extractors.

    Attributes:
        spec: The metric; its factory is `vqa_metrics.vmaf.feature_metric` and the metric's name.
        extractors: What libvmaf is asked for, each ``name`` or ``name:option=value``.
        names: libvmaf's name of each feature, before options are appended to it.
        limit: What a value counts as that is greater, or infinite because frames are equal.
    """

    spec: MetricSpec
    extractors: tuple[str, ...]
    names: dict[str, str] = field(default_factory=dict)
    limit: float | None = None


def _spec(
    name: str,
    features: tuple[Feature, ...],
    summary: str,
    paper: str,
    *,
    reference: bool = True,
    options: tuple[Param, ...] = (),
    sdr_only: bool = False,
    factory: str = "",
) -> MetricSpec:
    return MetricSpec(
        name=name,
        factory=factory or f"vqa_metrics.vmaf.feature_metric:{name}",
        backend=f"vqa_metrics.vmaf.feature_backends:{name}",
        features=features,
        kind="stream",
        reference=reference,
        params=(*options, *HOW),
        summary=summary,
        paper=paper,
        extra=EXTRA,
        sdr_only=sdr_only,
        context=CONTEXT,
    )


_LIMITED = "100 for equal frames"
_CAMBI = _spec(
    "cambi",
    (Feature("cambi", False, lo=0, help="0 for no banding; visible from about 5 on"),),
    "Contrast-aware multiscale banding index, no reference (libvmaf's)",
    "Tandon, Afonso, Sole, Krasula, PCS 2021",
    factory="vqa_metrics.vmaf.cambi:Cambi",
    reference=False,
    options=(
        Param("window_size", 65, "side of the window, in pixels of 2160 lines", 15, 127),
        Param("topk", 0.6, "share of the worst pixels that is averaged", 0.0001, 1.0),
        Param("tvi_threshold", 0.019, "visible share of the luminance", 0.0001, 1.0),
        Param("max_log_contrast", 2, "greatest step looked for is two to this power", 0, 5),
        Param("enc_width", 0, "columns that were encoded, if scaled up since; 0 for all", 0, 7680),
        Param("enc_height", 0, "rows that were encoded, if scaled up since; 0 for all", 0, 7680),
        Param("enc_bitdepth", 0, "bits that were encoded; 0 for the frame's", 0, 16),
        Param(
            "eotf",
            "auto",
            "how code values mean light; auto for pq where the video is PQ",
            choices=("auto", "bt1886", "pq"),
        ),
    ),
)
_PSNR_HVS = _spec(
    "psnr_hvs",
    (
        Feature("psnr_hvs", hi=100, unit="dB", help=f"all planes; {_LIMITED}"),
        Feature("psnr_hvs_y", hi=100, unit="dB", help="luma"),
        Feature("psnr_hvs_cb", hi=100, unit="dB", help="blue-difference chroma"),
        Feature("psnr_hvs_cr", hi=100, unit="dB", help="red-difference chroma"),
    ),
    "PSNR weighted by the eye's contrast sensitivity and masking (libvmaf's, after Daala)",
    "Ponomarenko, Silvestri, Egiazarian, Carli, Astola, Lukin, VPQM 2007",
    sdr_only=True,
)
_VIF = _spec(
    "vif",
    (
        Feature("vif", lo=0, help="all scales; 1 for equal frames, more where contrast was added"),
        *(Feature(f"vif_scale{n}", lo=0, help=f"scale {n}, 0 the finest") for n in range(4)),
    ),
    "Visual information fidelity in the pixel domain (libvmaf's, integer arithmetic)",
    "Sheikh, Bovik, IEEE TIP 2006",
)
_CIEDE = _spec(
    "ciede2000",
    (Feature("ciede2000", hi=100, help=f"45 - 20 log10 of the mean difference; {_LIMITED}"),),
    "Colour difference CIEDE2000 (libvmaf's; reads every video as BT.709)",
    "Sharma, Wu, Dalal, Color Research and Application 30 (1), 2005; scale of Daala",
    sdr_only=True,
)
_SPEED = _spec(
    "speed",
    (
        Feature("speed_temporal", False, lo=0, help="luma of frame differences; 0 for equal"),
        Feature("speed_chroma_uv", False, lo=0, help="mean of both chroma planes"),
        Feature("speed_chroma_u", False, lo=0, help="blue-difference chroma"),
        Feature("speed_chroma_v", False, lo=0, help="red-difference chroma"),
    ),
    "Differences of local entropy, temporal and of chroma (libvmaf's, from 3.1 on)",
    "after Bampis, Gupta, Soundararajan, Bovik, SpEED-QA, IEEE SPL 2017",
)
_SCALES = {f"vif_scale{n}": f"integer_vif_scale{n}" for n in range(4)}
ROWS: dict[str, FeatureRow] = {
    row.spec.name: row
    for row in (
        FeatureRow(_CAMBI, ("cambi",)),
        FeatureRow(_PSNR_HVS, ("psnr_hvs",), limit=100.0),
        FeatureRow(_VIF, ("vif:debug=true",), {"vif": "integer_vif", **_SCALES}),
        FeatureRow(_CIEDE, ("ciede",), limit=100.0),
        FeatureRow(_SPEED, ("speed_temporal", "speed_chroma")),
    )
}
SPECS: tuple[MetricSpec, ...] = tuple(row.spec for row in ROWS.values())
METRIC_OF: dict[str, str] = {
    text.partition(":")[0]: name for name, row in ROWS.items() for text in row.extractors
}
"""Which metric has an extractor of libvmaf."""
