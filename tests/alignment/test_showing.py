"""References that repeat pictures, repeats that are no damage, and mixtures of two frames."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.alignment.helpers import codes, paired, pattern, write
from vqa_harness.alignment.events import find_events
from vqa_harness.alignment.showing import Showing, covered
from vqa_harness.media.reader import VideoReader


def on(times, count=72):
    """Frames of an animation that shows each drawing so many times."""
    drawings = pattern(count)
    return [drawings[times * (i // times)] for i in range(count)]


@pytest.mark.parametrize("times", [2, 3])
def test_animation_pairs_with_its_encode_and_with_one_that_left_out_the_repeats(folder, times):
    frames = on(times)
    reference = write(folder / f"on{times}.mp4", frames)
    encode = write(folder / "plain.mp4", frames, options={"crf": "30", "preset": "veryfast"})
    found = paired(encode, reference, strict=True)
    assert found.pairs == [(i, i) for i in range(72)]
    assert found.report.confidence > 0.9
    for lost in ((), (24,), (24, 48, 48 + times)):
        kept = [i for i in range(0, 72, times) if i not in lost]
        found = paired(write(folder / "once.mp4", [frames[i] for i in kept]), reference)
        assert found.pairs == list(enumerate(kept))
        assert found.report.events.dropped == [i + n for i in lost for n in range(times)]
        assert "ambiguous" not in codes(found)
        assert found.json["share_scored"] == pytest.approx(len(kept) * times / 72, abs=1e-4)


def test_slides_pair_with_their_encode_and_with_one_frame_of_each(folder):
    slides = pattern(120)[::20]
    frames = [slides[i // 50] for i in range(300)]
    reference = write(folder / "slides.mp4", frames)
    found = paired(write(folder / "same.mp4", frames), reference, strict=True)
    assert found.pairs == [(i, i) for i in range(300)]
    kept = [0, 1, 3, 4, 5]
    found = paired(write(folder / "each.mp4", [slides[i] for i in kept]), reference)
    assert [j // 50 for _, j in found.pairs] == kept
    assert found.report.events.dropped == list(range(100, 150))


def test_one_frame_against_one_is_not_ambiguous(folder, frames):
    still = write(folder / "one.mkv", frames[:1])
    found = paired(write(folder / "lossy.mp4", frames[:1], options={"crf": "40"}), still)
    assert found.pairs == [(0, 0)]
    assert found.warnings == []


def test_repeats_that_fill_gaps_of_the_reference_are_no_damage(folder, frames):
    times = [i for i in range(60) if i not in (30, 41, 42, 50)]
    phone = write(folder / "phone.mp4", [frames[i] for i in times], pts=times)
    shown = [max(k for k, time in enumerate(times) if time <= i) for i in range(60)]
    steady = write(folder / "steady.mp4", [frames[times[k]] for k in shown])
    found = paired(steady, phone)
    assert found.pairs == list(enumerate(shown))
    assert found.report.events.duplicated == []
    assert "duplicated" not in codes(found)
    twice = [*shown[:20], shown[19], *shown[20:]]
    found = paired(write(folder / "twice.mp4", [frames[times[k]] for k in twice]), phone)
    assert found.report.events.duplicated == [20]


def test_how_long_a_frame_is_shown_tells_a_repeat_from_damage():
    steady = [Fraction(i, 25) for i in range(8)]
    gap = [Fraction(i, 25) for i in (0, 1, 4, 5)]
    showing = Showing(None, steady, gap)
    assert find_events([0, 1, 1, 1, 2, 3], 4, 1.0, showing).duplicated == []
    assert find_events([0, 1, 1, 1, 1, 2, 3], 4, 1.0, showing).duplicated == [4]
    assert find_events([0, 1, 1, 2, 2, 3], 4, 1.0, Showing(None, steady, steady)).duplicated == [
        2,
        4,
    ]
    assert find_events([0, 1, 1, 2], 4, 1.0).duplicated == [2]


def test_the_share_covered_counts_rates_and_equal_pictures():
    assert covered([0, 2, 4], 6, 2, None) == 6
    assert covered([0, 0, 1], 4, 1, None) == 2
    twos = Showing(np.array([0, 0, 1, 1, 2, 2]))
    assert covered([0, 4], 6, 1, twos) == 4


def mixed(one, two):
    return tuple(
        ((a.astype(int) + b + 1) // 2).astype(np.uint8) for a, b in zip(one, two, strict=True)
    )


def test_mixtures_of_two_frames_are_told_and_plain_ones_are_not(folder):
    frames = pattern(120)
    reference = write(folder / "fifty.mp4", frames, rate=50)
    means = [mixed(frames[i], frames[i + 1]) for i in range(0, 120, 2)]
    found = paired(write(folder / "mean.mp4", means, rate=25), reference)
    assert found.json["blended_frames"] > 50
    assert "blended" in codes(found)
    found = paired(write(folder / "half.mp4", frames[::2], rate=25), reference)
    assert found.pairs == [(i, 2 * i) for i in range(60)]
    assert found.json["blended_frames"] == 0
    assert found.json["share_scored"] == 1.0
    between = [f for i in range(59) for f in (frames[i], mixed(frames[i], frames[i + 1]))]
    slow = write(folder / "slow.mp4", frames[:60], rate=25)
    found = paired(write(folder / "between.mp4", between, rate=50), slow)
    assert 50 < found.json["blended_frames"] < 65


def test_the_same_rate_at_double_speed_pairs_every_second_frame(folder):
    frames = pattern(160)
    reference = write(folder / "all.mp4", frames)
    fast = write(folder / "fast.mp4", frames[::2], options={"crf": "26", "preset": "veryfast"})
    found = paired(fast, reference)
    assert found.pairs == [(i, 2 * i) for i in range(80)]
    assert found.json["share_scored_of"]["reference"] == 0.5


@pytest.mark.parametrize("mode", ["index", "content"])
def test_what_damage_leaves_is_not_taken_for_mixtures(folder, monkeypatch, mode):
    """The frames after a damaged one are halfway between two of the reference."""
    frames = pattern(60)
    reference = write(folder / "whole.mp4", frames)
    torn = [*frames[:40], *(mixed(frames[i - 1], frames[i]) for i in range(40, 60))]
    path = write(folder / "torn.mp4", torn)
    assert "blended" in codes(paired(path, reference, mode=mode))
    usual = VideoReader._as_frame

    def flagged(self, picture, index, time):
        frame = usual(self, picture, index, time)
        return replace(frame, corrupt=index == 40 and self.info.name == "torn.mp4")

    monkeypatch.setattr(VideoReader, "_as_frame", flagged)
    found = paired(path, reference, mode=mode)
    assert len(found.pairs) == 60
    assert found.json["blended_frames"] == 0
    assert "blended" not in codes(found)
