"""Both libvmafs give the same log, and the one that is taken is the one that can do it."""

import json

import numpy as np
import pytest

from vqa_harness.errors import MissingBackend, UsageError
from vqa_harness.frames import ColourInfo
from vqa_harness.installation import pip_install
from vqa_harness.logs.cache_key import CacheKeys
from vqa_harness.protocols import RunInfo
from vqa_harness.registry import Registry
from vqa_harness.testing import stream_info, yuv_frame
from vqa_harness.testing.synthetic import make_video, moving_pattern
from vqa_metrics.vmaf import backend as backends
from vqa_metrics.vmaf import ffmpeg as ffmpeg_module
from vqa_metrics.vmaf.builds import LibraryBuild, ProgramBuild, fault
from vqa_metrics.vmaf.ffmpeg import find_ffmpeg
from vqa_metrics.vmaf.metric import Vmaf
from vqa_metrics.vmaf.models import VmafModel

V1 = "vmaf_v1.0.16_"
FEATURES = (
    "psnr:enable_apsnr=true+psnr_hvs+float_ssim:enable_lcs=true+float_ms_ssim+ciede"
    "+cambi:full_ref=true+speed_chroma+speed_temporal+adm+vif+motion"
)


def pairs(size, depth, chroma, full_range=False, count=5):
    """Distorted frames, coarser and noisy, and their references."""
    colour = ColourInfo(full_range=full_range, matrix="bt709")
    rng, step, top = np.random.default_rng(1), 24 << (depth - 8), (1 << depth) - 1
    references = moving_pattern(count, *size, depth=depth, chroma=chroma)
    frames = [
        tuple(
            np.clip(
                plane.astype(int) // step * step + rng.integers(0, step, plane.shape), 0, top
            ).astype(plane.dtype)
            for plane in planes
        )
        for planes in references
    ]
    kind = {"depth": depth, "chroma": chroma, "colour": colour}
    return [[yuv_frame(planes, **kind) for planes in side] for side in (frames, references)]


def score(frames, references, **params):
    metric = Vmaf(**params)
    metric.open(RunInfo(stream_info(frames), stream_info(references), ("vmaf",), 2))
    try:
        for pair in zip(frames, references, strict=True):
            metric.measure(*pair)
        return metric.close(), metric
    finally:
        metric.abort()


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (((192, 108), 8, "420"), {}),
        (((192, 108), 10, "420"), {}),
        (((175, 143), 8, "420"), {}),
        (((161, 91), 8, "422"), {}),  # a width at which the vector code of libvmaf 3.2.0 is wrong
        (((33, 57), 8, "420"), {}),
        (((160, 90), 10, "422"), {}),
        (((97, 91), 10, "444"), {}),
        (((98, 70), 12, "444"), {}),
        (((192, 108), 8, "420", True), {}),
        (((720, 405), 8, "420"), {"threads": 2}),
        (((648, 68), 10, "420"), {"threads": 0}),
        (((192, 108), 8, "420"), {"model": "vmaf_v0.6.1neg+vmaf_4k_v0.6.1+vmaf_4k_v0.6.1neg"}),
        (((320, 270), 8, "420"), {"model": f"{V1}3d0h+{V1}5d0h+{V1}hfr_3d0h+{V1}1d5h_2160"}),
        (((320, 320), 10, "444"), {"model": f"{V1}3d0h_2160+vmaf_v0.6.1"}),
        (((256, 240), 8, "420"), {"features": FEATURES}),
        (((656, 300), 10, "420"), {"features": FEATURES}),
        (((256, 240), 8, "420"), {"features": "cambi:max_log_contrast=3:window_size=63"}),
        (((192, 108), 8, "420"), {"subsample": 3, "features": "psnr"}),
    ],
    ids=str,
)
def test_library_and_program_give_the_same(library, ffmpeg, kind, params):
    frames, references = pairs(*kind)
    ours, _ = score(frames, references, backend="library", **params)
    theirs, _ = score(frames, references, backend="program", **params)
    assert [list(row.items()) for row in ours.frames] == [list(r.items()) for r in theirs.frames]
    assert ours.aggregate == theirs.aggregate


