"""VMAF through the pipe equals plain ffmpeg, and every way it can fail says so in one line."""

import json
import os
import re
import signal
import stat
import subprocess
import sys

import numpy as np
import pytest

from tests.metrics.vmaf_models import ADM_ALONE
from vqa_harness.errors import MetricError, MissingBackend
from vqa_harness.installation import pip_install
from vqa_metrics.vmaf.ffmpeg import find_ffmpeg, has_libvmaf
from vqa_metrics.vmaf.models import VmafModel
from vqa_metrics.vmaf.options import RawFormat
from vqa_metrics.vmaf.pipe import VmafPipe

FRAMES = 6


def pictures(layout, seed=0, frames=FRAMES):
    """Smooth moving planes with some noise, and the same with more noise."""
    rng = np.random.default_rng(seed)
    top = (1 << layout.depth) - 1
    dtype = np.uint8 if layout.depth == 8 else np.uint16

    def plane(shape, t, noise):
        rows, columns = np.mgrid[: shape[0], : shape[1]]
        wave = 0.5 + 0.3 * np.sin(rows / 5 + t / 3) * np.cos(columns / 7 - t / 2)
        value = top * (wave + noise * rng.standard_normal(shape))
        return np.clip(value, 0, top).astype(dtype)

    return [
        tuple([plane(shape, t, noise) for shape in layout.shapes] for noise in (0.01, 0.05))
        for t in range(frames)
    ]


def encode(ffmpeg, layout, frames, path):
    raw = b"".join(p.astype(p.dtype.newbyteorder("<")).tobytes() for f in frames for p in f)
    form = ["-pix_fmt", layout.pix_fmt]
    form += ["-s", f"{layout.width}x{layout.height}"]
    form += ["-r", "25"]
    command = [ffmpeg, "-v", "error", "-f", "rawvideo", *form, "-i", "-", "-c:v", "ffv1", path]
    subprocess.run(command, input=raw, check=True, stderr=subprocess.DEVNULL)


def plain(ffmpeg, layout, reference, distorted, folder, options):
    # FFV1 is marked as limited range whatever it holds; the filter says what it is
    mark = f"setparams=range={'pc' if layout.full_range else 'tv'},setpts=N"
    graph = f"[0:v]{mark}[d];[1:v]{mark}[r];"
    graph += f"[d][r]libvmaf=log_path=log.json:log_fmt=json:{options}"
    command = [ffmpeg, "-v", "error", "-i", distorted, "-i", reference, "-lavfi", graph]
    subprocess.run([*command, "-f", "null", "-"], check=True, cwd=folder)
    return json.loads((folder / "log.json").read_text())


def piped(layout, frames, **options):
    with VmafPipe(layout, **options) as pipe:
        for reference, distorted in frames:
            pipe.write(reference, distorted)
        return pipe.close()


@pytest.mark.parametrize(
    "layout",
    [
        RawFormat(176, 144),
        RawFormat(96, 64, depth=10),
        RawFormat(75, 53),
        RawFormat(96, 64, chroma="422"),
        RawFormat(96, 64, depth=10, chroma="422"),
        RawFormat(75, 53, depth=12, chroma="444"),
        RawFormat(96, 64, full_range=True),
    ],
    ids=lambda layout: f"{layout.pix_fmt}-{layout.width}x{layout.height}",
)
def test_equals_plain_ffmpeg(ffmpeg, tmp_path, layout):
    frames = pictures(layout)
    for side, name in enumerate(("reference.mkv", "distorted.mkv")):
        encode(ffmpeg, layout, [pair[side] for pair in frames], tmp_path / name)
    wanted = plain(ffmpeg, layout, "reference.mkv", "distorted.mkv", tmp_path, "feature=name=psnr")
    found = piped(layout, frames, features=["psnr"], n_threads=2)
    assert [frame["frameNum"] for frame in found["frames"]] == list(range(FRAMES))
    for ours, theirs in zip(found["frames"], wanted["frames"], strict=True):
        assert ours["metrics"] == pytest.approx(theirs["metrics"], abs=1e-6)
    assert found["pooled_metrics"]["vmaf"]["mean"] < 100


def test_several_models_and_a_model_file(ffmpeg, tmp_path):
    layout = RawFormat(96, 64)
    models = [VmafModel(), VmafModel("vmaf_v0.6.1neg", "vmaf_neg")]
    log = piped(
        layout, pictures(layout), models=models, features=["float_ssim", "psnr:enable_apsnr=true"]
    )
    metrics = log["frames"][0]["metrics"]
    assert {"vmaf", "vmaf_neg", "float_ssim", "psnr_y"} <= set(metrics)
    assert "apsnr_y" in log["aggregate_metrics"]
    odd = tmp_path / "a model; with 'odd' name.json"
    odd.write_text(json.dumps(ADM_ALONE))
    own = piped(layout, pictures(layout), models=[VmafModel(name="vmaf_own", path=odd)])
    scores = own["frames"][0]["metrics"]
    assert scores["vmaf_own"] == pytest.approx(100 * scores["integer_adm2"], abs=1e-4)


def test_subsampling_keeps_the_scores_of_the_frames_it_scores(ffmpeg):
    layout = RawFormat(96, 64)
    frames = pictures(layout, frames=7)
    every, third = piped(layout, frames), piped(layout, frames, n_subsample=3)
    assert [frame["frameNum"] for frame in third["frames"]] == [0, 3, 6]
    for frame in third["frames"]:
        assert frame["metrics"] == pytest.approx(every["frames"][frame["frameNum"]]["metrics"])


