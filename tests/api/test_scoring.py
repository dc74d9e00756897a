"""`score` and `score_many`."""

import io
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import vqa_harness as vqa
from tests.api.fakes import registry_of
from vqa_harness import Video, VideoReader


def planes_of(path):
    with VideoReader(path) as reader:
        frames = [[p.copy() for p in f.planes] for f in reader]
        info = reader.info
    stacks = tuple(np.stack(plane) for plane in zip(*frames, strict=True))
    return Video.from_planes(
        stacks, fps=info.rate, matrix=info.colour.matrix, full_range=info.colour.full_range
    )


def rgb_of(path):
    with VideoReader(path) as reader:
        return np.stack([frame.rgb for frame in reader])


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one.frames[name], other.frames[name])
    assert dict(one) == dict(other)


METRICS = ("psnr", "ssim", "niqe", "siti")


def test_files_file_objects_and_arrays_give_the_same_numbers(clips):
    encode, original = clips / "encode.mkv", clips / "original.mkv"
    from_files = vqa.score(encode, original, METRICS)
    assert from_files["psnr_y"] > 30
    assert len(from_files.frames.numbers) == 30
    same(from_files, vqa.score(str(encode), os.fspath(original), METRICS))
    same(from_files, vqa.score(planes_of(encode), planes_of(original), METRICS))
    same(from_files, vqa.score(planes_of(encode), original, METRICS))
    with original.open("rb") as file:
        from_objects = vqa.score(io.BytesIO(encode.read_bytes()), file, METRICS)
    same(from_files, from_objects)
    hashes = [r.log.extra["inputs"]["distorted"]["sha256"] for r in (from_files, from_objects)]
    assert hashes[0] == hashes[1] != None  # noqa: E711


def test_a_shift_is_found_in_arrays_too(clips):
    original = planes_of(clips / "original.mkv")
    late = Video.from_planes(
        tuple(stack[3:] for stack in original._stacks), fps=25, matrix="bt601", full_range=False
    )
    result = vqa.score(late, original, "psnr")
    assert result.alignment["offset_frames"] == 3
    assert result["psnr_y"] == 60


def test_clipvqa_of_rgb_arrays_is_that_of_the_file(clips):
    path = clips / "encode.mkv"
    video = Video.from_rgb(rgb_of(path), fps=25, matrix="bt601", full_range=False)
    from_file = vqa.score(path)
    same(from_file, vqa.score(video))
    same(from_file, vqa.score(planes_of(path)))
    assert from_file.windows["clipvqa"][0].stop == 30


def test_rgb_arrays_can_be_compared(clips):
    rgb = rgb_of(clips / "encode.mkv"), rgb_of(clips / "original.mkv")
    videos = [Video.from_rgb(x, fps=25, matrix="bt709", full_range=False) for x in rgb]
    result = vqa.score(*videos, metrics="psnr")
    from_files = vqa.score(clips / "encode.mkv", clips / "original.mkv", "psnr")
    assert result["psnr_y"] == pytest.approx(from_files["psnr_y"], abs=1)


def test_parameters_in_strings_and_one_metric_as_a_string(clips, monkeypatch):
    registry = registry_of(monkeypatch)
    result = vqa.score(clips / "encode.mkv", metrics="clips:window=0.2", registry=registry)
    assert [(w.start, w.stop) for w in result.windows["clips"]][:2] == [(0, 5), (5, 10)]
    with pytest.raises(vqa.UsageError, match="window=a: needs a number"):
        vqa.score(clips / "encode.mkv", metrics=["clips:window=a"], registry=registry)


def test_metrics_are_named_as_on_the_command_line(clips):
    video = clips / "encode.mkv"
    assert vqa.score(video, video, "PSNR,siti").keys()[:1] == ["psnr_y"]