def chosen(backend="auto", ffmpeg="", models=("vmaf_v0.6.1",), features=()):
    return backends.choose(backend, ffmpeg, [VmafModel(m, m[:6]) for m in models], features)


@pytest.fixture
def no_variable(monkeypatch):
    monkeypatch.delenv("VQA_HARNESS_FFMPEG", raising=False)


@pytest.mark.usefixtures("library", "ffmpeg", "no_variable")
class TestChoice:
    def test_the_library_unless_a_program_is_named(self, ffmpeg, monkeypatch):
        assert chosen().executable is None
        assert chosen("program").executable == find_ffmpeg()
        assert chosen(ffmpeg=str(ffmpeg)).executable == ffmpeg
        monkeypatch.setenv("VQA_HARNESS_FFMPEG", str(ffmpeg))
        assert chosen().executable == ffmpeg
        assert chosen("library").executable is None

    def test_a_contradiction_is_refused(self, ffmpeg):
        with pytest.raises(UsageError, match="leave one out"):
            chosen("library", str(ffmpeg))

    @pytest.mark.parametrize(
        "asked",
        [
            {"models": ["vmaf_float_v0.6.1"]},
            {"features": ["float_psnr"]},
            {"features": ["speed_chroma:speed_kernelscale=1.5"]},  # may end the process
        ],
        ids=str,
    )
    def test_what_the_library_lacks_is_the_programs(self, asked):
        assert chosen(**asked).executable == find_ffmpeg()
        with pytest.raises(MissingBackend, match=r"PyAV's libvmaf .*vmaf:ffmpeg=PATH"):
            chosen("library", **asked)


@pytest.mark.usefixtures("no_variable")
def test_without_any_program_the_library_tells_what_it_lacks(library, tmp_path, monkeypatch):
    monkeypatch.setattr(backends, "find_ffmpeg", no_program)
    with pytest.raises(MissingBackend, match=r"no feature float_psnr; it has adm, cambi, ciede"):
        chosen(features=["float_psnr"])
    assert chosen().executable is None


def no_program(*_):
    raise MissingBackend("no ffmpeg with libvmaf was found, and VMAF needs one")


@pytest.mark.usefixtures("no_variable")
def test_without_a_library(monkeypatch):
    monkeypatch.setattr(backends, "library_is_there", lambda: False)
    monkeypatch.setattr(backends, "find_ffmpeg", no_program)
    with pytest.raises(MissingBackend, match=r"has no libvmaf; av 19, for Python 3\.12"):
        chosen("library")
    with pytest.raises(MissingBackend, match="no ffmpeg with libvmaf was found"):
        chosen()


def build_of(backend):
    return LibraryBuild() if backend == "library" else ProgramBuild(find_ffmpeg())


@pytest.mark.parametrize(
    ("models", "features", "words"),
    [
        (["vmaf_v9.9.9"], [], r"has no model vmaf_v9\.9\.9; it has vmaf_v0\.6\.1, vmaf_v0\.6\.1n"),
        (["vmaf_v0.6.1"], ["psnr", "no_such"], r"has no feature no_such; it has adm, cambi, ciede"),
        (["vmaf_v0.6.1"], ["cambi:topp=1"], "feature cambi of .* has no option topp"),
        (["vmaf_v0.6.1"], ["psnr:enable_mse=maybe"], "does not take the feature psnr:enable_mse"),
    ],
)
def test_what_no_libvmaf_knows_is_named_before_anything_is_decoded(
    backend, models, features, words
):
    found = fault(build_of(backend), [VmafModel(m, "vmaf") for m in models], features)
    assert isinstance(found, UsageError)
    with pytest.raises(UsageError, match=words):
        raise found
    with pytest.raises(UsageError, match=words):
        Vmaf(model="+".join(models), features="+".join(features), backend=backend)


