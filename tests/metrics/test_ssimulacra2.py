import importlib.util
import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from tests.metrics import light_definition
from tests.metrics.light_pictures import NAMES, pairs
from tests.metrics.ssimulacra2_definition import (
    pypi_blur,
    srgb_to_linear,
    ssimulacra2,
    truncated_cosines,
    xyb,
)
from tests.paths import GOLDEN
from vqa_harness.frames import ColourInfo
from vqa_harness.media.encode import encode_frames
from vqa_harness.protocols import RunInfo
from vqa_harness.testing import check_metric, rgb_frame, sample_frames, stream_info, yuv_frame
from vqa_harness.testing.synthetic import make_video, moving_pattern
from vqa_metrics.specs.reference import SSIMULACRA2
from vqa_metrics.ssimulacra2.maps import TAPS
from vqa_metrics.ssimulacra2.metric import Ssimulacra2
from vqa_metrics.ssimulacra2.picture import scale_sizes
from vqa_metrics.ssimulacra2.score import WEIGHTS, score, weights_of

STORED = json.loads((GOLDEN / "libjxl" / "scores.json").read_text())


def ours(reference, distorted):
    """The score of two (H, W, 3) uint8 RGB pictures."""
    return Ssimulacra2().measure(rgb_frame(distorted), rgb_frame(reference))["ssimulacra2"]


def linear(name):
    return [srgb_to_linear(rgb.astype(np.float64)) for rgb in pairs()[name]]


def png_files(name, folder):
    from PIL import Image

    files = [folder / "reference.png", folder / "distorted.png"]
    for file, rgb in zip(files, pairs()[name], strict=True):
        Image.fromarray(rgb).save(file)
    return files


def test_conformance():
    check_metric(SSIMULACRA2)
    check_metric(SSIMULACRA2, params={"transfer": "srgb"})


@pytest.mark.parametrize("name", NAMES)
def test_equals_the_definition(name):
    assert ours(*pairs()[name]) == pytest.approx(ssimulacra2(*linear(name)), abs=5e-4)


@pytest.mark.parametrize("name", NAMES)
def test_equals_libjxl_but_for_its_rounding(name):
    assert ours(*pairs()[name]) == pytest.approx(STORED[name]["libjxl"], abs=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_the_definition_with_its_blur_equals_the_package_of_pypi(name):
    expected = STORED[name]["ssimulacra2 0.3.0"]
    assert ssimulacra2(*linear(name), pypi_blur, smallest=8) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["carphone coarse", "bikes odd", "8x8"])
def test_the_stored_figures_are_those_of_the_package(name, tmp_path):
    if not all(importlib.util.find_spec(module) for module in ("ssimulacra2", "PIL")):
        pytest.skip("the package ssimulacra2 is not installed")
    from ssimulacra2 import compute_ssimulacra2

    found = compute_ssimulacra2(*png_files(name, tmp_path))
    assert found == pytest.approx(STORED[name]["ssimulacra2 0.3.0"], abs=1e-6)


@pytest.mark.parametrize("name", ["carphone coarse", "bikes odd", "15x16"])
def test_the_program_of_libjxl_gives_the_same(name, tmp_path):
    program = shutil.which("ssimulacra2")
    if program is None or importlib.util.find_spec("PIL") is None:
        pytest.skip("libjxl's program ssimulacra2 is not installed, or Pillow is not")
    files = png_files(name, tmp_path)
    done = subprocess.run([program, *files], check=True, capture_output=True, text=True)
    assert float(done.stdout) == pytest.approx(ours(*pairs()[name]), abs=0.05)


def test_weights_of_the_blur():
    assert [*TAPS[:0:-1], *TAPS] == pytest.approx(truncated_cosines(), abs=1e-8)
    assert sum(TAPS) * 2 - TAPS[0] == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize(
    "shape", [(8, 8), (9, 257), (17, 256), (16, 8), (31, 250), (33, 263), (20, 513), (250, 9)]
)
def test_every_size_is_covered_to_its_last_pixel(shape):
    rng = np.random.default_rng(1)
    a = rng.integers(60, 200, (*shape, 3), dtype=np.uint8)
    b = a.copy()
    b[-1, -1] = 255
    b[:, 0] += 20
    expected = ssimulacra2(*[srgb_to_linear(rgb.astype(np.float64)) for rgb in (a, b)])
    assert ours(a, b) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("level", [0, 1, 16, 128, 255])
def test_flat_pictures_where_digits_cancel(level):
    a = np.full((70, 90, 3), level, np.uint8)
    b = a.copy()
    b[::7, ::5] ^= 1
    expected = ssimulacra2(*[srgb_to_linear(rgb.astype(np.float64)) for rgb in (a, b)])
    assert 50 < expected < 100
    assert ours(a, b) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("chroma", ["420", "444"])
def test_video_of_every_depth(depth, chroma):
    reference = moving_pattern(1, 171, 133, depth=depth, chroma=chroma)[0]
    noise = np.random.default_rng(0).normal(0, 3 * 2 ** (depth - 8), reference[0].shape)
    luma = np.clip(np.rint(reference[0] + noise), 0, 2**depth - 1).astype(reference[0].dtype)
    kind = ColourInfo(full_range=False, matrix="bt709", transfer="bt709")
    frames = [
        yuv_frame(planes, depth=depth, chroma=chroma, colour=kind)
        for planes in (reference, (luma, *reference[1:]))
    ]
    factors = {"420": (2, 2), "444": (1, 1)}[chroma]
    light = [
        light_definition.bt1886(light_definition.signal(f.planes, factors, depth, kind))
        for f in frames
    ]
    found = Ssimulacra2().measure(frames[1], frames[0])["ssimulacra2"]
    expected = ssimulacra2(*light)
    assert 20 < expected < 90
    assert found == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("depth", [8, 10, 16])
