"""Frames at full size in a real browser: opened, flipped and left, by mouse and by keyboard."""

import json

import pytest

from tests.report.made_ladder import NASTY, log_of
from vqa_harness.report.thumbnails import Media
from vqa_harness.report.write import write_report
from vqa_harness.testing.synthetic import make_video

SHOWN = """(() => {
  const pictures = [...document.querySelectorAll('#viewer .stage img')];
  return pictures.filter((p) => p.style.visibility === 'visible').map((p) => p.naturalWidth);
})()"""
WHICH = "document.querySelector('#viewer .which').textContent"
CAPTION = "document.querySelector('#viewer .caption').textContent"
OPEN = "document.getElementById('viewer').open"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The report of one log whose worst frames are there, of a rung half as large as its source."""
    folder = tmp_path_factory.mktemp("viewer")
    make_video(folder / "reference.mp4", 12, width=1920, height=1080, codec="libx264")
    name = f"a{NASTY}".replace("/", "_") + ".mp4"
    make_video(folder / name, 12, width=480, height=270, codec="libx264")
    document = log_of(name, 0.5)
    document["frames"] = document["frames"][:12]
    about = document["vqa_harness"]
    about["frame_times"] = [i / 3 for i in range(12)]
    about["inputs"]["distorted"]["rate"] = "3"  # the worst frames are a second apart
    about["inputs"]["reference"] = {"name": "reference.mp4", "width": 640, "height": 360}
    about["alignment"] = {}
    (folder / "log.json").write_text(json.dumps(document))
    return write_report([folder / "log.json"], folder / "r.html", Media([folder], [folder]))


def test_the_keyboard_opens_flips_goes_on_and_closes(browser, page):
    browser.open(page, 1280)
    assert browser.js(OPEN) is False
    browser.js("document.querySelector('.shots.full').focus()")
    browser.key("Enter")
    browser.wait(OPEN)
    browser.wait(f"{SHOWN}.length === 1")
    assert browser.js(WHICH) == "distorted"
    assert browser.js(SHOWN) == [480]
    first = browser.js(CAPTION)
    assert "(1 of 3)" in first
    assert "<!--" in first  # the file's name as text
    browser.key("f")
    assert (browser.js(WHICH), browser.js(SHOWN)) == ("reference", [1920])
    browser.key(" ")
    assert browser.js(WHICH) == "distorted"
    browser.key("f")
    browser.key("ArrowRight")
    browser.wait(f"{SHOWN}.length === 1")
    assert browser.js(WHICH) == "reference"  # the side stays while frames go on
    assert "(2 of 3)" in browser.js(CAPTION)
    browser.key("ArrowLeft")
    browser.key("ArrowLeft")
    browser.wait(f"{CAPTION}.includes('(3 of 3)')")
    browser.key("Escape")
    browser.wait(f"!{OPEN}")
    assert browser.js("document.activeElement.className") == "shots full"
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]


@pytest.mark.parametrize("width", [1280, 400])
def test_a_click_flips_and_both_pictures_fill_the_same_place(browser, page, width):
    browser.open(page, width, "dark")
    browser.js("document.querySelector('.shots.full').click()")
    places = """[...document.querySelectorAll('#viewer .stage img')].map((e) => {
        const r = e.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })"""
    browser.wait(f"{places}.every(([, , width]) => width > 100)")
    distorted, reference = browser.js(places)
    assert distorted == reference
    left, top, wide, high = distorted
    assert left >= 0
    assert left + wide <= width
    assert top + high <= 900
    assert wide / high == pytest.approx(16 / 9, rel=0.02)
    for kind in ("mousePressed", "mouseReleased"):
        browser.mouse(kind, left + wide / 2, top + high / 2, button="left", clickCount=1)
    assert browser.js(WHICH) == "reference"
    browser.key("z")
    assert browser.js(places)[1][2] == 1920  # a pixel of the reference for each of the screen
    assert browser.js("document.documentElement.scrollWidth") <= width
    browser.js("document.querySelector('#viewer .close').click()")
    assert browser.js(OPEN) is False
    assert browser.complaints() == []


def test_the_viewer_is_not_printed(browser, page):
    browser.open(page, 1280)
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.js("getComputedStyle(document.getElementById('viewer')).display") == "none"
    browser.call("Emulation.setEmulatedMedia", media="")
