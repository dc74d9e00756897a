"""The rungs of one source seen through one feature: curves, comparisons, hull, rungs to take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from vqa_harness.ladder.score import Rung
from vqa_harness.ladder.settings import CompareSettings
from vqa_harness.logs.features import FeatureInfo
from vqa_harness.stats import bdrate, hull, rate_curve
from vqa_harness.stats.switching import switches

SATURATED = 0.01
"""Distance from a feature's best value, as a part of it, within which differences mean little."""

Json = dict[str, Any]


class FeatureView:
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
        fallen = rate_curve.falls(points)
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
        """The hull and the Pareto front over all rungs, the hull's steps, and the rungs to take."""
        members = sorted(self._values, key=lambda i: self._rungs[i].bitrate.mean)
        points = self._points(members)
        on_hull, front = hull.upper_hull(points), hull.pareto(points)
        jnd = self._settings.jnd.get(self._name)
        rungs = [members[k] for k in on_hull]
        return {
            "rungs": rungs,
            "front": [members[k] for k in front],
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
            "spaced": None if jnd is None else [members[k] for k in hull.thin(points, front, jnd)],
            "picks": self._picks(members, points),
            "switches": [one for series in self.series for one in self._switches(series)],
        }

    def _picks(self, members: list[int], points: list[rate_curve.Point]) -> list[Json]:
        picks: list[Json] = []
        for target in self._settings.target_bitrates:
            k = hull.for_bitrate(points, target)
            picks.append(
                {
                    "bitrate": target,
                    "rung": None if k is None else members[k],
                    "quality_at": {name: self._quality_at(name, target) for name in self.series},
                }
            )
        for target in self._settings.target_qualities.get(self._name, ()):
            k = hull.for_quality(points, self._about.sign * target)
            picks.append(
                {
                    "quality": target,
                    "rung": None if k is None else members[k],
                    "bitrate_at": {name: self._rate_at(name, target) for name in self.series},
                }
            )
        return picks

    def _rate_at(self, series: str, target: float) -> float | None:
        try:
            quality = self._about.sign * target
            return rate_curve.rate_at(self._rising(series), quality, self._settings.method)
        except rate_curve.CurveError:
            return None

    def _quality_at(self, series: str, target: float) -> float | None:
        try:
            found = rate_curve.quality_at(self._rising(series), target, self._settings.method)
        except rate_curve.CurveError:
            return None
        return None if found is None else self._about.sign * found

    def _rising(self, series: str) -> list[rate_curve.Point]:
        """The curve of a series without points no better than one of less bitrate."""
        points = self._points(self.curve(series)["rungs"])
        return [points[k] for k in hull.pareto(points)]

    def _switches(self, series: str) -> list[Json]:
        """Where a series goes over from one resolution to another."""
        sizes: dict[tuple[int, int], list[int]] = {}
        for i in self.series[series]:
            sizes.setdefault(self._rungs[i].size, []).append(i)
        curves = {size: self._points(members) for size, members in sorted(sizes.items())}
        return [
            {
                "series": series,
                "lower": list(one.before),
                "upper": list(one.after),
                "bitrate": one.rate,
                "quality": self._about.sign * one.quality,
            }
            for one in switches(curves, self._settings.method)
        ]

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
        except rate_curve.CurveError as error:
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
            "refused": difference.refused or None,
        }

    def _points(self, members: Sequence[int]) -> list[rate_curve.Point]:
        return [(self._rungs[i].bitrate.mean, self._values[i]) for i in members]

    def _saturated(self, index: int) -> bool:
        best = self._about.best
        if best is None or not math.isfinite(best):
            return False
        return abs(best - self._about.sign * self._values[index]) < SATURATED * max(abs(best), 1.0)

    def _shown(self, point: rate_curve.Point) -> str:
        rate, quality = point
        return f"{self._about.sign * quality:.4g} at {rate / 1000:.4g} kbit/s"
