import hashlib
import json
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from tests.metrics.vmaf_models import ADM_ALONE
from vqa_harness.errors import MetricError, MissingBackend, UsageError
from vqa_harness.frames import ColourInfo
from vqa_harness.media.reader import VideoReader
from vqa_harness.protocols import RunInfo
from vqa_harness.testing import check_metric, rgb_frame, sample_frames, stream_info, yuv_frame
from vqa_harness.testing.synthetic import make_video, moving_pattern
from vqa_metrics.specs.reference import VMAF
from vqa_metrics.vmaf.metric import Vmaf
from vqa_metrics.vmaf.models import model_of

FULL = ColourInfo(full_range=True, matrix="bt601")


def score(frames, refs, metrics=("vmaf",), **params):
    metric = Vmaf(**params)
    metric.open(RunInfo(stream_info(frames), stream_info(refs), metrics, 2))
    try:
        for pair in zip(frames, refs, strict=True):
            metric.measure(*pair)
        return metric.close(), metric
    finally:
        metric.abort()


def plain(ffmpeg, shown, reference, folder, options=""):
    graph = (
        f"[0:v]setpts=N[d];[1:v]setpts=N[r];[d][r]libvmaf=log_fmt=json:log_path=log.json{options}"
    )
    command = [
        ffmpeg,
        "-v",
        "error",
        "-i",
        shown,
        "-i",
        reference,
        "-lavfi",
        graph,
        "-f",
        "null",
        "-",
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return json.loads((folder / "log.json").read_text())["frames"]


@pytest.mark.parametrize(
    ("size", "depth", "chroma", "options"),
    [
        ((192, 108), 8, "420", {}),
        ((192, 108), 10, "420", {}),
        ((160, 90), 10, "422", {}),
        ((160, 90), 8, "444", {}),
        ((175, 143), 8, "420", {}),
        ((192, 108), 8, "420", {"colour": FULL, "pix_fmt": "yuvj420p"}),
    ],
    ids=["8bit", "10bit", "422", "444", "odd", "full"],
)
def test_equals_ffmpeg_on_the_files(ffmpeg, backend, tmp_path, size, depth, chroma, options):
    frames = moving_pattern(8, *size, depth=depth, chroma=chroma)
    codec = {"codec": "libx264"} if options else {"codec": "ffv1"}
    shared = {"depth": depth, "chroma": chroma, **codec, **options}
    make_video(tmp_path / "reference.mkv", frames, **shared)
    shift = 32 * 2 ** (depth - 8)
    coarse = [tuple(p // shift * shift + p.dtype.type(shift // 2) for p in t) for t in frames]
    make_video(tmp_path / "shown.mkv", coarse, **shared)
    expected = plain(ffmpeg, "shown.mkv", "reference.mkv", tmp_path)
    with (
        VideoReader(tmp_path / "shown.mkv") as shown,
        VideoReader(tmp_path / "reference.mkv") as reference,
    ):
        assert shown.info.colour.full_range == bool(options)
        scores, metric = score(list(shown), list(reference), backend=backend)
    assert len(scores.frames) == len(expected) == 8
    assert 5 < expected[3]["metrics"]["vmaf"] < 99.9
    for row, entry in zip(scores.frames, expected, strict=True):
        assert row == pytest.approx(entry["metrics"], abs=1e-6)
        assert list(row)[-1] == "vmaf"
    assert metric.info()["libvmaf_version"]
    assert metric.info()["backend"] == backend
    assert metric.warnings() == []


def test_conformance(any_libvmaf):
    check_metric(VMAF)


def test_several_models_and_features(backend):
    frames, refs = sample_frames(3, noise=6.0), sample_frames(3)
    one, _ = score(frames, refs, backend=backend)
    features = "psnr:enable_apsnr=true+float_ssim"
    models = "vmaf_v0.6.1+vmaf_v0.6.1neg"
    both, metric = score(frames, refs, model=models, features=features, backend=backend)
    assert list(both.frames[0])[-2:] == ["vmaf", "vmaf_neg"]
    assert [row["vmaf"] for row in both.frames] == [row["vmaf"] for row in one.frames]
    assert both.frames[0]["vmaf_neg"] <= both.frames[0]["vmaf"]
    assert {"psnr_y", "float_ssim", "integer_adm2"} <= set(both.frames[0])
    assert set(both.aggregate) == {"apsnr_y", "apsnr_cb", "apsnr_cr"}
    info = metric.info()
    assert info["models"]["vmaf_neg"] == {"version": "vmaf_v0.6.1neg"}
    assert (info["n_threads"], info["subsample"]) == (2, 1)


def test_frames_left_out_by_subsampling_are_undefined(backend):
    frames, refs = sample_frames(5, noise=6.0), sample_frames(5)
    every, _ = score(frames, refs, threads=1, backend=backend)
    some, metric = score(frames, refs, subsample=2, threads=1, backend=backend)
    assert len({tuple(sorted(row)) for row in some.frames}) == 1
    for number, row in enumerate(some.frames):
        expected = every.frames[number]["vmaf"] if number % 2 == 0 else None
        assert row["vmaf"] == expected
    assert metric.info()["subsample"] == 2


def test_a_model_file_is_never_called_vmaf(tmp_path, backend):
    path = tmp_path / "VMAF_v0.6.1.json"
    path.write_text(json.dumps(ADM_ALONE))
    assert model_of(str(path)).name == "vmaf_file_v0_6_1"
    frames = sample_frames(2, noise=6.0)
    scores, metric = score(frames, sample_frames(2), model=str(path), backend=backend)
    first = scores.frames[0]
    assert first["vmaf_file_v0_6_1"] == pytest.approx(100 * first["integer_adm2"], abs=1e-4)
    described = metric.info()["models"]["vmaf_file_v0_6_1"]
    assert described["file"] == "VMAF_v0.6.1.json"
    assert described["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(UsageError, match="no such file"):
        Vmaf(model="absent.json")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("vmaf_v0.6.1+vmaf_v0.6.1", "share a name"),
        ("best", "built-in"),
        ("vmaf_v0.6.1:x=1", "built-in"),
        ("", "built-in"),
    ],
)
def test_unusable_models_are_refused_at_once(model, words):
    with pytest.raises(UsageError, match=words):
        Vmaf(model=model)


def test_an_ffmpeg_that_is_not_there():
    with pytest.raises(MissingBackend, match=r"no such program; pip install .*vmaf"):
        Vmaf(ffmpeg="no-such-ffmpeg")


def test_gray_frames_are_given_neutral_chroma(any_libvmaf):
    frames = sample_frames(2)
    worse = [np.clip(f.luma.astype(int) + (-1) ** f.index * 9, 0, 255) for f in frames]
    pairs = [[f.luma for f in frames], [w.astype(np.uint8) for w in worse]]
    gray = [[yuv_frame([y], index=i, chroma="gray") for i, y in enumerate(v)] for v in pairs]
    flat = np.full(frames[0].planes[1].shape, 128, np.uint8)
    colour = [[yuv_frame([y, flat, flat], index=i) for i, y in enumerate(v)] for v in pairs]
    found, expected = ([row["vmaf"] for row in score(v[1], v[0])[0].frames] for v in (gray, colour))
    assert found == expected
    assert min(found) < 100


def test_frames_that_vmaf_does_not_take(any_libvmaf):
    small = sample_frames(2, width=24, height=24)
    with pytest.raises(UsageError, match="at least 33x33"):
        score(small, small)
    picture = [rgb_frame(np.zeros((64, 64, 3), np.uint8))]
    with pytest.raises(ValueError, match="RGB"):
        score(picture, picture)
    deep = [yuv_frame(moving_pattern(1, 64, 64, depth=16)[0], depth=16)]
    with pytest.raises(UsageError, match="16 bits"):
        score(deep, deep)


def test_a_change_of_format_is_refused(any_libvmaf):
    frames = sample_frames(2)
    frames[1] = replace(frames[1], colour=FULL)
    with pytest.raises(MetricError, match="frame 1"):
        score(frames, frames)


def test_features_that_another_metric_gives_are_refused(any_libvmaf):
    frames = sample_frames(2)
    with pytest.raises(UsageError, match="psnr"):
        score(frames, frames, ("psnr", "vmaf"), features="float_ssim+psnr")


def test_nothing_to_score(any_libvmaf):
    with pytest.raises(MetricError, match="no frame pair"):
        Vmaf().close()
