"""Every command knows what a metric gives with the parameters it was given."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.metrics.vmaf_models import ADM_ALONE
from tests.plugins import installed_with
from vqa_harness import Feature, MetricSpec, Param, StreamScores
from vqa_harness.logs.features import features_of
from vqa_harness.logs.read import read_log
from vqa_harness.testing.synthetic import make_video, moving_pattern


class Tool:
    """Wraps a program, and inherits from nothing: mean step between neighbours, or its negative.

    ``model`` names its score, ``extra`` adds one of which lower is better; ``size`` changes both.
    """

    def __init__(self, *, model, extra, size):
        self.names, self.size, self.rows = [f.name for f in self.features(locals())], size, []

    @staticmethod
    def features(params):
        model, extra = params["model"], params["extra"]
        found = [Feature(f"tool_{model}" if model else "tool", lo=0, hi=255, unit="levels")]
        return (*found, Feature(extra, higher_is_better=False)) if extra else tuple(found)

    def open(self, run):
        pass

    def measure(self, frame, ref):
        self.rows.append(float(np.abs(np.diff(frame.luma.astype(float))).mean()))

    def close(self):
        signs = dict(zip(self.names, (1, -1), strict=False))
        return StreamScores(
            [{"beside": 7.0} | {n: s * x for n, s in signs.items()} for x in self.rows]
        )


SPEC = MetricSpec(
    "tool",
    f"{__name__}:Tool",
    (Feature("tool", lo=0, hi=255, unit="levels"),),
    kind="stream",
    params=(
        Param("model", "", changes_score=False, changes_features=True),
        Param("extra", "", changes_score=False, changes_features=True),
        Param("size", 8),
    ),
)
FREE = MetricSpec("direction_free", "nowhere:Free", (Feature("direction_free", None),))


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A reference, two series of four rungs, a table of opinions, a model file."""
    folder = tmp_path_factory.mktemp("media")
    frames = moving_pattern(6, 320, 180)
    make_video(folder / "reference.mkv", frames, codec="ffv1")
    rows = ["file,score,reference"]
    for codec, quantisers in (("libx264", (20, 28, 36, 44)), ("mpeg4", (2, 5, 10, 20))):
        for level, q in enumerate(quantisers):
            name = f"{codec}_{q}.mp4"
            quantiser = {"qp": str(q)} if codec == "libx264" else {"qmin": str(q), "qmax": str(q)}
            make_video(folder / name, frames, codec=codec, options=quantiser)
            rows.append(f"{name},{5 - level},reference.mkv")
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    (folder / "my_model.json").write_text(json.dumps(ADM_ALONE))
    return folder


@pytest.fixture
def cli(cli, own_cache, monkeypatch, tmp_path, media):
    """Run a command in an empty folder, with the metrics above: (exit code, stdout, stderr)."""
    installed_with(monkeypatch, SPEC, FREE)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: cli(*(str(a).replace("{media}", str(media)) for a in arguments))


def rows_of(out):
    header, *lines = (line.split("\t") for line in out.splitlines())
    return [dict(zip(header, line, strict=True)) for line in lines]


RUN = ("run", "-r", "{media}/reference.mkv", "{media}/libx264_28.mp4", "-o", "log.json")


def logged(path="log.json"):
    """Direction and range of each feature of a log, and what is told of the metric itself."""
    (entry,) = json.loads(Path(path).read_text())["vqa_harness"]["metrics"].values()
    return entry["features"], (entry["direction"], entry["range"])


def test_the_log_and_the_table_of_run(cli):
    code, out, _ = cli(*RUN, "-m", "tool:model=b,extra=ripple,size=4")
    assert code == 0
    # size changes scores and is in every declared name; what is not declared is in the log only
    assert [row["metric"] for row in rows_of(out)] == ["tool_b_size_4", "ripple_size_4"]
    features, first = logged()
    assert features == {
        "beside": {"direction": None, "range": [None, None], "unit": ""},
        "tool_b_size_4": {"direction": "higher", "range": [0, 255], "unit": "levels"},
        "ripple_size_4": {"direction": "lower", "range": [None, None], "unit": ""},
    }
    assert first == ("higher", [0, 255])
    log = read_log(Path("log.json"))
    about = features_of(log)
    assert {name for name in about if about[name].leading} == {"tool_b_size_4"}
    pooled = log.extra["pooling"]["features"]
    assert "worst_run" in pooled["ripple_size_4"]
    assert "worst_run" not in pooled["beside"]


