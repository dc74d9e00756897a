"""Metrics for the tests of the benchmark."""

from typing import ClassVar

import numpy as np

from vqa_harness import Feature, Metric, MetricSpec, Param


class Brightness(Metric):
    """Mean luma; ``made_from`` is what it says of its training."""

    calls: ClassVar[list[int]] = []

    def __init__(self, *, made_from="", scale=1.0):
        self.made_from, self.scale = made_from, scale

    def measure(self, frame, ref):
        Brightness.calls.append(frame.index)
        return {"brightness": self.scale * float(frame.rgb.mean())}

    def info(self):
        return {"training_data": self.made_from} if self.made_from else {}


class Darkness(Metric):
    def measure(self, frame, ref):
        return {"darkness": 255 - float(frame.rgb.mean())}


class Fragile(Metric):
    def measure(self, frame, ref):
        if frame.rgb.mean() > 120:
            raise RuntimeError("too bright")
        return {"fragile": float(frame.rgb.mean())}


class Stop(Metric):
    left = 10**9

    def measure(self, frame, ref):
        Stop.left -= 1
        if Stop.left < 0:
            raise KeyboardInterrupt
        return {"stop": float(frame.rgb.mean())}


class Difference(Metric):
    def measure(self, frame, ref):
        return {"difference": float(np.abs(frame.rgb.astype(float) - ref.rgb).mean())}


def _spec(name, *, higher=True, **options):
    factory = f"{__name__}:{name.capitalize()}"
    return MetricSpec(name, factory, (Feature(name, higher_is_better=higher),), **options)


SPECS = (
    _spec(
        "brightness",
        params=(Param("made_from", "", changes_score=False), Param("scale", 1.0)),
    ),
    _spec("darkness", higher=False),
    _spec("fragile"),
    _spec("stop"),
    _spec("difference", higher=False, reference=True),
)
