"""What a report holds: columns, timelines, escaping, sizes. A browser looks at it elsewhere."""

import base64
import json
import re

import numpy as np
import pytest

from vqa_harness.logs.view_parser import parse_alignment
from vqa_harness.report.alignment import reference_frame, timeline
from vqa_harness.report.packing import ChartGrid, column, pack, plan_grid, thin, unpack
from vqa_harness.report.thumbnails import Media, grab, worst_frames
from vqa_harness.report.write import embedded_json, write_report
from vqa_harness.testing.synthetic import make_video

NASTY = "</script><script>alert(1)</script><!--\u2028&\"'"


def log_document(scores, *, name="a.mp4", extra=None, feature="score", direction="higher"):
    features = {feature: {"direction": direction, "range": [0, 100], "unit": "dB"}}
    return {
        "version": "vqa-harness 0.1.0",
        "fps": 100.0,
        "frames": [{"frameNum": i, "metrics": {feature: x}} for i, x in enumerate(scores)],
        "pooled_metrics": {},
        "aggregate_metrics": {},
        "vqa_harness": {
            "inputs": {
                "distorted": {"name": name, "rate": "25", "width": 64, "height": 48},
                "reference": None,
            },
            "metrics": {"metric": {"features": features, "undefined_frames": {}}},
            "frame_times": [i / 25 for i in range(len(scores))],
            "warnings": [],
            **(extra or {}),
        },
    }


def write_log(path, *arguments, **options):
    path.write_text(json.dumps(log_document(*arguments, **options)))
    return path


def embedded(page):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1]
    return json.loads(text)


def test_packed_columns_keep_values_to_a_65534th_of_their_range():
    rng = np.random.default_rng(0)
    values = rng.uniform(20, 95, 5000)
    values[[3, 77]] = np.nan
    back = unpack(pack(values))
    assert np.isnan(back[[3, 77]]).all()
    assert np.nanmax(np.abs(back - values)) <= (95 - 20) / 65534 / 2 * 1.01
    constant = unpack(pack(np.full(4, 7.25)))
    assert constant.tolist() == [7.25] * 4
    assert np.isnan(unpack(pack(np.full(3, np.nan)))).all()


def test_thinning_keeps_the_extremes_of_every_bucket():
    values = np.sin(np.arange(1000) / 50)
    values[123], values[777] = -9.0, 9.0
    values[500:510] = np.nan
    grid = ChartGrid(1000, 10)
    kept = thin(values, grid)
    assert len(kept) == len(grid.positions) == 200
    for i, bucket in enumerate(values.reshape(-1, 10)):
        pair = kept[2 * i : 2 * i + 2]
        if np.isnan(bucket).all():
            assert np.isnan(pair).all()
        else:
            assert {pair.min(), pair.max()} == {bucket.min(), bucket.max()}
            assert (pair[0] == pair.min()) == (bucket.argmin() <= bucket.argmax())


def test_a_grid_stays_within_its_budget():
    assert plan_grid(10_000, 6, 60_000) == ChartGrid(10_000, 1)
    grid = plan_grid(100_000, 6, 60_000)
    assert 6 * len(grid.positions) <= 60_000
    assert len(grid.positions) > 9_000
    assert plan_grid(0, 3).frames == 0


def test_undefined_frames_are_gaps():
    assert np.isnan(column([1.0, None, 3.0, 4.0], [3, 99])).tolist() == [False, True, False, True]


SEGMENTS = [
    {"kind": "matched", "distorted": [0, 10], "reference": [5, 15]},
    {"kind": "frozen", "distorted": [10, 16], "reference": [14, 15]},
    {"kind": "matched", "distorted": [16, 20], "reference": [23, 27]},
    {"kind": "unmatched", "distorted": [20, 25], "reference": None},
]
ALIGNMENT = {
    "model": "content",
    "offset_frames": 5,
    "frames": {"distorted": 25, "reference": 30},
    "dropped": {"count": 2, "list": [15, 22]},
    "duplicated": {"count": 1, "list": [4]},
    "frozen_frames": 6,
    "segments": {"count": 4, "list": SEGMENTS},
    "format": {"distorted": {"size": [160, 90]}},
}


