"""VMAF inside the process: pictures go in as they are, and nothing is left behind."""

import gc
import threading
import weakref
from pathlib import Path

import av
import numpy as np
import pytest

from vqa_harness.errors import MetricError
from vqa_harness.frames import ColourInfo
from vqa_harness.media import pair_filter
from vqa_harness.media.pair_filter import FilterFailed, PairFilter, filter_starts
from vqa_harness.media.picture import video_frame
from vqa_harness.media.reader import VideoReader
from vqa_harness.testing import sample_frames, yuv_frame
from vqa_harness.testing.synthetic import make_video, moving_pattern
from vqa_metrics.vmaf.library import VmafLibrary
from vqa_metrics.vmaf.models import VmafModel
from vqa_metrics.vmaf.options import RawFormat

pytestmark = pytest.mark.usefixtures("library")
LAYOUT = RawFormat(96, 64)


def frames(count, noise=0.0, size=(96, 64)):
    return sample_frames(count, *size, noise=noise)


def scored(run, count=3):
    for pair in zip(frames(count), frames(count, 8.0), strict=True):
        run.feed(*pair)
    return run.close()


@pytest.mark.parametrize("name", ["plain", "a b; it's [1]:2,3=4%", "ein Ümlaut"])
def test_the_folder_of_the_log_may_be_called_anything(tmp_path, monkeypatch, name):
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert len(scored(VmafLibrary(LAYOUT))["frames"]) == 3
    assert list(folder.iterdir()) == []


def test_files_are_private_while_they_are_there(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run = VmafLibrary(LAYOUT)
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    run.abort()
    assert list(tmp_path.iterdir()) == []


def test_abort_frees_the_graph_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run = VmafLibrary(LAYOUT)
    run.feed(frames(1)[0], frames(1)[0])
    graph = weakref.ref(run._filter._graph)
    gc.disable()  # nothing waits for the collector of garbage
    try:
        run.abort()
        assert graph() is None
    finally:
        gc.enable()
    run.abort()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MetricError, match="over"):
        run.feed(frames(1)[0], frames(1)[0])
    with pytest.raises(MetricError, match="over"):
        run.close()


def test_no_pair_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(MetricError, match="no frame pair"):
        VmafLibrary(LAYOUT).close()
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_written_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run = VmafLibrary(LAYOUT)
    run.feed(frames(1)[0], frames(1)[0])
    run._folder.rmdir()
    with pytest.raises(MetricError, match="libvmaf wrote no log"):
        run.close()