def test_the_ladder_and_its_report(cli, media):
    rungs = sorted(media.glob("*.mp4"))
    arguments = ("ladder", "-q", *rungs, "-o", "out", "--report", "--not-monotone", "pareto")
    code, out, _ = cli(*arguments, "-m", "tool:model=b,extra=ripple")
    assert code == 0
    table, _, compared = out.partition("feature\t")
    assert [float(row["tool_b [levels]"].rstrip("*+")) > 1 for row in rows_of(table)] == [True] * 8
    assert compared.splitlines()[1].startswith("tool_b\t")
    document = json.loads(Path("out/ladder.json").read_text())
    assert document["features"]["tool_b"]["direction"] == "higher"
    assert document["sources"][0]["comparisons"][0]["refused"] is None
    assert "tool_b" in Path("out/report.html").read_text()
    code, out, _ = cli(*arguments, "-m", "tool:model=b,extra=ripple", "--feature", "ripple")
    assert code == 0
    assert "ripple" in out.splitlines()[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("-m", "tool:model=b", "--feature", "tool"),
            "'tool' cannot be compared",
        ),
        (("-m", "direction_free"), "nothing to compare: of what direction_free gives"),
    ],
)
def test_a_ladder_without_anything_to_compare_is_refused_at_once(cli, options, words):
    code, out, err = cli("ladder", "{media}/mpeg4_5.mp4", *options)
    assert (code, out) == (2, "")
    assert words in err


def test_the_benchmark(cli):
    table = ("--table", "{media}/table.csv", "--bootstrap", "0")
    for _ in ("scored", "from the cache"):
        code, out, err = cli("bench", "-q", *table, "-m", "tool:model=b,extra=ripple,size=4")
        assert (code, err) == (0, "")
        first, second = rows_of(out)
        assert (first["metric"], second["metric"]) == ("tool_b_size_4", "ripple_size_4")
        # ripple falls where the other grows, and lower is better: both agree with opinions alike
        assert float(first["srocc"]) == float(second["srocc"]) > 0.3


def test_the_gate(cli):
    gate = ("gate", "--no-cache", "-q", "{media}/libx264_20.mp4", "-m", "tool:model=b,extra=ripple")
    code, *_ = cli(*gate, "--rule", "tool_b.worst_run >= 1", "--rule", "ripple.mean <= -1")
    assert code == 0
    code, _, err = cli(*gate, "--rule", "ripple.mean >= 3")
    assert (code, "of ripple lower is better" in err) == (2, True)
    code, _, err = cli(*gate, "--rule", "tool.mean >= 3")
    assert (code, "with the parameters given has tool_b, ripple, not 'tool'" in err) == (2, True)


def test_the_gate_on_a_log_knows_what_the_log_tells(cli):
    cli(*RUN, "-m", "tool:model=b,extra=ripple")
    gate = ("gate", "-q", "--log", "log.json", "--baseline", "log.json")
    assert cli(*gate, "--rule", "ripple.worst_run <= 0", "--rule", "ripple.mean max_drop 0")[0] == 0


def test_a_model_that_is_none_is_one_line_before_anything_is_read(cli):
    code, _, err = cli("ladder", "{media}/mpeg4_5.mp4", "-m", "vmaf:model=best")
    assert (code, err.count("\n")) == (2, 1)
    assert "VMAF model 'best'" in err


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("model=vmaf_v0.6.1neg", {"vmaf_neg": ("higher", [0, 100], "")}),
        ("model=vmaf_4k_v0.6.1", {"vmaf_4k": ("higher", [0, 100], "")}),
        ("model=vmaf_v1.0.16_3d0h", {"vmaf_v1_3d0h": ("higher", [0, 100], "")}),
        ("model={media}/my_model.json", {"vmaf_file_my_model": ("higher", [None, None], "")}),
        (
            "features=cambi:max_log_contrast=3+psnr_hvs+float_ssim",
            {
                "vmaf": ("higher", [0, 100], ""),
                "cambi_mlc_3": ("lower", [0, None], ""),
                "psnr_hvs": ("higher", [None, None], "dB"),
                "psnr_hvs_y": ("higher", [None, None], "dB"),
                "psnr_hvs_cb": ("higher", [None, None], "dB"),
                "psnr_hvs_cr": ("higher", [None, None], "dB"),
                "float_ssim": ("higher", [-1, 1], ""),
            },
        ),
    ],
)
def test_vmaf_by_another_model_or_with_features(cli, ffmpeg, parameters, expected):
    code, out, err = cli(*RUN, "-m", f"vmaf:{parameters}")
    assert (code, err) == (0, "")
    features, first = logged()
    known = {name: about for name, about in features.items() if about["direction"]}
    told = {name: (f["direction"], f["range"], f["unit"]) for name, f in known.items()}
    assert told == expected
    leading, *_ = expected
    assert first == expected[leading][:2]
    about = features_of(read_log(Path("log.json")))
    assert [name for name in about if about[name].leading] == [leading]
    assert {row["metric"] for row in rows_of(out)} == set(expected)


def test_ladder_and_benchmark_of_the_neg_model(cli, ffmpeg, media):
    neg = ("-m", "vmaf:model=vmaf_v0.6.1neg")
    rungs = sorted(media.glob("*.mp4"))
    code, out, _ = cli("ladder", "-q", *neg, "-r", "{media}/reference.mkv", *rungs)
    assert code == 0
    assert out.splitlines()[0].endswith("vmaf_neg")
    assert "\nvmaf_neg\t" in out
    table = ("--table", "{media}/table.csv", "--reference-column", "reference", "--bootstrap", "0")
    code, out, err = cli("bench", "-q", *table, *neg, "--no-cache")
    assert (code, err) == (0, "")
    (row,) = rows_of(out)
    assert (row["metric"], row["n"]) == ("vmaf_neg", "8")
    assert float(row["srocc"]) > 0.5
