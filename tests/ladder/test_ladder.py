"""Ladders from configuration to documents; encoding has its own file."""

import csv
import io
import json
import math
import types
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.plugins import module_with, registry_with
from vqa_harness import Feature, Metric, MetricSpec, Param
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.errors import AlignError, InputError, UsageError
from vqa_harness.ladder.compare import aggregate, compare_ladder
from vqa_harness.ladder.config import LadderConfig, LadderSource, Series
from vqa_harness.ladder.document import checked_ladder
from vqa_harness.ladder.output import (
    comparison_rows,
    pick_head,
    pick_rows,
    switch_rows,
    to_csv,
    to_json,
    to_markdown,
    write_outputs,
)
from vqa_harness.ladder.score import Rung, ScoredLadder, measure
from vqa_harness.ladder.scoring import Measuring
from vqa_harness.ladder.settings import CompareSettings
from vqa_harness.logs.features import FeatureInfo
from vqa_harness.logs.view import StreamEntry
from vqa_harness.media.bitrate import StreamBitrate
from vqa_harness.registry import Registry
from vqa_harness.testing.synthetic import make_video

X264 = [(360, 200, 60.0), (360, 400, 70.0), (720, 400, 62.0), (720, 800, 80.0), (720, 1600, 90.0)]
X265 = [(h, rate * 0.7, quality) for h, rate, quality in X264]
VMAF = FeatureInfo("vmaf", 1, "", 100.0, leading=True)
NIQE = FeatureInfo("niqe", -1, "", 0.0, leading=True)


