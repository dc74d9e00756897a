"""Damaged and truncated files: decoding goes on, and the report tells what was lost."""

from __future__ import annotations

import io
import json
import random
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vqa_harness.errors import InputError
from vqa_harness.media.encode import encode_bytes
from vqa_harness.media.read_report import LISTED
from vqa_harness.media.reader import VideoReader
from vqa_harness.testing.synthetic import make_video, moving_pattern

FRAMES = 60
CODECS = {
    "libx264": {"g": "24"},
    "libx265": {"preset": "ultrafast"},
    "libsvtav1": {"preset": "10"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "16"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "auto-alt-ref": "1", "lag-in-frames": "16"},
    "mpeg4": {"bf": "2"},
    "ffv1": {},
}


@pytest.fixture(scope="module")
def pattern():
    return moving_pattern(FRAMES, 160, 96)


def read(data: bytes, threads: int = 1):
    with VideoReader(io.BytesIO(data), threads=threads) as reader:
        frames = [frame.index for frame in reader]
    assert frames == list(range(len(frames)))
    json.dumps(reader.report.to_json(), allow_nan=False)
    return reader.report


def cut(data: bytes, share: float = 0.6) -> bytes:
    return data[: int(len(data) * share)]


def flip(data: bytes, bits: int, seed: int) -> bytes:
    damaged, rng = bytearray(data), random.Random(seed)
    for _ in range(bits):
        damaged[rng.randrange(len(data) // 10, len(data) * 9 // 10)] ^= 1 << rng.randrange(8)
    return bytes(damaged)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("threads", [0, 1])
def test_clean_files_give_every_frame_and_no_warning(codec, threads, pattern):
    report = read(encode_bytes(pattern, codec=codec, options=CODECS[codec]), threads)
    assert report.frames == report.expected_frames == FRAMES
    assert report.warnings() == []


def test_a_damaged_time_scale_does_not_pass_for_an_edit_list(pattern):
    report = read(encode_bytes(pattern, codec="mpeg4").replace(b"mdhd", b"xxxx"))
    assert report.frames < FRAMES
    told = f"its header counts {FRAMES} frames, but it holds {report.packets}"
    assert report.warnings() == [f"memory: {told}"]


@pytest.mark.parametrize("threads", [0, 1, 4])
def test_cut_mp4_is_told_by_its_index(threads, pattern, tmp_path):
    path = tmp_path / "fast.mp4"
    make_video(path, pattern, options={"g": "24"}, container_options={"movflags": "faststart"})
    report = read(cut(path.read_bytes()), threads)
    assert report.truncated is True
    assert report.expected_frames == FRAMES
    assert 20 < report.frames < FRAMES
    assert report.corrupt_packets == 1, "the packet the cut goes through"
    assert report.frames == report.packets - 1, "and every whole packet gave its frame"
    assert "ends early" in report.warnings()[0]


@pytest.mark.parametrize(
    ("container", "truncated"),
    [("matroska", True), ("flv", True), ("mpegts", True), ("h264", None)],
)
def test_cut_streams(container, truncated, pattern):
    data = encode_bytes(pattern, container=container, options={"g": "24"})
    assert read(data).truncated is (False if container in ("matroska", "flv") else None)
    shorter = cut(data)
    assert len(shorter) % 188
    report = read(shorter)
    assert report.truncated is truncated
    assert 20 < report.frames < FRAMES


def test_cut_fragments_are_read_to_the_cut(pattern):
    options = {"container_options": {"movflags": "frag_keyframe+empty_moov"}}
    # at a constant quantiser x264 makes the same bytes every time: the cut is always at one place
    data = encode_bytes(pattern, options={"g": "12", "qp": "26"}, **options)
    assert read(data).warnings() == []
    report = read(cut(data))
    assert 12 < report.frames < FRAMES
    assert report.corrupt_packets == 1


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("seed", range(3))
def test_flipped_bits_never_raise(codec, seed, pattern):
    data = flip(encode_bytes(pattern, codec=codec, options=CODECS[codec]), 20, seed)
    report = read(data, threads=2)
    assert report.frames + report.missing_frames >= report.packets - report.hidden_packets
    assert report.frames > 0


def test_flipped_h264_is_flagged(pattern):
    data = encode_bytes(pattern, options={"g": "24"})
    report = read(flip(data, 20, seed=1))
    assert report.corrupt_frames > 0
    assert report.corrupt_indices == sorted(set(report.corrupt_indices))
    assert any("damaged frame" in line for line in report.warnings())


def test_lost_av1_packets_do_not_end_the_read(pattern):
    data = encode_bytes(pattern, codec="libsvtav1", options={"preset": "10", "g": "15"})
    report = read(flip(data, 20, seed=0))
    assert report.decode_errors > 1
    assert report.packets == FRAMES
    assert report.missing_frames == FRAMES - report.frames
    assert report.first_error


def test_every_lost_hevc_frame_is_an_error(pattern):
    """Without ``err_detect=explode`` libavcodec loses most of these frames without an error."""
    data = bytearray(encode_bytes(pattern, codec="libx265"))
    start, end = data.index(b"mdat"), data.index(b"moov")
    middle, size = (start + end) // 2, (end - start) // 10
    noise = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    data[middle : middle + size] = noise.tobytes()
    report = read(bytes(data))
    assert report.missing_frames > FRAMES // 4
    assert report.decode_errors >= report.missing_frames
    assert report.frames > FRAMES // 4


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    position=st.integers(0, 6000), damage=st.binary(min_size=1, max_size=40), end=st.floats(0, 1)
)
@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts", "avi"])
def test_any_damage_ends_in_frames_or_one_line(container, position, damage, end):
    data = bytearray(clip(container))
    position %= len(data)
    data[position : position + len(damage)] = damage
    data = data[: max(1, int(len(data) * (0.5 + end / 2)))]
    try:
        report = read(bytes(data))
    except InputError as error:
        line = str(error)
    else:
        line = f"{report.frames} frames"
        assert report.frames > 0
    assert len(line.splitlines()) == 1


@cache
def clip(container: str) -> bytes:
    return encode_bytes(moving_pattern(6, 64, 48), container=container, options={"crf": "35"})


def test_lists_in_the_report_are_bounded():
    stamps = [index if index < 30 else 2 * index - 30 for index in range(90)]
    report = read(encode_bytes(moving_pattern(90, 64, 48), pts=stamps))
    assert report.gaps > LISTED
    assert len(report.gap_list) == LISTED
    assert len(report.to_json()["gap_list"]) == LISTED
