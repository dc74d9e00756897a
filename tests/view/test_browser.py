"""The viewer's page in headless Chromium: what people do with it, and that it asks nobody else."""

import json
import os
import shutil
import signal
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from vqa_harness.media.reader import VideoReader
from vqa_harness.testing.synthetic import make_video, moving_pattern

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
HOSTILE = "<img src=x onerror=alert(1)>"
FRAMES = 60


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A log beside its videos: reference frame 20 is missing, frames 30 and 41 are the worst."""
    folder = tmp_path_factory.mktemp("view")
    frames = moving_pattern(FRAMES + 1, 160, 90)
    make_video(folder / "reference.mkv", frames, codec="ffv1")
    name = f"{HOSTILE}.mp4"
    stamps = [n for n in range(FRAMES + 1) if n != 20]
    make_video(
        folder / name,
        [frames[n] for n in stamps],
        codec="libx264",
        options={"crf": "34", "g": "12"},
        pts=stamps,
        time_base=Fraction(1, 25),
    )
    scores = [90.0 - n / 10 for n in range(FRAMES)]
    scores[30], scores[41] = 10.0, 20.0
    feature = {"score": {"direction": "higher", "range": [0, 100], "unit": HOSTILE}}
    segments = [
        {"kind": "matched", "distorted": [0, 20], "reference": [0, 20]},
        {"kind": "matched", "distorted": [20, 60], "reference": [21, 61]},
    ]
    event = {"kind": "black", "start": 1.6, "end": 2.0, "detail": HOSTILE}
    document = {
        "version": "vqa-harness 0.1.0",
        "frames": [{"frameNum": i, "metrics": {"score": x}} for i, x in enumerate(scores)],
        "vqa_harness": {
            "inputs": {
                "distorted": {"name": name, "rate": "25"},
                "reference": {"name": "reference.mkv"},
            },
            "metrics": {"score": {"features": feature}},
            "frame_times": [n / 25 for n in stamps],
            "alignment": {
                "segments": {"count": 2, "list": segments},
                "dropped": {"count": 1, "list": [20]},
            },
            "qc": {"events": [event]},
            "warnings": [HOSTILE],
        },
    }
    path = folder / "scores.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture(scope="module")
def address(log):
    command = [sys.executable, "-m", "vqa_harness", "view", str(log), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium program")
    arguments = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, address):
    """Open the page with a state and a width; nothing may go wrong, and nobody else be asked."""
    contexts, wrong, hosts = [], [], set()

    def opened(state="", width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else 0)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("request", lambda r: hosts.add(r.url.split("/")[2] if "//" in r.url[:8] else ""))
        page.goto(f"{address}#{state}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
    assert hosts <= {address.split("/")[2], ""}


def rests_at(page, frame, form="png"):
    page.wait_for_selector(f'#stage[data-frame="{frame}"][data-form="{form}"]', timeout=20_000)


def until(page, expression):
    """Wait until an expression is true; the page's policy forbids Playwright's own way."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {expression}")


def pixels_of(page, part):
    """(H, W, 3) of a picture as the browser shows it."""
    size = page.evaluate(
        """(part) => { const image = document.querySelector(`.shot.${part} img`);
        const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
        const context = canvas.getContext("2d"); context.drawImage(image, 0, 0);
        window.seen = context.getImageData(0, 0, canvas.width, canvas.height).data;
        return [canvas.height, canvas.width]; }""",
        part,
    )
    return np.array(page.evaluate("[...window.seen]"), np.uint8).reshape(*size, 4)[..., :3]


def frame_of(path, number):
    with VideoReader(path) as reader:
        return next(frame.rgb.copy() for frame in reader if frame.index == number)


def test_open_and_seek(visit, log):
    page = visit()
    rests_at(page, 0)
    assert page.title().startswith("scores.json")
    page.fill("#frame", "25")
    page.keyboard.press("Enter")
    rests_at(page, 25)
    assert "distorted 25, reference 26" in page.inner_text("#where")
    assert page.inner_text("#scores dd").startswith("87.5")
    distorted = log.parent / f"{HOSTILE}.mp4"
    assert np.array_equal(pixels_of(page, "distorted"), frame_of(distorted, 25))
    reference = frame_of(log.parent / "reference.mkv", 26)
    assert np.array_equal(pixels_of(page, "reference"), reference)


def test_a_click_into_the_timeline_and_its_zoom(visit):
    page = visit()
    rests_at(page, 0)
    page.locator(".u-over").scroll_into_view_if_needed()
    box = page.locator(".u-over").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 30 / (FRAMES - 1), box["y"] + 20)
    rests_at(page, 30)
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 20, steps=4)
    page.mouse.up()
    until(page, "location.hash.includes('to=4')")
    page.keyboard.press("0")
    until(page, "!location.hash.includes('to=')")
    assert page.locator(".mark.dropped").get_attribute("title") == (
        "reference frame 20 is missing here"
    )
    assert page.locator(".mark.event").get_attribute("title").endswith(HOSTILE)


