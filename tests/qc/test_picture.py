"""Events of the picture, in clips in which they were put."""

from fractions import Fraction

import numpy as np
import pytest

from tests.qc.helpers import CODED, black, brighter, events, sample, woven, written
from vqa_harness.frames import ColourInfo
from vqa_harness.media.filters import FilterGraph
from vqa_harness.media.reader import VideoReader
from vqa_harness.qc.check import check

FULL = ColourInfo(full_range=True, matrix="bt709")


@pytest.fixture(scope="module")
def moving():
    """50 frames of a scene with much motion."""
    return sample("bikes", 137, 187)


@pytest.fixture(scope="module")
def animated():
    """100 frames of a scene that begins slowly."""
    return sample("bigbuckbunny", 0, 100)


@pytest.mark.parametrize("length", [1, 7])
def test_black_frames_are_counted_exactly(moving, tmp_path, length):
    frames = moving[:20] + [black(moving[0])] * length + moving[20:]
    report = check(written(tmp_path / "a.mp4", frames))
    (found,) = report.of("black")
    assert (found.first_frame, found.stop_frame) == (20, 20 + length)
    assert (found.start, found.seconds) == (Fraction(20, 25), Fraction(length, 25))
    assert found.strength == pytest.approx(1, abs=0.02)


def test_black_agrees_with_ffmpeg(moving, tmp_path):
    def dark(planes, share):
        return (np.rint(16 + (planes[0] - 16.0) * share).astype(np.uint8), *planes[1:])

    frames = [dark(planes, abs(i - 25) / 25) for i, planes in enumerate(moving)]
    path = written(tmp_path / "a.mp4", frames)
    graph, found = FilterGraph(1, ["blackdetect=d=0.001"], (160, 96), "420", 8), []
    with VideoReader(path) as reader:
        rows = [row for frame in reader for row in graph.push(frame.planes)] + graph.drain()
    for number, row in enumerate(rows):
        found += [number for key in row if key.startswith("lavfi.black_")]
    assert events(path, "black") == [tuple(found)]
    assert 3 <= found[1] - found[0] <= 30


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("noise", [0, 3])
def test_a_freeze_is_found_through_coding(moving, tmp_path, codec, noise):
    random = np.random.default_rng(0)

    def noisy(planes):
        luma = planes[0] + random.normal(0, noise, planes[0].shape)
        return (np.clip(np.rint(luma), 16, 235).astype(np.uint8), *planes[1:])

    shown = [noisy(planes) for planes in moving]
    frames = shown[:20] + [shown[20]] * 24 + shown[20:]
    options = {"crf": "23"} | ({"x265-params": "log-level=none"} if codec == "libx265" else {})
    path = written(tmp_path / "a.mp4", frames, codec=codec, options=options)
    (found,) = events(path, "freeze")
    assert abs(found[0] - 20) <= 1
    assert abs(found[1] - 45) <= 1


def test_black_that_stands_still_is_told_once(moving, tmp_path):
    report = check(written(tmp_path / "a.mp4", moving[:20] + [black(moving[0])] * 30))
    assert len(report.of("black")) == 1
    assert report.of("freeze") == []


def test_short_stops_and_slow_scenes_are_no_freeze(moving, animated, tmp_path):
    held = written(tmp_path / "a.mp4", moving[:20] + [moving[20]] * 9 + moving[20:])
    slow = written(tmp_path / "b.mp4", animated)
    assert events(held, "freeze") == events(slow, "freeze") == []


def test_a_calm_scene_after_a_cut_is_no_freeze(moving, animated, tmp_path):
    assert events(written(tmp_path / "a.mp4", moving + animated[:40]), "freeze") == []


@pytest.mark.parametrize(("hertz", "most"), [(2, None), (3, None), (4, 4), (6, 6)])
def test_more_than_three_flashes_in_a_second_are_told(animated, tmp_path, hertz, most):
    half = 12.5 / hertz
    frames = [brighter(f) if int(i / half) % 2 else f for i, f in enumerate(animated[:75])]
    found = check(written(tmp_path / "a.mp4", frames)).of("flash")
    if most is None:
        assert found == []
        return
    (one,) = found
    assert one.strength == pytest.approx(most, abs=0.5)
    assert one.start == pytest.approx(half / 25, abs=0.05)
    assert one.end >= Fraction(5, 2)


