"""Compares the measured rungs of a ladder: curves, BD-rates, hulls, and which rungs to take.

The document made here is what ``ladder.json`` holds; ``docs/ladder.md`` describes its keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from vqa_harness.errors import UsageError
from vqa_harness.ladder.curves import FeatureView
from vqa_harness.ladder.score import Rung, ScoredLadder
from vqa_harness.ladder.settings import CompareSettings
from vqa_harness.logs.features import FeatureInfo

Json = dict[str, Any]


def compare_ladder(measured: ScoredLadder, settings: CompareSettings) -> Json:
    """Compare the measured rungs of a ladder.

    Returns:
        The keys ``settings``, ``features``, ``sources``, ``aggregate`` and ``failed`` of the
        document.

    Raises:
        UsageError: the anchor is not a series, or a feature to compare was not measured.
    """
    names = _chosen(measured, settings)
    sources = [
        _source(name, [r for r in measured.rungs if r.source == name], names, measured, settings)
        for name in measured.references
    ]
    return {
        "settings": _settings(settings),
        "features": {name: _feature(name, measured.features[name], settings) for name in names},
        "sources": sources,
        "aggregate": aggregate([source["comparisons"] for source in sources]),
        "failed": [{"file": name, "error": str(error)} for name, error in measured.failed],
    }


def aggregate(comparisons: Sequence[Sequence[Mapping[str, Any]]]) -> list[Json]:
    """Mean BD-rate and BD-quality of each pair of series over sources, each source counting once.

    Args:
        comparisons: the list ``comparisons`` of each source, as `compare_ladder` gives it.
    """
    pairs: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for one in (entry for source in comparisons for entry in source):
        pairs.setdefault((one["feature"], one["anchor"], one["test"]), []).append(one)
    means = []
    for (feature, anchor, test), entries in pairs.items():
        rates = [e["bd_rate"] for e in entries if e["bd_rate"] is not None]
        qualities = [e["bd_quality"] for e in entries if e["bd_quality"] is not None]
        means.append(
            {
                "feature": feature,
                "anchor": anchor,
                "test": test,
                "bd_rate": fmean(rates) if rates else None,
                "bd_rate_min": min(rates, default=None),
                "bd_rate_max": max(rates, default=None),
                "bd_quality": fmean(qualities) if qualities else None,
                "sources": len(rates),
                "left_out": len(entries) - len(rates),
            }
        )
    return means


def _chosen(measured: ScoredLadder, settings: CompareSettings) -> list[str]:
    if settings.features:
        for name in settings.features:
            if name not in measured.features:
                known = ", ".join(measured.features) or "none"
                raise UsageError(f"feature {name!r} was not measured; there are {known}")
        return list(settings.features)
    series = {rung.series for rung in measured.rungs}
    if settings.anchor and measured.rungs and settings.anchor not in series:
        raise UsageError(f"anchor {settings.anchor!r}: choose one of {', '.join(sorted(series))}")
    return [name for name, about in measured.features.items() if about.leading]


def _settings(settings: CompareSettings) -> Json:
    return {
        "pool": settings.pool,
        "method": settings.method,
        "min_overlap": settings.min_overlap,
        "not_monotone": settings.not_monotone,
        "curve": settings.curve,
        "anchor": settings.anchor or None,
        "jnd": dict(settings.jnd),
    }


def _feature(name: str, about: FeatureInfo, settings: CompareSettings) -> Json:
    return {
        "metric": about.metric,
        "direction": "higher" if about.sign > 0 else "lower",
        "unit": about.unit,
        "best": about.best,
        "jnd": settings.jnd.get(name),
    }


def _source(
    name: str,
    rungs: list[Rung],
    features: list[str],
    measured: ScoredLadder,
    settings: CompareSettings,
) -> Json:
    series: dict[str, list[int]] = {}
    for index, rung in enumerate(rungs):
        series.setdefault(rung.series, []).append(index)
    for indices in series.values():
        indices.sort(key=lambda i: rungs[i].bitrate.mean)
    result: Json = {
        "name": name,
        "reference": measured.references[name],
        "rungs": [_rung(rung) for rung in rungs],
        "series": series,
        "curves": {},
        "comparisons": [],
        "hulls": {},
    }
    for feature in features:
        one = FeatureView(feature, measured.features[feature], rungs, series, settings)
        result["curves"][feature] = {name: one.curve(name) for name in one.series}
        result["comparisons"] += one.comparisons()
        result["hulls"][feature] = one.hull()
    return result


def _rung(rung: Rung) -> Json:
    rate = rung.bitrate
    return {
        "series": rung.series,
        "file": rung.path.name,
        "codec": rung.stream.codec,
        "width": rung.size[0],
        "height": rung.size[1],
        "setting": rung.setting,
        "bitrate": rate.mean,
        "peak_bitrate": rate.peak,
        "bytes": rate.size,
        "seconds": rate.seconds,
        "frames": rung.frames,
        "pooled": rung.quality,
        "log": None if rung.log is None else f"{rung.log.parent.name}/{rung.log.name}",
        "alignment": dict(rung.alignment),
        "warnings": rung.warnings,
    }
