import io
import json
import math
from fractions import Fraction

import pytest

from vqa_harness import __version__
from vqa_harness.errors import InputError, MetricError
from vqa_harness.frames import ColourInfo, StreamInfo
from vqa_harness.logs.build import build_log
from vqa_harness.logs.log import Log
from vqa_harness.logs.metadata import without_folders
from vqa_harness.logs.vmaf_json import to_json, write_json
from vqa_harness.result import MetricResult, RunResult, WindowScore
from vqa_harness.spec import Feature, MetricSpec, Param
from vqa_harness.stats.pooling import pool
from vqa_harness.testing.logs import check_contract

STREAM = StreamInfo(
    name="distorted.mp4",
    codec="h264",
    width=64,
    height=48,
    pix_fmt="yuv420p",
    depth=8,
    chroma="420",
    rate=Fraction(2),
    colour=ColourInfo(full_range=False, matrix="bt601", guessed=("full_range", "matrix")),
)


def metric(name, columns, *, kind="frame", higher=True, **more):
    features = tuple(Feature(n, higher, 0.0, 100.0, "dB") for n in columns)
    spec = MetricSpec(name, "package:Class", features, kind=kind, params=more.pop("params_of", ()))
    return MetricResult(spec, more.pop("params", {}), columns, **more)


def run(*metrics, frames=4, **more):
    times = [Fraction(i, 2) for i in range(frames)]
    return RunResult(STREAM, frame_times=times, metrics=list(metrics), cpu_seconds=2.0, **more)


def json_text(log):
    file = io.StringIO()
    write_json(log, file)
    return file.getvalue()


def test_columns_pooled_values_and_order():
    log = build_log(
        run(
            metric("vmaf", {"integer_adm2": [1.0] * 4, "vmaf": [90.0, 91.0, 92.0, 93.0]}),
            metric("niqe", {"niqe": [4.0, 5.0, 6.0, 7.0]}, higher=False),
        )
    )
    assert list(log.columns) == ["integer_adm2", "niqe", "vmaf"]
    assert log.frame_numbers == [0, 1, 2, 3]
    assert log.pooled["niqe"] == pool([4.0, 5.0, 6.0, 7.0])
    assert log.fps == 2.0
    assert log.size == (64, 48)
    assert log.aggregate == {}
    assert check_contract(log) == []


def test_version_is_that_of_libvmaf_where_it_ran():
    assert (
        build_log(run(metric("niqe", {"niqe": [1.0] * 4}))).version == f"vqa-harness {__version__}"
    )
    vmaf = metric("vmaf", {"vmaf": [1.0] * 4}, info={"libvmaf_version": "v3.2.0"})
    assert build_log(run(vmaf)).version == "v3.2.0"


def test_fps_is_unknown_without_processor_time():
    result = run(metric("niqe", {"niqe": [1.0] * 4}))
    result.cpu_seconds = 0.0
    assert build_log(result).fps is None


@pytest.mark.parametrize("hole", [None, math.nan, math.inf, -math.inf, 1e308])
def test_undefined_values_are_held_and_recorded(hole):
    log = build_log(run(metric("niqe", {"niqe": [hole, 4.0, hole, 7.0]})))
    assert log.columns["niqe"] == [4.0, 4.0, 4.0, 7.0]
    assert log.extra["metrics"]["niqe"]["undefined_frames"] == {"niqe": [0, 2]}
    statistics = log.extra["pooling"]["features"]["niqe"]
    assert statistics["defined_frames"] == 2
    assert statistics["mean_of_defined"] == 5.5
    assert log.pooled["niqe"]["mean"] == 4.75
    assert check_contract(log) == []


def test_a_feature_undefined_everywhere_is_left_out():
    log = build_log(run(metric("m", {"m_a": [None, math.nan, None, None], "m_b": [1.0] * 4})))
    assert list(log.columns) == list(log.pooled) == ["m_b"]
    assert log.extra["metrics"]["m"]["warnings"] == ["m_a: undefined on every frame, left out"]
    assert check_contract(log) == []


def test_a_failed_metric_leaves_its_error():
    log = build_log(run(metric("a", {"a": [1.0] * 4}), metric("b", {}, error="no model")))
    assert log.extra["errors"] == {"b": "no model"}
    assert log.extra["metrics"]["b"]["error"] == "no model"
    assert check_contract(log) == []


def test_harmonic_mean_is_replaced_and_recorded():
    log = build_log(run(metric("brisque", {"brisque": [-1.0, 2.0, 3.0, 4.0]})))
    assert log.pooled["brisque"]["harmonic_mean"] == 2.0
    assert log.extra["pooling"]["harmonic_mean_replaced"] == ["brisque"]
    assert check_contract(log) == []


