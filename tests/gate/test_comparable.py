"""Nothing that cannot be compared passes: each difference between two gates is told as such."""

import json
import shutil
from pathlib import Path

import pytest

from tests.gate.test_command import config, statuses
from vqa_harness.gate.baseline import Baseline, entry_of, read_baseline
from vqa_harness.gate.conditions import conditions_of, difference, rungs_differ
from vqa_harness.gate.pairing import MIN_SHARE, missing_ends, too_few
from vqa_harness.logs.log import Log
from vqa_harness.testing.synthetic import make_video

RULES = "rules = ['psnr_y.mean >= 20', 'psnr_y.mean max_drop 0.5']"
BASE = "baseline = 'base.json'"


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """A reference, another one, two encodings, and one that ends early."""
    folder = tmp_path_factory.mktemp("videos")
    for name, frames, qp in (
        ("ref.mkv", 12, "0"),
        ("other.mkv", 12, "12"),
        ("q0.mp4", 12, "20"),
        ("q1.mp4", 12, "24"),
        ("short.mp4", 4, "20"),
    ):
        make_video(folder / name, frames, width=64, height=48, options={"qp": qp})
    return folder


@pytest.fixture
def media(videos, tmp_path):
    """A folder of the test's own with these videos."""
    for path in videos.iterdir():
        shutil.copy(path, tmp_path)
    return tmp_path


def gate_with(gate, media, *lines, reference="ref.mkv", cases=("q*.mp4",), update=False):
    config(media, *lines, reference=reference, cases=cases)
    return gate(*(["--update-baseline"] if update else []))


def test_a_case_of_the_baseline_that_is_gone_cannot_be_judged(gate, media):
    assert gate_with(gate, media, BASE, RULES, update=True)[0] == 0
    assert gate()[0] == 0
    (media / "q1.mp4").unlink()
    code, out, err = gate()
    assert code == 1
    assert statuses(out) == ["ERROR", "pass", "pass"]
    assert out.splitlines()[1].startswith("ERROR\tq/q1\tbaseline.gone == 0\t-\t-\tcannot be judged")
    assert "1 of 3 rules do not hold; q/q1: cannot be judged: the baseline has this case" in err
    code, out, err = gate("--update-baseline")
    assert code == 0
    assert "q/q1\tpsnr_y.mean\t" in out
    assert "base.json: q/q1 is no longer there, and was dropped" in err
    assert list(json.loads(Path("base.json").read_text())["cases"]) == ["q/q0"]
    assert gate()[0] == 0


def test_a_gone_case_counts_where_no_rule_compares(gate, media):
    absolute = "rules = ['psnr_y.mean >= 20']"
    assert gate_with(gate, media, BASE, absolute, update=True)[0] == 0
    (media / "q1.mp4").unlink()
    assert gate()[0] == 1
    assert gate("--json", "v.json", "--junit", "j.xml")[0] == 1
    (gone, _) = json.loads(Path("v.json").read_text())["rules"]
    assert (gone["case"], gone["status"]) == ("q/q1", "error")
    assert '<testsuite name="q/q1"' in Path("j.xml").read_text()


def test_a_curve_without_one_of_its_rungs_cannot_be_judged(gate, media):
    make_video(media / "q2.mp4", 12, width=64, height=48, options={"qp": "32"})
    assert gate_with(gate, media, BASE, "rules = ['bdrate.psnr_y <= 1']", update=True)[0] == 0
    (media / "q1.mp4").unlink()
    code, out, _ = gate()
    assert (code, statuses(out)) == (1, ["ERROR", "ERROR"])
    assert "cannot be judged: q/q1 of the baseline is no longer there" in out


def test_another_reference_cannot_be_judged(gate, media):
    assert gate_with(gate, media, BASE, RULES, update=True)[0] == 0
    code, out, err = gate_with(gate, media, BASE, RULES, reference="other.mkv")
    assert (code, statuses(out)) == (1, ["pass", "ERROR"] * 2)
    assert "cannot be judged: the baseline is of another reference (sha256 " in out
    code, _, err = gate("--update-baseline")
    assert code == 0
    assert "q/q0 is now of another reference (sha256 " in err
    assert gate()[0] == 0


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("mode = 'index'", "other options of pairing (mode auto is now index)"),
        ("scale_to = '32x24'", "scale_to ref is now 32x24"),
        ("crop = 'auto'", "crop warn is now auto"),
        ("deinterlace = 'both'", "deinterlace off is now both"),
    ],
)
def test_other_options_of_pairing_cannot_be_judged(gate, media, table, words):
    cases = ("q0.mp4",)
    assert gate_with(gate, media, BASE, RULES, cases=cases, update=True)[0] == 0
    code, out, _ = gate_with(gate, media, BASE, RULES, f"[align]\n{table}", cases=cases)
    assert (code, statuses(out)[1]) == (1, "ERROR")
    assert words in out


