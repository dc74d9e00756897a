"""``vqa-harness qc``, ``run --qc``, rules of a gate, the log and the report."""

import json
import shutil

import numpy as np
import pytest

import vqa_harness
from tests.qc.helpers import black, tone, with_sound, written
from vqa_harness.errors import UsageError
from vqa_harness.gate.rules import parse_rule
from vqa_harness.logs.read import read_log
from vqa_harness.logs.view_parser import parse_view
from vqa_harness.testing import check_contract
from vqa_harness.testing.synthetic import moving_pattern


@pytest.fixture(scope="module")
def dark(tmp_path_factory):
    """50 frames without sound, of which 20 to 29 are black."""
    frames = moving_pattern(50, 160, 96)
    frames[20:30] = [black(frames[0])] * 10
    return written(tmp_path_factory.mktemp("qc") / "dark.mp4", frames)


@pytest.fixture(scope="module")
def loud(tmp_path_factory):
    """50 frames with two seconds of -23 LUFS."""
    return with_sound(tmp_path_factory.mktemp("qc") / "loud.mov", tone(2))


def test_the_command_prints_rows_and_writes_json(cli, dark, loud, tmp_path):
    target = tmp_path / "events.json"
    code, out, _ = cli("qc", dark, loud, "--json", target, "-q")
    assert code == 0
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == ["input", "event", "start", "end", "strength", "detail"]
    assert ["dark.mp4", "black", "0.800", "1.200", "1.000", "-"] in rows
    assert ["loud.mov", "-23.0", "0.0", "-23.0"] in rows
    first, second = json.loads(target.read_text())
    assert (first["input"], first["loudness"]) == ("dark.mp4", None)
    assert first["totals"]["black"] == {
        "count": 1,
        "seconds": 0.4,
        "longest": 0.4,
        "frames": 10,
        "strength": 1.0,
    }
    assert second["events"] == []
    assert second["loudness"]["integrated"] == pytest.approx(-23, abs=0.1)


def test_what_cannot_be_read_is_told_and_the_others_go_on(cli, loud, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"nothing")
    code, _, err = cli("qc", bad, "-q")
    assert (code, err.count("\n")) == (3, 1)
    code, out, err = cli("qc", bad, loud, "-q")
    assert code == 7
    assert "-23.0" in out
    assert cli("qc", tmp_path / "none.mp4", "-q")[0] == 3


def test_a_log_has_events_and_the_scores_it_would_have_without(cli, dark, tmp_path):
    logs = []
    for name, options in (("a.json", []), ("b.json", ["--qc"])):
        assert cli("run", dark, "-m", "siti", "-q", "-o", tmp_path / name, *options)[0] == 0
        logs.append(json.loads((tmp_path / name).read_text()))
    plain, with_events = logs
    assert check_contract(read_log(tmp_path / "b.json")) == []
    for key in ("frames", "pooled_metrics", "aggregate_metrics"):
        assert plain[key] == with_events[key]
    assert "qc" not in plain["vqa_harness"]
    assert with_events["vqa_harness"]["qc"] == vqa_harness.find_events(dark).to_json()
    view = read_log(tmp_path / "b.json").view.qc
    assert [(e.kind, e.start, e.end) for e in view.events if e.kind == "black"] == [
        ("black", 0.8, 1.2)
    ]
    assert view.facts["black.frames"] == 10


def test_with_a_reference_all_of_the_distorted_video_is_looked_at(cli, dark, tmp_path):
    frames = moving_pattern(50, 160, 96)[5:]
    reference = written(tmp_path / "reference.mp4", frames)
    target = tmp_path / "a.json"
    assert cli("run", dark, "-r", reference, "-m", "psnr", "-q", "--qc", "-o", target)[0] == 0
    found = json.loads(target.read_text())["vqa_harness"]
    assert found["qc"]["frames"] == 50
    assert len(found["frame_times"]) < 50
    assert found["qc"]["totals"]["black"]["frames"] == 10


def rule(gate, video, *texts):
    code, out, err = gate(video, "-q", *(word for text in texts for word in ("--rule", text)))
    return code, out + err


def test_rules_hold_and_break(gate, dark, loud):
    holds = ("qc.black <= 0.4 s", "qc.black <= 10 frames", "qc.black.count == 1", "qc.freeze <= 0")
    assert rule(gate, dark, *holds)[0] == 0
    code, text = rule(gate, dark, "qc.black <= 9 frames")
    assert code == 1
    assert "qc.black is 10 frames, must be <= 9 frames" in text
    code, text = rule(gate, dark, "qc.black.longest < 0.4s")
    assert code == 1
    assert "qc.black.longest is 0.4000 s, must be < 0.4 s" in text
    sound = ("qc.loudness >= -23.5 LUFS", "qc.loudness <= -22.5LUFS", "qc.true_peak <= -20 dBTP")
    assert rule(gate, loud, *sound, "qc.missing_audio <= 0", "qc.silence <= 0 s")[0] == 0
    assert rule(gate, loud, "qc.loudness >= -16 LUFS")[0] == 1


