"""`Result`: the scores, as arrays, tables, text and files."""

import numpy as np
import pytest

import vqa_harness as vqa
from tests.api.fakes import registry_of
from vqa_harness import Log, Result
from vqa_harness.api import table


@pytest.fixture
def result(clips, monkeypatch):
    registry = registry_of(monkeypatch)
    metrics = ("brightness", "even", "clips", "broken")
    return vqa.score(clips / "encode.mkv", metrics=metrics, registry=registry)


def test_means_by_name(result):
    assert result.keys() == list(result) == ["brightness", "even", "clips"]
    assert len(result) == 3
    assert "even" in result
    assert "broken" not in result
    assert result["brightness"] == result.pooled["brightness"]["mean"]
    assert dict(result) == {name: result[name] for name in result}
    assert list(result.pooled["brightness"]) == ["min", "max", "mean", "harmonic_mean"]
    with pytest.raises(KeyError, match="no feature 'brightnes'; did you mean brightness"):
        result["brightnes"]


def test_frames(result):
    frames = result.frames
    assert frames["brightness"].dtype == np.float64
    assert frames["brightness"].mean() == pytest.approx(result["brightness"])
    np.testing.assert_array_equal(np.isnan(frames["even"]), np.arange(30) % 2 == 1)
    np.testing.assert_array_equal(frames.numbers, np.arange(30))
    np.testing.assert_allclose(frames.times, np.arange(30) / 25)
    with pytest.raises(KeyError, match="did you mean brightness"):
        frames["brightnes"]
    assert repr(frames) == "FrameTable(30 frames: brightness, even, clips)"
    assert [(w.start, w.stop) for w in result.windows["clips"]] == [(0, 10), (10, 20), (20, 30)]
    assert result.windows["clips"][1].scores["clips"] == frames["clips"][10]


def test_what_went_wrong(result):
    assert result.errors == {"broken": "RuntimeError: no good"}
    assert result.warnings == [
        "even: even is undefined for 15 of 30 frames; what is printed is over the other 15"
    ]
    assert result.alignment == {}
    assert result.error is None
    assert result


def test_diagnostics(clips):
    result = vqa.score(clips / "original.mkv", clips / "original.mkv", "psnr")
    assert result.diagnostics["psnr_lossless"].tolist() == [1.0] * 30
    assert result.alignment["pairs"] == 30
    assert repr(result).startswith("original.mkv against original.mkv, 30 frames\n")


def test_save_and_read_back(result, tmp_path):
    result.save(tmp_path / "log.json")
    read = Result(vqa.read_log(str(tmp_path / "log.json")))
    assert read.keys() == result.keys()
    assert read.name == "encode.mkv"
    np.testing.assert_allclose(read.frames["even"], result.frames["even"])
    assert read.windows == result.windows
    result.save(tmp_path / "log", "xml")
    assert vqa.read_log(tmp_path / "log").pooled.keys() == result.pooled.keys()
    with pytest.raises(vqa.UsageError, match="not a log format"):
        result.save(tmp_path / "log.png")
    with pytest.raises(vqa.UsageError, match="cannot write"):
        result.save(tmp_path / "no" / "log.json")


def test_any_log_will_do():
    log = Log("1.0", frame_numbers=[0, 2], columns={"vmaf": [90.0, None]})
    log.pooled["vmaf"] = {"mean": 90.0}
    result = Result(log)
    assert result["vmaf"] == 90
    assert result.frames.numbers.tolist() == [0, 2]
    assert np.isnan(result.frames["vmaf"][1])
    assert np.isnan(result.frames.times).all()
    assert (result.windows, result.warnings, result.errors, result.alignment) == ({}, [], {}, {})
    assert "video, 2 frames" in repr(result)


def test_undefined_frames_outside_the_log_are_ignored():
    log = Log("1.0", frame_numbers=[0, 1, 2], columns={"vmaf": [90.0, 80.0, 70.0]})
    log.extra["metrics"] = {"vmaf": {"undefined_frames": {"vmaf": [-9, -1, 1, 3, 2**40]}}}
    assert np.isnan(Result(log).frames["vmaf"]).tolist() == [False, True, False]


def test_text(result):
    lines = repr(result).splitlines()
    assert lines[0] == "encode.mkv, 30 frames"
    assert lines[1].split() == ["mean", "min", "max", "harmonic_mean"]
    assert lines[2].split()[0] == "brightness"
    assert lines[-2] == "error: broken: RuntimeError: no good"
    assert len({len(line) for line in lines[1:5]}) == 1


def test_html_is_escaped(result):
    html = result._repr_html_()
    assert "<td>brightness</td>" in html
    assert "<li>error: broken: RuntimeError: no good</li>" in html
    evil = "<script>alert(1)</script>"
    for bad in (
        Result(result.log, name=evil),
        Result.failed(vqa.InputError(evil), evil),
        Result(Log("1", pooled={evil: {"mean": 1.0}}, extra={"warnings": [evil]})),
    ):
        assert "<script>" not in bad._repr_html_()
        assert "&lt;script&gt;" in bad._repr_html_()


def test_control_characters_do_not_reach_a_console(result):
    assert "\x1b" not in repr(Result(result.log, name="\x1b[31mred"))


def test_pandas(result):
    pytest.importorskip("pandas")
    frame = result.to_pandas()
    assert list(frame.columns) == ["time", "brightness", "even", "clips"]
    assert frame.index.name == "frame"
    assert frame["even"].isna().sum() == 15


def test_arrow(result):
    pyarrow = pytest.importorskip("pyarrow")
    made = result.to_arrow()
    assert made.column_names == ["frame", "time", "brightness", "even", "clips"]
    assert made["even"].null_count == 15
    assert pyarrow.table(result).equals(made)
    assert pyarrow.table(result.frames).equals(made)
    schema = pyarrow.schema([(name, pyarrow.float64()) for name in made.column_names])
    stream = pyarrow.RecordBatchReader.from_stream(result, schema=schema)
    assert stream.schema.field("frame").type == pyarrow.float64()


@pytest.mark.parametrize("package", ["pyarrow", "polars", "arro3.core"])
def test_whatever_makes_the_stream_it_is_the_same(result, monkeypatch, package):
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip(package)
    monkeypatch.setattr(table, "_installed", lambda name: name == package)
    found = pyarrow.table(result.frames).to_pydict()
    assert list(found) == ["frame", "time", "brightness", "even", "clips"]
    assert found["frame"] == list(range(30))
    assert found["even"] == [1.0, None] * 15
    assert found["brightness"] == result.frames["brightness"].tolist()


def test_without_a_library_for_tables(result, monkeypatch):
    monkeypatch.setattr(table, "_installed", lambda name: False)
    with pytest.raises(vqa.MissingBackend, match="pip install pandas"):
        result.to_pandas()
    with pytest.raises(vqa.MissingBackend, match="pip install pyarrow"):
        result.to_arrow()
    with pytest.raises(vqa.MissingBackend, match="pip install pyarrow"):
        result.__arrow_c_stream__()


def test_a_failed_result_is_no_score(tmp_path):
    result = Result.failed(vqa.InputError("x.mp4: no such file; check the path"), "x.mp4")
    assert not result
    assert list(result) == []
    assert repr(result) == "x.mp4: x.mp4: no such file; check the path"
    for use in (
        lambda: result["vmaf"],
        lambda: result.frames,
        lambda: result.save(tmp_path / "x.json"),
    ):
        with pytest.raises(vqa.InputError):
            use()
