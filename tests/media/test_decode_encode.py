"""Encoding in memory, copying packets, and FFmpeg's filters fed with planes."""

from __future__ import annotations

import io
import os
from fractions import Fraction

import numpy as np
import pytest

from vqa_harness.media.container import VERSIONS, FFmpegError
from vqa_harness.media.encode import decode_bytes, encode_bytes, encode_frames, roundtrip
from vqa_harness.media.filters import FilterGraph
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.writer import copy_packets
from vqa_harness.testing.synthetic import make_video, moving_pattern

CODECS = {
    "libx264": {"crf": "30"},
    "libx265": {"crf": "30", "preset": "ultrafast"},
    "libsvtav1": {"crf": "40", "preset": "10"},
    "libvpx-vp9": {"crf": "40", "b": "0", "deadline": "realtime", "cpu-used": "8"},
}


def psnr(a, b) -> float:
    error = np.mean((a.astype(float) - b) ** 2)
    return float(10 * np.log10(255**2 / error))


@pytest.mark.parametrize("codec", CODECS)
def test_roundtrip_keeps_order_and_likeness(codec, capfd):
    frames = moving_pattern(12, 160, 96)
    decoded = roundtrip(frames, codec, CODECS[codec], rate=30)
    assert len(decoded) == 12
    for index, planes in enumerate(decoded):
        likeness = [psnr(other[0], planes[0]) for other in frames]
        assert int(np.argmax(likeness)) == index
        assert 20 < likeness[index] < 60
    assert capfd.readouterr() == ("", "")
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) == os.SCHED_OTHER  # which SVT-AV1 would change for root


def test_more_bits_look_better():
    frames = moving_pattern(6, 160, 96)
    means = []
    for crf in ("20", "35", "45"):
        decoded = roundtrip(frames, options={"crf": crf})
        means.append(np.mean([psnr(a[0], b[0]) for a, b in zip(frames, decoded, strict=True)]))
    assert means == sorted(means, reverse=True)
    assert means[0] > means[-1] + 6


def test_rgb_arrays_are_taken():
    rgb = [np.full((48, 64, 3), (20 * index, 100, 200), np.uint8) for index in range(3)]
    data = encode_bytes(rgb, options={"crf": "1"})
    with VideoReader(io.BytesIO(data)) as reader:
        for frame, given in zip(reader, rgb, strict=True):
            np.testing.assert_allclose(frame.rgb[9, 9], given[9, 9], atol=3)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("codec", CODECS)
def test_a_few_frames_are_encoded_every_time(codec, count):
    for _ in range(4):
        data = encode_bytes(moving_pattern(count, 64, 64), codec=codec, options=CODECS[codec])
        with VideoReader(io.BytesIO(data)) as reader:
            assert [frame.time for frame in reader] == [Fraction(i, 25) for i in range(count)]


def test_ten_bits_and_odd_sizes():
    frames = moving_pattern(3, 65, 47, depth=10, chroma="444")
    decoded = roundtrip(frames, "libx265", {"crf": "10"}, chroma="444", depth=10)
    assert decoded[0][0].dtype == np.uint16
    assert decoded[0][1].shape == (47, 65)
    assert np.abs(decoded[1][0].astype(int) - frames[1][0]).mean() < 12


def test_mistakes_are_told(tmp_path):
    with pytest.raises(ValueError, match="no frames"):
        encode_frames(tmp_path / "a.mp4", [])
    with pytest.raises(ValueError, match="needs 3 planes"):
        encode_frames(tmp_path / "b.mp4", [moving_pattern(1, 64, 48, chroma="gray")[0]])


def test_patterns_are_seeded_and_stay_in_range():
    first, again = moving_pattern(3, 64, 48, seed=4), moving_pattern(3, 64, 48, seed=4)
    other = moving_pattern(3, 64, 48, seed=5)
    np.testing.assert_array_equal(first[2][0], again[2][0])
    assert np.any(first[2][0] != other[2][0])
    assert np.any(first[0][0] != first[1][0])
    ten = moving_pattern(1, 64, 48, depth=10)[0][0]
    assert (ten.min() >= 64) & (ten.max() <= 940)


def test_copied_packets_decode_to_the_same_pixels(tmp_path):
    frames = moving_pattern(10, 96, 64)
    make_video(tmp_path / "a.mp4", frames)
    copy_packets(str(tmp_path / "a.mp4"), str(tmp_path / "b.mkv"))
    a = decode_bytes((tmp_path / "a.mp4").read_bytes())
    b = decode_bytes((tmp_path / "b.mkv").read_bytes())
    for left, right in zip(a, b, strict=True):
        np.testing.assert_array_equal(left[0], right[0])


def test_filter_graph_pairs_frames_in_order():
    reference = moving_pattern(8, 96, 64)
    distorted = roundtrip(reference, options={"crf": "35"})
    graph = FilterGraph(2, ["psnr"], (96, 64), "420", 8)
    found = []
    for pair in zip(distorted, reference, strict=True):
        found += graph.push(*pair)
    found += graph.drain()
    assert len(found) == 8
    for (a, b), values in zip(zip(distorted, reference, strict=True), found, strict=True):
        assert float(values["lavfi.psnr.psnr.y"]) == pytest.approx(psnr(a[0], b[0]), abs=1e-5)


def test_filter_graph_chains_and_keeps_frames_unchanged():
    frames = moving_pattern(4, 96, 64, depth=10, chroma="422")
    copies = [[plane.copy() for plane in planes] for planes in frames]
    graph = FilterGraph(1, ["signalstats", "siti=print_summary=0"], (96, 64), "422", 10)
    found = [values for planes in frames for values in graph.push(planes)] + graph.drain()
    assert len(found) == 4
    assert float(found[0]["lavfi.signalstats.YAVG"]) == pytest.approx(frames[0][0].mean(), abs=1)
    assert float(found[0]["lavfi.siti.ti"]) == 0 < float(found[1]["lavfi.siti.ti"])
    for planes, copied in zip(frames, copies, strict=True):
        for plane, copy in zip(planes, copied, strict=True):
            np.testing.assert_array_equal(plane, copy)


def test_filter_graph_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="no filter 'nosuch'"):
        FilterGraph(1, ["nosuch"], (64, 48), "420", 8)
    with pytest.raises(FFmpegError):
        FilterGraph(1, ["blockdetect=nosuch=1"], (64, 48), "420", 8)
    graph = FilterGraph(2, ["psnr"], (64, 48), "420", 8)
    small = moving_pattern(1, 32, 24)[0]
    with pytest.raises(ValueError, match="the graph takes 2 frames"):
        graph.push(small)
    with pytest.raises(ValueError, match="the graph is for"):
        graph.push(small, small)


def test_versions_name_the_libraries():
    assert {"av", "libavcodec", "libavformat", "libswscale", "libavfilter"} <= set(VERSIONS)
    assert all(text[0].isdigit() for text in VERSIONS.values())


def test_rate_may_be_a_fraction():
    data = encode_bytes(moving_pattern(2, 64, 48), rate=Fraction(24000, 1001))
    with VideoReader(io.BytesIO(data)) as reader:
        assert reader.info.rate == Fraction(24000, 1001)