def test_a_failure_inside_libvmaf_is_one_line_and_nothing_else(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("vqa_metrics.vmaf.library.check_sizes", lambda *_: None)
    run = VmafLibrary(LAYOUT, features=["cambi"])
    with pytest.raises(MetricError, match=r"libvmaf failed after 0 .*Invalid arg") as caught:
        run.feed(frames(1)[0], frames(1)[0])
    assert "\n" not in str(caught.value)
    run.abort()
    with pytest.raises(MetricError, match="Invalid argument"):
        VmafLibrary(LAYOUT, [VmafModel("vmaf_v9.9.9")])
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_the_decoders_picture_is_handed_over_and_not_changed(tmp_path):
    make_video(tmp_path / "clip.mp4", 4, width=96, height=64)
    with VideoReader(tmp_path / "clip.mp4") as reader:
        shown = list(reader)
    assert video_frame(shown[0]) is video_frame(shown[0])
    before = [(video_frame(f).pts, video_frame(f).time_base, f.luma.copy()) for f in shown]
    run = VmafLibrary(LAYOUT)
    for frame in shown:
        run.feed(frame, frame)
    assert len(run.close()["frames"]) == 4
    for frame, (pts, base, luma) in zip(shown, before, strict=True):
        assert (video_frame(frame).pts, video_frame(frame).time_base) == (pts, base)
        assert np.array_equal(frame.luma, luma)


@pytest.mark.parametrize("turned", [False, True])
def test_full_range_and_turned_pictures_are_copied(tmp_path, turned):
    full = {} if turned else {"pix_fmt": "yuvj420p", "colour": ColourInfo(True, "bt601")}
    make_video(tmp_path / "clip.mp4", moving_pattern(2, 96, 64), **full)
    if turned:
        data = (tmp_path / "clip.mp4").read_bytes()
        unity = bytes.fromhex("00010000" + 12 * "00" + "00010000" + 12 * "00" + "40000000")
        upside_down = bytes.fromhex("ffff0000" + 12 * "00" + "ffff0000" + 12 * "00" + "40000000")
        at = data.rindex(unity)  # the matrix of the track, after that of the movie
        (tmp_path / "clip.mp4").write_bytes(data[:at] + upside_down + data[at + len(unity) :])
    with VideoReader(tmp_path / "clip.mp4") as reader:
        frame = next(iter(reader))
    own = video_frame(frame)
    assert own is not video_frame(frame)
    assert own.format.name == "yuv420p"
    rows = np.frombuffer(memoryview(own.planes[0]), np.uint8).reshape(-1, own.planes[0].line_size)
    assert np.array_equal(rows[:64, :96], frame.luma)


def test_a_filter_that_takes_no_such_frames_is_refused_instead_of_fed_with_others():
    rgb = sample_frames(1, 96, 64)[0]
    filters = PairFilter("libvmaf", {}, size=(96, 64), chroma="440", depth=8, full_range=False)
    planes = [rgb.luma, rgb.luma[::2], rgb.luma[::2]]
    frame = yuv_frame(planes, chroma="440")
    with pytest.raises(FilterFailed, match="takes no yuv440p, only yuv4"):
        filters.push(frame, frame)
    filters.free()


def test_filters_that_are_not_there_and_options_that_are_wrong():
    assert not filter_starts("no_such_filter", {})
    assert not filter_starts("libvmaf", {"model": "version=vmaf_v9"})
    assert not filter_starts("libvmaf", {"n_threads": "many"})
    assert filter_starts("libvmaf", {"model": "version=vmaf_v0.6.1"})
    size = {"size": (96, 64), "chroma": "420", "depth": 8, "full_range": False}
    with pytest.raises(FilterFailed, match="no filter 'no_such_filter'"):
        PairFilter("no_such_filter", {}, **size)


def test_the_level_of_ffmpegs_log_is_given_back(monkeypatch):
    levels = []
    monkeypatch.setattr(av.logging, "set_libav_level", levels.append)
    filter_starts("libvmaf", {})
    with pytest.raises(FilterFailed):
        pair_filter._add(av.filter.Graph(), "libvmaf", {"n_threads": "many"})
    assert levels == [-8, av.logging.INFO] * 2


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_memory_does_not_grow_with_the_video():
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    first, second = frames(2, size=(640, 360))
    run = VmafLibrary(RawFormat(640, 360), n_threads=2)
    for _ in range(30):
        run.feed(first, second)
    before = resident()
    for _ in range(300):  # 100 MB in each input, if they were queued
        run.feed(first, second)
    assert resident() - before < 20e6
    assert len(run.close()["frames"]) == 330


def test_two_runs_at_once_do_not_disturb_each_other():
    alone = scored(VmafLibrary(LAYOUT), 12)["frames"]
    found, gate = {}, threading.Barrier(3)

    def work(number):
        gate.wait()
        found[number] = scored(VmafLibrary(LAYOUT), 12)["frames"]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[n] for n in range(3)] == [alone] * 3


def test_one_picture_may_be_both_sides_and_in_two_runs(tmp_path):
    make_video(tmp_path / "clip.mp4", 3, width=96, height=64)
    with VideoReader(tmp_path / "clip.mp4") as reader:
        shown = list(reader)
    runs = [VmafLibrary(LAYOUT), VmafLibrary(LAYOUT)]
    for frame in shown:
        for run in runs:
            run.feed(frame, frame)
    first, second = (run.close()["frames"] for run in runs)
    assert first == second
