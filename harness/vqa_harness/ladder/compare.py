"""Compares the measured rungs of a ladder: curves, BD-rates, hulls, and which rungs to take.

The document made here is what ``ladder.json`` holds; ``docs/ladder.md`` describes its keys.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import Any

from vqa_harness.errors import UsageError
from vqa_harness.ladder.config import CompareSettings
from vqa_harness.ladder.score import Rung, ScoredLadder
from vqa_harness.logs.features import FeatureInfo
from vqa_harness.stats import bdrate, hull

SATURATED = 0.01
"""Distance from a feature's best value, as a part of it, within which differences mean little."""

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
        one = _Feature(feature, measured.features[feature], rungs, series, settings)
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


class _Feature:
    """One source seen through one feature; qualities are turned so that more is better."""

    def __init__(
        self,
        name: str,
        about: FeatureInfo,
        rungs: list[Rung],
        series: Mapping[str, list[int]],
        settings: CompareSettings,
    ) -> None:
        self._name, self._about, self._settings = name, about, settings
        self._rungs = rungs
        self._values = {
            i: about.sign * rung.quality[name][settings.pool]
            for i, rung in enumerate(rungs)
            if name in rung.quality
        }
        self.series = {
            label: [i for i in indices if i in self._values] for label, indices in series.items()
        }

    def curve(self, series: str) -> Json:
        """The rungs a curve goes through, and what is wrong with it."""
        members = self.series[series]
        points = self._points(members)
        sizes = {self._rungs[i].size[1] for i in members}
        kind = self._settings.curve
        if kind == "auto":
            kind = "hull" if len(sizes) > 1 else "points"
        on_curve = list(range(len(members)))
        fallen = bdrate.falls(points)
        if kind == "hull":
            on_curve = hull.upper_hull(points)
        elif self._settings.not_monotone == "pareto":
            on_curve = hull.pareto(points)
        notes = []
        if fallen and kind == "points":
            a, b = fallen[0]
            notes.append(
                f"{len(fallen)} of {len(points)} points are no better than one of less bitrate: "
                f"{self._shown(b)} after {self._shown(a)}"
            )
        saturated = [i for i in members if self._saturated(i)]
        if saturated:
            notes.append(f"{len(saturated)} points are within 1 % of the best value possible")
        return {
            "kind": kind,
            "rungs": [members[k] for k in on_curve],
            "monotone": not fallen,
            "left_out": len(members) - len(on_curve),
            "notes": notes,
        }

    def comparisons(self) -> list[Json]:
        """Compare every series with the anchor, or without one every pair in their order."""
        names = list(self.series)
        anchor = self._settings.anchor
        if anchor in names:
            pairs = [(anchor, name) for name in names if name != anchor]
        else:
            pairs = list(combinations(names, 2))
        return [self._compare(first, second) for first, second in pairs]

    def hull(self) -> Json:
        """The hull over all rungs, its steps, and the rungs to take."""
        members = sorted(self._values, key=lambda i: self._rungs[i].bitrate.mean)
        points = self._points(members)
        on_hull = hull.upper_hull(points)
        jnd = self._settings.jnd.get(self._name)
        rungs = [members[k] for k in on_hull]
        return {
            "rungs": rungs,
            "steps": [
                {
                    "lower": members[step.lower],
                    "upper": members[step.upper],
                    "gain": step.gain,
                    "bitrate_ratio": step.ratio,
                    "below_jnd": step.below_jnd,
                }
                for step in hull.steps(points, on_hull, jnd)
            ],
            "spaced": None
            if jnd is None
            else [members[k] for k in hull.thin(points, on_hull, jnd)],
            "picks": self._picks(members, points, on_hull),
        }

    def _picks(self, members: list[int], points: list[bdrate.Point], on_hull: list[int]) -> Any:
        picks: list[Json] = []
        for target in self._settings.target_bitrates:
            k = hull.for_bitrate(points, on_hull, target)
            picks.append({"bitrate": target, "rung": None if k is None else members[k]})
        for target in self._settings.target_qualities.get(self._name, ()):
            k = hull.for_quality(points, on_hull, self._about.sign * target)
            picks.append(
                {
                    "quality": target,
                    "rung": None if k is None else members[k],
                    "bitrate_at": {name: self._rate_at(name, target) for name in self.series},
                }
            )
        return picks

    def _rate_at(self, series: str, target: float) -> float | None:
        points = self._points(self.curve(series)["rungs"])
        try:
            return bdrate.rate_at(points, self._about.sign * target, self._settings.method)
        except bdrate.CurveError:
            return None

    def _compare(self, anchor: str, test: str) -> Json:
        entry: Json = {"feature": self._name, "anchor": anchor, "test": test}
        first, second = self.curve(anchor)["rungs"], self.curve(test)["rungs"]
        nothing = dict.fromkeys(("bd_rate", "bd_quality", "overlap", "covered", "bitrate_overlap"))
        try:
            difference = bdrate.compare(
                self._points(first),
                self._points(second),
                self._settings.method,
                min_overlap=self._settings.min_overlap,
            )
        except bdrate.CurveError as error:
            return {**entry, **nothing, "crossings": [], "notes": [], "refused": str(error)}
        return {
            **entry,
            "bd_rate": difference.rate,
            "bd_quality": difference.quality,
            "overlap": difference.overlap,
            "covered": difference.covered,
            "bitrate_overlap": difference.rate_overlap,
            "crossings": [self._about.sign * x for x in difference.crossings],
            "notes": list(difference.notes),
            "refused": None,
        }

    def _points(self, members: Sequence[int]) -> list[bdrate.Point]:
        return [(self._rungs[i].bitrate.mean, self._values[i]) for i in members]

    def _saturated(self, index: int) -> bool:
        best = self._about.best
        if best is None or not math.isfinite(best):
            return False
        return abs(best - self._about.sign * self._values[index]) < SATURATED * max(abs(best), 1.0)

    def _shown(self, point: bdrate.Point) -> str:
        rate, quality = point
        return f"{self._about.sign * quality:.4g} at {rate / 1000:.4g} kbit/s"
