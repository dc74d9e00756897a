import subprocess
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from vqa_harness.errors import MetricError
from vqa_harness.frames import ColourInfo
from vqa_harness.media.reader import VideoReader
from vqa_harness.protocols import RunInfo
from vqa_harness.request import missing_parts
from vqa_harness.testing import check_metric, rgb_frame, sample_frames, stream_info, yuv_frame
from vqa_harness.testing.synthetic import make_video, moving_pattern
from vqa_metrics import ffmpeg_filters as filters
from vqa_metrics import filter_backends
from vqa_metrics.specs.filters import ROWS, SPECS

FULL = ColourInfo(full_range=True, matrix="bt709")


def noisy(frames, depth=8, sigma=3.0):
    rng = np.random.default_rng(5)
    peak = 2**depth - 1
    sigma *= 2 ** (depth - 8)
    return [
        tuple(np.clip(p + rng.normal(0, sigma, p.shape), 0, peak).astype(p.dtype) for p in planes)
        for planes in frames
    ]


def run(name, frames, refs, info=None):
    metric = getattr(filters, name)()
    refs = refs if ROWS[name].spec.reference else [None] * len(frames)
    metric.open(RunInfo(info or stream_info(frames)))
    for pair in zip(frames, refs, strict=True):
        metric.measure(*pair)
    return metric.close().frames, metric


