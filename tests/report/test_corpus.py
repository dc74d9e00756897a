"""The page of a corpus: what it shows, and that nothing in a row can harm it."""

import pytest

from tests.paths import ROOT
from vqa_harness.batch.row import Row
from vqa_harness.batch.store import Store
from vqa_harness.errors import UsageError
from vqa_harness.report.corpus import WORST, load_corpus, shape_of
from vqa_harness.report.corpus_charts import BINS, histogram, scatter
from vqa_harness.testing.synthetic import make_video

pytest.importorskip("jinja2")
FEATURES = {
    "good": {"metric": "good", "unit": "dB", "higher_is_better": True},
    "bad": {"metric": "bad", "unit": "", "higher_is_better": False},
    "plain": {"metric": "plain", "unit": "", "higher_is_better": None},
}
NASTY = "<img src=x onerror=alert(1)>\x1b[31m.mp4"


def row(n, file=None, **more):
    key = f"{n:064x}"
    means = {"good": float(n), "bad": 100.0 - n, "plain": 1.0}
    pooled = {name: {"mean": x, "min": x} for name, x in means.items()}
    base = {"status": "done", "frames": 10, "seconds": 2.0, "log": key, "pooled": pooled}
    return Row(key, "ab12", file or f"{n}.mp4", "", **{**base, **more})


@pytest.fixture
def folder(tmp_path):
    out = tmp_path / "out"
    store = Store(out)
    out.mkdir()
    record = {"vqa_harness": "9.9", "metrics": list(FEATURES), "features": FEATURES}
    store.prepare("ab12", record)
    for n in range(30):
        store.put_row(row(n))
    bad = {"status": "failed", "pooled": {}, "log": None, "frames": 0, "exit_code": 3}
    for n in range(30, 35):
        store.put_row(row(n, message=f"/data/{n}.mp4: ended after {n} frames", **bad))
    store.put_row(row(40, NASTY, message=f"{NASTY}: no such file", **bad))
    other = row(50)
    other.settings = "cd34"
    store.put_row(other)
    return out


def test_what_is_gathered(folder):
    corpus = load_corpus(folder)
    assert (corpus.done, corpus.failed, corpus.frames) == (30, 6, 300)
    assert [(one.name, one.sign) for one in corpus.features] == [
        ("good", 1),
        ("bad", -1),
        ("plain", 0),
    ]
    good, bad, plain = corpus.features
    assert [one.file for one in good.worst] == [f"{n}.mp4" for n in range(WORST)]
    assert [one.file for one in bad.worst] == [f"{n}.mp4" for n in range(WORST)]
    assert plain.worst == []
    assert [(one.count, one.text) for one in corpus.failures] == [
        (5, "FILE: ended after N frames"),
        (1, "FILE: no such file"),
    ]
    assert sorted(x for x, _, _ in corpus.points) == [float(n) for n in range(30)]
    assert len(load_corpus(folder, 25).features[0].worst) == 25


def test_messages_lose_what_differs():
    assert shape_of("/a/b/x.mp4: took 3.5 s", ("b/x.mp4", "")) == "FILE: took N s"
    assert shape_of("r.mp4: is shorter than x.mp4", ("x.mp4", "r.mp4")) == (
        "FILE: is shorter than FILE"
    )


def test_bars_count_every_value():
    svg = histogram([float(n % 7) for n in range(700)], "x")
    assert svg.count('class="bar"') == 7
    assert svg.count(": 100</title>") == 7
    assert histogram([3.0] * 4, "x").count(": 4</title>") == 1
    assert BINS > 7
    assert scatter([(1.0, 2.0, NASTY)], "x").count("&lt;img") == 1


def test_the_page(folder, cli):
    code, out, err = cli("report", folder)
    assert (code, out) == (0, "")
    assert "wrote" in err
    html = (folder / "report.html").read_text("utf-8")
    assert "<img" not in html
    assert "\x1b" not in html
    assert html.count("&lt;img") >= 2
    assert ">36<" not in html
    assert "logs/00/" in html
    assert "default-src 'none'" in html


def test_pages_of_the_worst_are_made_and_linked(cli, tmp_path):
    for n, crf in enumerate((20, 50)):
        make_video(tmp_path / f"{n}.mp4", 3, options={"crf": str(crf)})
    (tmp_path / "cases.csv").write_text("file,reference\n0.mp4,0.mp4\n1.mp4,0.mp4\n")
    out = tmp_path / "out"
    options = ("-m", "psnr", "--engine", "pool", "--jobs", "1", "-q")
    assert cli("batch", tmp_path / "cases.csv", *options, "-o", out)[0] == 0
    code, _, err = cli("report", out, "--single", "1", "--distorted", tmp_path)
    assert code == 0, err
    (page,) = (out / "report-files").iterdir()
    assert f'href="report-files/{page.name}"' in (out / "report.html").read_text("utf-8")
    text = page.read_text("utf-8")
    assert "1.mp4" in text
    assert "data:image/jpeg" in text


def test_what_is_no_batch_is_refused(cli, tmp_path, folder):
    code, _, err = cli("report", tmp_path)
    assert (code, len(err.splitlines())) == (3, 1)
    code, _, err = cli("report", folder, folder)
    assert code == UsageError.exit_code
    code, _, err = cli("report", ROOT / "pyproject.toml", "--single", "2")
    assert code == UsageError.exit_code
    assert "--single is for the folder of a batch" in err


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_in_a_browser(folder, cli, browser, width, scheme):
    assert cli("report", folder)[0] == 0
    browser.open(folder / "report.html", width, scheme)
    assert browser.complaints() == []
    assert browser.requests() == [(folder / "report.html").as_uri()]
    assert browser.js("document.documentElement.scrollWidth") <= width
    assert browser.js("document.querySelectorAll('svg.still').length") == 4
    fill = browser.js("getComputedStyle(document.querySelector('.bar')).fill")
    assert fill == {"light": "rgb(0, 114, 178)", "dark": "rgb(86, 180, 240)"}[scheme]
    if width == 1280:
        browser.js("document.getElementById('theme').click()")
        assert browser.js("document.documentElement.dataset.theme") != scheme