def test_timeline_of_an_alignment():
    strip = timeline(parse_alignment(ALIGNMENT), 20)
    assert (strip.frames, strip.clean) == (25, False)
    assert [(s.kind, s.left, s.width) for s in strip.spans] == [
        ("matched", 0, 40),
        ("frozen", 40, 24),
        ("matched", 64, 16),
        ("unmatched", 80, 20),
    ]
    assert [(t.kind, t.left) for t in strip.ticks] == [
        ("duplicated", 18),
        ("dropped", 64),
        ("dropped", 64),
    ]
    assert strip.summary == (
        "paired by content",
        "offset +5 frames",
        "2 dropped",
        "1 repeated",
        "6 frozen",
    )
    assert parse_alignment(ALIGNMENT).distorted_size == (160, 90)


def test_reference_frame_of_a_distorted_frame():
    pairing = parse_alignment(ALIGNMENT)
    found = [reference_frame(pairing, i) for i in (0, 9, 12, 16, 19, 22)]
    assert found == [5, 14, 14, 23, 26, None]
    assert reference_frame(parse_alignment({}), 3) is None


@pytest.mark.parametrize(
    "alignment",
    [
        {},
        {"segments": 3},
        {
            "segments": {
                "list": [{"distorted": "x"}, None, {"kind": "matched", "distorted": [5, 2]}]
            }
        },
        {"segments": {"list": [{"kind": "<b>", "distorted": [0, 3]}]}},
    ],
)
def test_an_alignment_that_tells_nothing_has_no_timeline(alignment):
    assert timeline(parse_alignment(alignment), 5) is None


def test_worst_frames_are_apart_and_of_a_window_the_middle():
    values = [50.0, 10.0, 11.0, 60.0, 20.0, 70.0, None, 30.0]
    assert worst_frames(values, 3, 2, higher_is_better=True) == [1, 4, 7]
    assert worst_frames(values, 2, 2, higher_is_better=False) == [5, 3]
    windows = [5.0] * 10 + [2.0] * 11 + [4.0] * 9
    assert worst_frames(windows, 2, 5, higher_is_better=True) == [15, 25]


def test_embedded_json_cannot_leave_its_script():
    text = embedded_json({NASTY: [NASTY]})
    assert not set(text) & {"<", ">", "&", "\u2028"}
    assert json.loads(text) == {NASTY: [NASTY]}


def test_names_of_files_and_texts_of_logs_are_escaped_everywhere(tmp_path):
    extra = {
        "warnings": [NASTY],
        "alignment": ALIGNMENT | {"model": NASTY},
    }
    path = write_log(tmp_path / "log.json", [1.0, 2.0], name=NASTY, feature=NASTY, extra=extra)
    other = write_log(tmp_path / "other.json", [2.0, 3.0], name="b" + NASTY, feature=NASTY)
    target = tmp_path / "report.html"
    write_report([path, other], target, title=NASTY)
    page = target.read_text(encoding="utf-8")
    assert "alert(1)" in page
    assert "<script>alert(1)" not in page
    assert page.count("<script") == page.count("</script>") == 2
    assert "<!--" not in page
    videos = embedded(page)["sections"][0]["frames"]["videos"]
    assert videos[0]["label"] == NASTY


