"""One decoding for several readers: frames and reports of single ones, memory bounded."""

import threading
import time
from itertools import islice

import numpy as np
import pytest

from vqa_harness.errors import InputError
from vqa_harness.media import in_step, shared
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.shared import SharedVideo
from vqa_harness.testing.synthetic import make_video

FRAMES = 30


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("shared") / "clip.mp4"
    make_video(path, FRAMES, width=96, height=64)
    return path


@pytest.fixture
def opened(monkeypatch):
    """The readers that were made, and how many frames each of them decoded."""
    decoded = []

    class Counted(VideoReader):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.place = len(decoded)
            decoded.append(0)

        def __iter__(self):
            for frame in super().__iter__():
                decoded[self.place] += 1
                yield frame

    monkeypatch.setattr(shared, "VideoReader", Counted)
    return decoded


def seen(reader, count=None):
    """What tells one frame from another, of the next frames of a reader."""
    found = []
    for frame in islice(reader, count):
        found.append((frame.index, frame.time, frame.luma.tobytes(), frame.rgb.tobytes()))
        frame.release()
    return found


def truth(path, count=None):
    with VideoReader(path) as reader:
        return seen(reader, count), reader.report.to_json()


def test_readers_in_threads_get_all_frames_of_one_decoding(clip, opened, monkeypatch):
    monkeypatch.setattr(in_step, "MOST", 8)
    video = SharedVideo(clip, 4)
    found, apart = {}, []
    at = [0] * 4

    def read(number, view):
        reader = view.open(threads=1)
        for frame in reader:
            found.setdefault(number, []).append((frame.index, frame.luma.tobytes()))
            at[number] += 1
            apart.append(max(at) - min(at))
            time.sleep(0.002 * number)  # they are not equally fast
        found[number, "report"] = reader.report.to_json()
        reader.close()
        view.leave()

    threads = [threading.Thread(target=read, args=pair) for pair in enumerate(video.views())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert opened == [FRAMES]
    frames, report = truth(clip)
    for number in range(4):
        assert found[number] == [(index, luma) for index, _, luma, _ in frames]
        assert found[number, "report"] == report
    assert max(apart) <= 8 + 1


def test_the_report_is_that_of_a_reader_which_has_read_as_far(clip):
    fast, slow = (view.open() for view in SharedVideo(clip, 2).views())
    seen(fast, 20)
    with VideoReader(clip) as alone:
        assert slow.report.to_json() == alone.report.to_json()
        assert seen(slow, 5) == seen(alone, 5)
        assert slow.report.to_json() == alone.report.to_json()
        assert slow.info == alone.info
    fast.close()
    slow.close()


def test_a_frame_that_is_released_stays_with_the_others(clip):
    one, other = (iter(view.open()) for view in SharedVideo(clip, 2).views())
    first, second = next(one), next(other)
    kept = first.luma.copy()
    first.release()
    np.testing.assert_array_equal(second.luma, kept)
    with pytest.raises(ValueError, match="was released"):
        first.luma  # noqa: B018 - the access is the test


def test_a_reader_that_does_not_go_on_is_let_go_and_misses_nothing(clip, opened, monkeypatch):
    monkeypatch.setattr(in_step, "MOST", 8)
    monkeypatch.setattr(in_step, "PATIENCE", 0.05)
    fast, slow, gone = SharedVideo(clip, 3).views()
    fast, slow = fast.open(), slow.open()  # the third never opens it
    begun = seen(slow, 3)
    frames, report = truth(clip)
    assert seen(fast) == frames
    assert opened == [FRAMES]
    assert begun + seen(slow) == frames
    assert opened == [FRAMES, FRAMES]
    assert slow.report.to_json() == report
    late = gone.open()
    assert seen(late) == frames


def test_nobody_waits_for_a_run_that_has_ended(clip, opened, monkeypatch):
    monkeypatch.setattr(in_step, "MOST", 8)
    monkeypatch.setattr(in_step, "PATIENCE", 60)
    one, two, three = SharedVideo(clip, 3).views()
    reader, closed = one.open(), two.open()
    seen(closed, 2)
    closed.close()
    three.leave()
    begin = time.monotonic()
    assert len(seen(reader)) == FRAMES
    assert time.monotonic() - begin < 30
    assert opened == [FRAMES]


def test_runs_that_begin_again_share_the_next_decoding(clip, opened):
    one, two = SharedVideo(clip, 2).views()
    first, second = one.open(), two.open()
    seen(first, 5)
    seen(second, 5)
    first.close()
    second.close()
    again, beside = one.open(), two.open()
    frames, _ = truth(clip)
    assert seen(again, 10) == seen(beside, 10) == frames[:10]
    assert len(opened) == 2


def test_another_treatment_of_interlace_is_another_decoding(clip, opened):
    one, two = SharedVideo(clip, 2).views()
    plain, woven = one.open(), two.open(deinterlace="always")
    assert (plain.deinterlaced is None, woven.deinterlaced is None) == (True, False)
    assert len(opened) == 2


def test_what_is_wrong_with_a_file_is_told_to_every_run(tmp_path, clip):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    video = SharedVideo(broken, 2)
    for view in video.views():
        with pytest.raises(InputError, match=r"broken\.mp4"):
            view.open()
    cut = tmp_path / "cut.mkv"
    make_video(cut, FRAMES, width=96, height=64)
    data = cut.read_bytes()
    cut.write_bytes(data[: len(data) * 2 // 3])
    frames, report = truth(cut)
    assert 0 < len(frames) < FRAMES
    for view in SharedVideo(cut, 2).views():
        reader = view.open()
        assert seen(reader) == frames
        assert reader.report.to_json() == report