def test_known_options_and_those_that_take_any_text_pass(backend):
    features = ["cambi:cambi_eotf=pq:max_log_contrast=3", "psnr:enable_mse=true"]
    assert fault(build_of(backend), [VmafModel()], features) is None


def test_the_log_says_which_libvmaf_it_was(backend):
    frames, references = pairs((64, 48), 8, "420", count=2)
    info = score(frames, references, backend=backend)[1].info()
    assert info["backend"] == backend
    assert ("av" in info, "program" in info) == (backend == "library", backend == "program")
    assert info["libvmaf_version"]
    assert "/" not in json.dumps(info)


@pytest.fixture
def small(tmp_path):
    """A reference of 176x144, and a coded version of it."""
    frames = moving_pattern(3, 176, 144)
    make_video(tmp_path / "reference.mkv", frames, codec="ffv1")
    make_video(tmp_path / "shown.mp4", frames, options={"qp": "40"})
    return ["run", "-q", tmp_path / "shown.mp4", "-r", tmp_path / "reference.mkv"]


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ("cambi", "feature cambi needs frames of at least 216 rows or columns, not 176x144"),
        ("psnr_hvs+float_ms_ssim", "feature float_ms_ssim needs frames of at least 176x176"),
    ],
)
def test_a_feature_that_needs_more_is_an_error_and_the_other_metrics_live(
    cli, backend, small, tmp_path, features, words
):
    log = tmp_path / "log.json"
    vmaf = f"vmaf:backend={backend},features={features}"
    code, _, err = cli(*small, "-m", vmaf, "-m", "psnr", "-o", log)
    assert code == 5
    assert words in err.splitlines()[-1]
    assert json.loads(log.read_text())["pooled_metrics"]["psnr_y"]["mean"] > 20
    assert cli(*small, "-m", f"vmaf:backend={backend},features=psnr_hvs", "-o", log)[0] == 0
    assert "psnr_hvs_cb" in json.loads(log.read_text())["pooled_metrics"]


def test_unknown_models_are_a_usage_error_of_run(cli, backend, small):
    code, _, err = cli(*small, "-m", f"vmaf:backend={backend},model=vmaf_v9.9.9")
    assert (code, err.count("\n")) == (2, 1)
    assert "vmaf_v0.6.1neg" in err


def test_metrics_says_what_vmaf_lacks(cli, monkeypatch, no_variable):
    monkeypatch.setattr(backends, "library_is_there", lambda: True)
    assert "missing" not in cli("metrics", "vmaf")[1]
    monkeypatch.setattr(backends, "library_is_there", lambda: False)
    monkeypatch.setattr(ffmpeg_module, "has_libvmaf", lambda _: False)
    monkeypatch.setattr(ffmpeg_module, "_find", ffmpeg_module._find.__wrapped__)  # no answer kept
    code, out, _ = cli("metrics", "vmaf")
    assert code == 0
    assert f"{pip_install('vqa-harness[vmaf]')}, or name one by vmaf:ffmpeg=PATH" in out
    (row,) = [r for r in json.loads(cli("metrics", "--json", "-")[1]) if r["name"] == "vmaf"]
    assert "no ffmpeg with libvmaf" in row["missing"]


def key_of(**params):
    registry = Registry.installed()
    text = ",".join(f"{name}={value}" for name, value in params.items())
    return CacheKeys([registry.request(f"vmaf:{text}")], registry).facts["metrics"][0]["backend"]


def test_the_key_of_cached_scores_covers_the_bytes_of_the_libvmaf(library, ffmpeg, no_variable):
    (name, [ours]), (other, [theirs]) = key_of(threads=1), key_of(backend="program")
    assert (name, other) == ("library", "program")
    assert len({ours, theirs}) == 2
    assert key_of(ffmpeg=str(ffmpeg)) == ["program", [theirs]]
