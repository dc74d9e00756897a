"""PSNR, SSIM, MS-SSIM, SSIMULACRA2, Butteraugli and VMAF, as data."""

from __future__ import annotations

from vqa_harness.spec import Feature, MetricSpec, Param
from vqa_metrics.specs.libvmaf import CONTEXT, EXTRA, HOW

PSNR = MetricSpec(
    name="psnr",
    factory="vqa_metrics.psnr:Psnr",
    features=(
        Feature("psnr_y", lo=0, unit="dB", help="luma; at most 6 * bits + 12 dB"),
        Feature("psnr_cb", lo=0, unit="dB", help="blue-difference chroma; undefined for gray"),
        Feature("psnr_cr", lo=0, unit="dB", help="red-difference chroma; undefined for gray"),
        Feature("psnr_lossless", None, 0, 1, help="1 where all planes are equal", diagnostic=True),
    ),
    reference=True,
    context=(0, 0),
    summary="Peak signal-to-noise ratio per plane, equal to libvmaf's",
    paper="ITU-T J.340; limits and names as in libvmaf",
)
SSIM = MetricSpec(
    name="ssim",
    factory="vqa_metrics.ssim:Ssim",
    features=(Feature("ssim", lo=-1, hi=1, help="luma, Gaussian window of 11x11"),),
    reference=True,
    context=(0, 0),
    summary="Structural similarity as published (not libvmaf's float_ssim, not FFmpeg's ssim)",
    paper="Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 2004",
    warmup="vqa_metrics.reference_warmup",
)
MS_SSIM = MetricSpec(
    name="ms_ssim",
    factory="vqa_metrics.ssim:MsSsim",
    features=(Feature("ms_ssim", lo=0, hi=1, help="luma, five scales"),),
    reference=True,
    context=(0, 0),
    summary="Multi-scale structural similarity as published",
    paper="Wang, Simoncelli, Bovik, Asilomar 2003",
    warmup="vqa_metrics.reference_warmup",
)
TRANSFER = Param(
    "transfer",
    "auto",
    "how standard dynamic range becomes light: as tagged, by BT.1886 or as sRGB",
    choices=("auto", "bt1886", "srgb"),
)
SSIMULACRA2 = MetricSpec(
    name="ssimulacra2",
    factory="vqa_metrics.ssimulacra2.metric:Ssimulacra2",
    features=(
        Feature(
            "ssimulacra2",
            hi=100,
            help="all colours; 90 no difference seen, 70 high quality, 50 medium, 30 low",
        ),
    ),
    reference=True,
    context=(0, 0),
    params=(TRANSFER,),
    version="2.1",
    summary="SSIMULACRA2, fitted to opinions of compressed pictures, as libjxl defines it",
    paper="Sneyers, Cloudinary, 2022; version 2.1 of libjxl, 2023",
    warmup="vqa_metrics.ssimulacra2.warmup",
    sdr_only=True,
    smallest=8,
)
BUTTERAUGLI = MetricSpec(
    name="butteraugli",
    factory="vqa_metrics.butteraugli.metric:Butteraugli",
    features=(
        Feature(
            "butteraugli",
            higher_is_better=False,
            lo=0,
            help="largest difference in the frame; about 1 where one is just seen",
        ),
        Feature(
            "butteraugli_3norm",
            higher_is_better=False,
            lo=0,
            help="all differences of the frame, larger ones more",
        ),
    ),
    reference=True,
    context=(0, 0),
    params=(
        Param("nits", 80.0, "luminance of standard dynamic range's white, cd/m2", 1, 10_000),
        TRANSFER,
    ),
    version="0.11",
    summary="Butteraugli, a model of early vision for small differences, as libjxl defines it",
    paper="Alakuijala et al., Google, 2016; version of libjxl 0.11, 2024",
    warmup="vqa_metrics.butteraugli.warmup",
    smallest=8,
)
VMAF = MetricSpec(
    name="vmaf",
    factory="vqa_metrics.vmaf.metric:Vmaf",
    features=(
        Feature(
            "vmaf",
            lo=0,
            hi=100,
            help="score of model vmaf_v0.6.1; other models have names of their own",
        ),
    ),
    kind="stream",
    reference=True,
    sdr_only=True,
    context=CONTEXT,
    params=(
        # Models and features have names of their own in the log, which parameters need not be in.
        Param(
            "model",
            "vmaf_v0.6.1",
            "a model built into libvmaf, or a .json file; join several by +",
            changes_score=False,
            changes_features=True,
        ),
        Param(
            "features",
            "",
            "further libvmaf features to report, joined by +, such as float_ssim+cambi",
            changes_score=False,
            changes_features=True,
        ),
        Param(
            "confidence",
            False,
            "tell the 95 % interval of the bootstrap model of v0.6.1",
            changes_score=False,
            changes_features=True,
        ),
        *HOW,
    ),
    summary="Video multimethod assessment fusion, computed by libvmaf",
    paper="Li et al., Netflix, 2016",
    extra=EXTRA,
    backend="vqa_metrics.vmaf.backend:backend_of",
)
SPECS: tuple[MetricSpec, ...] = (PSNR, SSIM, MS_SSIM, SSIMULACRA2, BUTTERAUGLI, VMAF)
