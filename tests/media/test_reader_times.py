"""Exact times whatever the container says; facts that need several containers."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqa_harness.media.encode import encode_bytes
from vqa_harness.media.reader import VideoReader, probe
from vqa_harness.media.timestamps import Clock
from vqa_harness.media.writer import copy_packets
from vqa_harness.testing.synthetic import make_video, moving_pattern

MS = Fraction(1, 1000)


def read(source):
    with VideoReader(source) as reader:
        times = [frame.time for frame in reader]
    json.dumps(reader.report.to_json(), allow_nan=False)
    return times, reader


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("times") / "source.mp4"
    make_video(path, 60, width=96, height=64, options={"g": "12"})
    return path


@pytest.mark.parametrize("rate", [25, Fraction(24000, 1001), Fraction(30000, 1001), 50, 12])
def test_mp4_times_are_exact(rate):
    times, reader = read(io.BytesIO(encode_bytes(moving_pattern(9, 64, 48), rate=rate)))
    assert times == [index / Fraction(rate) for index in range(9)]
    assert reader.info.rate == rate
    assert reader.report.duration == 9 / Fraction(rate)
    assert reader.report.warnings() == []


def test_matroska_times_are_rounded_to_milliseconds():
    rate = Fraction(24000, 1001)
    data = encode_bytes(moving_pattern(40, 64, 48), rate=rate, container="matroska")
    times, reader = read(io.BytesIO(data))
    assert all(abs(time - index / rate) <= MS for index, time in enumerate(times))
    assert reader.report.warnings() == []


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts", "flv", "avi", "h264"])
def test_every_container_gives_the_same_times(container, source):
    data = encode_bytes(moving_pattern(60, 96, 64), container=container, options={"g": "12"})
    times, reader = read(io.BytesIO(data))
    assert times == [Fraction(index, 25) for index in range(60)]
    assert reader.report.warnings() == []
    assert reader.info.expected_frames == reader.report.frames == 60
    indexed = "times are index / rate: timestamps are missing or wrong" in reader.report.notes
    assert indexed == (container in ("avi", "h264"))


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_late_start_is_taken_off(ending, source, tmp_path):
    path = tmp_path / f"late.{ending}"
    copy_packets(str(source), str(path), shift=Fraction(3))
    times, reader = read(path)
    assert times == [Fraction(index, 25) for index in range(60)]
    assert reader.report.warnings() == []


def test_edit_list_is_respected(source, tmp_path):
    path = tmp_path / "edited.mp4"
    copy_packets(str(source), str(path), shift=Fraction(-1, 2))
    times, reader = read(path)
    report = reader.report
    assert times == [Fraction(index, 25) for index in range(len(times))]
    assert report.discarded_packets > 0
    assert report.expected_frames == report.frames == report.packets - report.discarded_packets < 60
    assert report.truncated is False
    assert report.warnings() == []


def test_dropped_packets_show_as_a_gap(source, tmp_path):
    path = tmp_path / "holes.mkv"
    copy_packets(str(source), str(path), drop=range(24, 36))
    times, reader = read(path)
    report = reader.report
    assert report.frames == 48
    assert report.gaps == 1
    ((index, seconds),) = report.gap_list
    assert times[index] - times[index - 1] == report.longest_gap == Fraction(13, 25)
    assert seconds == pytest.approx(0.52)
    assert "1 gap in time, the longest 0.520 s" in report.warnings()[0]


def test_varying_rate_keeps_its_times(tmp_path):
    stamps = [0, 1, 2, 5, 6, 10, 11, 12]
    path = tmp_path / "varying.mp4"
    make_video(path, 8, pts=stamps)
    times, reader = read(path)
    assert times == [Fraction(stamp, 25) for stamp in stamps]
    assert reader.report.gaps == 2
    assert [index for index, _ in reader.report.gap_list] == [3, 5]


def test_joined_transport_streams(source, tmp_path):
    joined = encode_bytes(moving_pattern(60, 96, 64), container="mpegts") + encode_bytes(
        moving_pattern(20, 64, 48), container="mpegts"
    )
    (tmp_path / "joined.ts").write_bytes(joined)
    with VideoReader(tmp_path / "joined.ts") as reader:
        frames = [(frame.width, frame.planes[0].shape, frame.time) for frame in reader]
    assert [width for width, _, _ in frames] == [96] * 60 + [64] * 20
    assert frames[-1][1] == (48, 64)
    assert [time for _, _, time in frames] == [Fraction(index, 25) for index in range(80)]
    report = reader.report
    assert (report.restarts, report.size_changes, report.sizes) == (1, 1, [(60, 64, 48)])
    assert any("1 change of frame size: 64x48 from frame 60" in w for w in report.warnings())


def test_repeated_packets(source, tmp_path):
    copy_packets(str(source), str(tmp_path / "long.mp4"), repeat=3)
    times, reader = read(tmp_path / "long.mp4")
    assert times == [Fraction(index, 25) for index in range(180)]
    assert reader.report.warnings() == []


def test_aspect_ratio_and_rotation(tmp_path):
    make_video(tmp_path / "a.mp4", 2, sar=Fraction(4, 3))
    make_video(tmp_path / "b.mp4", 2, sar=Fraction(4, 3), rotation=90)
    assert probe(tmp_path / "a.mp4").sar == Fraction(4, 3)
    assert probe(tmp_path / "b.mp4").sar == Fraction(3, 4)


def test_interlaced_is_flagged(tmp_path):
    make_video(tmp_path / "i.mp4", 4, height=96, options={"x264-params": "tff=1"})
    make_video(tmp_path / "p.mp4", 4, height=96)
    assert probe(tmp_path / "i.mp4").interlaced
    assert not probe(tmp_path / "p.mp4").interlaced


@pytest.mark.parametrize(
    ("ending", "codec", "pix_fmt"),
    [("png", "png", "rgb24"), ("jpg", "mjpeg", "yuvj420p"), ("bmp", "bmp", "bgr24")],
)
def test_stills(ending, codec, pix_fmt, tmp_path):
    path = tmp_path / f"still.{ending}"
    make_video(path, 1, codec=codec, pix_fmt=pix_fmt, container="image2pipe")
    times, reader = read(path)
    assert times == [0]
    assert reader.info.still
    assert (reader.info.rate, reader.info.duration, reader.report.duration) == (None, None, None)
    assert reader.info.colour.full_range
    assert reader.report.warnings() == []


def test_other_metadata_encodings_do_not_stop_reading(tmp_path):
    path = tmp_path / "latin.mkv"
    make_video(path, 3)
    data = path.read_bytes()
    assert data.count(b"Lavf") >= 1
    path.write_bytes(data.replace(b"Lavf", b"L\xe4vf"))
    _, reader = read(path)
    assert reader.report.frames == 3
    assert "metadata is not UTF-8" in reader.report.notes


@given(st.lists(st.one_of(st.none(), st.integers(-(10**6), 10**6)), min_size=1, max_size=60))
def test_clock_never_goes_back(stamps):
    clock = Clock(MS, Fraction(25))
    times = [clock.next(pts) for pts in stamps]
    assert times[0] == 0
    assert all(a < b for a, b in pairwise(times))
    assert clock.count == len(stamps)
    assert clock.missing == stamps.count(None)


@given(st.lists(st.integers(1, 5000), max_size=40), st.integers(-(10**9), 10**9))
def test_clock_keeps_increasing_stamps_exactly(steps, start):
    clock = Clock(Fraction(1, 90000), Fraction(30))
    pts, expected = start, Fraction(0)
    assert clock.next(pts) == 0
    for step in steps:
        pts += step
        expected += Fraction(step, 90000)
        assert clock.next(pts) == expected
    assert (clock.missing, clock.backward, clock.restarts) == (0, 0, 0)


def test_clock_fills_missing_stamps_at_the_start():
    clock = Clock(MS, Fraction(25))
    times = [clock.next(pts) for pts in (None, None, 500, 540, 580)]
    assert times == [Fraction(index, 25) for index in range(5)]


def test_clock_gives_up_on_bad_stamps():
    clock = Clock(MS, Fraction(25))
    times = [clock.next(40 * pts) for pts in (0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10)]
    assert not clock.use_pts
    assert times == sorted(set(times))


def test_clock_without_rate_or_stamps_does_not_know():
    clock = Clock(MS, None)
    assert [clock.next(None), clock.next(None)] == [None, None]
