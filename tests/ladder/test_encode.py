"""Making rungs, and the ladder command from source to files."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction

import pytest

from vqa_harness.cli.ladder_arguments import grids
from vqa_harness.errors import InputError, UsageError
from vqa_harness.ladder import encode as ladder_encode
from vqa_harness.ladder.encode import EncodeGrid, encode_all, encode_rung, plan
from vqa_harness.media.reader import VideoReader, probe
from vqa_harness.testing.synthetic import make_video, moving_pattern

FAST = {"preset": "ultrafast"}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "it's a [clip].mkv"
    make_video(path, 10, width=128, height=72, codec="ffv1", rate=Fraction(30000, 1001))
    return path


def test_plan_names_every_rung_by_what_it_depends_on(source, tmp_path):
    grid = EncodeGrid("libx264", options=FAST, heights=(36, 72), crfs=(30, 40), bitrates=(100e3,))
    jobs = plan(source, "a b/c", grid, tmp_path)
    assert [job.size for job in jobs] == [(64, 36)] * 3 + [(128, 72)] * 3
    assert [job.setting for job in jobs[:3]] == ["crf 30", "crf 40", "100 kbit/s"]
    assert jobs[0].options == {"preset": "ultrafast", "crf": "30"}
    assert jobs[2].options == {"preset": "ultrafast", "b": "100000"}
    assert len({job.target for job in jobs}) == 6
    assert jobs[0].target.parent == tmp_path
    assert jobs[0].target.name.startswith("a_b_c-x264_ultrafast-36p-crf30-")
    other = EncodeGrid(
        "libx264", options={"preset": "fast"}, name=grid.label, heights=(36,), crfs=(30,)
    )
    assert plan(source, "a b/c", other, tmp_path)[0].target != jobs[0].target
    assert list(tmp_path.iterdir()) == []


def test_encodes_in_processes_and_only_what_is_missing(source, tmp_path):
    grid = EncodeGrid("libx264", options=FAST, heights=(36, 72), crfs=(35,))
    jobs = plan(source, "clip", grid, tmp_path)
    told = []
    encode_all(jobs, 2, lambda job: told.append((job.setting, threading.get_ident())))
    assert sorted(setting for setting, _ in told) == ["crf 35", "crf 35"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(j.target.name for j in jobs)
    small, full = (probe(job.target) for job in jobs)
    assert (small.width, small.height, small.rate) == (64, 36, Fraction(30000, 1001))
    assert (full.width, full.height) == (128, 72)
    with VideoReader(jobs[0].target) as reader:
        times = [frame.time for frame in reader]
    assert times == [Fraction(1001 * i, 30000) for i in range(10)]
    before = {job.target: job.target.stat().st_mtime_ns for job in jobs}
    jobs[1].target.unlink()
    told.clear()
    encode_all(jobs, 2, lambda job: told.append(job.size))
    assert told == [(128, 72)]
    assert jobs[0].target.stat().st_mtime_ns == before[jobs[0].target]


@pytest.mark.parametrize(
    ("codec", "options", "depth"),
    [
        ("libx265", FAST, 10),
        ("libsvtav1", {"preset": "12"}, 8),
        ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}, 8),
    ],
)
def test_other_encoders_and_depths(tmp_path, codec, options, depth):
    path = tmp_path / "source.mkv"
    make_video(path, 4, width=128, height=72, depth=depth, codec="ffv1")
    job = plan(
        path, "clip", EncodeGrid(codec, options=options, heights=(64,), crfs=(40,)), tmp_path
    )[0]
    encode_rung(job)
    info = probe(job.target)
    assert (info.width, info.height, info.depth) == (114, 64, depth)
    with VideoReader(job.target) as reader:
        assert sum(1 for _ in reader) == 4


def test_matrix_is_tagged_as_a_small_rung_would_be_guessed_otherwise(tmp_path):
    path = tmp_path / "hd.mkv"
    make_video(path, moving_pattern(2, 1280, 720), codec="ffv1")
    assert probe(path).colour.matrix == "bt709"
    job = plan(
        path, "hd", EncodeGrid("libx264", options=FAST, heights=(90,), crfs=(40,)), tmp_path
    )[0]
    encode_rung(job)
    colour = probe(job.target).colour
    assert colour.matrix == "bt709"
    assert "matrix" not in colour.guessed


def test_a_failed_encoding_leaves_nothing_behind(source, tmp_path):
    grid = EncodeGrid("libx264", options={"preset": "nonsense"}, crfs=(30,))
    jobs = plan(source, "clip", grid, tmp_path)
    with pytest.raises(InputError, match="libx264 at crf 30 failed") as error:
        encode_all(jobs, 1)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_an_interrupt_leaves_whole_rungs_and_nothing_else(tmp_path):
    source = tmp_path / "source.mkv"
    make_video(source, 250, width=320, height=240, codec="libx264")
    options = ["--encode", "libx264:preset=placebo", "--crf", "10,11,12", "--jobs", "2"]
    command = [sys.executable, "-m", "vqa_harness", "ladder", "-r", str(source), *options]
    child = subprocess.Popen(
        [*command, "-o", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    rungs = tmp_path / "out" / "rungs"
    deadline = time.monotonic() + 60
    while len(list(rungs.glob(".*.part"))) < 2:
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    _, err = child.communicate(timeout=60)
    assert (child.returncode, err.strip()) == (130, "interrupted")
    assert [path.name for path in rungs.iterdir() if path.suffix != ".mp4"] == []


def test_frames_are_never_collected(source, tmp_path, monkeypatch):
    alive, most = set(), 0
    real = ladder_encode._scaled

    def watched(frames, *arguments):
        def counted():
            nonlocal most
            for frame in frames:
                alive.add(frame.index)
                most = max(most, len(alive))
                yield frame
                assert frame.source is None, "the frame was not released"
                alive.discard(frame.index)

        return real(counted(), *arguments)

    monkeypatch.setattr(ladder_encode, "_scaled", watched)
    encode_rung(plan(source, "clip", EncodeGrid("libx264", options=FAST, crfs=(30,)), tmp_path)[0])
    assert most == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (["libaom"], "encoder 'libaom'"),
        (["libx264:preset"], "'preset' has no value"),
        (["libx264:crf=a+b"], "needs numbers"),
        (["libx264:crf=99"], "crf 99 must be from 0 to 51"),
        (["libx264:bitrate=0"], "bitrates must be"),
    ],
)
def test_mistakes_in_encode_options(text, words):
    with pytest.raises(UsageError, match=words):
        grids(text, None, "30", None)


def test_a_codecs_own_crfs_win():
    found = grids(["libx264:crf=20+30", "libsvtav1:preset=8"], "360", "25,35", None)
    assert [grid.crfs for grid in found] == [(20.0, 30.0), (25.0, 35.0)]
    assert found[1].options == {"preset": "8"}
    with pytest.raises(UsageError, match="nothing to encode"):
        grids(["libx264"], None, None, None)
    with pytest.raises(UsageError, match="add --encode"):
        grids([], "360", None, None)


def test_command_makes_measures_and_writes(source, tmp_path, cli):
    out = tmp_path / "out"
    arguments = ["ladder", "--reference", source, "-m", "psnr", "-o", out, "--quiet"]
    arguments += ["--encode", "libx264:preset=ultrafast,crf=20+26+32+38", "--jobs", "2"]
    code, text, _ = cli(*arguments, "--json", "-")
    assert code == 0
    document = json.loads(text)
    rungs = document["sources"][0]["rungs"]
    assert [rung["setting"] for rung in rungs] == ["crf 20", "crf 26", "crf 32", "crf 38"]
    assert rungs[0]["pooled"]["psnr_y"]["mean"] > rungs[3]["pooled"]["psnr_y"]["mean"] > 10
    assert rungs[0]["bitrate"] > rungs[3]["bitrate"]
    assert document["sources"][0]["reference"]["name"] == source.name
    names = {path.name for path in out.iterdir()}
    assert names == {"ladder.json", "ladder.csv", "ladder.md", "logs", "rungs"}
    assert len(list((out / "rungs").iterdir())) == 4
    assert str(tmp_path) not in (out / "ladder.json").read_text()

    found = sorted((out / "rungs").iterdir())
    code, text, _ = cli("ladder", *found, "-r", source, "-m", "psnr")
    assert code == 0
    lines = text.splitlines()
    assert lines[0].split("\t")[-1] == "psnr_y [dB]"
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "no rungs"),
        (["a.mp4", "a.mp4"], 2, "rung 'a.mp4' is given twice"),
        (["a.mp4", "--group", "none", "-m", "psnr"], 2, "psnr' compares with a reference"),
        (["--encode", "libx264:crf=30", "-r", "a.mp4"], 2, "add -o FOLDER"),
        (["--encode", "libx264:crf=30", "-o", "out"], 2, "--encode needs a source"),
        (["a.mp4", "--group", "size"], 2, "choose one of codec, folder, none"),
        (["a.mp4", "--group", "none", "--pool", "best"], 2, "pooling 'best'"),
        (["a.mp4", "--group", "none", "--jnd", "vmaf"], 2, "FEATURE=VALUE"),
        (["a.mp4", "--group", "none", "-m", "psnr", "-r", "none.mp4"], 3, "no such file"),
    ],
)
def test_mistakes_end_in_one_line(arguments, code, words, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    got, _, err = cli("ladder", *arguments, "--quiet")
    assert got == code
    lines = err.splitlines()
    assert words in lines[-1]
    assert list(tmp_path.iterdir()) == []