def test_small_and_faint_flashes_do_no_harm(animated, tmp_path):
    def corner(planes):
        luma = planes[0].copy()
        luma[:40, :60] = brighter(planes)[0][:40, :60]  # 16 % of the picture
        return (luma, *planes[1:])

    small = [corner(f) if i // 2 % 2 else f for i, f in enumerate(animated[:50])]
    faint = [brighter(f, 5) if i // 2 % 2 else f for i, f in enumerate(animated[:50])]
    assert events(written(tmp_path / "a.mp4", small), "flash") == []
    assert events(written(tmp_path / "b.mp4", faint), "flash") == []


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_the_field_order_is_told_where_the_file_states_another(moving, tmp_path, order):
    step = 1 if order == "tff" else -1
    pairs = [moving[i : i + 2][::step] for i in range(0, 50, 2)]
    path = written(tmp_path / "a.mp4", [woven(*pair) for pair in pairs])
    report = check(path)
    assert report.field_order == {"stated": "progressive", "found": order}
    (found,) = report.of("field_order")
    assert found.seconds >= Fraction(3, 4)
    assert found.detail == f"{order}, stated: progressive"
    other = {"tff": "bff", "bff": "tff"}[order]
    for stated in (order, other):
        options = {**CODED, "x264-params": f"{stated}=1", "flags": "+ildct+ilme"}
        path = written(tmp_path / "b.mp4", [woven(*pair) for pair in pairs], options=options)
        assert len(events(path, "field_order")) == (stated == other)


def test_progressive_pictures_have_no_fields(moving, animated, tmp_path):
    for frames in (moving, animated[:50]):
        report = check(written(tmp_path / "a.mp4", frames, options={**CODED, "crf": "40"}))
        assert report.field_order["found"] in ("progressive", "unknown")
        assert report.of("field_order") == []


@pytest.mark.parametrize("depth", [8, 10])
def test_levels_outside_the_legal_range(moving, tmp_path, depth):
    step = 2 ** (depth - 8)
    kind = np.uint8 if depth == 8 else np.uint16
    frames = [tuple(p.astype(kind) * step for p in planes) for planes in moving[:30]]
    for frame in frames[10:15]:
        frame[0][:, :4] = 240 * step  # 2.5 % of the picture
    for frame in frames[20:25]:
        frame[0][:, :1] = 240 * step  # 0.6 %
    options = {"depth": depth, "codec": "ffv1", "options": {}}
    report = check(written(tmp_path / "a.mkv", frames, **options))
    (found,) = report.of("levels")
    assert (found.first_frame, found.stop_frame) == (10, 15)
    assert found.strength == pytest.approx(4 / 160)
    full = check(written(tmp_path / "b.mkv", frames, **options, colour=FULL))
    assert "levels" not in full.judged
    assert any("full range" in text for text in full.warnings)


@pytest.mark.parametrize(
    ("turns", "shown", "share"),
    [((2, 3), "3:2", 0.6), ((2, 2), "2:2", 0.5), ((1, 1, 1, 2), "2:1:1:1", 0.2)],
)
def test_cadences_are_read_off_repeated_frames(moving, tmp_path, turns, shown, share):
    frames = [p for i, p in enumerate(moving[:40]) for _ in range(turns[i % len(turns)])]
    path = written(tmp_path / "a.mp4", frames, options={**CODED, "crf": "23"})
    (found,) = check(path).of("repeat")
    assert found.detail == shown
    assert found.strength == pytest.approx(share)
    assert found.first_frame <= 5
    assert found.stop_frame >= len(frames) - 8


def test_frames_that_all_move_and_single_repeats_have_no_cadence(moving, animated, tmp_path):
    stuttering = moving[:12] + [moving[12]] * 2 + moving[13:30] + [moving[30]] * 3 + moving[31:]
    for frames in (moving, animated, stuttering):
        assert events(written(tmp_path / "a.mp4", frames), "repeat") == []


def test_times_of_a_varying_rate_are_exact(moving, tmp_path):
    frames = moving[:20] + [black(moving[0])] * 5 + moving[20:30]
    times = [3 * i if i < 22 else 66 + 7 * (i - 22) for i in range(35)]
    path = written(tmp_path / "a.mkv", frames, pts=times, time_base=Fraction(1, 100))
    (found,) = check(path).of("black")
    assert (found.start, found.end) == (Fraction(60, 100), Fraction(87, 100))


def test_rgb_gray_and_hdr_pictures_are_judged_as_far_as_they_can_be(tmp_path):
    rgb = [np.full((48, 64, 3), 200 * (i > 4), np.uint8) for i in range(10)]
    path = written(tmp_path / "a.mov", rgb, codec="png", options={}, pix_fmt="rgb24")
    report = check(path)
    assert [(e.first_frame, e.stop_frame) for e in report.of("black")] == [(0, 5)]
    assert report.field_order["found"] == "unknown"
    gray = written(tmp_path / "b.mkv", 6, chroma="gray", codec="ffv1", options={})
    assert check(gray).of("black") == []
    pq = ColourInfo(full_range=False, matrix="bt2020", transfer="pq", primaries="bt2020")
    hdr = check(written(tmp_path / "c.mkv", 6, codec="ffv1", options={}, colour=pq))
    assert "flash" not in hdr.judged
    assert any("SDR" in text for text in hdr.warnings)