@pytest.mark.parametrize(("higher", "start"), [(True, 2), (False, 0)])
def test_worst_run_follows_the_direction(higher, start):
    log = build_log(run(metric("m", {"m": [9.0, 8.0, 1.0, 2.0]}, higher=higher)))
    run_found = log.extra["pooling"]["features"]["m"]["worst_run"]
    assert (run_found["start"], run_found["stop"]) == (start, start + 2)
    assert log.extra["pooling"]["worst_run_frames"] == 2


def test_a_description_has_no_worst_run():
    log = build_log(run(metric("m", {"m": [9.0] * 4}, higher=None)))
    assert "worst_run" not in log.extra["pooling"]["features"]["m"]


@pytest.mark.parametrize(
    ("rate", "times", "length"),
    [
        (Fraction(30000, 1001), [Fraction(i) for i in range(60)], 30),
        (None, [Fraction(i, 10) for i in range(60)], 10),
        (None, [None] * 60, 25),
        (None, [Fraction(0)] * 60, 25),
    ],
)
def test_a_run_is_about_a_second(rate, times, length):
    stream = StreamInfo("a.mp4", "h264", 4, 4, "gray", 8, "gray", rate, STREAM.colour)
    result = RunResult(stream, frame_times=times, metrics=[metric("m", {"m": [1.0] * 60})])
    assert build_log(result).extra["pooling"]["worst_run_frames"] == length


def clip(windows):
    return metric("clipvqa", {"clipvqa": [50.0, 50.0, 70.0, 70.0]}, kind="clip", windows=windows)


def test_windows_are_kept_beside_the_scores():
    windows = [
        WindowScore(0, 2, (0, 1), {"clipvqa": 50.0}),
        WindowScore(2, 4, (2, 3), {"clipvqa": 70.0}),
    ]
    entry = build_log(run(clip(windows))).extra["metrics"]["clipvqa"]
    assert entry["temporal"] == "window"
    assert entry["broadcast"] is True
    assert entry["score"] == 60.0
    assert entry["windows"][1] == {
        "start": 2,
        "end": 4,
        "start_time": 1.0,
        "end_time": 2.0,
        "frames": [2, 3],
        "scores": {"clipvqa": 70.0},
    }


def test_one_window_over_all_is_a_clip():
    entry = build_log(run(clip([WindowScore(0, 4, (1,), {"clipvqa": math.nan})]))).extra["metrics"]
    assert entry["clipvqa"]["temporal"] == "clip"
    assert entry["clipvqa"]["score"] is None
    assert entry["clipvqa"]["windows"][0]["scores"] == {"clipvqa": None}


def test_two_uses_of_a_metric_are_told_apart():
    param = (Param("patch", 96),)
    both = (
        metric("niqe", {"niqe": [1.0] * 4}, params_of=param, params={"patch": 96}),
        metric("niqe", {}, params_of=param, params={"patch": 64}),
    )
    both[1].columns["niqe_patch_64"] = [2.0] * 4
    both[1].spec = both[0].spec
    log = build_log(run(*both))
    assert list(log.extra["metrics"]) == ["niqe", "niqe_patch_64"]
    described = log.extra["metrics"]["niqe_patch_64"]["features"]["niqe_patch_64"]
    assert described == {"direction": "higher", "range": [0.0, 100.0], "unit": "dB"}


def test_metadata_says_what_was_scored():
    result = run(
        metric("niqe", {"niqe": [1.0] * 4}, info={"scale": math.inf, "size": (2, 3)}),
        sha256={"distorted": "ab"},
        reading={"distorted": {"frames": 4}},
        warnings=["the file ends early"],
    )
    extra = build_log(result, command="vqa-harness run", created="2026-01-02T03:04:05Z").extra
    assert extra["schema"] == 1
    assert extra["harness_version"] == __version__
    assert (extra["created"], extra["command"]) == ("2026-01-02T03:04:05Z", "vqa-harness run")
    assert extra["inputs"]["reference"] is None
    distorted = extra["inputs"]["distorted"]
    wanted = {"name": "distorted.mp4", "sha256": "ab", "rate": "2", "frames": 4, "sar": "1:1"}
    assert {key: distorted[key] for key in wanted} == wanted
    assert distorted["colour"]["range"] == "limited"
    assert distorted["colour"]["guessed"] == ["range", "matrix"]
    assert extra["frame_times"] == [0.0, 0.5, 1.0, 1.5]
    assert extra["metrics"]["niqe"]["info"] == {"scale": None, "size": [2, 3]}
    assert extra["warnings"] == ["the file ends early"]
    assert extra["seconds"]["cpu"] == 2.0


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("run /home/me/a.mp4 -o /data/x/y.json", "run a.mp4 -o y.json"),
        (r"run C:\clips\a.mp4", "run a.mp4"),
        ("niqe:model=/opt/models/m.npz", "niqe:model=m.npz"),
        ("run clips/a.mp4 30000/1001 and/or https://example.org/x/y", None),
        ("lone \ud800", "lone ?"),
    ],
)
def test_folders_of_absolute_paths_are_left_out(text, wanted):
    assert without_folders(text) == (text if wanted is None else wanted)