def rung(series, height, kbps, quality, *, source="bbb", feature="vmaf"):
    rate = StreamBitrate(250, 31250, 10.0, kbps * 1000, kbps * 1500)
    stream = StreamEntry(codec="h264", width=height * 16 // 9, height=height)
    values = {feature: {"mean": quality, "min": quality - 5}}
    path = types.SimpleNamespace(name=f"{series}-{height}-{kbps}.mp4")
    return Rung(source, series, path, stream, stream.size, rate, 250, values)


def measured(*series, source="bbb", feature="vmaf", about=VMAF):
    rungs = [
        rung(name, *point, source=source, feature=feature)
        for name, points in series
        for point in points
    ]
    return ScoredLadder(rungs, {feature: about}, {source: None})


def document(found, **settings):
    return compare_ladder(found, CompareSettings(**settings))


def test_bd_rate_between_the_hulls_of_series_with_several_resolutions():
    found = document(measured(("x264", X264), ("x265", X265)))
    source = found["sources"][0]
    one = source["comparisons"][0]
    assert (one["anchor"], one["test"], one["refused"]) == ("x264", "x265", None)
    assert one["bd_rate"] == pytest.approx(-30)
    curve = source["curves"]["vmaf"]["x264"]
    assert curve["kind"] == "hull"
    assert curve["left_out"] == 1
    assert [source["rungs"][i]["pooled"]["vmaf"]["mean"] for i in curve["rungs"]] == [
        60.0,
        70.0,
        80.0,
        90.0,
    ]


def test_hull_over_all_series_and_rungs_for_targets():
    found = document(
        measured(("x264", X264), ("x265", X265)),
        target_bitrates=(600e3, 100e3),
        target_qualities={"vmaf": (85.0, 99.0)},
    )
    source = found["sources"][0]
    hull = source["hulls"]["vmaf"]
    assert {source["rungs"][i]["series"] for i in hull["rungs"]} == {"x265"}
    chosen = [None if p["rung"] is None else source["rungs"][p["rung"]] for p in hull["picks"]]
    assert chosen[0]["bitrate"] == pytest.approx(560e3)
    assert chosen[1] is None
    assert chosen[2]["pooled"]["vmaf"]["mean"] == 90.0
    assert chosen[3] is None
    between = hull["picks"][2]["bitrate_at"]
    assert 800e3 < between["x264"] < 1600e3
    assert between["x265"] == pytest.approx(0.7 * between["x264"])


# bigbuckbunny, 30 frames: SVT-AV1 preset 10 and x264 fast; for 80 the hull has nothing below 818.3
AV1 = [(720, 246.9, 55.428), (720, 460.4, 77.343), (720, 818.3, 87.043)]
AVC = [(720, 400.0, 70.0), (720, 679.8, 82.233), (720, 1267.4, 84.0)]


def test_the_rung_to_take_need_not_be_on_the_hull():
    found = document(
        measured(("svt-av1", AV1), ("x264", AVC)),
        target_qualities={"vmaf": (80.0,)},
        target_bitrates=(700e3,),
    )
    source = found["sources"][0]
    hull = source["hulls"]["vmaf"]
    for pick in hull["picks"]:
        assert source["rungs"][pick["rung"]]["bitrate"] == 679.8e3
        assert pick["rung"] not in hull["rungs"]
        assert pick["rung"] in hull["front"]
    (table,) = [t for t in to_markdown(found).split("\n\n") if "vmaf &gt;= 80" in t]
    assert "curve of svt-av1" in table
    assert "| 679.8 | 82.233 |" in table
    assert "82.233+" in to_markdown(found)
    assert "87.043\\*" in to_markdown(found)


def test_where_each_series_meets_a_target_is_interpolated_in_the_table():
    double = [(720, rate, 10 * math.log2(rate)) for rate in (100, 200, 400, 800)]
    half = [(720, rate / 2, quality) for _, rate, quality in double]
    found = document(
        measured(("a", double), ("b", half)),
        target_qualities={"vmaf": (10 * math.log2(300), 99.0)},
        target_bitrates=(300e3,),
    )
    source = found["sources"][0]
    rows = pick_rows(found, source)
    assert pick_head(source)[-2:] == ["curve of a", "curve of b"]
    assert [row[-2:] for row in rows] == [
        [f"{10 * math.log2(300):.3f}", f"{10 * math.log2(600):.3f}"],
        ["300.0 kbit/s", "150.0 kbit/s"],
        ["-", "-"],
    ]


def test_a_curve_with_a_fallen_rung_still_meets_its_target():
    fallen = [(720, 400, 70.0), (720, 800, 80.0), (720, 1200, 79.0), (720, 1600, 90.0)]
    found = document(measured(("a", fallen)), target_qualities={"vmaf": (80.0,)})
    (pick,) = found["sources"][0]["hulls"]["vmaf"]["picks"]
    assert pick["bitrate_at"] == {"a": pytest.approx(800e3)}


@pytest.mark.parametrize(("feature", "about"), [("vmaf", VMAF), ("niqe", NIQE)])
def test_switch_points_between_resolutions_of_a_series(feature, about):
    sign = about.sign
    low = [(360, r, sign * (20 + 5 * math.log2(r))) for r in (100, 200, 400, 800)]
    high = [(720, r, sign * (-20 + 10 * math.log2(r))) for r in (100, 200, 400, 800)]
    found = document(measured(("x264", low + high), feature=feature, about=about))
    (one,) = found["sources"][0]["hulls"][feature]["switches"]
    assert (one["series"], one["lower"], one["upper"]) == ("x264", [640, 360], [1280, 720])
    assert one["bitrate"] == pytest.approx(256e3)
    assert one["quality"] == pytest.approx(sign * 60.0)
    (row,) = switch_rows(found["sources"][0])
    assert row[1:5] == ["x264", "640x360", "1280x720", "256.0"]


def test_steps_below_a_just_noticeable_difference():
    points = [(720, 400, 80.0), (720, 800, 90.0), (720, 1600, 94.0)]
    hull = document(measured(("x264", points)))["sources"][0]["hulls"]["vmaf"]
    assert [step["below_jnd"] for step in hull["steps"]] == [False, True]
    assert len(hull["spaced"]) == 2
    hull = document(measured(("x264", points)), jnd={})["sources"][0]["hulls"]["vmaf"]
    assert [step["below_jnd"] for step in hull["steps"]] == [None, None]
    assert hull["spaced"] is None


def test_a_curve_that_falls_is_refused_or_cut_to_its_pareto_front():
    fallen = [(720, 400, 70.0), (720, 800, 80.0), (720, 1200, 79.0), (720, 1600, 90.0)]
    rising = [(720, 400, 71.0), (720, 800, 81.0), (720, 1600, 91.0)]
    found = measured(("a", fallen), ("b", rising))
    source = document(found)["sources"][0]
    assert source["comparisons"][0]["bd_rate"] is None
    assert "not monotone: 79 at" in source["comparisons"][0]["refused"]
    assert 0 < source["comparisons"][0]["bd_quality"] < 5
    assert comparison_rows(source)[0][3] == "-"
    assert comparison_rows(source)[0][6].startswith("BD-rate refused: not monotone")
    assert not source["curves"]["vmaf"]["a"]["monotone"]
    assert "79 at 1200 kbit/s after 80 at 800 kbit/s" in source["curves"]["vmaf"]["a"]["notes"][0]
    source = document(found, not_monotone="pareto")["sources"][0]
    assert source["comparisons"][0]["bd_rate"] < 0
    assert source["curves"]["vmaf"]["a"]["left_out"] == 1


def test_too_little_overlap_is_refused_and_told():
    high = [(720, rate, quality + 40) for _, rate, quality in X264[:2]]
    low = [(720, rate, quality) for _, rate, quality in X264[:2]]
    one = document(measured(("a", low), ("b", high)))["sources"][0]["comparisons"][0]
    assert one["bd_rate"] is None
    assert "share 0% of the narrower quality range" in one["refused"]
    assert one["bd_quality"] == pytest.approx(40)


def test_names_that_are_no_utf8_can_be_read_again():
    made = document(measured(("\udcffa", X264), ("b", X264), source="\udcfe"))
    found = json.loads(json.dumps(made | {"schema": 1}))
    assert checked_ladder(found, "ladder.json")["sources"][0]["name"] == "\udcfe"
    found["sources"][0]["name"] = 7
    with pytest.raises(InputError, match=r"sources\.0\.name: input should be a valid string"):
        checked_ladder(found, "ladder.json")


def test_lower_is_better_is_turned_round():
    points = [(720, 400, 9.0), (720, 800, 6.0), (720, 1600, 4.0), (720, 3200, 3.0)]
    half = [(h, rate / 2, q) for h, rate, q in points]
    found = measured(("a", points), ("b", half), feature="niqe", about=NIQE)
    found = document(found, target_qualities={"niqe": (5.0,)})
    source = found["sources"][0]
    assert source["comparisons"][0]["bd_rate"] == pytest.approx(-50)
    pick = source["hulls"]["niqe"]["picks"][0]
    assert source["rungs"][pick["rung"]]["pooled"]["niqe"]["mean"] == 4.0
    assert found["features"]["niqe"]["direction"] == "lower"


def test_saturated_points_and_the_anchor():
    points = [(720, 400, 80.0), (720, 800, 99.5), (720, 1600, 99.9)]
    found = measured(("a", points), ("b", points), ("c", points))
    source = document(found, anchor="b")["sources"][0]
    assert [(c["anchor"], c["test"]) for c in source["comparisons"]] == [("b", "a"), ("b", "c")]
    assert "2 points are within 1 %" in source["curves"]["vmaf"]["a"]["notes"][0]
    with pytest.raises(UsageError, match="anchor 'd': choose one of a, b, c"):
        document(found, anchor="d")
    with pytest.raises(UsageError, match="feature 'psnr_y' was not measured"):
        document(found, features=("psnr_y",))


def test_aggregate_is_the_mean_over_sources_and_counts_refusals():
    def one(rate):
        entry = {"feature": "vmaf", "anchor": "a", "test": "b", "bd_quality": None}
        return [{**entry, "bd_rate": rate}]

    found = aggregate([one(-20.0), one(-40.0), one(None)])
    assert len(found) == 1
    assert found[0]["bd_rate"] == pytest.approx(-30)
    assert (found[0]["bd_rate_min"], found[0]["bd_rate_max"]) == (-40.0, -20.0)
    assert (found[0]["sources"], found[0]["left_out"]) == (2, 1)


def test_outputs_hold_every_rung_and_escape_names(tmp_path):
    found = measured(("=cmd|' /C", X264), ("b <i>", X265), source="a|b *x*")
    text = document(found, target_bitrates=(600e3,))
    assert json.loads(to_json(text)) == text
    rows = list(csv.DictReader(io.StringIO(to_csv(text))))
    assert len(rows) == 10
    assert rows[0]["series"] == "'=cmd|' /C"
    assert float(rows[0]["vmaf_mean"]) == 60.0
    assert int(rows[0]["bitrate_bps"]) == 200_000
    assert {row["vmaf_on_hull"] for row in rows} == {"0", "1"}
    assert all(row["vmaf_on_front"] >= row["vmaf_on_hull"] for row in rows)
    markdown = to_markdown(text)
    assert "## a\\|b \\*x\\*" in markdown
    assert "b &lt;i&gt;" in markdown
    assert "-30.00 %" in markdown
    widths = {
        line.replace("\\|", "").count("|") for line in markdown.splitlines() if "kbit" in line
    }
    assert widths == {7, 9}  # those with the rung to take have a column for each series
    write_outputs(text, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ladder.csv", "ladder.json", "ladder.md"]


class Detail(Metric):
    """Rises with bitrate: mean difference between neighbours."""

    def measure(self, frame, ref):
        luma = frame.luma.astype(float)
        detail = float(abs(luma[:, 1:] - luma[:, :-1]).mean())
        return {"detail": None if frame.index == 2 else detail}


class Weighed(Metric):
    """The number in a model's file."""

    def __init__(self, *, model=""):
        self.number = float(Path(model).read_text())

    def measure(self, frame, ref):
        return {"weighed": self.number}


SPEC = MetricSpec("detail", "ladder_test_metrics:Detail", (Feature("detail", unit="levels"),))
WEIGHED = MetricSpec(
    "weighed", "ladder_test_metrics:Weighed", (Feature("weighed"),), params=(Param("model", ""),)
)


@pytest.fixture
def registry(monkeypatch):
    module_with(monkeypatch, "ladder_test_metrics", Detail, Weighed)
    return registry_with(SPEC, WEIGHED)


def test_measures_bitrate_and_quality_and_takes_logs_that_fit_again(tmp_path, registry):
    paths = [tmp_path / f"q{crf}.mp4" for crf in (20, 40)]
    for path, crf in zip(paths, ("20", "40"), strict=True):
        make_video(path, 12, width=96, height=64, codec="libx264", options={"crf": crf})
    broken = tmp_path / "broken.mp4"
    broken.write_text("no video")
    series = (Series("x264", (*paths, broken)),)
    config = LadderConfig(
        ("detail",), (LadderSource("clip", None, series),), (), CompareSettings(pool="p50")
    )
    how = Measuring(registry, logs=tmp_path / "logs")
    found = measure(config, how)
    assert [name for name, _ in found.failed] == ["broken.mp4"]
    good, bad = found.rungs
    assert good.bitrate.mean > bad.bitrate.mean > 0
    assert good.bitrate.seconds == pytest.approx(float(Fraction(12, 25)), abs=1e-3)
    assert good.quality["detail"]["mean"] > bad.quality["detail"]["mean"]
    assert set(good.quality["detail"]) == {"mean", "min", "harmonic_mean", "p5", "p50"}
    assert found.features["detail"].unit == "levels"
    assert found.references == {"clip": None}
    assert not good.reused
    assert [r.reused for r in measure(config, how).rungs] == [True, True]
    make_video(paths[0], 13, width=96, height=64, codec="libx264", options={"crf": "20"})
    again = measure(config, how)
    assert [r.reused for r in again.rungs] == [False, True]
    assert again.rungs[0].frames == 13
    (tmp_path / "logs" / "q40.json").write_text("{}")
    assert [r.reused for r in measure(config, how).rungs] == [True, False]


@pytest.fixture
def scored(tmp_path, registry):
    """Measure a rung by a model file of the scratch folder, with logs: (reused, score, log)."""
    rung = tmp_path / "rung.mp4"
    make_video(rung, 3, width=64, height=48)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()

    def call(model):
        series = (Series("x264", (rung,)),)
        text = f"weighed:model={tmp_path / model}"
        config = LadderConfig((text,), (LadderSource("clip", None, series),), (), CompareSettings())
        (found,) = measure(config, Measuring(registry, logs=tmp_path / "logs")).rungs
        (values,) = found.quality.values()
        return found.reused, values["mean"], found.log

    return call


def test_the_log_of_another_model_of_the_same_name_is_not_taken(tmp_path, scored):
    (tmp_path / "one" / "net.txt").write_text("1")
    (tmp_path / "two" / "net.txt").write_text("2")
    assert scored("one/net.txt")[:2] == (False, 1.0)
    assert scored("one/net.txt")[:2] == (True, 1.0)
    assert scored("two/net.txt")[:2] == (False, 2.0)


def test_the_log_of_a_model_that_was_replaced_is_not_taken(tmp_path, scored, capsys):
    (tmp_path / "one" / "net.txt").write_text("1")
    scored("one/net.txt")
    assert capsys.readouterr().err == ""
    (tmp_path / "one" / "net.txt").write_text("3")
    assert scored("one/net.txt")[:2] == (False, 3.0)
    told = capsys.readouterr().err
    assert "rung.json: is of another file, metric, model, option or version; scored again" in told
    assert told.count("\n") == 1


def test_a_log_without_a_key_is_made_again_and_told(tmp_path, scored, capsys):
    (tmp_path / "one" / "net.txt").write_text("1")
    _, _, path = scored("one/net.txt")
    document = json.loads(path.read_text())
    assert len(document["vqa_harness"].pop("cache_key")) == 64
    path.write_text(json.dumps(document))
    assert scored("one/net.txt")[0] is False
    assert "rung.json: does not record what it depends on; scored again" in capsys.readouterr().err
    assert scored("one/net.txt")[0] is True
    path.write_text("no log")
    assert scored("one/net.txt")[0] is False
    assert "rung.json: cannot be read; scored again" in capsys.readouterr().err


@pytest.fixture
def short(tmp_path):
    """A reference of 12 frames and a rung with the first nine of them."""
    reference, path = tmp_path / "reference.mp4", tmp_path / "rung.mp4"
    make_video(reference, 12, width=96, height=64)
    make_video(path, 9, width=96, height=64)
    return reference, path


def test_pairing_options_reach_the_logs_and_decide_what_is_taken_again(tmp_path, short):
    reference, path = short
    registry = Registry.installed()
    source = LadderSource("clip", reference, (Series("x264", (path,)),))
    config = LadderConfig(("psnr",), (source,), (), CompareSettings())
    how = Measuring(registry, logs=tmp_path / "logs", align=AlignOptions(mode="index"))
    first = measure(config, how).rungs[0]
    assert first.alignment["options"]["mode"] == "index"
    assert measure(config, how).rungs[0].reused
    how = replace(how, align=AlignOptions(tail="repeat"))
    again = measure(config, how).rungs[0]
    assert not again.reused
    assert (first.frames, again.frames) == (9, 12)


def test_pairing_flags_on_the_command_line(tmp_path, short, cli):
    reference, path = short
    arguments = ("ladder", "-r", reference, path, "-m", "psnr", "--json", "-", "-q")
    code, out, _ = cli(*arguments, "--tail", "repeat", "-o", tmp_path / "out")
    assert code == 0
    assert json.loads(out)["sources"][0]["rungs"][0]["frames"] == 12
    log = json.loads((tmp_path / "out" / "logs" / "rung.json").read_text())
    assert log["vqa_harness"]["alignment"]["options"]["tail"] == "repeat"
    assert cli(*arguments, "--tail", "error")[0] == AlignError.exit_code
