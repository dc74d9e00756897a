"""The label that training on opinion scores learns, and what stops it before it begins."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.clip_train.test_training import job_of
from vqa_harness.errors import UsageError
from vqa_plugin_clip.network import labels
from vqa_plugin_clip.network.labels import level_label
from vqa_plugin_clip.svr import SvrDecoder
from vqa_plugin_clip.train import run
from vqa_plugin_clip.train.run import SILENT, train


def test_the_label_is_that_of_the_behaviour(clips, tiny, tmp_path, monkeypatch):
    calls = []

    def spy(level, levels):
        calls.append(np.asarray(level))
        return level_label(level, levels)

    monkeypatch.setattr(labels, "level_label", spy)
    short = {"epochs": 1, "warmup_epochs": 0}
    train(job_of(clips, tiny, tmp_path / "new", recipe=short, fit_svr=True))
    trained = np.concatenate(calls[1:])  # the first call is for the decoder
    assert set(np.round(trained, 6)) <= set(np.round(calls[0], 6))
    decoder = SvrDecoder.from_dict(
        json.loads((tmp_path / "new" / "last.json").read_text())["extra"]["svr"]
    )
    wanted = level_label(np.sort(calls[0]), 6)
    for vector in decoder.vectors:
        assert np.abs(wanted - vector).max(axis=1).min() < 1e-9
    calls.clear()
    old = short | {"behaviour": "published"}
    train(job_of(clips, tiny, tmp_path / "published", recipe=old, fit_svr=True))
    assert not calls


def test_resume_refuses_a_training_of_another_label(clips, tiny, tmp_path):
    job = job_of(clips, tiny, tmp_path / "x")
    facts = {"recipe": job.recipe.to_dict(), "files": "f", "processes": 1}
    now = facts | {"label": "level_label"}
    with pytest.raises(UsageError, match="begun by a version that trains another label"):
        run._check_same(job, facts, now)
    run._check_same(job, facts, facts | {"label": "vectorised_label"})
    run._check_same(job, now, now)


def test_the_folder_is_tried_before_any_file_is_looked_at(clips, tiny, tmp_path):
    (tmp_path / "file").touch()
    looked = []
    watcher = replace(SILENT, looked=lambda *words: looked.append(words))
    with pytest.raises(UsageError, match=r"^cannot make the folder .*file.out"):
        train(job_of(clips, tiny, tmp_path / "file" / "out"), watcher)
    assert not looked
