"""The features that libvmaf gives besides the scores of its models: names, directions, ranges.

The names are those that libvmaf's feature extractors register (Netflix, libvmaf 2.0 to 3.0). A
feature with an option that is not at its default is renamed by libvmaf: the option's short name and
its value are appended, several in the order of their short names. Only what every version gives is
listed; what a version adds stands in the log without direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from vqa_harness.spec import Feature
from vqa_metrics.vmaf.models import VmafModel


@dataclass(frozen=True, slots=True)
class Extractor:
    """One of libvmaf's feature extractors.

    Attributes:
        gives: Features that it gives with any options.
        with_option: Features that it gives besides if an option is ``true``; never renamed.
        without_option: Names of features that it leaves out if an option is ``false``.
        renames: For each option, its short name in the log and its default.
    """

    gives: tuple[Feature, ...]
    with_option: Mapping[str, tuple[Feature, ...]] = field(default_factory=dict)
    without_option: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    renames: Mapping[str, tuple[str, float | str]] = field(default_factory=dict)

    @property
    def as_db(self) -> tuple[Feature, ...]:
        """Features that it gives with SSIM's option ``enable_db``: -10 log10(1 - x), unbounded."""
        return tuple(replace(f, lo=None, hi=None, unit="dB") for f in self.gives)


def _decibels(name: str, lo: float | None = None) -> Feature:
    return Feature(name, lo=lo, unit="dB")


def _described(*names: str) -> tuple[Feature, ...]:
    """Declare descriptions of a picture, which are neither good nor bad."""
    return tuple(Feature(name, None, lo=0) for name in names)


def _ratios(*names: str) -> tuple[Feature, ...]:
    """Declare shares of the reference: 1 for equal frames, more where contrast was enhanced."""
    return tuple(Feature(name, lo=0) for name in names)


def _detail(prefix: str = "") -> Extractor:
    names = ("adm2", *(f"adm_scale{i}" for i in range(4)))
    renames = {
        "adm_csf_mode": ("csf", 0.0),
        "adm_enhn_gain_limit": ("egl", 100.0),
        "adm_norm_view_dist": ("nvd", 3.0),
        "adm_ref_display_height": ("rdh", 1080.0),
    }
    return Extractor(_ratios(*(prefix + name for name in names)), renames=renames)


def _fidelity(prefix: str = "") -> Extractor:
    renames = {"vif_enhn_gain_limit": ("egl", 100.0), "vif_kernelscale": ("ks", 1.0)}
    return Extractor(_ratios(*(f"{prefix}vif_scale{i}" for i in range(4))), renames=renames)


