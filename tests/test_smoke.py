"""The command line from a folder of its own, as a user starts it: what every system must get right.

One process each: what differs between systems (paths, processes, signals, pipes, encodings) is not
seen by tests that call functions.
"""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from vqa_harness.testing.synthetic import make_video

FRAMES = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a space and an umlaut in its name: a reference and two encodings of it."""
    folder = tmp_path_factory.mktemp("smoke") / "two clips, größer"
    folder.mkdir()
    make_video(folder / "reference.mkv", FRAMES, codec="ffv1")
    for name, quantiser in {"good": "20", "poor": "45"}.items():
        make_video(folder / f"{name}.mp4", FRAMES, options={"qp": quantiser})
    return folder


@pytest.fixture
def vqa_harness(folder):
    def start(*words):
        return subprocess.run(
            [sys.executable, "-m", "vqa_harness", *words], cwd=folder,
            capture_output=True, text=True, encoding="utf-8", timeout=300,
        )  # fmt: skip

    return start


def test_scores_without_a_reference(vqa_harness, folder):
    done = vqa_harness("run", "good.mp4", "-m", "niqe", "-m", "brisque", "-o", "alone.json", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    frames = json.loads((folder / "alone.json").read_text("utf-8"))["frames"]
    assert [frame["frameNum"] for frame in frames] == list(range(FRAMES))
    assert all({"niqe", "brisque"} <= frame["metrics"].keys() for frame in frames)


def test_scores_with_a_reference_and_orders_two_encodings(vqa_harness, folder):
    (folder / "logs").mkdir()
    both = ("good.mp4", "poor.mp4")
    done = vqa_harness(
        "run", *both, "-r", "reference.mkv", "-m", "psnr", "-m", "ssim", "-o", "logs/", "-q"
    )
    assert (done.returncode, done.stderr) == (0, "")
    logs = {p.name.split(".")[0]: json.loads(p.read_text("utf-8")) for p in folder.glob("logs/*")}
    for feature in ("psnr_y", "ssim"):
        good, poor = (logs[name]["pooled_metrics"][feature]["mean"] for name in ("good", "poor"))
        assert good > poor, feature


@pytest.mark.parametrize(("floor", "code"), [("20", 0), ("60", 1)])
def test_gate_scores_in_two_processes(vqa_harness, folder, floor, code):
    done = vqa_harness(
        "gate", "good.mp4", "poor.mp4", "-r", "reference.mkv", "--rule", f"psnr_y.mean >= {floor}",
        "--jobs", "2", "--no-cache", "--junit", "verdict.xml", "--json", "verdict.json", "-q",
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((folder / "verdict.json").read_text("utf-8"))
    assert ElementTree.parse(folder / "verdict.xml").getroot().tag == "testsuites"


def test_clipvqa_scores_with_the_bundled_checkpoint(vqa_harness, folder):
    done = vqa_harness("run", "good.mp4", "-m", "clipvqa", "-o", "clipvqa.json", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    log = json.loads((folder / "clipvqa.json").read_text("utf-8"))
    assert 0 <= log["pooled_metrics"]["clipvqa"]["mean"] <= 100


def test_a_missing_file_is_one_line_and_exit_code_3(vqa_harness):
    done = vqa_harness("run", "missing.mp4", "-m", "niqe", "-q")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "missing.mp4" in done.stderr


def test_garbage_is_collected_again_after_the_start():
    script = (
        "import gc, sys; from vqa_harness.__main__ import main;"
        "sys.argv[1:] = ['--version']; code = main();"
        "assert code == 0 and gc.isenabled() and gc.get_freeze_count() > 10_000"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
