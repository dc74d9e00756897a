import json
import sys

import numpy as np
import pytest

from tests.bench.fake_metrics import Stop
from tests.bench.pictures import LEVELS, write_bmp
from vqa_harness.bench import score as bench_run
from vqa_harness.frames import ColourInfo
from vqa_harness.installation import pip_install
from vqa_harness.testing import rgb_frame, yuv_frame
from vqa_harness.testing.synthetic import make_video
from vqa_metrics.nss.luma import luma_from_rgb

N = 10


def rows(out):
    header, *lines = (line.split("\t") for line in out.splitlines())
    return [dict(zip(header, line, strict=True)) for line in lines]


@pytest.fixture
def table(stills):
    return ("--table", stills / "table.csv")


@pytest.fixture
def scored(monkeypatch):
    """Names of the files that were decoded."""
    found = []
    run = bench_run.run

    def counted(path, *arguments, **options):
        found.append(path.name)
        return run(path, *arguments, **options)

    monkeypatch.setattr(bench_run, "run", counted)
    return found


def test_metrics_of_both_directions_in_one_pass(bench, table, scored):
    code, out, err = bench(*table, "-m", "brightness", "-m", "darkness", "--bootstrap", 50)
    assert (code, err) == (0, "")
    one, two = rows(out)
    assert (one["metric"], two["metric"]) == ("brightness", "darkness")
    assert one["dataset"] == "table.csv"
    assert one["n"] == str(N)
    assert float(one["srocc"]) == pytest.approx(0.9636, abs=1e-4)  # 1 - 6 * 6 / (10 * 99)
    assert float(one["plcc"]) > 0.97
    for name in ("srocc", "krocc"):
        assert one[name] == two[name]
        assert float(one[f"{name}_low"]) < float(one[name]) <= float(one[f"{name}_high"])
    assert len(scored) == N


def test_opinions_may_run_downwards(bench, table):
    _, out, _ = bench(*table, "-m", "brightness", "--lower-is-better", "--bootstrap", 0)
    assert float(rows(out)[0]["srocc"]) == pytest.approx(-0.9636, abs=1e-4)
    assert float(rows(out)[0]["plcc"]) < -0.97
    assert rows(out)[0]["srocc_low"] == "-"


def test_only_what_is_new_is_scored(bench, table, scored, stills):
    first = bench(*table, "-m", "brightness")
    assert len(scored) == N
    assert bench(*table, "-m", "brightness") == first
    assert len(scored) == N
    (stills / "pictures" / "p3.bmp").write_bytes((stills / "pictures" / "p9.bmp").read_bytes())
    (stills / "pictures" / "p4.bmp").rename(stills / "pictures" / "p40.bmp")
    text = (stills / "table.csv").read_text().replace("p4.bmp", "p40.bmp")
    (stills / "table.csv").write_text(text)
    bench(*table, "-m", "brightness")
    assert len(scored) == N  # the new content of p3 is known from p9
    bench(*table, "-m", "brightness", "-m", "darkness")
    assert len(scored) == 2 * N - 1
    bench(*table, "-m", "brightness:scale=2")
    assert len(scored) == 3 * N - 2
    bench(*table, "-m", "brightness", "--no-cache")
    assert len(scored) == 4 * N - 2


def test_a_damaged_cache_entry_is_scored_again(bench, table, scored, tmp_path):
    first = bench(*table, "-m", "brightness")
    entries = sorted((tmp_path / "cache" / "bench").rglob("*.json"))
    assert len(entries) == N
    entries[0].write_text("{")
    entries[1].write_text('{"values": {"brightness": {"mean": "9"}}}')
    entries[2].write_text("[1]")
    assert bench(*table, "-m", "brightness") == first
    assert len(scored) == N + 3


def test_an_interrupted_benchmark_goes_on_where_it_was(bench, table, scored):
    Stop.left = 4
    code, out, err = bench(*table, "-m", "stop")
    assert (code, out) == (130, "")
    assert "interrupted" in err
    assert len(scored) == 5
    Stop.left = 10**9
    code, out, _ = bench(*table, "-m", "stop")
    assert code == 0
    assert rows(out)[0]["n"] == str(N)
    assert len(scored) == N + 1


def test_missing_files_are_counted_and_partial(bench, table, stills):
    for name in ("p2.bmp", "p5.bmp"):
        (stills / "pictures" / name).unlink()
    code, out, err = bench(*table, "-m", "brightness")
    assert code == 7
    assert rows(out)[0]["missing"] == "2"
    assert rows(out)[0]["n"] == "8"
    assert "2 of 10 files are missing, the first is p2.bmp" in err
    code, out, err = bench(*table, "-m", "brightness", "--allow-missing")
    assert code == 0
    assert "warning: table.csv: 2 of 10 files are missing" in err