def test_a_page_asks_nothing_of_the_network(tmp_path):
    path = write_log(tmp_path / "log.json", [1.0, 2.0, 4.0])
    target = tmp_path / "report.html"
    write_report([path], target)
    page = target.read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)\s*=\s*["']?(?!data:|["'])\w""", page.split("<script")[0])
    assert not re.search(r"@import|url\((?!data:)", page)
    assert "fetch(" not in page
    assert "XMLHttpRequest" not in page
    assert str(tmp_path) not in page


def test_scores_reach_the_page_with_gaps_where_undefined(tmp_path):
    metrics = {
        "metric": {
            "features": {"score": {"direction": "lower", "unit": "dB"}},
            "undefined_frames": {"score": [1]},
        }
    }
    path = write_log(tmp_path / "log.json", [1.0, 1.0, 4.0, 2.5], extra={"metrics": metrics})
    target = tmp_path / "report.html"
    write_report([path], target)
    frames = embedded(target.read_text(encoding="utf-8"))["sections"][0]["frames"]
    values = unpack(frames["features"]["score"]["columns"][0])
    np.testing.assert_allclose(values, [1.0, np.nan, 4.0, 2.5], atol=1e-4)
    assert frames["features"]["score"]["sign"] == -1
    assert frames["grids"][0] == {"count": 4, "bucket": 1, "seconds": 0.04, "start": 0.0}


def test_a_dropped_frame_is_a_gap_at_its_time(tmp_path):
    times = {"frame_times": [0.0, 0.04, 0.12, 0.16]}
    path = write_log(tmp_path / "log.json", [1.0, 2.0, 3.0, 4.0], extra=times)
    target = tmp_path / "report.html"
    write_report([path], target)
    frames = embedded(target.read_text(encoding="utf-8"))["sections"][0]["frames"]
    values = unpack(frames["features"]["score"]["columns"][0])
    np.testing.assert_allclose(values, [1.0, 2.0, np.nan, 3.0, 4.0], atol=1e-4)


def test_logs_of_libvmaf_and_of_no_metrics_at_all_make_a_report(tmp_path):
    document = {"version": "3.0.0", "frames": [{"frameNum": 0, "metrics": {"vmaf": 90.0, "x": 1}}]}
    path = tmp_path / "vmaf.json"
    path.write_text(json.dumps(document))
    target = write_report([path], tmp_path / "report.html")
    features = embedded(target.read_text(encoding="utf-8"))["sections"][0]["frames"]["features"]
    assert features["vmaf"]["leading"]
    assert not features["x"]["leading"]


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"metrics": []},
        {"metrics": {"m": 3}},
        {"inputs": 1},
        {"metrics": {"m": {"features": {"score": {"direction": ["higher"]}}}}},
        {"frame_times": [0, 1e308], "inputs": {"distorted": {"rate": "25"}}},
    ],
)
def test_logs_with_an_odd_vqa_harness_object_do_not_crash(tmp_path, extra):
    document = log_document([1.0, 2.0])
    document["vqa_harness"] = extra
    path = tmp_path / "log.json"
    path.write_text(json.dumps(document))
    target = write_report([path], tmp_path / "report.html")
    frames = embedded(target.read_text(encoding="utf-8"))["sections"][0]["frames"]
    assert len(unpack(frames["features"]["score"]["columns"][0])) == 2


def test_worst_frames_of_a_video_stand_in_the_page(tmp_path):
    make_video(tmp_path / "a.mp4", 12, width=96, height=64, codec="libx264")
    scores = [9.0, 8.0, 1.0, *[7.0] * 9]
    path = write_log(tmp_path / "log.json", scores)
    target = tmp_path / "report.html"
    write_report([path], target, Media([tmp_path], [tmp_path]))
    page = target.read_text(encoding="utf-8")
    assert "score 1.000" in page
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert len(pictures) == 1
    assert base64.b64decode(pictures[0]).startswith(b"\xff\xd8\xff")
    assert grab(tmp_path / "a.mp4", [2])[2].full.endswith(pictures[0])


def test_a_video_of_another_hash_is_not_shown(tmp_path):
    make_video(tmp_path / "a.mp4", 3, width=96, height=64, codec="libx264")
    document = log_document([1.0, 2.0, 3.0])
    document["vqa_harness"]["inputs"]["distorted"]["sha256"] = "0" * 64
    path = tmp_path / "log.json"
    path.write_text(json.dumps(document))
    target = write_report([path], tmp_path / "report.html", Media([tmp_path]))
    assert "image/jpeg" not in target.read_text(encoding="utf-8").replace("img-src", "")