def test_equal_pictures_score_exactly_100(depth):
    frame = yuv_frame(moving_pattern(1, 90, 70, depth=depth)[0], depth=depth)
    assert Ssimulacra2().measure(frame, frame)["ssimulacra2"] == 100.0


def test_it_is_not_symmetric_and_worse_is_lower():
    a, b = pairs()["bunny"]
    worse = pairs()["bunny"][1].astype(int) // 24 * 24
    assert ours(a, b) > ours(a, worse.astype(np.uint8))
    assert ours(a, b) != ours(b, a)


def test_colour_counts():
    a, _ = pairs()["bikes odd"]
    blue = a.copy()
    blue[..., 2] = np.minimum(blue[..., 2] + 30.0, 255)
    assert ours(a, blue) < 95


def test_scales_and_their_weights():
    assert scale_sizes(8, 8) == [(8, 8), (4, 4)]
    assert scale_sizes(1080, 1920)[-1] == (34, 60)
    assert scale_sizes(15, 300) == [(15, 300), (8, 150), (4, 75)]
    assert len(WEIGHTS) == 108
    assert weights_of(6).ravel().tolist() == WEIGHTS.tolist()
    assert weights_of(2).ravel().tolist() == WEIGHTS[:36].tolist()
    assert score(np.zeros((6, 3, 3, 2))) == 100


def test_xyb_of_white_and_black():
    white, black = xyb(np.ones((1, 1, 3))), xyb(np.zeros((1, 1, 3)))
    assert black.ravel() == pytest.approx([0.42, 0.01, 0.55])
    assert white.ravel() == pytest.approx([0.42, 0.855309, 0.55], abs=1e-5)


def test_pairs_that_cannot_be_compared():
    frame = sample_frames(1)[0]
    with pytest.raises(ValueError, match="--reference"):
        Ssimulacra2().measure(frame, None)
    with pytest.raises(ValueError, match="size"):
        Ssimulacra2().measure(frame, sample_frames(1, width=100)[0])
    small = [rgb_frame(np.full((7, 90, 3), v, np.uint8)) for v in (1, 9)]
    assert Ssimulacra2().measure(*small) == {"ssimulacra2": None}


def test_threads_of_one_metric_do_not_share_buffers():
    metric = Ssimulacra2()
    frames = [rgb_frame(rgb) for name in ("bunny", "bikes odd") for rgb in pairs()[name]]
    work = [(frames[1], frames[0]), (frames[3], frames[2])] * 6
    expected = [metric.measure(*pair)["ssimulacra2"] for pair in work]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda pair: metric.measure(*pair)["ssimulacra2"], work))
    assert found == expected


def test_two_rgb_pictures_are_compared_as_the_rgb_they_are(cli, tmp_path):
    pair = [np.ascontiguousarray(rgb[:136, :200]) for rgb in pairs()["bikes odd"]]
    for name, rgb in zip("ab", pair, strict=True):
        encode_frames(
            tmp_path / f"{name}.png", [rgb], codec="png", pix_fmt="rgb24", container="image2"
        )
    log = tmp_path / "log.json"
    files = tmp_path / "b.png", "-r", tmp_path / "a.png"
    code, _, err = cli("run", *files, "-m", "ssimulacra2", "-o", log, "-q")
    assert code == 0, err
    scores = json.loads(log.read_text())["frames"][0]["metrics"]
    assert scores["ssimulacra2"] == pytest.approx(ours(*pair), abs=1e-5)


def test_untagged_stills_are_srgb():
    frame, ref = sample_frames(2)
    still = replace(stream_info([frame]), still=True)
    metric = Ssimulacra2()
    metric.open(RunInfo(still, still))
    assert metric.measure(frame, ref) == Ssimulacra2(transfer="srgb").measure(frame, ref)
    assert metric.measure(frame, ref) != Ssimulacra2().measure(frame, ref)


def test_a_run_from_the_command_line(cli, tmp_path):
    make_video(tmp_path / "a.mp4", 3, width=64, height=48)
    make_video(tmp_path / "b.mp4", 3, width=64, height=48, options={"crf": "40"})
    log = tmp_path / "log.json"
    code, out, _ = cli(
        "run", tmp_path / "b.mp4", "-r", tmp_path / "a.mp4", "-m", "ssimulacra2",
        "-m", "ssimulacra2:transfer=srgb", "--align", "index", "-o", log, "-q",
    )  # fmt: skip
    assert code == 0
    written = json.loads(log.read_text())
    rows = [frame["metrics"] for frame in written["frames"]]
    assert len(rows) == 3
    assert all(row["ssimulacra2"] <= 100 for row in rows)
    assert any(name.startswith("ssimulacra2_") for name in rows[0])
    assert "ssimulacra2" in out


def test_high_dynamic_range_is_warned_of(cli, tmp_path):
    for name, seed in (("a", 0), ("b", 1)):
        make_video(
            tmp_path / f"{name}.mkv", 2, width=64, height=48, depth=10, seed=seed,
            colour=ColourInfo(False, "bt2020", "pq", "bt2020"),
        )  # fmt: skip
    code, _, err = cli(
        "run", tmp_path / "b.mkv", "-r", tmp_path / "a.mkv", "-m", "ssimulacra2", "--align", "index"
    )
    assert "HDR (pq)" in err
    assert code == 0


def test_small_videos_are_refused(cli, tmp_path):
    make_video(tmp_path / "a.mp4", 2, width=64, height=6)
    code, _, err = cli(
        "run", tmp_path / "a.mp4", "-r", tmp_path / "a.mp4", "-m", "ssimulacra2", "--align", "index"
    )
    assert code == 5
    assert "8 pixels or more" in err
