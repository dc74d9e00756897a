"""The report in a real browser: plots drawn, nothing asked of the network, nothing on the console.

Chromium is driven over a pipe with its DevTools protocol.
"""

import json
import math
import os
import select
import shutil
import subprocess
import sys
import time

import pytest

from vqa_harness.report.thumbnails import Media
from vqa_harness.report.write import write_report
from vqa_harness.testing.synthetic import make_video

CHROMIUM = next((p for n in ("chromium", "google-chrome") if (p := shutil.which(n))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-pipe",
]
START = """import fcntl, os, sys
pipes = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3]]
for fd, pipe in zip((3, 4), pipes):  # where Chromium looks for them
    os.dup2(pipe, fd)
os.execv(sys.argv[3], sys.argv[3:])
"""
NASTY = "</script><img src=x onerror=alert(1)><!--\u2028"
FRAMES = 400
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


class Browser:
    """One page of a headless Chromium."""

    def __init__(self, folder):
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        wrapper = [sys.executable, "-c", START, str(commands), str(answers)]
        self._process = subprocess.Popen(
            [*wrapper, CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._rest, self._count, self._session, self.events = b"", 0, None, []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _read(self):
        until = time.monotonic() + 60
        while b"\0" not in self._rest:
            left = max(0.0, until - time.monotonic())
            assert select.select([self._from], [], [], left)[0], "Chromium does not answer"
            some = os.read(self._from, 1 << 20)
            assert some, "Chromium ended"
            self._rest += some
        text, _, self._rest = self._rest.partition(b"\0")
        return json.loads(text)

    def open(self, path, width, scheme="light", *, height=900, draw=True):
        self.events.clear()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        wanted = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=wanted)
        self.call("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in self.methods():
            self.events.append(self._read())
        if draw:
            self.js("drawAll()")
        self.settle()

    def settle(self):
        self.js("new Promise((done) => setTimeout(done, 250))")

    def js(self, text):
        found = self.call(
            "Runtime.evaluate", expression=text, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, condition):
        until = time.monotonic() + 20
        while not self.js(condition):
            assert time.monotonic() < until, f"never true: {condition}"
            self.settle()

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def methods(self):
        return [event.get("method") for event in self.events]

    def complaints(self):
        loud = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [event for event in self.events if event.get("method") in loud]

    def requests(self):
        sent = [e for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        urls = [event["params"]["request"]["url"] for event in sent]
        return [url for url in urls if not url.startswith("data:")]

    def close(self):
        self._process.terminate()
        self._process.wait(20)
        os.close(self._to)
        os.close(self._from)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


def log_of(name, scale):
    scores = [scale * (60 + 20 * math.sin(i / 15)) for i in range(FRAMES)]
    features = {
        "score": {"direction": "higher", "range": [0, 100], "unit": "dB"},
        "motion": {"direction": None, "range": [None, None], "unit": ""},
    }
    segments = [
        {"kind": "matched", "distorted": [0, 200], "reference": [0, 200]},
        {"kind": "frozen", "distorted": [200, 240], "reference": [199, 200]},
        {"kind": "matched", "distorted": [240, FRAMES], "reference": [240, FRAMES]},
    ]
    frames = [{"frameNum": i, "metrics": {"score": x, "motion": 1.0}} for i, x in enumerate(scores)]
    return {
        "version": "vqa-harness 0.1.0",
        "frames": frames,
        "vqa_harness": {
            "inputs": {"distorted": {"name": name, "rate": "25", "width": 96, "height": 64}},
            "metrics": {"metric": {"features": features}},
            "frame_times": [i / 25 for i in range(FRAMES)],
            "alignment": {"model": "content", "segments": {"count": 3, "list": segments}},
            "warnings": [NASTY],
        },
    }


def ladder_of(names):
    rungs = [
        {
            "series": NASTY if i % 2 else "x264",
            "file": name,
            "width": 96,
            "height": 64 if i < 4 else 128,
            "setting": f"crf {20 + i}",
            "bitrate": 200e3 * 1.7**i,
            "frames": FRAMES,
            "pooled": {"score": {"mean": 40.0 + 9 * i}},
            "log": f"{i}.json",
        }
        for i, name in enumerate(names)
    ]
    series = {"x264": [0, 2, 4], NASTY: [1, 3, 5]}
    return {
        "schema": 1,
        "kind": "ladder",
        "settings": {"pool": "mean", "method": "pchip"},
        "features": {"score": {"direction": "higher", "unit": "dB"}},
        "sources": [
            {
                "name": NASTY,
                "rungs": rungs,
                "series": series,
                "curves": {"score": {n: {"rungs": m, "notes": []} for n, m in series.items()}},
                "comparisons": [],
                "hulls": {"score": {"rungs": [0, 1, 3, 5], "steps": [], "picks": []}},
            }
        ],
        "aggregate": [],
        "failed": [],
    }


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


def test_charts_further_down_are_drawn_when_they_are_scrolled_to(browser, page):
    browser.open(page, 1280, height=300, draw=False)
    first = browser.js("PLOTS.length")
    assert first < 2
    browser.js("document.querySelector('.plot.frames').scrollIntoView()")
    browser.wait("PLOTS.length === 2")


def test_prints_in_light_colours_at_the_width_of_paper(browser, page):
    browser.open(page, 1280, "dark")
    browser.js("addEventListener('beforeprint', () => { window.seen = ROOT.dataset.theme; })")
    pdf = browser.call("Page.printToPDF")["data"]
    assert len(pdf) > 20_000
    assert browser.js("window.seen") == "light"
    assert browser.js("ROOT.dataset.theme") == "dark"
    assert browser.complaints() == []
