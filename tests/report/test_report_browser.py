"""The report in a real browser: plots drawn, no request, nothing on the console."""

import json

import av
import numpy as np
import pytest

from tests.report.made_ladder import NASTY, ladder_of, log_of
from vqa_harness.report.thumbnails import Media
from vqa_harness.report.write import write_report
from vqa_harness.testing.synthetic import make_video


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    names = [f"{i}{NASTY}".replace("/", "_") + ".mp4" for i in range(6)]
    for i, name in enumerate(names):
        (folder / f"{i}.json").write_text(json.dumps(log_of(name, 0.5 + i / 10)))
    (folder / "ladder.json").write_text(json.dumps(ladder_of(names)))
    make_video(folder / names[0], 40, width=96, height=64, codec="libx264")
    return write_report([folder / "ladder.json"], folder / "report.html", Media([folder]))


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_plot_is_drawn_quietly_and_fits_the_page(browser, page, width, scheme):
    browser.open(page, width, scheme)
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]
    assert browser.js("document.documentElement.dataset.theme") == scheme
    assert browser.js("document.documentElement.scrollWidth") <= width
    plots = browser.js("PLOTS.map(({ host }) => host.dataset.feature)")
    assert plots == ["score", "score"]
    drawn = """PLOTS.map(({ plot }) => {
        const { width, height } = plot.ctx.canvas;
        const pixels = new Uint32Array(plot.ctx.getImageData(0, 0, width, height).data.buffer);
        return new Set(pixels).size;
    })"""
    assert all(colours > 20 for colours in browser.js(drawn))
    for left, right in browser.js(
        "[...document.querySelectorAll('.u-wrap, figure, .cards')].map((e) => {"
        "const r = e.getBoundingClientRect(); return [r.left, r.right]; })"
    ):
        assert left >= 0
        assert right <= width
    assert browser.js("document.querySelectorAll('.strip rect').length") > 3
    assert browser.js("[...document.images].every((i) => i.naturalWidth > 0)")
    assert browser.js("document.title").startswith(NASTY[:9])
    assert browser.js("document.querySelector('.legend').textContent.includes('<!--')")


def test_pointing_shows_values_and_dragging_zooms(browser, page):
    browser.open(page, 1280)
    corner = "const r = PLOTS[1].plot.over.getBoundingClientRect();"
    browser.js("PLOTS[1].host.scrollIntoView({ block: 'center' })")
    left, top, width, height = browser.js(f"{corner} [r.left, r.top, r.width, r.height]")
    browser.mouse("mouseMoved", left + width / 4, top + height / 2)
    browser.wait("document.querySelector('.frames .tip').innerText")
    text = browser.js("document.querySelector('.frames .tip').innerText")
    frame = round(399 / 4)
    assert f"frame {frame}" in text or f"frame {frame + 1}" in text
    assert " dB" in text
    before = browser.js("PLOTS[1].plot.scales.x.max - PLOTS[1].plot.scales.x.min")
    middle = top + height / 2
    for kind, at in (("mousePressed", 0.3), ("mouseMoved", 0.4), ("mouseReleased", 0.4)):
        browser.mouse(kind, left + at * width, middle, button="left", buttons=1, clickCount=1)
    browser.settle()
    after = browser.js("PLOTS[1].plot.scales.x.max - PLOTS[1].plot.scales.x.min")
    assert after == pytest.approx(before / 10, rel=0.1)
    browser.js("document.querySelector('.frames .tip').hidden = true")
    for count in (1, 2):
        for kind in ("mousePressed", "mouseReleased"):
            browser.mouse(kind, left + width / 2, middle, button="left", clickCount=count)
    browser.settle()
    again = browser.js("PLOTS[1].plot.scales.x.max - PLOTS[1].plot.scales.x.min")
    assert again == pytest.approx(before)
    assert browser.complaints() == []


def test_a_rung_is_named_where_the_mouse_is(browser, page):
    browser.open(page, 1280)
    x, y = browser.js(
        "const { plot } = PLOTS[0]; const box = plot.over.getBoundingClientRect();"
        "const point = DATA.sections[0].rate.score.series[0].points[1];"
        "[box.left + plot.valToPos(point.kbps, 'x'), box.top + plot.valToPos(point.value, 'y')]"
    )
    browser.mouse("mouseMoved", x + 3, y + 3)
    browser.wait("document.querySelector('.rate .tip').innerText")
    text = browser.js("document.querySelector('.rate .tip').innerText")
    assert "x264" in text
    assert "crf 22" in text
    assert "578.0 kbit/s" in text
    assert "58.00 dB" in text


def test_videos_and_folded_features_can_be_shown_and_the_theme_changed(browser, page):
    browser.open(page, 1280)
    assert browser.js("document.querySelectorAll('.chip').length") == 6
    assert browser.js("PLOTS[1].plot.series[1].show") is True
    browser.js("document.querySelector('.chip').click()")
    assert browser.js("PLOTS[1].plot.series[1].show") is False
    assert browser.js("document.querySelector('.chip').getAttribute('aria-pressed')") == "false"
    browser.js("document.querySelector('details.more').open = true")
    browser.js("document.querySelector('details.more').scrollIntoView()")
    browser.wait("PLOTS.length === 3")
    browser.js("document.getElementById('theme').click()")
    assert browser.js("document.documentElement.dataset.theme") == "dark"
    assert browser.complaints() == []


def test_every_chart_that_is_not_folded_away_is_drawn_when_the_page_has_loaded(browser, page):
    browser.open(page, 1280, height=300)
    assert browser.js("scrollY") == 0
    assert browser.js("PLOTS.length") == browser.js(
        "[...document.querySelectorAll('.plot')].filter((e) => !e.closest('details')).length"
    )
    assert browser.js("document.querySelectorAll('details .plot canvas').length") == 0


def test_a_picture_of_the_whole_page_has_the_charts_below_the_window(browser, page):
    browser.open(page, 900, height=300)
    size = "const r = document.querySelector('.plot.frames canvas').getBoundingClientRect();"
    left, top, width, height = map(round, browser.js(f"{size} [r.left, r.top, r.width, r.height]"))
    assert top > 300
    codec = av.CodecContext.create("png", "r")
    (frame,) = codec.decode(av.Packet(browser.picture(whole=True)))
    chart = frame.to_ndarray(format="rgb24")[top : top + height, left : left + width]
    assert len(np.unique(chart.reshape(-1, 3), axis=0)) > 50


def test_prints_in_light_colours_at_the_width_of_paper(browser, page):
    browser.open(page, 1280, "dark")
    browser.js("addEventListener('beforeprint', () => { window.seen = ROOT.dataset.theme; })")
    pdf = browser.call("Page.printToPDF")["data"]
    assert len(pdf) > 20_000
    assert browser.js("window.seen") == "light"
    assert browser.js("ROOT.dataset.theme") == "dark"
    assert browser.complaints() == []