def test_progress_and_threads(clips):
    seen = []
    vqa.score(
        clips / "encode.mkv", metrics=["siti"], threads=1, progress=lambda *told: seen.append(told)
    )
    assert seen == [(i + 1, 30) for i in range(30)]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"distorted": np.zeros((2, 8, 8, 3), np.uint8)},
            vqa.UsageError,
            r"Video.from_rgb\(frames",
        ),
        ({"distorted": b"bytes"}, vqa.UsageError, "type bytes is not a video.*io.BytesIO"),
        ({"distorted": 5}, vqa.UsageError, "type int is not a video"),
        ({"distorted": ""}, vqa.UsageError, "the path is empty"),
        ({"distorted": "no.mp4"}, vqa.InputError, "no.mp4: no such file"),
        ({"distorted": "http://x/y.mp4"}, vqa.InputError, "URLs are not opened"),
        ({"distorted": io.BytesIO(b"no video")}, vqa.InputError, "memory: "),
        ({"metrics": "psnr"}, vqa.UsageError, r"compares with a reference; give one \(reference="),
        ({"metrics": [None]}, vqa.UsageError, "None is not the name of a metric"),
        ({"metrics": ()}, vqa.UsageError, "none is named"),
        ({"metrics": "nique"}, vqa.UnknownMetric, "did you mean.*niqe"),
        ({"metrics": "niqe:patch=64"}, vqa.UsageError, "no parameter 'patch'"),
        ({"metrics": ["niqe", "niqe"]}, vqa.UsageError, "niqe.*twice"),
        ({"align": "pictures"}, vqa.UsageError, "choose one of auto"),
        ({"threads": -1}, vqa.UsageError, "threads=-1"),
    ],
)
def test_what_cannot_be_scored_is_one_line(clips, arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        vqa.score(**{"distorted": clips / "encode.mkv", "metrics": "siti", **arguments})
    assert "\n" not in str(caught.value)


def test_a_reference_that_nobody_compares_with_is_told(clips):
    result = vqa.score(clips / "encode.mkv", clips / "original.mkv", "siti")
    assert result.warnings == ["the reference was not read: none of the metrics compares with one"]


def test_metrics_that_fail_leave_the_others(clips, monkeypatch):
    registry = registry_of(monkeypatch)
    result = vqa.score(clips / "encode.mkv", metrics=("brightness", "broken"), registry=registry)
    assert result.keys() == ["brightness"]
    assert result.errors == {"broken": "RuntimeError: no good"}
    assert "error: broken: RuntimeError: no good" in repr(result)
    with pytest.raises(vqa.MetricError, match=r"encode.mkv: metric 'broken' failed: .*no good"):
        vqa.score(clips / "encode.mkv", metrics=["broken"], registry=registry)


def test_metrics_that_read_files_need_a_path(clips, monkeypatch):
    registry = registry_of(monkeypatch)
    path = clips / "encode.mkv"
    assert vqa.score(path, metrics="file_size", registry=registry)["file_size"] > 1000
    for video in (planes_of(path), io.BytesIO(path.read_bytes())):
        with pytest.raises(vqa.UsageError, match="'file_size' reads the video file by itself"):
            vqa.score(video, metrics="file_size", registry=registry)


def test_plugins_are_told_of_a_run(clips, monkeypatch):
    registry = registry_of(monkeypatch, told := [])
    vqa.score(clips / "encode.mkv", metrics="brightness", registry=registry)
    assert [log["vqa_harness"]["inputs"]["distorted"]["name"] for log in told] == ["encode.mkv"]


def test_a_package_that_is_missing(clips, monkeypatch):
    monkeypatch.setattr("vqa_harness.api.inputs.missing_modules", lambda spec: ["torch"])
    with pytest.raises(vqa.MissingBackend, match="needs torch; reinstall the package"):
        vqa.score(clips / "encode.mkv")


def test_many_videos_in_order_and_none_ends_the_others(clips):
    encode, original = clips / "encode.mkv", clips / "original.mkv"
    asked = []

    def items():
        for item in [(encode, original), "missing.mp4", original, 7, (encode,)]:
            asked.append(item)
            yield item

    results = vqa.score_many(items(), reference=original, metrics="psnr")
    assert next(results)["psnr_y"] < 60
    assert len(asked) == 1
    missing, good, wrong, alone = results
    assert not missing
    assert isinstance(missing.error, vqa.InputError)
    assert missing.name == "missing.mp4"
    assert "no such file" in repr(missing)
    with pytest.raises(vqa.InputError):
        missing["psnr_y"]
    assert good["psnr_y"] == 60
    assert isinstance(wrong.error, vqa.UsageError)
    assert "tuple of 1 is not a pair" in str(alone.error)


def test_what_is_wrong_for_all_is_said_at_once(clips):
    with pytest.raises(vqa.UnknownMetric):
        vqa.score_many(["a.mp4"], metrics="nique")
    with pytest.raises(vqa.UsageError, match=r"one path is not a list"):
        vqa.score_many("a.mp4")
    with pytest.raises(vqa.UsageError, match="jobs=0"):
        vqa.score_many(["a.mp4"], jobs=0)
    with pytest.raises(vqa.UsageError, match="leave registry out"):
        vqa.score_many(["a.mp4"], jobs=2, registry=vqa.Registry())


def test_several_at_once(clips):
    path = clips / "encode.mkv"
    with path.open("rb") as file:
        items = [path, file, planes_of(path), "missing.mp4"]
        one, opened, arrays, missing = vqa.score_many(items, metrics="siti", jobs=2)
    same(one, arrays)
    same(one, vqa.score(path, metrics="siti"))
    assert "an open file cannot be scored by another process" in str(opened.error)
    assert "no such file" in str(missing.error)


def test_a_script_that_does_not_keep_to_main_is_told_so(clips, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        import vqa_harness
        try:
            list(vqa_harness.score_many([{os.fspath(clips / "encode.mkv")!r}] * 2, metrics="siti",
                                        jobs=2))
        except vqa_harness.MetricError as error:
            print(error)
        """)
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert "under if __name__ == '__main__':" in done.stdout


def test_align(clips):
    report = vqa.align(clips / "encode.mkv", planes_of(clips / "original.mkv"))
    assert (report.model, report.pairs, report.warnings()) == ("index", 30, [])
    asked = vqa.align(clips / "encode.mkv", clips / "original.mkv", "index")
    assert asked.options.mode == "index"


def test_align_tells_what_decoding_lost(clips, tmp_path):
    data = (clips / "encode.mkv").read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(data[: len(data) * 2 // 3])
    assert any("cut.mkv" in text for text in vqa.align(cut, clips / "original.mkv").warnings())
