"""The examples of docs/python-api.md, run one after another as a reader would."""

import importlib.util
import re

import numpy as np
import pytest

import vqa_harness
from tests.paths import docs_page
from vqa_harness.testing import make_video, moving_pattern

PAGE = docs_page("python-api.md")
EXAMPLE = re.compile(r"(?:<!-- needs (\w+) -->\n)?```python\n(.*?)```", re.S)


def examples():
    return [(needs, code) for needs, code in EXAMPLE.findall(PAGE)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    frames = moving_pattern(12, 208, 208)
    make_video(tmp_path / "original.mp4", frames, options={"crf": "10"})
    make_video(tmp_path / "encode.mp4", frames, options={"crf": "30"})
    make_video(tmp_path / "smaller.mp4", frames, options={"crf": "40"})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_examples_run(folder, capsys):
    names = {}
    for needs, code in examples():
        if not needs or importlib.util.find_spec(needs):
            line = PAGE[: PAGE.index(code)].count("\n") + 1
            exec(compile("\n" * (line - 1) + code, "python-api.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "missing.mp4 could not be scored: missing.mp4: no such file; check the path" in printed
    assert re.search(r"^-\d\d\.\d % of bitrate at equal quality$", printed, re.M)
    assert "Traceback" not in printed
    log = vqa_harness.read_log("scores.json")
    assert {"psnr_y", "ssim", "niqe"} <= set(log.columns)
    assert (folder / "scores.csv").exists()
    assert np.isfinite(names["result"]["niqe"])


def test_every_section_has_what_the_table_links_to():
    anchors = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^## (.*)$", PAGE, re.M)
    }
    links = set(re.findall(r"\]\(#([^)]+)\)", PAGE))
    assert len(examples()) > 12
    assert links <= anchors