def test_an_option_that_changes_no_score_can_be_judged(gate, media):
    cases = ("q0.mp4",)
    assert gate_with(gate, media, BASE, RULES, cases=cases, update=True)[0] == 0
    assert gate_with(gate, media, BASE, RULES, "[align]\nstrict = true", cases=cases)[0] == 0
    assert gate_with(gate, media, BASE, RULES, "[align]\ntail = 'common'", cases=cases)[0] == 0


def test_a_part_of_the_frames_cannot_be_judged(gate, media):
    """4 of 12 frames under an absolute rule: the gate does not accept a missing end by default."""
    absolute = "rules = ['psnr_y.mean >= 20', 'align.dropped <= 0', 'reading.decode_errors <= 0']"
    code, out, err = gate_with(gate, media, absolute, cases=("short.mp4",))
    assert (code, statuses(out)) == (1, ["ERROR", "ERROR", "pass"])
    assert "cannot be judged: 4 frames were scored; left out: 0 + 0 of the distorted and 0 + 8" in (
        out
    )
    assert "tail = 'common' below [align]" in err
    common = "[align]\ntail = 'common'"
    assert gate_with(gate, media, absolute, common, cases=("short.mp4",))[0] == 0
    pair = ("--reference", media / "ref.mkv", media / "short.mp4")
    assert gate("--rule", "psnr_y.mean >= 20", *pair)[0] == 1
    assert gate("--rule", "psnr_y.mean >= 20", "--tail", "common", *pair)[0] == 0
    assert gate("--rule", "align.extra_tail.reference <= 8", "-m", "psnr", *pair)[0] == 0


def test_another_number_of_frames_cannot_be_judged(gate, media):
    lines = (BASE, RULES, "[align]\ntail = 'common'")
    assert gate_with(gate, media, *lines, cases=("q0.mp4",), update=True)[0] == 0
    shutil.copy(media / "short.mp4", media / "q0.mp4")
    code, out, _ = gate()
    assert (code, statuses(out)) == (1, ["pass", "ERROR"])
    assert "of another number of frames (12 is now 4)" in out


def test_logs_of_a_part_cannot_be_judged(gate, cli, media):
    files = ("-r", media / "ref.mkv", media / "short.mp4")
    assert cli("run", "-q", "-m", "psnr", *files, "-o", "part.json")[0] == 0
    rule = ("--rule", "psnr_y.mean >= 20", "--log", "part.json")
    code, out, _ = gate(*rule)
    assert (code, statuses(out)) == (1, ["ERROR"])
    assert gate(*rule, "--tail", "common")[0] == 0
    assert gate(*rule, "--align", "index")[0] == 2


def aligned(**facts):
    return Log("1", frame_numbers=[0], columns={"up": [1.0]}, extra={"alignment": facts}, pooled={})


def counted(number):
    return {"count": number, "list": []}


@pytest.mark.parametrize(
    ("facts", "scored"),
    [
        ({"pairs": 50, "dropped": counted(50)}, "50 of 100 frames were scored, 90% are needed"),
        ({"pairs": 89, "unmatched_frames": 11}, "89 of 100 frames"),
        ({"pairs": 80, "skipped_corrupt": 20}, "80 of 100 frames"),
        ({"pairs": 90, "dropped": counted(10)}, ""),
        ({"pairs": 10, "extra_tail": {"reference": 50}}, ""),
        ({}, ""),
    ],
)
def test_a_hole_in_the_middle_cannot_be_judged(facts, scored):
    reason = too_few(aligned(**facts), MIN_SHARE)
    assert scored in reason
    assert bool(scored) == bool(reason)
    assert too_few(aligned(**facts), 0.5) == ""


@pytest.mark.parametrize("side", ["distorted", "reference"])
@pytest.mark.parametrize("end", ["extra_head", "extra_tail"])
def test_each_end_of_each_side_counts(side, end):
    log = aligned(pairs=10, **{end: {side: 3}})
    assert "cannot be judged: 10 frames were scored" in missing_ends(log, {})
    assert missing_ends(log, {"tail": "common"}) == ""
    assert missing_ends(log, {"tail": "repeat"}) == ""
    assert missing_ends(aligned(pairs=10, **{end: {side: 0}}), {}) == ""