def test_what_could_not_be_judged_breaks_its_rule(gate, cli, dark, tmp_path):
    code, text = rule(gate, dark, "qc.loudness >= -24 LUFS")
    assert code == 1
    assert "there is no sound" in text
    log = tmp_path / "log.json"
    assert cli("run", dark, "-m", "siti", "-q", "-o", log)[0] == 0
    code, out, _ = gate("--log", log, "--rule", "qc.black <= 1 s")
    assert code == 1
    assert "make it with run --qc" in out


def test_events_are_kept_apart_from_logs_without_them(gate, dark):
    video = shutil.copy(dark, "video.mp4")
    assert gate(video, "--rule", "siti_si.mean >= 0", "-m", "siti")[0] == 0
    both = ("--rule", "siti_si.mean >= 0", "-m", "siti", "--rule", "qc.black <= 1 s")
    assert "from the cache" not in gate(video, *both)[2]
    assert "(1 from the cache)" in gate(video, *both)[2]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("qc.black <= 1 LUFS", "'LUFS' is no unit of qc.black, which is in s"),
        ("qc.black <= 1 sec", "'sec' is no unit"),
        ("qc.silence <= 2 frames", "'frames' is no unit of qc.silence"),
        ("qc.black.longest <= 2 frames", "'frames' is no unit of qc.black.longest"),
        ("qc.scene <= 3 s", "qc.scene, which has no unit"),
        ("vmaf.mean >= 93 s", "vmaf.mean, which has no unit"),
        ("qc.blak <= 1", "did you mean black"),
        ("qc.black.sum <= 1", "longest"),
        ("qc.loudness.mean <= 1", "write qc.loudness"),
        ("qc.silence.frames <= 1", "sound has no frames"),
        ("qc.black <= one s", "'one' is not a number"),
        ("qc.black <= nan", "'nan' is not a number"),
        ("qc.black max_drop 1", "no better direction"),
    ],
)
def test_rules_that_make_no_sense_are_refused(text, told):
    with pytest.raises(UsageError) as error:
        parse_rule(text)
    assert told in str(error.value)


@pytest.mark.parametrize(
    "text", ["qc.black <= 1 s", "qc.black <= 3 frames", "qc.loudness >= -24 LUFS", "qc.scene == 2"]
)
def test_a_rule_is_shown_as_it_was_written(text):
    assert str(parse_rule(text)) == text
    assert str(parse_rule(text.replace(" s", "s").replace(" LUFS", "LUFS"))) == text


HOSTILE = "</script><script>alert(1)</script>"


def test_the_events_of_a_log_may_be_anything():
    event = {"kind": "black", "start": 1, "end": 2, "detail": HOSTILE}
    odd = [{}, None, 3, {"kind": "black"}, {**event, "end": 0}, {**event, "start": "1"}, event]
    view = parse_view({"qc": {"events": odd, "judged": {"a": 1}, "totals": [1], "loudness": "x"}})
    assert [e.start for e in view.qc.events] == [1.0]
    assert view.qc.facts == {}
    assert parse_view({"qc": [1, 2]}).qc.events == ()


def test_the_report_draws_bands_and_escapes_texts(cli, dark, tmp_path):
    log = tmp_path / "a.json"
    assert cli("run", dark, "-m", "siti", "-q", "--qc", "-o", log)[0] == 0
    document = json.loads(log.read_text())
    more = {"kind": HOSTILE, "start": 0, "end": 1e9, "strength": None, "detail": HOSTILE}
    document["vqa_harness"]["qc"]["events"].append(more)
    log.write_text(json.dumps(document))
    pytest.importorskip("jinja2")
    assert cli("report", log, "-o", tmp_path / "a.html")[0] == 0
    page = (tmp_path / "a.html").read_text()
    assert '<rect class="e-black"' in page
    assert "black from 0.800 s to 1.200 s, from frame 20, strength 1.000" in page
    assert HOSTILE not in page
    assert "&lt;/script&gt;" in page


def test_the_python_api_takes_frames_in_memory_too(dark):
    report = vqa_harness.find_events(dark)
    assert [(e.first_frame, e.stop_frame) for e in report.of("black")] == [(20, 30)]
    frames = [np.full((48, 64, 3), 255 * (i > 4), np.uint8) for i in range(10)]
    report = vqa_harness.find_events(
        vqa_harness.Video.from_rgb(frames, fps=25, matrix="bt709", full_range=False)
    )
    assert [(e.first_frame, e.stop_frame) for e in report.of("black")] == [(0, 5)]
    assert "missing_audio" not in report.judged
