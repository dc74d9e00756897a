"""What the timeline is told: worst stretches, bands of alignment, events, pairs of a log."""

import pytest

from tests.report.made_ladder import log_of
from vqa_harness.logs.log import Log
from vqa_harness.logs.view_parser import parse_view
from vqa_harness.testing.synthetic import make_video
from vqa_harness.view.encodes import Videos
from vqa_harness.view.pairing import told_by
from vqa_harness.view.timeline import bands, events, features, worst_stretches


def log_with(frames=12, **extra):
    times = [n / 25 for n in range(frames)]
    numbers = list(range(frames))
    return Log("x", None, numbers, {"score": [1.0] * frames}, extra={"frame_times": times, **extra})


def test_worst_stretches_do_not_overlap():
    values = [5.0] * 30
    values[4:8] = [1.0] * 4
    values[20:24] = [None, 3.0, 3.0, 3.0]
    found = worst_stretches(values, 4, 1)
    assert found[:2] == [(4, 8, 1.0), (20, 24, 3.0)]
    assert all(abs(a[0] - b[0]) >= 4 for a in found for b in found if a != b)
    assert worst_stretches([-v for v in range(9)], 3, -1)[0] == (0, 3, -1.0)
    assert worst_stretches(values, 30, 1) == worst_stretches(values, 4, 0) == []


def test_bands_count_pairs_and_not_frames():
    listed = [
        {"kind": "matched", "distorted": [3, 8], "reference": [0, 5]},
        {"kind": "frozen", "distorted": [8, 10], "reference": [4, 5]},
        {"kind": "matched", "distorted": [10, 14], "reference": [8, 12]},
    ]
    alignment = parse_view(
        {
            "alignment": {
                "segments": {"count": 3, "list": listed},
                "dropped": {"count": 1, "list": [6]},
                "duplicated": {"count": 1, "list": [9]},
            }
        }
    ).alignment
    found = {one["kind"]: (one["start"], one["stop"]) for one in bands(alignment, range(3, 14))}
    assert found == {"frozen": (5, 7), "duplicated": (6, 7), "dropped": (7, 7)}


def test_events_in_numbers_of_frames():
    listed = [
        {"kind": "black", "start": 0.08, "end": 0.16, "detail": "deep"},
        {"kind": "silence", "start": 0.41, "end": 9.0},
        {"kind": "late", "start": 7, "end": 8},
        {"kind": 5, "start": 0, "end": 1},
        "nothing",
    ]
    found = events(log_with(qc={"events": listed}))
    assert [(one["kind"], one["start"], one["stop"]) for one in found] == [
        ("black", 2, 4),
        ("silence", 11, 12),
    ]
    assert found[0]["text"] == "black: 0.08 s to 0.16 s, deep"
    assert events(log_with()) == []


@pytest.mark.parametrize("qc", [None, 5, [], {"events": 7}, {"events": [None] * 9}])
def test_events_that_are_none(qc):
    assert events(log_with(qc=qc)) == []


def test_features_without_a_direction_have_no_worst():
    document = log_of("a", 1)
    columns = {
        name: [frame["metrics"][name] for frame in document["frames"]]
        for name in ("score", "motion")
    }
    log = Log("x", None, list(range(400)), columns, extra=document["vqa_harness"])
    found = {one["name"]: one for one in features(log)}
    assert found["score"]["frames"]
    assert found["score"]["stretches"]
    assert found["motion"]["frames"] == found["motion"]["stretches"] == []


def segments(*listed):
    entries = [{"kind": k, "distorted": d, "reference": r} for k, d, r in listed]
    return {"segments": {"count": len(entries), "list": entries}}


@pytest.mark.parametrize(
    ("listed", "numbers"),
    [
        ([("matched", [0, 12], [2, 14])], [(n, n + 2) for n in range(12)]),
        (
            [
                ("matched", [0, 6], [0, 6]),
                ("unmatched", [6, 9], None),
                ("matched", [9, 15], [8, 14]),
            ],
            [(n, n) for n in range(6)] + [(n, n - 1) for n in range(9, 15)],
        ),
        ([("matched", [0, 11], [0, 11])], None),
        ([("matched", [0, 12], [0, 24])], None),
        ([("frozen", [0, 12], [0, 12])], None),
        ([], None),
    ],
)
def test_pairs_that_a_log_tells(tmp_path, listed, numbers):
    for name in "dr":
        make_video(tmp_path / f"{name}.mp4", 4, width=64, height=48)
    videos = Videos(tmp_path / "d.mp4", tmp_path / "r.mp4")
    plan = told_by(log_with(alignment=segments(*listed)), videos)
    assert (None if plan is None else list(plan.pairs)) == numbers