def test_six_rungs_of_ten_thousand_frames_stay_below_three_megabytes(tmp_path):
    rng = np.random.default_rng(1)
    paths = []
    for rung in range(6):
        document = log_document([0.0] * 10_000, name=f"{rung}.mp4")
        columns = rng.uniform(10, 99, (10_000, 5)).round(6)
        names = [f"feature_{k}" for k in range(5)]
        for frame, row in zip(document["frames"], columns.tolist(), strict=True):
            frame["metrics"] = dict(zip(names, row, strict=True))
        about = {"direction": "higher", "range": [0, 100], "unit": ""}
        document["vqa_harness"]["metrics"] = {
            n: {"features": {n: about}, "undefined_frames": {}} for n in names
        }
        paths.append(tmp_path / f"{rung}.json")
        paths[-1].write_text(json.dumps(document))
    target = write_report(paths, tmp_path / "report.html")
    assert target.stat().st_size < 1_500_000  # pictures may take another 1.1 MB
    frames = embedded(target.read_text(encoding="utf-8"))["sections"][0]["frames"]
    assert frames["grids"][0]["bucket"] == 1
    assert all(len(unpack(c)) == 10_000 for f in frames["features"].values() for c in f["columns"])


def ladder_folder(tmp_path):
    """A ladder's folder, made by hand: two series of three rungs."""
    (tmp_path / "logs").mkdir()
    rungs, series = [], {"x264": [0, 1, 2], "</td>": [3, 4, 5]}
    for index in range(6):
        quality = 60.0 + 10 * (index % 3)
        write_log(tmp_path / "logs" / f"{index}.json", [quality] * 4, name=f"{index}.mp4")
        kbps = 100 * 2 ** (index % 3) * (1 if index < 3 else 0.8)
        rungs.append(
            {
                "series": "x264" if index < 3 else "</td>",
                "file": f"{index}.mp4",
                "codec": "h264",
                "width": 64,
                "height": 48,
                "setting": "crf 30",
                "bitrate": kbps * 1000,
                "peak_bitrate": kbps * 1000,
                "bytes": 1000,
                "seconds": 1.0,
                "frames": 4,
                "pooled": {"score": {"mean": quality}},
                "log": f"logs/{index}.json",
                "alignment": {},
                "warnings": [],
            }
        )
    curves = {n: {"rungs": m, "notes": [], "kind": "points"} for n, m in series.items()}
    comparison = {
        "feature": "score",
        "anchor": "x264",
        "test": "</td>",
        "bd_rate": -20.0,
        "bd_quality": 1.5,
        "overlap": 1.0,
        "bitrate_overlap": 0.8,
        "crossings": [],
        "notes": [],
        "refused": None,
    }
    source = {
        "name": "clip",
        "reference": None,
        "rungs": rungs,
        "series": series,
        "curves": {"score": curves},
        "comparisons": [comparison],
        "hulls": {"score": {"rungs": [3, 4, 5], "steps": [], "spaced": None, "picks": []}},
    }
    document = {
        "schema": 1,
        "kind": "ladder",
        "command": "",
        "settings": {"pool": "mean", "method": "pchip"},
        "features": {"score": {"direction": "higher", "unit": "dB", "jnd": None}},
        "sources": [source],
        "aggregate": [],
        "failed": [],
    }
    path = tmp_path / "ladder.json"
    path.write_text(json.dumps(document))
    return path


def change(path, **comparison):
    """Change the only comparison of a ladder made by hand."""
    document = json.loads(path.read_text())
    document["sources"][0]["comparisons"][0] |= comparison
    path.write_text(json.dumps(document))
    return path


def tile(path):
    """The markup of the only tile of a ladder's report."""
    page = write_report([path], path.with_suffix(".html")).read_text(encoding="utf-8")
    (found,) = re.findall(r'<div class="card.*?</div>', page, re.S)
    return found


def test_the_tile_of_a_bd_rate_carries_its_caveats(tmp_path):
    path = ladder_folder(tmp_path)
    assert "100% of what both series cover" in tile(path)
    assert "caveat" not in tile(path)
    note = "the curves share only 60% of their joint quality range"
    told = tile(change(path, overlap=0.6, crossings=[71.25], notes=[note]))
    assert "60% of what both series cover" in told
    caveat = re.search(r'<p class="caveat">(.*?)</p>', told)[1]
    assert caveat.startswith(note)
    assert "the curves cross at 71.25" in caveat


