"""The bands of events in a real browser: drawn, quiet, within the page."""

import json

import pytest

from tests.report.made_ladder import log_of
from vqa_harness.report.thumbnails import Media
from vqa_harness.report.write import write_report

KINDS = ("black", "freeze", "flash", "field_order", "levels", "scene", "repeat", "silence")
HOSTILE = "<img src=x onerror=alert(1)>" * 4


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    log = log_of("clip.mp4", 0.5)
    events = [{"kind": kind, "start": i, "end": i + 1.5} for i, kind in enumerate(KINDS)]
    events += [{"kind": HOSTILE, "start": -5, "end": 3, "detail": HOSTILE}]
    log["vqa_harness"]["qc"] = {"duration": 10, "judged": list(KINDS), "events": events}
    (folder / "log.json").write_text(json.dumps(log))
    return write_report([folder / "log.json"], folder / "report.html", Media([folder]))


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_kind_has_its_row_and_a_colour_of_its_own(browser, page, width, scheme):
    browser.open(page, width, scheme)
    assert browser.complaints() == []
    assert browser.js("document.documentElement.scrollWidth") <= width
    assert browser.js("document.querySelectorAll('.band').length") == len(KINDS) + 1
    assert browser.js("document.querySelectorAll('.band img').length") == 0
    fills = browser.js(
        "[...document.querySelectorAll('.band rect')].map((r) => getComputedStyle(r).fill)"
    )
    assert len(set(fills)) == len(KINDS) + 1
    assert "rgb(0, 0, 0)" not in fills  # the colour of a class without a rule
    for left, right in browser.js(
        "[...document.querySelectorAll('.band svg')].map((e) => {"
        "const r = e.getBoundingClientRect(); return [r.left, r.right]; })"
    ):
        assert 0 <= left < right - 100
        assert right <= width