def test_views_that_are_not_contiguous_are_read_as_they_look(ffmpeg):
    layout = RawFormat(96, 64)
    frames = pictures(layout)
    padded = [
        tuple([np.pad(plane, ((0, 3), (0, 32)))[:-3, :-32] for plane in side] for side in pair)
        for pair in frames
    ]
    assert piped(layout, padded)["frames"] == piped(layout, frames)["frames"]


def test_unknown_model_is_reported_with_what_ffmpeg_said(ffmpeg):
    layout = RawFormat(96, 64)
    with pytest.raises(MetricError, match=r"VMAF: ffmpeg ended with exit code .*vmaf_v9") as caught:
        piped(layout, pictures(layout, frames=200), models=[VmafModel("vmaf_v9")])
    assert "\n" not in str(caught.value)


def test_no_pair_is_an_error(ffmpeg):
    with pytest.raises(MetricError, match="no frame pair"):
        piped(RawFormat(96, 64), [])


def test_changed_size_or_sample_type_is_refused(ffmpeg):
    layout = RawFormat(96, 64)
    good = pictures(layout, frames=1)[0]
    small = pictures(RawFormat(94, 64), frames=1)[0]
    deep = pictures(RawFormat(96, 64, depth=10), frames=1)[0]
    with VmafPipe(layout) as pipe:
        pipe.write(*good)
        with pytest.raises(MetricError, match="distorted planes are"):
            pipe.write(good[0], small[1])
        with pytest.raises(MetricError, match="reference samples are uint16"):
            pipe.write(deep[0], good[1])
        assert len(pipe.close()["frames"]) == 1


def test_abort_ends_the_child_and_removes_its_files(ffmpeg):
    layout = RawFormat(96, 64)
    pipe = VmafPipe(layout)
    pipe.write(*pictures(layout, frames=1)[0])
    pipe.abort()
    pipe.abort()
    assert pipe._child.returncode is not None
    assert not pipe._folder.exists()
    with pytest.raises(MetricError, match="over"):
        pipe.write(*pictures(layout, frames=1)[0])
    with pytest.raises(MetricError, match="over"):
        pipe.close()


def test_leaving_the_block_by_an_error_ends_the_child(ffmpeg):
    with pytest.raises(KeyboardInterrupt), VmafPipe(RawFormat(96, 64)) as pipe:
        raise KeyboardInterrupt
    assert pipe._child.returncode is not None
    assert not pipe._folder.exists()


def stand_in(tmp_path, body):
    """A program that passes for ffmpeg with libvmaf, then does something else."""
    if os.name == "nt":
        pytest.skip("the stand-in is a script with a first line for POSIX")
    path = tmp_path / "ffmpeg"
    probe = "print('   model  <string>')"
    text = f"#!{sys.executable}\nimport os, sys\nif 'filter=libvmaf' in sys.argv:\n"
    path.write_text(f"{text}    {probe}\n    sys.exit(0)\n{body}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


READ_ALL = "sys.stdin.buffer.read()\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (READ_ALL, "wrote no log"),
        (READ_ALL + "open('vmaf.json', 'w').write('{nan')\n", "cannot be read"),
        (READ_ALL + "open('vmaf.json', 'w').write('{\"frames\": []}')\n", "0 frames instead of 2"),
        (
            READ_ALL + "open('vmaf.json', 'w').write('{\"frames\": [{\"metrics\": {}}] }'"
            '.replace(\'[{"metrics": {}}]\', \'[{"metrics": {}}, {"metrics": {}}]\'))\n',
            "asked for vmaf and gave nothing",
        ),
        (READ_ALL + "print('out of luck', file=sys.stderr)\nsys.exit(3)\n", "code 3 .*out of luck"),
        (f"os.kill(os.getpid(), {int(signal.SIGABRT)})\n", "ended by signal 6"),
        (
            "sys.stderr.write(100_000 * 'noise ')\nsys.stderr.flush()\n" + READ_ALL,
            "wrote no log: noise",
        ),
    ],
)
def test_a_child_that_fails_is_reported(tmp_path, body, message):
    layout = RawFormat(96, 64)
    with pytest.raises(MetricError, match=message) as caught:
        piped(layout, pictures(layout, frames=2), ffmpeg=stand_in(tmp_path, body))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 3000


def test_named_ffmpeg_is_never_passed_over(tmp_path, monkeypatch):
    with pytest.raises(MissingBackend, match=r"vmaf:ffmpeg=.*no such program; pip install"):
        find_ffmpeg(tmp_path / "none")
    monkeypatch.setenv("VQA_HARNESS_FFMPEG", sys.executable)
    with pytest.raises(MissingBackend, match=r"VQA_HARNESS_FFMPEG=.*no usable libvmaf"):
        find_ffmpeg()


def test_nothing_found_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.delenv("VQA_HARNESS_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingBackend, match=re.escape(pip_install("vqa-harness[vmaf]"))) as caught:
        find_ffmpeg()
    assert caught.value.exit_code == 6
    assert not has_libvmaf(tmp_path / "none")


def test_the_search_path_comes_before_the_package(tmp_path, monkeypatch):
    monkeypatch.delenv("VQA_HARNESS_FFMPEG", raising=False)
    path = stand_in(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg() == path
