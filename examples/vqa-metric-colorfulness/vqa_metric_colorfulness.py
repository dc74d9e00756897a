"""Colorfulness (Hasler and Suesstrunk, 2003) as a third-party metric of vqa-harness."""

import numpy as np

from vqa_harness import Feature, Frame, Metric, MetricSpec, hookimpl


class Colorfulness(Metric):
    def measure(self, frame: Frame, ref: Frame | None) -> dict[str, float]:
        r, g, b = np.moveaxis(frame.rgb.astype(np.float64), -1, 0)
        rg, yb = r - g, (r + g) / 2 - b
        spread, mean = np.hypot(rg.std(), yb.std()), np.hypot(rg.mean(), yb.mean())
        return {"colorfulness": float(spread + 0.3 * mean)}


@hookimpl
def vqa_register_metrics() -> list[MetricSpec]:
    feature = Feature("colorfulness", higher_is_better=None, lo=0.0, help="0 for grey pictures")
    summary = "How colourful a frame is"
    return [MetricSpec("colorfulness", f"{__name__}:Colorfulness", (feature,), summary=summary)]