def test_a_refused_bd_rate_has_a_tile_that_says_why(tmp_path):
    nothing = dict.fromkeys(("bd_rate", "bd_quality", "overlap", "bitrate_overlap"))
    told = tile(change(ladder_folder(tmp_path), **nothing, refused="not <b>monotone</b>"))
    assert "refused" in told
    assert '<p class="caveat">not &lt;b&gt;monotone&lt;/b&gt;</p>' in told
    assert "%" not in told


def test_a_page_tells_rungs_to_take_and_switch_points(tmp_path):
    path = ladder_folder(tmp_path)
    document = json.loads(path.read_text())
    document["sources"][0]["hulls"]["score"] = {
        "rungs": [3, 5],
        "front": [3, 4, 5],
        "steps": [],
        "spaced": None,
        "picks": [{"quality": 65.0, "rung": 4, "bitrate_at": {"x264": 141e3, "</td>": None}}],
        "switches": [
            {
                "series": "</td>",
                "lower": [64, 48],
                "upper": [128, 96],
                "bitrate": 123e3,
                "quality": 66.5,
            }
        ],
    }
    path.write_text(json.dumps(document))
    page = write_report([path], tmp_path / "r.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    cells = [re.findall(r"<t[dh]>(.*?)</t[dh]>", row) for row in rows]
    assert ["curve of x264", "curve of &lt;/td&gt;"] in [row[-2:] for row in cells]
    assert ["160.0", "70.000", "141.0 kbit/s", "-"] in [row[-4:] for row in cells]
    assert ["score", "&lt;/td&gt;", "64x48", "128x96", "123.0", "66.500"] in cells
    assert "70.000 ○" in page
    assert "60.000 ●" in page
    assert embedded(page)["sections"][0]["rate"]["score"]["front"] == [3, 4, 5]


def test_report_of_a_ladder(tmp_path, cli):
    path = ladder_folder(tmp_path)
    code, _, err = cli("report", path, "-o", tmp_path / "r.html")
    assert code == 0
    assert "wrote" in err
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    chart = embedded(page)["sections"][0]["rate"]["score"]
    assert [one["name"] for one in chart["series"]] == ["x264", "</td>"]
    assert [point["value"] for point in chart["series"][0]["points"]] == [60.0, 70.0, 80.0]
    assert chart["hull"] == [3, 4, 5]
    assert "\N{MINUS SIGN}20.0 %" in page
    assert "&lt;/td&gt;" in page


def test_a_ladder_may_not_name_files_outside_its_folder(tmp_path):
    (tmp_path / "in").mkdir()
    write_log(tmp_path / "secret.json", [1.0])
    path = ladder_folder(tmp_path / "in")
    document = json.loads(path.read_text())
    document["sources"][0]["rungs"][0]["log"] = "../secret.json"
    path.write_text(json.dumps(document))
    target = write_report([path], tmp_path / "report.html")
    page = target.read_text(encoding="utf-8")
    assert "lies outside its folder" in page
    assert len(embedded(page)["sections"][0]["frames"]["videos"]) == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"kind": "ladder", "schema": 9}', "schema 9 of ladders is not known"),
        ('{"kind": "ladder", "schema": 1}', "is not a complete ladder"),
        ("hello", "is not a VMAF log"),
    ],
)
def test_what_is_neither_log_nor_ladder_is_refused(tmp_path, cli, content, words):
    path = tmp_path / "x.json"
    path.write_text(content)
    code, _, err = cli("report", path)
    assert code == 3
    assert words in err
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_mistakes_of_the_command(tmp_path, cli):
    path = write_log(tmp_path / "log.json", [1.0])
    code, _, err = cli("report", path, "--distorted", tmp_path / "no.mp4")
    assert code == 2
    assert "no.mp4: no such file or folder" in err
    code, _, err = cli("report", path, "-o", path / "r.html")
    assert code == 2
    assert "cannot make the folder" in err