def described(**changed):
    """A log whose conditions are all told, with changes by dotted name."""
    extra = {
        "inputs": {"distorted": {"rate": "25"}, "reference": {"sha256": "ab"}},
        "alignment": {
            "pairs": 4,
            "extra_head": {"reference": 0},
            "share_scored": 1.0,
            "options": {"mode": "auto", "strict": False},
            "format": {
                "measured": {"size": [64, 48], "matrix": "bt709"},
                "reference": {"region": None, "full_range": False},
                "distorted": {"deinterlaced": False, "full_range": False},
            },
        },
        "metrics": {
            "up": {
                "version": "1",
                "provider": "a-package 1.0",
                "parameters": {"size": 8, "threads": 1},
                "info": {"device": "cpu", "weights_sha256": "cd"},
                "features": {"up": {"direction": "higher"}},
                "undefined_frames": {},
            }
        },
        "pooling": {"worst_run_frames": 25},
    }
    for name, value in changed.items():
        *path, last = name.split("__")
        place = extra
        for key in path:
            place = place[key]
        place[last] = value
    return Log("1", frame_numbers=[0, 1, 2, 3], columns={"up": [1.0] * 4}, extra=extra, pooled={})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inputs__reference__sha256": "ff"}, "another reference (sha256 ab is now ff)"),
        ({"inputs__reference": None}, "another reference (sha256 ab is now not there)"),
        ({"alignment__options__mode": "time"}, "other options of pairing (mode auto is now time)"),
        ({"alignment__options__colour": "x"}, "colour not there is now x"),
        ({"alignment__share_scored": 0.5}, "another share of the frames (1.0 is now 0.5)"),
        ({"alignment__extra_head__reference": 9}, "another stretch of the reference"),
        ({"alignment__format__measured__size": [32, 24]}, "measured.size [64, 48] is now [32, 24]"),
        ({"alignment__format__measured__matrix": "bt601"}, "measured.matrix bt709 is now bt601"),
        ({"alignment__format__reference__region": [0, 2, 64, 44]}, "reference.region"),
        ({"alignment__format__reference__full_range": True}, "reference.full_range"),
        ({"alignment__format__distorted__deinterlaced": True}, "distorted.deinterlaced"),
        ({"metrics__up__version": "2"}, "another up (version 1 is now 2)"),
        ({"metrics__up__provider": "b 1.0"}, "provider a-package is now b"),
        ({"metrics__up__parameters__size": 4}, "parameter size 8 is now 4"),
        ({"metrics__up__info__weights_sha256": "ee"}, 'weights_sha256 "cd" is now "ee"'),
        ({"metrics__up__undefined_frames": {"up": [1, 2]}}, "another number of frames without up"),
        ({"pooling__worst_run_frames": 50}, "another length of the worst second"),
        ({"metrics": {}}, "conditions that the log does not tell and the baseline does"),
        ({"alignment__options__strict": True}, ""),
        ({"alignment__format__distorted__full_range": True}, ""),
        ({"metrics__up__provider": "a-package 2.0"}, ""),
        ({"metrics__up__parameters__threads": 8}, ""),
        ({"metrics__up__info__device": "cuda"}, ""),
        ({}, ""),
    ],
)
def test_what_makes_two_numbers_incomparable(change, words):
    accepted = conditions_of(described())
    reason = difference(accepted, described(**change), "up", "worst_run")
    assert words in reason
    assert bool(reason) == bool(words)
    if words:
        assert reason.startswith("cannot be judged: the baseline is of ")
        assert reason.endswith("; --update-baseline renews it")


def test_the_conditions_survive_the_file(tmp_path):
    from vqa_harness.gate.baseline import write_baseline

    kept = Baseline({"a": entry_of(described(), group="g")})
    write_baseline(tmp_path / "b.json", kept)
    assert read_baseline(tmp_path / "b.json", 1) == kept


def test_a_baseline_of_an_older_version_cannot_be_judged(tmp_path):
    path = tmp_path / "b.json"
    old = {"values": {"up.mean": 1.0}, "metrics": {"up": {"version": "1"}}, "reference": "ab"}
    path.write_text(json.dumps({"schema": 1, "cases": {"a": old}}))
    accepted = read_baseline(path, 1)
    reason, _ = accepted.difference("a", described(), "up", "mean")
    assert "cannot be judged: the baseline is of an older version" in reason


def test_curves_of_different_references_are_not_compared():
    one, other = described(), described(inputs__reference__sha256="ff")
    assert rungs_differ([("a", one), ("b", described(metrics__up__info__device="x"))], "up") == ""
    reason = rungs_differ([("a", one), ("b", other)], "up")
    assert reason == ("cannot be judged: a against b is of another reference (sha256 ab is now ff)")