def test_no_file_at_all_is_an_input_error(bench, table, tmp_path):
    (tmp_path / "empty").mkdir()
    code, out, err = bench(*table, "--root", tmp_path / "empty", "-m", "brightness")
    assert (code, out) == (3, "")
    assert "none of its 10 files is below" in err


def test_files_that_cannot_be_read_are_listed(bench, table, stills, tmp_path):
    (stills / "pictures" / "p1.bmp").write_bytes(b"no picture")
    code, out, err = bench(*table, "-m", "brightness", "--json", tmp_path / "out.json")
    assert code == 7
    assert rows(out)[0]["failed"] == "1"
    assert "p1.bmp: brightness:" in err
    (result,) = json.loads((tmp_path / "out.json").read_text())["results"]
    assert [entry["file"] for entry in result["failures"]] == ["p1.bmp"]
    assert len(result["metrics"]["brightness"]["scores"]) == N - 1


def test_a_metric_that_fails_on_some_files_leaves_the_other_alone(bench, table):
    code, out, err = bench(*table, "-m", "fragile", "-m", "brightness")
    assert code == 7
    fragile, bright = rows(out)
    assert (fragile["n"], fragile["srocc"], bright["n"]) == ("4", "-", "10")
    assert "needs 5 items" in fragile["note"]
    assert "6 scores failed: p4.bmp: fragile: RuntimeError: too bright" in err


def test_a_metric_that_fails_everywhere_is_a_metric_error(bench, stills):
    head, *lines = (stills / "table.csv").read_text().splitlines()
    (stills / "table.csv").write_text("\n".join([head, *lines[5:]]))
    code, _, err = bench("--table", stills / "table.csv", "-m", "fragile")
    assert code == 5
    assert "too bright" in err


def test_full_reference_metrics_need_references(bench, table):
    code, _, err = bench(*table, "-m", "difference")
    assert code == 2
    assert "'difference' compares with a reference, and custom names none; leave it out" in err


def test_a_table_may_name_references(bench, stills):
    text = (stills / "table.csv").read_text().splitlines()
    lines = [text[0] + ",ref", *(line + ",p9.bmp" for line in text[1:])]
    (stills / "table.csv").write_text("\n".join(lines))
    reference = ("--reference-column", "ref", "--bootstrap", 0)
    code, out, _ = bench("--table", stills / "table.csv", "-m", "difference", *reference)
    assert code == 0
    assert float(rows(out)[0]["srocc"]) == pytest.approx(0.9636, abs=1e-4)


def test_a_metric_trained_on_the_dataset_is_refused_or_marked(bench, table, stills, tmp_path):
    metric = ("-m", "brightness:made_from=pictures of table.csv and more")
    code, out, err = bench(*table, *metric)
    assert (code, out) == (2, "")
    assert "its training data names table.csv; leave it out, or mark it with --allow-t" in err
    target = tmp_path / "out.md"
    code, out, err = bench(*table, *metric, "--allow-trained-on", "--markdown", target)
    assert code == 0
    assert rows(out)[0]["note"] == "TRAINED ON IT"
    assert "its training data names table.csv" in err
    assert "TRAINED ON IT" in target.read_text()


def test_splits_of_a_table(bench, table):
    code, out, _ = bench(*table, "--split-column", "part", "--split", "test", "-m", "brightness")
    assert code == 0
    assert (rows(out)[0]["split"], rows(out)[0]["n"]) == ("test", "5")


def test_a_file_in_two_splits_is_refused_or_noted(bench, table, stills):
    with (stills / "table.csv").open("a") as file:
        file.write("p1.bmp,20,train\n")
    options = (*table, "--split-column", "part", "--split", "test", "-m", "brightness")
    code, out, err = bench(*options)
    assert (code, out) == (2, "")
    assert "splits test and train share 1 file (p1.bmp); choose other splits" in err
    code, _, err = bench(*options, "--allow-leakage")
    assert code == 0
    assert "warning: custom: splits test and train share 1 file (p1.bmp)" in err


def test_random_splits_give_medians(bench, stills):
    rng = np.random.default_rng(0)
    lines = ["file,score"]
    for i in range(60):
        source = stills / "pictures" / f"p{i % N}.bmp"
        (stills / f"c{i}.bmp").write_bytes(source.read_bytes() + bytes([i]))
        lines.append(f"c{i}.bmp,{LEVELS[i % N] + rng.normal(0, 40):.3f}")
    (stills / "many.csv").write_text("\n".join(lines))
    options = ("--table", stills / "many.csv", "-m", "brightness", "--bootstrap", 20)
    code, out, _ = bench(*options, "--split", "random", "--repeats", 30, "--json", "-")
    assert code == 0
    (result,) = json.loads(out)["results"]
    assert result["random_splits"] == 30
    found = result["metrics"]["brightness"]
    whole = json.loads(bench(*options, "--json", "-")[1])["results"][0]["metrics"]["brightness"]
    assert found["statistics"]["srocc"] == pytest.approx(whole["statistics"]["srocc"], abs=0.15)
    low, high = found["intervals"]["srocc"].values()
    assert low < found["statistics"]["srocc"] < high


