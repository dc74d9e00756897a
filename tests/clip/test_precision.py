"""Scores are computed in float32 on GPUs too, and torch's switches stay the user's."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

from vqa_plugin_clip.metric import ClipVqaMetric
from vqa_plugin_clip.network import precision


def test_nothing_is_rounded_inside_and_all_is_as_before_outside():
    before = [getattr(place, name) for place, name, _ in precision._switches()]
    with pytest.raises(ZeroDivisionError):
        _fail_inside()
    assert [getattr(place, name) for place, name, _ in precision._switches()] == before


def _fail_inside():
    with precision.full_precision():
        inside = [getattr(place, name) for place, name, _ in precision._switches()]
        assert inside == [exact for _, _, exact in precision._switches()]
        raise ZeroDivisionError


def test_older_versions_of_torch_have_other_switches(monkeypatch):
    class Backend:
        allow_tf32 = True

    monkeypatch.setattr(torch.backends, "cudnn", Backend)
    with monkeypatch.context() as inner:
        inner.setattr(torch.backends.cuda, "matmul", Backend)
        with precision.full_precision():
            assert Backend.allow_tf32 is False
    assert Backend.allow_tf32 is True


def test_the_metric_scores_in_full_precision(monkeypatch):
    seen = []
    metric = ClipVqaMetric(
        checkpoint="default",
        window="2",
        hop="",
        decode="level",
        backend="torch",
        device="cpu",
        explain=False,
        batch=1,
    )
    model = metric.loaded.network._model
    switches = precision._switches()
    handle = model.register_forward_pre_hook(
        lambda *_: seen.append([getattr(place, name) for place, name, _ in switches])
    )
    try:
        metric.probabilities(np.zeros((1, 4, 224, 224, 3), np.uint8))
    finally:
        handle.remove()
    assert seen == [[exact for _, _, exact in switches]]
