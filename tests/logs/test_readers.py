"""Programs that read VMAF logs read ours: each is run where it is installed."""

import importlib
import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from vqa_harness.frames import ColourInfo, StreamInfo
from vqa_harness.logs.build import build_log
from vqa_harness.logs.write import write_log
from vqa_harness.result import MetricResult, RunResult, WindowScore
from vqa_harness.spec import Feature, MetricSpec
from vqa_harness.testing.logs import check_contract

COLUMNS = {
    "vmaf": {"integer_adm2": [0.9, 0.91, 0.92, 0.93], "vmaf": [90.5, 91.5, 92.5, 93.5]},
    "niqe": {"niqe": [4.0, None, 6.0, 7.0]},
    "brisque": {"brisque": [-3.25, 20.0, 30.0, 40.0]},
    "clipvqa": {"clipvqa": [55.5] * 4},
}


@pytest.fixture(scope="module")
def log():
    colour = ColourInfo(full_range=False, matrix="bt709")
    stream = StreamInfo("dé.mp4", "h264", 64, 48, "yuv420p", 8, "420", Fraction(25), colour)
    metrics = [
        MetricResult(MetricSpec(name, "p:C", tuple(map(Feature, columns))), {}, columns)
        for name, columns in COLUMNS.items()
    ]
    clip = metrics[-1]
    clip.spec = MetricSpec("clipvqa", "p:C", clip.spec.features, kind="clip")
    clip.windows = [WindowScore(0, 4, (1, 2), {"clipvqa": 55.5})]
    built = build_log(RunResult(stream, stream, [Fraction(i, 25) for i in range(4)], metrics))
    assert check_contract(built) == []
    return built


@pytest.fixture(params=["json", "xml", "csv"])
def file(log, tmp_path, request):
    path = tmp_path / f"distorted_vmaf.{request.param}"
    write_log(log, path)
    return path


@pytest.fixture
def json_file(log, tmp_path):
    path = tmp_path / "vmaf.json"
    write_log(log, path)
    return path


def output_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def program(name):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def test_jq_pools_as_we_do(json_file, log):
    query = (
        "[.frames[].metrics.vmaf] | (length / (map(1 / (. + 1)) | add) - 1), add / length, min, max"
    )
    found = [float(line) for line in output_of(program("jq"), query, str(json_file)).split()]
    wanted = log.pooled["vmaf"]
    assert found == pytest.approx([wanted[k] for k in ("harmonic_mean", "mean", "min", "max")])


def test_javascript_reads_the_log(json_file, log):
    script = (
        "const log = JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8'));"
        "console.log(log.pooled_metrics.vmaf.mean, log.frames.length, log.frames[0].frameNum)"
    )
    mean, frames, first = output_of(program("node"), "-e", script, str(json_file)).split()
    assert float(mean) == pytest.approx(log.pooled["vmaf"]["mean"])
    assert (frames, first) == ("4", "0")


def test_one_value_per_line_for_line_based_readers(json_file):
    lines = [line for line in json_file.read_text("utf-8").splitlines() if '"vmaf": 9' in line]
    assert [line.strip() for line in lines] == [f'"vmaf": {v}.500000' for v in (90, 91, 92, 93)]
    means = [line for line in json_file.read_text("utf-8").splitlines() if '"mean":' in line]
    assert means[-1].strip() == '"mean": 92.000000,'  # that of vmaf, the last feature


def test_ffmpeg_quality_metrics_reads_the_log(json_file, log, tmp_path):
    package = pytest.importorskip("ffmpeg_quality_metrics")
    reader = object.__new__(package.FfmpegQualityMetrics)  # its constructor looks for ffmpeg
    reader.temp_files = {"libvmaf": str(json_file)}
    reader.data, reader.global_stats = {"vmaf": []}, {}
    reader._read_vmaf_temp_file()
    stats = reader.get_global_stats()["vmaf"]
    assert list(stats) == list(log.columns)
    for name, found in stats.items():
        assert found["average"] == pytest.approx(log.pooled[name]["mean"], abs=1e-3)
    assert [frame["n"] for frame in reader.data["vmaf"]] == [1, 2, 3, 4]


def test_easyvmaf_reads_and_trims_the_log(file, log):
    results = pytest.importorskip("easyvmaf.results")
    kind = file.suffix[1:]
    scores = results.read_scores(str(file), kind, list(log.columns))
    for name, found in scores.items():
        assert found == pytest.approx(log.pooled[name]["mean"], abs=1e-6)
    frames = results.read_frames(str(file), kind)
    assert [(n, list(metrics)) for n, metrics in frames] == [
        (n, list(log.columns)) for n in range(4)
    ]
    results.trim_log(str(file), kind, 1, 2, 10)
    assert [n for n, _ in results.read_frames(str(file), kind)] == [11, 12]
    if kind == "json":
        trimmed = json.loads(Path(file).read_text("utf-8"))
        assert trimmed["pooled_metrics"]["vmaf"]["mean"] == 92.0
        assert trimmed["vqa_harness"]["schema"] == log.extra["schema"]


def test_etree_reads_the_metadata_of_xml(log, tmp_path):
    tree = importlib.import_module("xml.etree.ElementTree")
    write_log(log, tmp_path / "vmaf.xml")
    root = tree.parse(tmp_path / "vmaf.xml").getroot()
    assert json.loads(root.findtext("vqa_harness")) == log.extra
    assert root.find("pooled_metrics/metric[@name='vmaf']").get("mean") == "92.000000"
