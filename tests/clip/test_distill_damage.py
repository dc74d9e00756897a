"""What clips are damaged with: coders, varied groups, kinds of noise, and which frames are kept."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed; it comes with the extra clip")

from tests.clip.made_clips import still
from vqa_harness.errors import MissingBackend
from vqa_plugin_clip.distill import coders as coders_module
from vqa_plugin_clip.distill.coders import (
    ALL_CODERS,
    CODERS,
    MORE_CODERS,
    Coder,
    check_coders,
    more_beside,
)
from vqa_plugin_clip.distill.damage import Damage, apply
from vqa_plugin_clip.distill.draw import KINDS, draw_ladder
from vqa_plugin_clip.distill.moments import draw_moments, enough_for, is_shown, kept_frames
from vqa_plugin_clip.distill.motion import FRAMES, SIZE, moving_clip, vary_picture
from vqa_plugin_clip.distill.planes import Planes, recode
from vqa_plugin_clip.distill.varied import GROUP, Varied


def test_ladders_are_one_coder_from_best_to_worst():
    rungs = draw_ladder(np.random.default_rng(0), 6, ("vp9-good", "x265-fast"))
    assert len({rung.coder for rung in rungs}) == 1
    assert [rung.crf for rung in rungs] == sorted({rung.crf for rung in rungs})
    assert (rungs[0].crf, rungs[-1].crf) == CODERS[rungs[0].coder].crf


def test_coders_are_tried_before_the_work():
    try:
        check_coders(ALL_CODERS, recode)
    except MissingBackend as error:
        pytest.skip(str(error))


def test_a_missing_encoder_is_named(monkeypatch):
    known = {"odd": Coder("no-such-encoder", {}, (1, 2))}
    monkeypatch.setattr(coders_module, "ALL_CODERS", known)
    with pytest.raises(MissingBackend, match=r"coder odd: .* cannot encode with no-such-encoder"):
        check_coders(["odd"], recode)


@pytest.mark.parametrize("name", ["mjpeg", "mpeg2", "vp9-realtime-low"])
def test_further_coders_damage_more_at_higher_numbers(name):
    coder = MORE_CODERS[name]
    clip = moving_clip(still(), np.random.default_rng(0), 2)
    errors = []
    for crf in coder.crf:
        try:
            out = apply(Damage("codec", name, crf), clip, recode, np.random.default_rng(0))
        except ValueError as error:
            pytest.skip(f"this build of FFmpeg cannot encode {name}: {error}")
        assert len(out) == 2
        errors.append(np.abs(out[1].y.astype(int) - clip[1].y).mean())
    assert errors[0] < errors[1]
    assert errors[0] < 12  # no change of range


def test_encoders_that_are_held_out_are_in_no_further_coder():
    everything = tuple(CODERS)
    assert more_beside(everything) == tuple(MORE_CODERS)
    without = more_beside([name for name in CODERS if name != "av1-svt"])
    assert not any("av1" in name for name in without)
    assert "mjpeg" in without


def test_varied_groups_are_ladders_and_pairs():
    rng, varied = np.random.default_rng(0), Varied(clean=0.1)
    groups = [varied.draw(rng, tuple(CODERS), KINDS) for _ in range(400)]
    assert {len(group) for group in groups} == {GROUP}
    every = [damage for group in groups for damage in group]
    assert {damage.kind for damage in every} == {*KINDS, "twice"}
    assert {damage.coder for damage in every} - {""} == {*CODERS, *MORE_CODERS}
    ladders = [
        group
        for group in groups
        if len({(d.kind, d.coder, d.scale) for d in group}) == 1 and group[0].kind == "codec"
    ]
    assert 0.3 < len(ladders) / len(groups) < 0.5
    for group in ladders:
        factors = [damage.crf for damage in group]
        assert factors == sorted(factors)
        low, high = ALL_CODERS[group[0].coder].crf
        assert low <= factors[0] <= factors[-1] <= high
    for kind, test, share in (
        ("noise", lambda d: d.luma_only, 0.5),
        ("noise", lambda d: d.steady, 0.25),
        ("freeze", lambda d: d.start >= 0, 0.4),
        ("freeze", lambda d: bool(d.coder), 0.35),
    ):
        found = [test(damage) for damage in every if damage.kind == kind]
        assert np.mean(found) == pytest.approx(share, abs=0.2)
    for damage in every:
        if damage.kind == "twice":
            low, high = ALL_CODERS[damage.then].crf
            assert low <= damage.then_crf <= high
        else:
            assert damage.then == ""


def test_the_share_of_clean_clips_is_asked_for():
    rng = np.random.default_rng(1)
    for share in (0.0, 0.3):
        groups = [Varied(clean=share).draw(rng, tuple(CODERS), KINDS) for _ in range(400)]
        pairs = [group for group in groups if len({d.kind for d in group}) > 1]
        found = np.mean([damage.kind == "none" for group in pairs for damage in group])
        assert (found > 0.1) == (share > 0)
        if not share:
            assert found == 0
    assert Varied(0.02).facts() != Varied(0.05).facts()


def test_noise_can_leave_colours_alone_and_stay():
    grey = [Planes(*3 * [np.full((8, 8), 128, np.uint8)])] * 2
    rng = np.random.default_rng(0)
    usual = apply(Damage("noise", sigma=9.0), grey, recode, rng)
    assert not np.array_equal(usual[0].u, grey[0].u)
    assert not np.array_equal(usual[0].y, usual[1].y)
    luma = apply(Damage("noise", sigma=9.0, luma_only=True), grey, recode, rng)
    assert not np.array_equal(luma[0].y, grey[0].y)
    np.testing.assert_array_equal(luma[0].u, grey[0].u)
    steady = apply(Damage("noise", sigma=9.0, steady=True), grey, recode, rng)
    np.testing.assert_array_equal(steady[0].y, steady[1].y)
    again = apply(Damage("noise", sigma=9.0, steady=True), grey, recode, rng)
    assert not np.array_equal(steady[0].y, again[0].y)


def test_a_second_generation_damages_more():
    clip = moving_clip(still(), np.random.default_rng(0), 3)
    once = apply(Damage("codec", "x264-ultrafast", 24), clip, recode, None)
    twice = Damage("twice", "x264-ultrafast", 24, then="x264-fast", then_crf=40)
    both = apply(twice, clip, recode, None)
    errors = [np.abs(out[1].y.astype(int) - clip[1].y).mean() for out in (once, both)]
    assert errors[1] > errors[0] > 0


def test_a_freeze_can_be_one_stall_that_is_coded_besides():
    damage = Damage("freeze", hold=3, start=2)
    assert [damage.shown(index) for index in range(7)] == [0, 1, 2, 2, 2, 5, 6]
    assert [Damage("freeze", hold=3).shown(index) for index in range(7)] == [0, 0, 0, 3, 3, 3, 6]
    clip = moving_clip(still(), np.random.default_rng(0), 4)
    coded = apply(Damage("freeze", "x264-fast", 40, hold=2, start=1), clip, recode, None)
    assert np.abs(coded[2].y.astype(int) - coded[1].y).mean() < 1
    assert not np.array_equal(coded[0].y, clip[0].y)


def test_kept_frames_are_spread():
    assert kept_frames(4) == (1, 3, 6, 8)
    assert kept_frames(8) == tuple(range(1, 9))
    assert kept_frames(10) == tuple(range(10))
    assert [enough_for(frames) for frames in (1, 4, 5, 8, 9, 10)] == [4, 4, 8, 8, 10, 10]
    rng = np.random.default_rng(0)
    drawn = [draw_moments(rng, 4) for _ in range(100)]
    assert 0.3 < np.mean([moments == (1, 3, 6, 8) for moments in drawn]) < 0.7
    assert all(list(moments) == sorted(set(moments)) for moments in drawn)
    assert {index for moments in drawn for index in moments} == set(range(FRAMES))


def test_whether_kept_frames_show_a_freeze():
    clip = [np.full(SIZE * SIZE * 3 // 2, 16 + t, np.uint8) for t in range(FRAMES)]

    def shown(damage, moments, frames=clip):
        return is_shown(damage, moments, np.stack([frames[damage.shown(m)] for m in moments]))

    usual, every = kept_frames(4), kept_frames(10)
    holds = range(2, 11)
    assert [h for h in holds if shown(Damage("freeze", hold=h), usual)] == [3, 4, 5, 6, 7, 8]
    assert [h for h in holds if shown(Damage("freeze", hold=h), every)] == [*range(2, 10)]
    assert not shown(Damage("freeze", hold=4, start=2), (0, 1, 7, 8))
    assert shown(Damage("freeze", hold=4, start=2), (0, 2, 4, 8))
    assert shown(Damage("blur", sigma=2.0), usual)
    # a freeze of a clip without motion is seen by nobody
    assert not shown(Damage("freeze", hold=4), usual, [clip[0]] * FRAMES)
    late = [clip[0]] * FRAMES
    late[8] = clip[0].copy()
    late[8][-1] += 1
    assert shown(Damage("freeze", hold=4), usual, late)


def test_pictures_are_varied_and_no_damage_is_done_to_most():
    picture = still(1)
    seen = [vary_picture(picture, np.random.default_rng(seed)) for seed in range(60)]
    same = [np.array_equal(np.asarray(one), np.asarray(picture)) for one in seen]
    assert 0.4 < np.mean(same) < 0.85
    assert {one.size for one in seen} == {picture.size}
    again = vary_picture(picture, np.random.default_rng(3))
    np.testing.assert_array_equal(np.asarray(again), np.asarray(seen[3]))
