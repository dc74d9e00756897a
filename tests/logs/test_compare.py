import json

import pytest

from vqa_harness.logs.compare import FrameDifference, compare_logs
from vqa_harness.logs.log import Log
from vqa_harness.logs.write import write_log
from vqa_harness.stats.pooling import pool


def make_log(columns, directions=None, version="vqa-harness 0.1", **extra):
    frames = len(next(iter(columns.values())))
    metrics = {
        name: {
            "version": "1",
            "parameters": {"window": "2"},
            "info": {"device": "cpu"},
            "features": {name: {"direction": told}},
        }
        for name, told in (directions or {}).items()
    }
    return Log(
        version,
        frame_numbers=list(range(frames)),
        columns=columns,
        pooled={k: pool([x for x in v if x is not None]) for k, v in columns.items()},
        extra={"metrics": metrics, **extra} if directions else {},
    )


def test_pooled_values_and_frames_are_put_side_by_side():
    a = make_log({"up": [90.0, 80.0, 70.0], "old": [1.0] * 3}, {"up": "higher"})
    b = make_log({"up": [90.0, 85.0, 64.0], "new": [1.0] * 3}, {"up": "higher"})
    found = compare_logs(a, b)
    (up,) = found.features
    assert up.pooled["mean"] == (80.0, pytest.approx(239 / 3))
    assert (up.frames, up.equal_frames) == (3, 1)
    assert up.mean_difference == pytest.approx(-1 / 3)
    assert up.mean_absolute_difference == pytest.approx(11 / 3)
    assert up.largest == [FrameDifference(2, 70.0, 64.0, -6.0)]
    assert (found.only_a, found.only_b, found.notes) == (["old"], ["new"], [])


@pytest.mark.parametrize(
    ("direction", "frames"), [("higher", [2]), ("lower", [1, 3]), (None, [2, 1, 3])]
)
def test_the_worst_frames_follow_the_direction(direction, frames):
    a = make_log({"f": [5.0, 5.0, 5.0, 5.0]}, {"f": direction})
    b = make_log({"f": [5.0, 7.0, 1.0, 6.0]}, {"f": direction})
    (feature,) = compare_logs(a, b).features
    assert [d.frame for d in feature.largest] == frames
    assert len(compare_logs(a, b, worst=1).features[0].largest) == 1


def test_frames_are_paired_by_number_and_undefined_ones_left_out():
    a = Log("1", frame_numbers=[0, 2, 4], columns={"f": [1.0, None, 3.0]}, pooled={})
    b = Log("1", frame_numbers=[2, 3, 4], columns={"f": [1.0, 2.0, 2.5]}, pooled={})
    found = compare_logs(a, b)
    (feature,) = found.features
    assert feature.frames == 1
    assert [d.frame for d in feature.largest] == [4]
    assert feature.pooled["mean"] == (None, None)
    apart = Log("1", frame_numbers=[7], columns={"f": [1.0]}, pooled={})
    assert compare_logs(a, apart).features[0].mean_difference is None


def test_what_makes_logs_incomparable_is_noted():
    def stream(**facts):
        return {"sha256": "x", "width": 64, "height": 48, "pix_fmt": "yuv420p", **facts}

    a = make_log(
        {"up": [1.0, 2.0]},
        {"up": "higher"},
        inputs={"distorted": stream(), "reference": stream(sha256="r")},
        alignment={"options": {"mode": "auto"}},
    )
    b = make_log(
        {"up": [1.0, 2.0, 3.0]},
        {"up": "higher"},
        "3.0.0",
        inputs={"distorted": stream(width=32), "reference": stream(sha256="s")},
        alignment={"options": {"mode": "index"}},
    )
    b.extra["metrics"]["up"] |= {
        "version": "2",
        "parameters": {"window": "4"},
        "info": {"device": "cuda", "weights_sha256": "w"},
    }
    assert compare_logs(a, b).notes == [
        "2 frames against 3; frames of one number are compared",
        "made by vqa-harness 0.1 and 3.0.0",
        "distorted: width 64 against 32",
        "both are of the same distorted file",
        "the references differ",
        "up: version 1 against 2",
        "up: window 2 against 4",
        "up: weights_sha256 None against w",
        "alignment: mode auto against index",
    ]


@pytest.fixture
def logs(tmp_path):
    paths = tmp_path / "a.json", tmp_path / "b.csv"
    write_log(make_log({"up": [90.0, 80.0], "q": [1.0, 2.0]}, {"up": "higher"}), paths[0])
    write_log(make_log({"up": [90.0, 70.0], "z": [1.0, 2.0]}), paths[1])
    return paths