def test_several_parts_give_a_cross_table(bench, table, tmp_path):
    options = (*table, "--split-column", "part", "-m", "brightness", "-m", "darkness")
    names = ("custom:test", "custom:train", "--root", table[1].parent)
    code, out, _ = bench(*names, *options, "--cross", "krocc", "--markdown", tmp_path / "t.md")
    assert code == 0
    one, two = rows(out)
    assert list(one) == ["metric", "table.csv:test", "table.csv:train"]
    assert one["table.csv:test"] == two["table.csv:test"]
    assert "## SROCC on every dataset" in (tmp_path / "t.md").read_text()


def test_json_holds_scores_and_opinions(bench, table):
    code, out, _ = bench(*table, "-m", "brightness", "--json", "-", "--bootstrap", 30)
    assert code == 0
    document = json.loads(out)
    assert document["bootstrap"] == {"samples": 30, "seed": 0, "level": 0.95}
    (result,) = document["results"]
    found = result["metrics"]["brightness"]
    assert set(found["scores"]) == set(result["opinions"]) == {f"p{i}.bmp" for i in range(N)}
    assert found["fit"]["kind"] in ("logistic", "line")
    assert "/" not in document["command"]


def test_files_in_parallel_processes_give_the_same(bench, table, monkeypatch, registry):
    options = (*table, "-m", "colorfulness", "--no-cache", "--bootstrap", 0)
    one = bench(*options)
    assert one[0] == 0
    assert bench(*options, "--jobs", 2) == one


def test_stills_are_weighed_to_luma_exactly(bench, registry, stills):
    """NIQE of a bitmap is NIQE of MATLAB's rgb2gray of its pixels, bit for bit."""
    rng = np.random.default_rng(3)
    lines = ["file,score"]
    pictures = {}
    for i in range(6):
        soft = np.cumsum(rng.normal(0, 4, (200, 210, 3)), axis=1) + 120
        pictures[f"s{i}.bmp"] = rgb = np.uint8(np.clip(soft, 0, 255))
        write_bmp(stills / f"s{i}.bmp", rgb)
        lines.append(f"s{i}.bmp,{i}")
    (stills / "soft.csv").write_text("\n".join(lines))
    code, out, _ = bench("--table", stills / "soft.csv", "-m", "niqe", "--json", "-")
    assert code == 0
    scores = json.loads(out)["results"][0]["metrics"]["niqe"]["scores"]
    metric = registry.create(registry.request("niqe"))
    for name, rgb in pictures.items():
        grey = yuv_frame(
            [luma_from_rgb(rgb)], chroma="gray", colour=ColourInfo(full_range=True, matrix="bt601")
        )
        assert scores[name] == metric.measure(rgb_frame(rgb), None)["niqe"]
        assert scores[name] == metric.measure(grey, None)["niqe"]


def test_videos_are_pooled_over_their_frames(bench, tmp_path):
    lines = ["file,score"]
    for i in range(5):
        options = {"width": 64, "height": 48, "seed": i}
        make_video(tmp_path / f"v{i}.mp4", 3 + i, **options)
        lines.append(f"v{i}.mp4,{i}")
    (tmp_path / "v.csv").write_text("\n".join(lines))
    values = {}
    for pool in ("min", "mean", "max"):
        arguments = ("--table", tmp_path / "v.csv", "-m", "brightness", "--pool", pool)
        code, out, _ = bench(*arguments, "--json", "-", "--bootstrap", 0)
        assert code == 0
        values[pool] = json.loads(out)["results"][0]["metrics"]["brightness"]["scores"]["v4.mp4"]
    assert values["min"] < values["mean"] < values["max"]