def of_program(ffmpeg, row, folder):
    """The metadata that the ffmpeg program gives for the files in ``folder``."""
    inputs = ["shown.mkv", "reference.mkv"][: 1 + row.spec.reference]
    graph = "".join(f"[{n}:v]settb=1/1000,setpts=N[i{n}];" for n in range(len(inputs)))
    graph += "".join(f"[i{n}]" for n in range(len(inputs)))
    graph += f"{row.filter},metadata=print:file=-"
    command = [ffmpeg, "-v", "error"]
    for name in inputs:
        command += ["-i", name]
    command += ["-lavfi", graph, "-f", "null", "-"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    rows = []
    for line in done.stdout.splitlines():
        if line.startswith("frame:"):
            rows.append({})
        elif "=" in line:
            key, value = line.split("=")
            rows[-1][key] = float(value)
    return rows


@pytest.mark.parametrize("spec", SPECS, ids=[spec.name for spec in SPECS])
def test_conformance(spec):
    check_metric(spec)


@pytest.mark.parametrize(
    ("size", "depth", "chroma", "options"),
    [
        ((193, 109), 8, "420", {"rate": 60}),
        ((256, 110), 10, "420", {"rate": Fraction(30000, 1001)}),
        ((256, 109), 10, "422", {}),
        ((193, 109), 8, "444", {}),
        ((192, 108), 8, "420", {"codec": "libx264", "colour": FULL, "pix_fmt": "yuvj420p"}),
    ],
    ids=["odd60", "10bit", "422", "444", "full"],
)
def test_equals_the_ffmpeg_program(ffmpeg, tmp_path, size, depth, chroma, options):
    frames = moving_pattern(6, *size, depth=depth, chroma=chroma)
    shared = {"depth": depth, "chroma": chroma, "codec": "ffv1", **options}
    make_video(tmp_path / "reference.mkv", frames, **shared)
    make_video(tmp_path / "shown.mkv", noisy(frames, depth), **shared)
    with VideoReader(tmp_path / "shown.mkv") as a, VideoReader(tmp_path / "reference.mkv") as b:
        shown, references, info = list(a), list(b), a.info
    for name, row in ROWS.items():
        expected = of_program(ffmpeg, row, tmp_path)
        rows, _ = run(name, shown, references, info)
        for scores, metadata in zip(rows, expected, strict=True):
            for feature, key in row.keys.items():
                assert scores[feature] == metadata[f"lavfi.{key}"], (name, feature)


def test_equal_frames_reach_the_limit_of_xpsnr():
    frames = [yuv_frame(p, index=n) for n, p in enumerate(moving_pattern(3, 96, 64))]
    rows, metric = run("xpsnr", frames, frames)
    assert [row["xpsnr_y"] for row in rows] == [60.0] * 3
    assert metric.info()["limit_db"] == 60.0
    assert metric.info()["frames_at_limit"] == 3
    rows, metric = run("ssim_ffmpeg", frames, frames)
    assert rows[0]["ssim_ffmpeg"] == 1.0
    assert "limit_db" not in metric.info()


@pytest.mark.parametrize("width", [64, 208, 272])
def test_xpsnr_above_8_bits_where_it_can_be_trusted(width):
    """Ten-bit frames that are eight-bit ones times four score as these do."""
    planes = moving_pattern(3, width, 64)
    pairs = [
        [yuv_frame(p, index=n) for n, p in enumerate(some)] for some in (noisy(planes), planes)
    ]
    deep = [
        [
            yuv_frame([p.astype(np.uint16) * 4 for p in f.planes], index=f.index, depth=10)
            for f in some
        ]
        for some in pairs
    ]
    eight, _ = run("xpsnr", *pairs)
    ten, _ = run("xpsnr", *deep)
    for a, b in zip(eight, ten, strict=True):
        assert b == pytest.approx(a, abs=0.1)


def test_xpsnr_above_8_bits_is_refused_where_it_is_wrong():
    frames = [yuv_frame(p, depth=10) for p in moving_pattern(1, 200, 64, depth=10)]
    with pytest.raises(MetricError, match="divisible by 16"):
        run("xpsnr", frames, frames)


def test_gray_frames_have_luma_only():
    frames = [yuv_frame(p, index=n) for n, p in enumerate(moving_pattern(3, 96, 64))]
    shown = [yuv_frame(p, index=n) for n, p in enumerate(noisy([f.planes for f in frames]))]
    gray = [
        [yuv_frame(f.planes[:1], index=f.index, chroma="gray") for f in some]
        for some in (shown, frames)
    ]
    for name in ROWS:
        expected, _ = run(name, shown, frames)
        rows, _ = run(name, *gray)
        for feature in ROWS[name].keys:
            if feature.endswith(("_cb", "_cr")):
                assert rows[1][feature] is None
            elif feature != "ssim_ffmpeg":
                assert rows[1][feature] == expected[1][feature], feature


def test_direction_of_blockiness_and_blurriness():
    sharp = moving_pattern(3, 192, 128)
    blocky, soft = [], []
    for planes in sharp:
        y = planes[0].astype(np.float64)
        means = y.reshape(16, 8, 24, 8).mean((1, 3)).repeat(8, 0).repeat(8, 1)
        blocky.append((np.rint(0.8 * means + 0.2 * y).astype(np.uint8), *planes[1:]))
        rolls = [np.roll(y, (i, j), (0, 1)) for i in range(-3, 4) for j in range(-3, 4)]
        soft.append((np.rint(np.mean(rolls, axis=0)).astype(np.uint8), *planes[1:]))

    def mean(name, frames):
        rows, _ = run(name, [yuv_frame(p) for p in frames], [])
        return np.mean([row[f"{name}_ffmpeg"] for row in rows])

    assert mean("blockiness", blocky) > 2 * mean("blockiness", sharp)
    assert mean("blurriness", soft) > 1.2 * mean("blurriness", sharp)


def test_frames_that_filters_do_not_take():
    picture = [rgb_frame(np.zeros((64, 64, 3), np.uint8))]
    for name, row in ROWS.items():
        if row.spec.reference:
            with pytest.raises((MetricError, ValueError), match="not RGB"):
                run(name, picture, picture)
        small = sample_frames(1, width=row.smallest - 1, height=100)
        with pytest.raises(MetricError, match=f"at least {row.smallest}"):
            run(name, small, small)


@pytest.mark.parametrize("name", ["blockiness", "blurriness"])
def test_rgb_is_scored_as_full_range_ycbcr(name):
    """Red, green and blue of noise by the weights of BT.601, as JPEG has them."""
    pictures = np.random.default_rng(5).integers(0, 256, (3, 96, 128, 3), np.uint8)
    red, green, blue = np.moveaxis(pictures.astype(float), -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    colours = (blue - luma) / 1.772 + 128, (red - luma) / 1.402 + 128
    planes = [np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in (luma, *colours)]
    same = [yuv_frame([p[t] for p in planes], index=t, chroma="444") for t in range(3)]
    same = [replace(frame, colour=FULL) for frame in same]
    rgb = [replace(rgb_frame(picture), index=t) for t, picture in enumerate(pictures)]
    rows, metric = run(name, rgb, [])
    assert metric.info()["rgb_converted_to"] == "full-range YCbCr 4:4:4, bt601"
    for row, other in zip(rows, run(name, same, [])[0], strict=True):
        assert row == pytest.approx(other, rel=2e-3)


def test_the_smallest_frames_are_scored():
    for name, row in ROWS.items():
        frames = sample_frames(2, row.smallest, row.smallest, noise=6.0)
        rows, _ = run(name, frames, sample_frames(2, row.smallest, row.smallest))
        assert all(value is not None for scores in rows for value in scores.values())


def test_a_change_of_size_or_range_is_refused():
    frames = sample_frames(2)
    for other in (sample_frames(1, width=200)[0], replace(frames[1], colour=FULL)):
        with pytest.raises(MetricError, match="changed at frame"):
            run("blurriness", [frames[0], replace(other, index=1)], [])


def test_nothing_to_score():
    metric = filters.blurriness()
    with pytest.raises(MetricError, match="no frame"):
        metric.close()
    metric.abort()


@pytest.mark.parametrize("spec", SPECS, ids=[spec.name for spec in SPECS])
def test_a_filter_that_is_missing_is_told(spec, monkeypatch):
    assert missing_parts(spec) == ""
    monkeypatch.setattr(filter_backends, "of_a_wheel", lambda: False)
    assert missing_parts(spec) == ""
    monkeypatch.setattr("av.filter.filters_available", set())
    assert f"no filter {ROWS[spec.name].filter}; pip install" in missing_parts(spec)