_CHROMA = ("psnr_cb", "psnr_cr")
_PSNR = Extractor(
    (_decibels("psnr_y", 0), *(_decibels(name, 0) for name in _CHROMA)),
    {
        "enable_mse": tuple(
            Feature(name, higher_is_better=False, lo=0) for name in ("mse_y", "mse_cb", "mse_cr")
        )
    },
    {"enable_chroma": (*_CHROMA, "mse_cb", "mse_cr")},
)
_CAMBI = Extractor(
    (Feature("cambi", higher_is_better=False, lo=0, help="banding; 0 for none"),),
    {
        "full_ref": (
            Feature("cambi_source", None, lo=0, help="banding of the reference"),
            Feature("cambi_full_reference", higher_is_better=False, lo=0, help="what was added"),
        )
    },
    renames={
        "cambi_max_val": ("cmxv", 1000.0),
        "cambi_topk": ("ctpk", 0.6),
        "cambi_vis_lum_threshold": ("vlt", 0.0),
        "enc_bitdepth": ("encbd", 0.0),
        "eotf": ("eotf", "bt1886"),
        "enc_height": ("ench", 0.0),
        "enc_width": ("encw", 0.0),
        "max_log_contrast": ("mlc", 2.0),
        "src_height": ("srch", 0.0),
        "src_width": ("srcw", 0.0),
        "topk": ("topk", 0.6),
        "tvi_threshold": ("tvit", 0.019),
        "window_size": ("ws", 65.0),
    },
)
_PARTS = {"l": "luminance", "c": "contrast", "s": "structure"}
_SSIM = Extractor(
    (Feature("float_ssim", lo=-1, hi=1),),
    {
        "enable_lcs": tuple(
            Feature(f"float_ssim_{part}", lo=-1, hi=1, help=text) for part, text in _PARTS.items()
        )
    },
)
_MS_SSIM = Extractor(
    (Feature("float_ms_ssim", hi=1),),
    {
        "enable_lcs": tuple(
            Feature(f"float_ms_ssim_{part}_scale{scale}", lo=-1, hi=1, help=text)
            for part, text in _PARTS.items()
            for scale in range(5)
        )
    },
)
_SPEED = "difference of entropies; 0 for equal frames"
EXTRACTORS: Mapping[str, Extractor] = {
    "adm": _detail("integer_"),
    "cambi": _CAMBI,
    "ciede": Extractor((Feature("ciede2000", help="45 - 20 log10 of the mean colour difference"),)),
    "float_adm": _detail(),
    "float_ansnr": Extractor((_decibels("float_ansnr"), _decibels("float_anpsnr"))),
    "float_moment": Extractor(
        _described(*(f"float_moment_{side}{n}" for n in ("1st", "2nd") for side in ("ref", "dis")))
    ),
    "float_motion": Extractor(_described("motion2")),
    "float_ms_ssim": _MS_SSIM,
    "float_psnr": Extractor((_decibels("float_psnr", 0),)),
    "float_ssim": _SSIM,
    "float_vif": _fidelity(),
    "motion": Extractor(_described("integer_motion2")),
    "psnr": _PSNR,
    "psnr_hvs": Extractor(
        tuple(_decibels(n) for n in ("psnr_hvs", "psnr_hvs_y", "psnr_hvs_cb", "psnr_hvs_cr"))
    ),
    "speed_chroma": Extractor(
        tuple(
            Feature(f"speed_chroma_{planes}", higher_is_better=False, lo=0, help=_SPEED)
            for planes in ("uv", "u", "v")
        )
    ),
    "speed_temporal": Extractor(
        (Feature("speed_temporal", higher_is_better=False, lo=0, help=_SPEED),)
    ),
    "vif": _fidelity("integer_"),
}
"""All extractors, by the name that the parameter ``features`` takes."""


def features_of(text: str) -> Iterator[Feature]:
    """Declare what libvmaf gives for one part of the parameter ``features``, as its log names it.

    Args:
        text: ``name`` or ``name:option=value:option=value``, such as ``cambi:max_log_contrast=3``.

    Yields:
        The features; for an extractor that is not listed, one of its name, of which nothing is
        known.
    """
    name, *rest = text.split(":")
    options = dict(part.partition("=")[::2] for part in rest)
    extractor = EXTRACTORS.get(name)
    if extractor is None:
        yield Feature(name, None, help="given by libvmaf; nothing more is known here")
        return
    suffix = suffix_of(text)
    features = [
        replace(feature, name=feature.name + suffix)
        for feature in (extractor.gives if options.get("enable_db") != "true" else extractor.as_db)
    ]
    for option, more in extractor.with_option.items():
        features += more if options.get(option) == "true" else ()
    absent = {
        gone
        for option, names in extractor.without_option.items()
        if options.get(option) == "false"
        for gone in names
    }
    yield from (feature for feature in features if feature.name not in absent)


def names_asked(models: Iterable[VmafModel], features: Iterable[str]) -> list[str]:
    """Names that libvmaf's log must have if it holds everything that was asked for.

    Args:
        models: The models.
        features: Parts of the parameter ``features``, see `features_of`.
    """
    given = [feature.name for text in features for feature in features_of(text)]
    return list(dict.fromkeys([*(model.name for model in models), *given]))


def suffix_of(text: str) -> str:
    """Return what libvmaf appends to the names for options that are not at their default.

    Args:
        text: ``name`` or ``name:option=value:option=value``.
    """
    name, *rest = text.split(":")
    extractor = EXTRACTORS.get(name)
    if extractor is None:
        return ""
    parts = []
    for option, _, value in (part.partition("=") for part in rest):
        if option in extractor.renames:
            short, default = extractor.renames[option]
            shown = value if isinstance(default, str) else _number(value)
            if shown is not None and shown != _plain(default):
                parts.append((short, f"_{short}_{shown}"))
    return "".join(part for _, part in sorted(parts))


def _number(text: str) -> str | None:
    """A number as libvmaf writes it in a name; None for no number, which libvmaf will refuse."""
    try:
        return _plain(float(text))
    except ValueError:
        return None


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
