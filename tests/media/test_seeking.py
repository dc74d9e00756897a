"""Frames found by number, in any order, are those of a reader of everything."""

import random
import shutil

import numpy as np
import pytest

from tests.media.test_skipping import CASES, COUNT, everything, made, seen  # noqa: F401
from vqa_harness.errors import InputError
from vqa_harness.media import seeking
from vqa_harness.media.colour_tags import ColourRule, parse_colour
from vqa_harness.media.raw import RawVideo
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.recoloured import recoloured
from vqa_harness.media.seeking import FrameFinder
from vqa_harness.media.video_file import VideoFile
from vqa_harness.testing.synthetic import make_video, moving_pattern

ORDER = random.Random(1).sample(range(COUNT), 14)


@pytest.fixture
def forgetful(monkeypatch):
    """Next to nothing is kept, so that every frame is decoded when it is asked for."""
    monkeypatch.setattr(seeking, "KEPT_BYTES", 1)


@pytest.mark.parametrize("case", CASES)
def test_every_order_gives_the_same_frames(case, made, forgetful):  # noqa: F811
    frames, _ = everything(made(case))
    finder = FrameFinder(made(case))
    order = [*ORDER, 0, COUNT - 1, 30, 31, 32, 31, 30]
    assert [seen(finder.get(n)) for n in order] == [frames[n] for n in order]
    assert len(finder) == COUNT, "it sought, and did not read from the beginning"
    finder.close()


def test_only_a_stretch_is_decoded(made, forgetful, monkeypatch):  # noqa: F811
    decoded = []
    decode = VideoFile._decode

    def counting(self, packet):
        decoded.append(packet)
        return decode(self, packet)

    finder = FrameFinder(made("h264 closed"), threads=1)
    monkeypatch.setattr(VideoFile, "_decode", counting)
    finder.get(61)
    assert 2 <= len(decoded) <= 12 + 3  # a group of 12, and what the decoder holds back
    finder.close()


def test_what_was_decoded_on_the_way_is_kept(made, monkeypatch):  # noqa: F811
    finder = FrameFinder(made("h264 closed"))
    finder.get(70)
    monkeypatch.setattr(VideoFile, "steps", None)
    assert [finder.get(n).index for n in range(69, 60, -1)] == list(range(69, 60, -1))
    finder.close()


def test_a_damaged_video_is_read_from_its_beginning(made, tmp_path, forgetful):  # noqa: F811
    path = tmp_path / "damaged.mkv"
    shutil.copy(made("h264 matroska"), path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    path.write_bytes(data)
    with VideoReader(path, threads=1) as reader:
        frames = [seen(frame) for frame in reader]
    finder = FrameFinder(path, threads=1)
    order = [len(frames) - 1, 3, len(frames) // 2]
    assert [seen(finder.get(n)) for n in order] == [frames[n] for n in order]
    finder.close()


def test_raw_frames_and_stated_colours(tmp_path, forgetful):
    frames = moving_pattern(6, 32, 16)
    path = tmp_path / "a.yuv"
    path.write_bytes(b"".join(p.tobytes() for planes in frames for p in planes))
    finder = FrameFinder(RawVideo(path, (32, 16)))
    for number in (5, 0, 3):
        assert np.array_equal(finder.get(number).planes[0], frames[number][0])
    finder.close()
    make_video(tmp_path / "a.mp4", 20, width=64, height=48, options={"g": "5"})
    rule = ColourRule(parse_colour("matrix=bt2020", "--x"))
    stated = FrameFinder(recoloured(tmp_path / "a.mp4", rule))
    assert stated.get(17).colour.matrix == "bt2020"
    assert len(stated) == 20
    stated.close()


def test_a_number_that_there_is_not(video):
    finder = FrameFinder(video)
    for number in (12, 500):
        with pytest.raises(InputError, match=f"has no frame {number}; it ends at 11"):
            finder.get(number)
    assert finder.get(11).index == 11
    finder.close()