def test_wipe_flicker_and_difference(visit):
    page = visit("frame=9")
    rests_at(page, 9)
    page.keyboard.press("2")
    page.wait_for_selector('#stage[data-mode="wipe"]')
    rests_at(page, 9)
    box = page.locator(".shot.distorted").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 3)
    until(page, "location.hash.includes('wipe=25')")
    clip = page.evaluate("getComputedStyle(document.querySelector('.shot.distorted')).clipPath")
    assert clip == "inset(0px 0px 0px 25%)"
    page.keyboard.press("f")
    page.wait_for_selector('#stage[data-mode="flicker"].flipped')
    page.wait_for_selector('#stage[data-mode="flicker"]:not(.flipped)')
    page.keyboard.press("x")
    before = page.evaluate("document.querySelector('#stage').classList.contains('flipped')")
    page.keyboard.press("x")
    after = page.evaluate("document.querySelector('#stage').classList.contains('flipped')")
    assert before != after
    page.keyboard.press("d")
    page.wait_for_selector(".shot.difference img[src]")
    until(page, "document.querySelector('.shot.difference img').naturalWidth > 0")
    page.keyboard.press("+")
    until(page, "location.hash.includes('gain=16')")


def test_the_worst_frames(visit):
    page = visit()
    rests_at(page, 0)
    assert page.inner_text("#worst-frames li:first-child").startswith("frame 30 1.24 s: 10.0")
    page.click("#worst-frames li:nth-child(2) button")
    rests_at(page, 41)
    page.keyboard.press("p")
    rests_at(page, 30)
    page.click("#worst-stretches li:first-child button")
    until(page, "location.hash.includes('to=')")


def test_the_address_opens_the_same_view(visit):
    page = visit("frame=33&mode=difference&gain=32&from=20&to=50&metric=score")
    rests_at(page, 33)
    assert page.input_value("#gain") == "32"
    assert page.input_value("#worst-of") == "score"
    page.keyboard.press("ArrowRight")
    rests_at(page, 34)
    until(page, "location.hash.includes('frame=34')")
    assert "mode=difference" in page.url
    other = visit(page.url.split("#")[1])
    rests_at(other, 34)
    assert other.get_attribute("#stage", "data-mode") == "difference"


def test_a_state_that_is_nonsense_does_no_harm(visit):
    page = visit("frame=9999&mode=%3Cb%3E&gain=-3&encode=77&metric=%3Cimg%3E&from=x&__proto__=1")
    rests_at(page, FRAMES - 1)
    assert page.get_attribute("#stage", "data-mode") == "side"


def test_everything_by_keyboard(visit):
    page = visit()
    rests_at(page, 0)
    for key, frame in (("End", 59), ("ArrowLeft", 58), ("PageUp", 48), ("Home", 0), ("n", 30)):
        page.keyboard.press(key)
        rests_at(page, frame)
    page.keyboard.press(".")
    rests_at(page, 39)
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    assert "flicker" in page.inner_text("#keys")
    page.keyboard.press("Escape")
    page.wait_for_selector("#keys:not([open])", state="attached")
    page.keyboard.press("l")
    page.wait_for_selector(".loupe table")
    assert "pixel 80, 45" in page.inner_text(".loupe")
    page.keyboard.press("]")
    until(page, "document.querySelector('.loupe').innerText.includes('pixel 81, 45')")
    page.keyboard.press(" ")
    until(page, "Number(document.querySelector('#frame').value) > 43")
    page.keyboard.press(" ")
    names = page.evaluate(
        """[...document.querySelectorAll('button, input, select')].filter((one) => one.offsetParent
        && !one.innerText && !one.ariaLabel && !one.labels?.length && !one.title).length"""
    )
    assert names == 0, "every control has a name"


def test_notes_and_export(visit, log, tmp_path):
    page = visit("frame=7")
    rests_at(page, 7)
    page.keyboard.press("m")
    page.keyboard.press("c")
    page.keyboard.type(HOSTILE)
    until(page, "document.querySelector('#said').innerText.includes('notes saved')")
    kept = json.loads((log.parent / "scores.notes.json").read_text())
    assert kept["notes"] == [{"frame": 7, "mark": "marked", "text": HOSTILE}]
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.keyboard.press("s")
    download.value.save_as(tmp_path / "pair.png")
    reference, distorted = log.parent / "reference.mkv", log.parent / f"{HOSTILE}.mp4"
    both = np.hstack([frame_of(reference, 7), frame_of(distorted, 7)])
    assert np.array_equal(frame_of(tmp_path / "pair.png", 0), both)
    page.keyboard.press("e")
    until(page, "document.querySelector('#said').innerText.includes('wrote 2')")
    folder = log.parent / "scores.frames"
    assert sorted(path.name for path in folder.iterdir()) == [
        "000007-distorted.png",
        "000007-reference.png",
    ]
    assert np.array_equal(frame_of(folder / "000007-distorted.png", 0), both[:, 160:])
    again = visit("frame=7")
    rests_at(again, 7)
    assert again.input_value("#note") == HOSTILE


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_widths_and_colours(visit, width, scheme):
    page = visit("frame=12", width=width, color_scheme=scheme)
    rests_at(page, 12)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_attribute("html", "data-theme") == scheme
    shots = [one.bounding_box() for one in page.locator(".shot").all()]
    beside = shots[0]["y"] == shots[1]["y"]
    assert beside == (width > 620)
    assert min(shot["width"] for shot in shots) > 350
