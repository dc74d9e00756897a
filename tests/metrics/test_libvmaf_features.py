"""Features of libvmaf as metrics, and VMAF's confidence: equal to libvmaf, in one pass."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest

from tests.metrics.libvmaf_pictures import pictures
from tests.paths import GOLDEN
from vqa_harness.errors import MetricError, UsageError
from vqa_harness.frames import ColourInfo
from vqa_harness.protocols import RunInfo
from vqa_harness.registry import Registry
from vqa_harness.spec import Param
from vqa_harness.testing import check_metric, rgb_frame, sample_frames, stream_info, yuv_frame
from vqa_harness.testing.synthetic import make_video
from vqa_metrics.presence import library_files
from vqa_metrics.specs.libvmaf import HOW, ROWS
from vqa_metrics.vmaf import bootstrap, feature_metric
from vqa_metrics.vmaf.backend import Engine
from vqa_metrics.vmaf.cambi import Cambi
from vqa_metrics.vmaf.metric import Vmaf

BT709 = ColourInfo(full_range=False, matrix="bt709")
KINDS = {"8": (8, "420"), "10": (10, "420"), "444": (8, "444")}
GIVEN = json.loads((GOLDEN / "libvmaf" / "features.json").read_text())


@pytest.fixture(scope="module")
def frames():
    """Kind to (distorted, reference) frames."""
    return {
        kind: [
            [yuv_frame(planes, depth=depth, chroma=chroma, colour=BT709) for planes in side]
            for side in pictures(depth, chroma)
        ]
        for kind, (depth, chroma) in KINDS.items()
    }


def made(name, **params):
    return Cambi(**params) if name == "cambi" else getattr(feature_metric, name)(**params)


def run_of(shown, references=None, metrics=(), threads=2):
    about = None if references is None else stream_info(references)
    return RunInfo(stream_info(shown), about, metrics, threads)


def score(metrics, shown, references=None):
    """Feed several metrics as a run does, each on a thread of its own: their scores."""
    run = run_of(shown, references)
    for metric in metrics:
        metric.open(run)

    def work(metric):
        for number, frame in enumerate(shown):
            metric.measure(frame, references and references[number])

    threads = [threading.Thread(target=work, args=[metric]) for metric in metrics]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [metric.close().frames for metric in metrics]


@pytest.mark.parametrize("kind", KINDS)
def test_golden_values_of_ffmpegs_filter(backend, frames, kind):
    for asked, expected in GIVEN[kind].items():
        name, *options = asked.split(":")
        params = dict(option.split("=") for option in options)
        kinds = {p.name: type(p.default) for p in ROWS[name].spec.params}
        params = {option: kinds[option](value) for option, value in params.items()}
        (rows,) = score([made(name, backend=backend, **params)], *frames[kind])
        for feature, column in expected.items():
            ours = feature.removeprefix("integer_") if name == "vif" else feature
            ours = name if name == "cambi" else ours
            assert [row[ours] for row in rows] == pytest.approx(column, abs=2e-6), (kind, asked)
        assert len(rows[0]) == len(expected)


def test_confidence_equals_libvmafs_own_functions(backend, frames):
    (rows,) = score([Vmaf(confidence=True, backend=backend)], *frames["8"])
    for name, column in GIVEN["confidence"].items():
        assert [row[name] for row in rows] == pytest.approx(column, abs=2e-6), name
    assert not any(bootstrap.is_of_bootstrap(name) for name in rows[0])
    for row in rows:
        assert row["vmaf_ci_p95_lo"] < row["vmaf_bagging"] < row["vmaf_ci_p95_hi"]


def test_the_bootstrap_model_is_the_one_that_libvmaf_has_built_in(library):
    import gzip
    from importlib import resources

    packed = resources.files("vqa_metrics") / "data" / f"{bootstrap.VERSION}.json.gz"
    (file,) = library_files()
    assert gzip.decompress(packed.read_bytes()) in file.read_bytes()


def test_the_interval_is_clipped_as_libvmaf_does():
    scores = {f"vmaf_bootstrap_{n:02d}": 100.0 + n for n in range(1, 21)}
    assert bootstrap.interval(scores) == {
        "vmaf_bagging": 100.0,
        "vmaf_stddev": 0.0,
        "vmaf_ci_p95_lo": 100.0,
        "vmaf_ci_p95_hi": 100.0,
    }
    even = bootstrap.interval({f"vmaf_bootstrap_{n:02d}": 50.0 + n for n in range(1, 21)})
    assert even["vmaf_ci_p95_lo"] == pytest.approx(51.475)  # between the first and second of twenty
    assert even["vmaf_stddev"] == pytest.approx(5.766281)


def test_confidence_of_a_model_without_a_bootstrap_model(ffmpeg):
    with pytest.raises(UsageError, match=r"of vmaf_v0\.6\.1 only, not of vmaf_4k_v0\.6\.1"):
        Vmaf(model="vmaf_4k_v0.6.1", confidence=True)


def started(monkeypatch):
    """The runs of libvmaf that are started from now on: what each is asked for."""
    runs, start = [], Engine.start

    def counted(self, layout, models, features, **kwargs):
        runs.append(([model.name for model in models], list(features)))
        return start(self, layout, models, features, **kwargs)

    monkeypatch.setattr(Engine, "start", counted)
    return runs


ALL = ("cambi", "psnr_hvs", "vif", "ciede2000", "speed")


def test_one_pass_serves_all(backend, frames, monkeypatch):
    alone = {name: score([made(name, backend=backend)], *frames["8"])[0] for name in ALL}
    (vmaf_alone,) = score([Vmaf(backend=backend)], *frames["8"])
    runs = started(monkeypatch)
    metrics = [Vmaf(backend=backend, confidence=True), *(made(n, backend=backend) for n in ALL)]
    vmaf, *others = score(metrics, *frames["8"])
    assert len(runs) == 1
    assert [dict(row) for row in others[2]] == [dict(row) for row in alone["vif"]]
    assert dict(zip(ALL, others, strict=True)) == alone
    for row, expected in zip(vmaf, vmaf_alone, strict=True):
        kept = {name: x for name, x in row.items() if name not in GIVEN["confidence"]}
        assert kept == expected  # nothing of the other metrics is in it
    assert metrics[1].info()["one_pass_for"] == ["vmaf", *ALL]


def test_no_model_of_vmaf_is_computed_where_none_is_asked_for(any_libvmaf, frames, monkeypatch):
    runs = started(monkeypatch)
    score([made("cambi")], frames["8"][0])
    assert runs == [(["vmaf_carrier"], ["cambi"])]


def test_other_settings_have_a_pass_of_their_own(any_libvmaf, frames, monkeypatch):
    runs = started(monkeypatch)
    every, second = score([made("psnr_hvs"), made("vif", subsample=2)], *frames["8"])
    assert len(runs) == 2
    assert second[1] == dict.fromkeys(second[0])
    assert every[1]["psnr_hvs"] is not None


def test_equal_frames_have_finite_scores(any_libvmaf, frames):
    _, references = frames["8"]
    hvs, ciede, vif = score(
        [made(n) for n in ("psnr_hvs", "ciede2000", "vif")], references, references
    )
    assert set(hvs[0].values()) == {100.0}
    assert ciede[0] == {"ciede2000": 100.0}
    assert vif[0]["vif"] == pytest.approx(1.0, abs=1e-4)


def small(side, count=2):
    return sample_frames(count, *side)


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("cambi", (200, 100), "at least 216 rows or columns, not 200x100"),
        ("speed", (158, 162), "at least 160x160, not 158x162"),
        ("psnr_hvs", (32, 64), "at least 33x33, not 32x64"),
    ],
)
def test_small_frames_are_refused_and_others_of_the_pass_go_on(any_libvmaf, name, size, words):
    shown, references = sample_frames(2, *size, noise=5.0), small(size)
    metric, other = made(name), Vmaf()
    run = run_of(shown, references)
    metric.open(run)
    other.open(run)
    with pytest.raises(UsageError, match=f"^{name} needs frames of {words}"):
        metric.measure(shown[0], references[0])
    if size[0] > 32:
        for pair in zip(shown, references, strict=True):
            other.measure(*pair)
        assert len(other.close().frames) == 2
    other.abort()


def test_a_member_that_leaves_late_lets_the_pair_of_the_others_through(any_libvmaf, frames):
    shown, references = frames["8"]
    metric, other = made("speed"), made("vif")
    run = run_of(shown, references)
    metric.open(run)
    other.open(run)
    other.measure(shown[0], references[0])
    with pytest.raises(ValueError, match="bit depth"):
        metric.measure(shown[0], replace_depth(references[0]))
    for pair in list(zip(shown, references, strict=True))[1:]:
        other.measure(*pair)
    assert [row["vif"] for row in other.close().frames] == pytest.approx(
        GIVEN["8"]["vif"]["integer_vif"], abs=2e-6
    )


def replace_depth(frame):
    return yuv_frame([plane.astype("uint16") for plane in frame.planes], depth=10, colour=BT709)


def test_a_fault_of_libvmaf_is_that_of_every_metric(any_libvmaf, frames, monkeypatch):
    def broken(*_, **__):
        raise MetricError("VMAF: libvmaf is ill")

    monkeypatch.setattr(Engine, "start", broken)
    shown, references = frames["8"]
    metric, other = made("vif"), Vmaf()
    run = run_of(shown, references)
    metric.open(run)
    other.open(run)
    metric.measure(shown[0], references[0])
    with pytest.raises(MetricError, match=r"^VMAF: libvmaf is ill"):
        other.measure(shown[0], references[0])
    with pytest.raises(MetricError, match=r"^libvmaf is ill"):
        metric.close()


def test_nothing_to_score(any_libvmaf):
    with pytest.raises(MetricError, match="no frame"):
        made("cambi").close()


def test_a_feature_that_is_a_metric_of_the_run_is_refused(any_libvmaf, frames):
    with pytest.raises(UsageError, match="ciede is a metric of this run already, ciede2000"):
        Vmaf(features="ciede").open(run_of(*frames["8"], metrics=("vmaf", "ciede2000")))


def test_colours(any_libvmaf, frames):
    shown, references = frames["8"]
    metric = made("ciede2000")
    score([metric], shown, references)
    assert metric.warnings() == []
    other = [yuv_frame(frame.planes, colour=replace(BT709, matrix="bt2020")) for frame in shown]
    metric = made("ciede2000")
    score([metric], other, other)
    assert "this one is limited-range bt2020" in metric.warnings()[0]


def test_banding_of_pq_is_judged_as_pq(any_libvmaf, frames):
    shown = [
        yuv_frame(f.planes, depth=10, colour=replace(BT709, transfer="pq")) for f in frames["10"][0]
    ]
    metric = made("cambi")
    (rows,) = score([metric], shown)
    expected = GIVEN["10"]["cambi:eotf=pq"]["cambi_eotf_pq"]
    assert [row["cambi"] for row in rows] == pytest.approx(expected, abs=2e-6)
    assert metric.info()["eotf"] == "pq"


def test_banding_of_rgb_is_that_of_its_luma(any_libvmaf):
    ramp = np.broadcast_to(60 + np.arange(324) * 24 // 324, (220, 324)).astype(np.uint8)
    colour = ColourInfo(full_range=True, matrix="bt601")
    half = np.full((220, 324), 128, np.uint8)
    as_yuv = yuv_frame((ramp, half, half), chroma="444", colour=colour)
    metric = made("cambi")
    (rows,) = score([metric], [rgb_frame(np.stack([ramp] * 3, -1))])
    (expected,) = score([made("cambi")], [as_yuv])
    assert rows[0]["cambi"] == expected[0]["cambi"] > 5
    assert metric.info()["rgb_converted_to"].startswith("full-range YCbCr 4:4:4")


@pytest.mark.parametrize("name", ALL)
def test_conformance(any_libvmaf, name):
    size = (320, 240)
    check_metric(ROWS[name].spec, frames=sample_frames(2, *size))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cambi:window_size=14", "must be at least 15"),
        ("cambi:topk=1.5", "must be at most 1"),
        ("cambi:enc_width=100", "must be 0 or at least 180"),
        ("cambi:enc_width=180,enc_height=150", "one of them must be at least 216"),
        ("cambi:enc_bitdepth=5", "must be 0 or at least 6"),
        ("cambi:eotf=hlg", "choose one of auto, bt1886, pq"),
        ("vif:threads=-1", "must be at least 0"),
    ],
)
def test_values_that_cannot_be(cli, any_libvmaf, tmp_path, text, words):
    make_video(tmp_path / "a.mp4", 1, width=240, height=64)
    code, _, err = cli("run", tmp_path / "a.mp4", "-r", tmp_path / "a.mp4", "-m", text)
    assert code == 2
    assert words in err


def test_run_needs_no_reference_for_banding_and_names_its_options(cli, any_libvmaf, tmp_path):
    make_video(tmp_path / "a.mp4", 3, width=240, height=64)
    log = tmp_path / "log.json"
    code, out, _ = cli("run", tmp_path / "a.mp4", "-m", "cambi:topk=0.3", "-o", log)
    assert code == 0
    assert "cambi_topk_0.3" in out
    document = json.loads(log.read_text())
    assert set(document["frames"][0]["metrics"]) == {"cambi_topk_0.3"}
    assert document["vqa_harness"]["metrics"]["cambi_topk_0.3"]["info"]["topk"] == 0.3


def test_a_program_that_is_not_there_is_named_by_the_metric(cli, tmp_path):
    make_video(tmp_path / "a.mp4", 1, width=240, height=64)
    code, _, err = cli("run", tmp_path / "a.mp4", "-m", "cambi:ffmpeg=nowhere")
    assert code == 6
    assert "cambi:ffmpeg=nowhere: no such program" in err


def test_every_option_is_one_of_libvmafs(any_libvmaf):
    for row in ROWS.values():
        for param in row.spec.params:
            assert isinstance(param, Param)
            if param not in HOW and param.name != "eotf":
                assert param.lo is not None


def test_the_registry_lists_them():
    assert set(ALL) <= set(Registry.installed().specs())