def test_no_path_of_the_machine_gets_into_the_log():
    result = run(
        metric("m", {"m": [1.0] * 4}, info={"weights": "/opt/models/m.npz"}, warnings=["/a/b/c: x"])
    )
    log = build_log(result, command="vqa-harness run /home/me/a.mp4")
    assert check_contract(log) == []
    assert "/home" not in json_text(log)


def test_no_frames_is_an_input_error():
    with pytest.raises(InputError, match=r"distorted\.mp4: no frame was scored"):
        build_log(run(frames=0))


def test_a_column_of_another_length_names_the_metric():
    with pytest.raises(MetricError, match="'m' gave 3 values of 'm' for 4 frames"):
        build_log(run(metric("m", {"m": [1.0] * 3})))


def test_a_feature_given_twice_names_the_metric():
    with pytest.raises(MetricError, match="metric 'b': feature 'x' is in the log already"):
        build_log(run(metric("a", {"x": [1.0] * 4}), metric("b", {"x": [1.0] * 4})))


def test_to_json_is_what_the_file_holds():
    log = build_log(run(metric("m", {"m": [0.5, 0.25, 1.0, 2.0]})))
    document, written = to_json(log), json.loads(json_text(log))
    assert list(document) == list(written)
    assert written["frames"] == document["frames"]
    assert written["vqa_harness"] == document["vqa_harness"]
    assert written["pooled_metrics"]["m"] == pytest.approx(document["pooled_metrics"]["m"])


BROKEN = {
    "R2: there is no frame": {"frame_numbers": []},
    "R7: the first frame is 1": {"frame_numbers": [1, 2]},
    "R7: frame numbers do not ascend": {"frame_numbers": [0, 0]},
    "R3: 'm' has a value that is not a number": {"columns": {"m": [1.0, "2"]}},
    "R4: 'm' has an undefined value": {"columns": {"m": [1.0, None]}},
    "R5: pooled 'm' has the keys mean": {"pooled": {"m": {"mean": 1.5}}},
    "R6: pooled metrics are not those": {"pooled": {}},
    "R6: 'm' has 1 values for 2 frames": {"columns": {"m": [1.0]}},
    "R11: aggregate_metrics is not empty": {"aggregate": {"apsnr_y": 1.0}},
    "R12: version is not a text": {"version": ""},
    "R12: fps is not a number": {"fps": math.nan},
    "R15: pooled 'm' has mean 9.0": {"pooled": {"m": pool([1.0, 2.0]) | {"mean": 9.0}}},
    "R1: vqa_harness cannot be written": {"extra": {"x": math.nan}},
    "vqa_harness holds a path": {"extra": {"x": ["see /etc/passwd"]}},
}


@pytest.mark.parametrize("rule", BROKEN)
def test_each_broken_rule_is_found(rule):
    values = {
        "version": "x",
        "fps": 1.0,
        "frame_numbers": [0, 1],
        "columns": {"m": [1.0, 2.0]},
        "pooled": {"m": pool([1.0, 2.0])},
    }
    assert check_contract(Log(**values)) == []
    assert any(found.startswith(rule) for found in check_contract(Log(**values | BROKEN[rule])))


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (["vmaf", "psnr_y"], "R14"),
        (["psnr", "psnr_y"], "R10"),
        (["ms_ssim", "float_ms_ssim"], "R10"),
        (["n"], "R10"),
        (["vmaf"], "R8"),
        (["my_vmaf_like"], "R9"),
    ],
)
def test_names_that_mislead_readers_are_found(names, rule):
    columns = {name: [1.0] for name in names}
    pooled = {name: pool([1.0]) for name in names}
    log = Log(f"vqa-harness {__version__}", 1.0, [0], columns, pooled)
    assert rule in {found.split(":")[0] for found in check_contract(log)}


def test_a_number_undefined_pooled_unrecorded_is_found():
    log = build_log(run(metric("m", {"m": [-2.0, 1.0, 1.0, 1.0]})))
    log.extra["pooling"]["harmonic_mean_replaced"] = []
    assert [found.split(":")[0] for found in check_contract(log)] == ["R15"]