def test_the_command_prints_a_table(logs, cli):
    code, out, err = cli("compare", *logs)
    assert code == 0
    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0] == ["feature", "what", "a", "b", "b - a"]
    assert lines[1] == ["up", "mean", "85.0000", "80.0000", "-5.0000"]
    assert lines[-1] == ["up", "frame 1", "80.0000", "70.0000", "-10.0000"]
    assert "only in a.json: q" in err
    assert "only in b.csv: z" in err


def test_the_command_writes_json(logs, cli):
    code, out, _ = cli("compare", "--json", "-", *logs)
    assert code == 0
    document = json.loads(out)
    assert document["features"]["up"]["pooled"]["mean"] == {
        "a": 85.0,
        "b": 80.0,
        "difference": -5.0,
    }
    assert document["features"]["up"]["largest"] == [
        {"frame": 1, "a": 80.0, "b": 70.0, "difference": -10.0}
    ]
    assert (document["only_a"], document["only_b"]) == (["q"], ["z"])


NAMES = ("integer_vif_scale0", "integer_adm2", "VMAF_integer_feature_motion_sad_score", "motion2")
INNER = {name: [0.5, 0.6] for name in NAMES}


def made_by_metrics(up):
    """A log of two metrics as ours write it: inner features first, VMAF in the last column."""
    log = make_log({**INNER, "psnr_y": [40.0, 41.0], "psnr_cb": [44.0, 45.0], "vmaf": [90.0, up]})
    direction = {"direction": "higher"}
    log.extra = {
        "metrics": {
            "psnr": {"features": {"psnr_y": direction, "psnr_cb": direction}},
            "vmaf": {"features": {"vmaf": direction, **dict.fromkeys(INNER, direction)}},
        }
    }
    return log


def made_by_libvmaf(up):
    return make_log({**INNER, "psnr_y": [40.0, 41.0], "vmaf": [90.0, up]}, version="3.0.0")


@pytest.mark.parametrize(
    ("make", "shown"),
    [(made_by_metrics, ["psnr_y", "vmaf"]), (made_by_libvmaf, ["vmaf", "psnr_y"])],
)
def test_what_was_asked_for_is_shown_first_and_inner_features_on_request(
    make, shown, tmp_path, cli
):
    paths = tmp_path / "a.json", tmp_path / "b.json"
    for path, up in zip(paths, (80.0, 70.0), strict=True):
        write_log(make(up), path)

    def rows(*options):
        code, out, err = cli("compare", *paths, *options)
        assert code == 0
        return list(dict.fromkeys(line.split("\t")[0] for line in out.splitlines()[1:])), err

    found, err = rows()
    assert found == shown
    hidden = 4 + (make is made_by_metrics)
    assert f"{hidden} inner features not shown: integer_vif_scale0, " in err
    assert "--all" in err
    found, err = rows("--all")
    assert found[:2] == shown
    assert len(found) == 2 + hidden
    assert "not shown" not in err
    assert rows("-f", "integer_adm2") == (["integer_adm2"], "")
    out = cli("compare", *paths, "--json", "-")[1]
    features = json.loads(out)["features"]
    assert list(features)[:2] == shown
    assert [name for name, one in features.items() if one["asked_for"]] == shown
    assert len(features) == 2 + hidden


def test_logs_of_unknown_metrics_hide_nothing(tmp_path, cli):
    paths = tmp_path / "a.csv", tmp_path / "b.csv"
    for path in paths:
        write_log(make_log({"one": [1.0], "two": [2.0]}), path)
    _, out, err = cli("compare", *paths)
    assert {line.split("\t")[0] for line in out.splitlines()} == {"feature", "one", "two"}
    assert "not shown" not in err


def test_wrong_usage_is_one_line(logs, tmp_path, cli):
    code, _, err = cli("compare", *logs, "-f", "upp")
    assert code == 2
    assert "'upp' is not in both logs; did you mean up?" in err
    write_log(make_log({"other": [1.0]}), tmp_path / "c.json")
    code, _, err = cli("compare", logs[0], tmp_path / "c.json")
    assert code == 2
    assert "no feature in common" in err
    code, _, err = cli("compare", logs[0], tmp_path / "gone.json")
    assert code == 3
    assert "cannot be read" in err


def test_one_feature_may_be_chosen(logs, cli):
    code, out, err = cli("compare", *logs, "-f", "up", "--worst", "0")
    assert code == 0
    assert len(out.splitlines()) == 5
    assert "only in a.json" not in err
