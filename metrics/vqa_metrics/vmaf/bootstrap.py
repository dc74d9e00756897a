"""How sure VMAF is: the 95 % confidence interval of its bootstrap model.

The model ``vmaf_b_v0.6.3`` is VMAF v0.6.1 trained twenty times more, on samples of the same opinion
scores. How far their predictions lie apart tells how much depends on whom was asked. FFmpeg's
filter takes no collection of models, so libvmaf is given each as a model file of its own, and what
libvmaf makes of the twenty (``vmaf_bootstrap_predict_score_at_index``) is made of them here.

Source: Netflix, "VMAF confidence interval", 2018; B. Efron, Annals of Statistics 7 (1), 1979.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

import numpy as np

from vqa_harness.errors import UsageError
from vqa_harness.spec import Feature
from vqa_metrics.vmaf.models import DEFAULT, VmafModel

VERSION = "vmaf_b_v0.6.3"
FEATURES = (
    Feature("vmaf_bagging", lo=0, hi=100, help="mean of the bootstrap models' scores"),
    Feature("vmaf_stddev", None, lo=0, help="their standard deviation"),
    Feature("vmaf_ci_p95_lo", lo=0, hi=100, help="95 % of them are at least as high"),
    Feature("vmaf_ci_p95_hi", lo=0, hi=100, help="95 % of them are at most as high"),
)
"""What is told of a frame; the names are libvmaf's."""
_PREFIX = "vmaf_bootstrap_"
_CLIP = (0.0, 100.0)
_STEP = 0.01
"""Half the step over which libvmaf takes the slope of its clipping."""


def check_models(versions: list[str]) -> None:
    """Refuse models that have no bootstrap model.

    Raises:
        UsageError: ``vmaf_v0.6.1`` is not among them.
    """
    if DEFAULT not in versions:
        raise UsageError(
            f"vmaf:confidence=true: there is a bootstrap model of {DEFAULT} only, not of"
            f" {', '.join(versions)}; add model={DEFAULT}"
        )


@lru_cache(maxsize=1)
def bootstrap_models() -> tuple[VmafModel, ...]:
    """The twenty models, without the clipping of their scores to 0 to 100."""
    path = resources.files("vqa_metrics") / "data" / f"{VERSION}.json.gz"
    collection = json.loads(gzip.decompress(path.read_bytes()))
    models = []
    for number in range(1, len(collection)):  # number 0 is trained on all scores
        model = dict(collection[str(number)]["model_dict"], model_type="LIBSVMNUSVR")
        for key in ("score_clip", "score_transform"):
            del model[key]
        text = json.dumps({"model_dict": model})
        models.append(VmafModel(VERSION, f"{_PREFIX}{number:02d}", text=text))
    return tuple(models)


def is_of_bootstrap(name: str) -> bool:
    """Whether a name in libvmaf's log is that of one of the twenty models."""
    return name.startswith(_PREFIX)


def interval(metrics: Mapping[str, float]) -> dict[str, float]:
    """What the twenty scores of a frame tell.

    Args:
        metrics: A frame's part of libvmaf's log.

    Returns:
        The values of `FEATURES`. As in libvmaf the percentiles are interpolated, clipping comes
        after them, and the deviation shrinks by the slope of the clipping at the mean.
    """
    scores = np.array([score for name, score in metrics.items() if is_of_bootstrap(name)])
    mean = float(scores.mean())
    lo, hi = np.percentile(scores, (2.5, 97.5))
    above, below = (float(np.clip(mean + step, *_CLIP)) for step in (_STEP, -_STEP))
    slope = (above - below) / (2 * _STEP)
    clipped = (float(np.clip(value, *_CLIP)) for value in (mean, lo, hi))
    bagging, low, high = clipped
    values = (bagging, float(scores.std()) * slope, low, high)
    return {feature.name: value for feature, value in zip(FEATURES, values, strict=True)}