def test_a_scatter_plot_for_each_metric(bench, table, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib (extra bench) is not installed")
    code, _, _ = bench(*table, "-m", "brightness", "-m", "darkness", "--scatter", tmp_path / "s")
    assert code == 0
    names = sorted(path.name for path in (tmp_path / "s").iterdir())
    assert names == ["table.csv-brightness.png", "table.csv-darkness.png"]
    assert (tmp_path / "s" / names[0]).read_bytes().startswith(b"\x89PNG")


def test_scatter_without_matplotlib_says_what_to_install(bench, table, monkeypatch, scored):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, _, err = bench(*table, "-m", "brightness", "--scatter", "plots")
    assert code == 6
    assert pip_install("vqa-harness[bench]") in err
    assert scored == []


def test_the_list_of_datasets(bench):
    code, out, _ = bench("--list")
    assert code == 0
    assert [row["dataset"] for row in rows(out)][:2] == ["clive", "cvd2014"]
    code, out, _ = bench("--list", "lsvq")
    assert code == 0
    assert "must not be scored on test" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no dataset; name one"),
        (("konvid-1k",), "konvid-1k: name the folder of its files: --root DIR, or konvid-1k=DIR"),
        (("nope=.",), "unknown dataset 'nope'"),
        (("custom=.",), "custom needs --table"),
        (("konvid-1k=/nowhere",), "is not a folder"),
        (("konvid-1k", "live-vqc", "--root", "."), "--root is for a single dataset"),
        (("konvid-1k=.", "konvid-1k=."), "konvid-1k:all' is given twice"),
        (("konvid-1k=.", "-m", "brightness", "-m", "brightness"), "is given twice"),
        (("konvid-1k=.", "--json", "-", "--markdown", "-"), "only one result can go to standard"),
    ],
)
def test_wrong_arguments_are_one_line(bench, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    metrics = () if "-m" in arguments else ("-m", "brightness")
    code, out, err = bench(*arguments, *metrics)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_published_forms_from_annotations_to_a_table_of_two_datasets(bench, tmp_path, table):
    """KoNViD-1k's layout and CLIPVQA's list, with invented clips, beside a table of stills."""
    root = tmp_path / "KoNViD"
    (root / "KoNViD_1k_videos").mkdir(parents=True)
    (root / "splits").mkdir()
    names = [str(2999049224 + i) for i in range(7)]
    for i, name in enumerate(names):
        make_video(root / "KoNViD_1k_videos" / f"{name}.mp4", 2, width=64, height=48, seed=i)
    mos = "".join(f'"{name}","{1 + i / 2}"\n' for i, name in enumerate(names))
    (root / "KoNViD_1k_mos.csv").write_text('"flickr_id","mos"\n' + mos)
    (root / "splits" / "kon1k_train.csv").write_text(f"{names[0]},1\n")
    (root / "splits" / "kon1k_test.csv").write_text("".join(f"{n},0\n" for n in names[1:]))
    target = f"konvid-1k:clipvqa-test={root}"
    code, out, err = bench(target, *table, "-m", "brightness", "-m", "darkness")
    assert (code, err) == (0, "")
    found = [(row["dataset"], row["split"], row["metric"], row["n"]) for row in rows(out)]
    assert found == [
        ("konvid-1k", "clipvqa-test", "brightness", "6"),
        ("konvid-1k", "clipvqa-test", "darkness", "6"),
        ("table.csv", "all", "brightness", "10"),
        ("table.csv", "all", "darkness", "10"),
    ]
    trained = "brightness:made_from=konvid-1k:clipvqa-train"
    code, _, err = bench(f"konvid-1k={root}", "-m", trained)
    assert code == 2
    assert f"which holds 1 file ({names[0]}) of this part" in err
    assert bench(target, "-m", trained)[0] == 0


def test_a_colour_can_be_stated_of_all_files(bench, stills, scored, tmp_path):
    root = tmp_path / "videos"
    root.mkdir()
    table = "file,score\n"
    for number in range(4):
        make_video(root / f"v{number}.mp4", 2, seed=number, width=64, height=48)
        table += f"v{number}.mp4,{number}\n"
    (root / "table.csv").write_text(table)
    arguments = ("--table", root / "table.csv", "-m", "brightness")
    code, _, _ = bench(*arguments)
    assert code == 0
    assert len(scored) == 4
    code, _, _ = bench(*arguments, "--distorted-colour", "full")
    assert code == 0
    assert len(scored) == 8  # other scores have another key
    code, _, err = bench(*arguments, "--reference-colour", "full")
    assert code == 2
    assert "names no reference whose colour could be stated" in err


def test_bad_rows_are_told_and_listed(bench, table, stills):
    text = (stills / "table.csv").read_text()
    (stills / "table.csv").write_text(
        text + "p3.bmp,good,test\n,3,test\n../p4.bmp,3,test\np5.bmp\n"
    )
    code, out, err = bench(*table, "-m", "brightness", "--json", stills / "result.json")
    assert code == 0
    assert rows(out)[0]["n"] == str(N)
    assert "custom: 4 rows are left out: line 12, p3.bmp: score 'good' is not a number; " in err
    assert "line 14, ../p4.bmp: '../p4.bmp' leads out of the root folder; and 1 more" in err
    listed = json.loads((stills / "result.json").read_text())["results"][0]["left_out"]
    assert [row["line"] for row in listed] == [12, 13, 14, 15]
    assert listed[1] == {
        "table": "table.csv",
        "line": 13,
        "file": "",
        "reason": "no file name",
    }
