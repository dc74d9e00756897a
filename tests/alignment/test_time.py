"""Which frames belong together: lengths, containers, offsets, drops, repeats, rates."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import numpy as np
import pytest

from tests.alignment.helpers import codes, paired, pattern, write
from vqa_harness.errors import AlignError
from vqa_harness.media.writer import copy_packets
from vqa_harness.testing.synthetic import moving_pattern

NTSC = Fraction(30000, 1001)


def test_same_frames_pair_one_by_one_in_one_pass(folder, frames, reference):
    found = paired(write(folder / "same.mp4", frames), reference)
    assert found.pairs == [(i, i) for i in range(60)]
    assert found.lossless
    assert found.report.model == "index"
    assert found.report.passes == ["pairs, checked on the way"]
    assert found.warnings == []
    assert found.report.confidence > 0.9
    assert found.report.residual == {"median": 0.0, "p95": 0.0, "max": 0.0}
    json.dumps(found.json, allow_nan=False)


@pytest.mark.parametrize("swap", [False, True])
def test_the_common_part_is_scored_and_the_rest_told(folder, frames, reference, swap):
    short = write(folder / "short.mp4", frames[:25])
    files = (reference, short) if swap else (short, reference)
    found = paired(*files)
    assert found.pairs == [(i, i) for i in range(25)]
    assert found.lossless
    assert codes(found) == {"length"}
    longer = "distorted" if swap else "reference"
    assert found.json["extra_tail"][longer] == 35
    for options in ({"tail": "error"}, {"strict": True}):
        with pytest.raises(AlignError, match=r"25 frames|60 frames"):
            paired(*files, **options)


def test_the_last_frame_is_held_only_when_asked_for(folder, frames, reference):
    short = write(folder / "short.mp4", frames[:25])
    found = paired(short, reference, tail="repeat")
    assert found.pairs == [(i, i) for i in range(25)] + [(24, i) for i in range(25, 60)]
    found = paired(reference, short, tail="repeat")
    assert found.pairs == [(i, i) for i in range(25)] + [(i, 24) for i in range(25, 60)]
    assert found.report.repeated_tail == 35
    assert "tail" in codes(found)


@pytest.mark.parametrize("mode", ["auto", "time", "index", "content"])
def test_containers_that_round_times_differently_stay_lossless(folder, mode):
    frames = pattern(120)
    mp4 = write(folder / "ntsc.mp4", frames, rate=NTSC)
    mkv = write(folder / "ntsc.mkv", frames, rate=NTSC)
    for files in ((mp4, mkv), (mkv, mp4)):
        found = paired(*files, mode=mode)
        assert found.pairs == [(i, i) for i in range(120)]
        assert found.lossless
        assert found.warnings == []


@pytest.mark.parametrize("cut", [1, 7, 30])
def test_a_constant_offset_is_found_both_ways(folder, frames, reference, cut):
    late = write(folder / f"late{cut}.mp4", frames[cut:])
    found = paired(late, reference)
    assert found.pairs == [(i, i + cut) for i in range(60 - cut)]
    assert found.lossless
    assert found.report.model == "offset"
    assert found.report.offset_frames == cut
    assert found.report.offset_seconds == Fraction(cut, 25)
    assert codes(found) == {"offset", "length"}
    found = paired(reference, late)
    assert found.pairs == [(i + cut, i) for i in range(60 - cut)]
    assert found.report.offset_frames == -cut
    assert found.json["extra_head"] == {"distorted": cut, "reference": 0}


def test_an_offset_that_others_could_replace_is_not_guessed(folder, frames):
    loop = write(folder / "loop.mp4", [frames[i % 12] for i in range(72)])
    part = write(folder / "part.mp4", [frames[(i + 5) % 12] for i in range(36)])
    found = paired(part, loop)
    assert found.report.offset_frames == 0
    assert "ambiguous" in codes(found)
    assert 12 in found.report.shifts
    with pytest.raises(AlignError, match="content repeats"):
        paired(part, loop, strict=True, tail="common")


def test_still_pictures_pair_by_number_and_say_so(folder, frames):
    noise = np.random.default_rng(0)
    files = []
    for name in ("g.mp4", "s.mp4"):
        grain = [(frames[0][0] + noise.integers(0, 6, frames[0][0].shape)) for _ in range(30)]
        files.append(write(folder / name, [(g.astype(np.uint8), *frames[0][1:]) for g in grain]))
    found = paired(*files)
    assert found.pairs == [(i, i) for i in range(30)]
    assert found.report.confidence == 0
    assert "ambiguous" in codes(found)


def test_a_dropped_frame_with_its_gap_in_time_is_listed(folder, frames, reference):
    kept = [i for i in range(60) if i != 40]
    gap = write(folder / "gap.mp4", [frames[i] for i in kept], pts=kept)
    found = paired(gap, reference)
    assert found.pairs == list(enumerate(kept))
    assert found.lossless
    assert found.report.model == "time"
    assert found.json["dropped"] == {"count": 1, "list": [40]}


@pytest.mark.parametrize("gone", [[10], [20, 21, 22], [12, 30, 47]])
def test_dropped_frames_without_a_gap_are_listed(folder, frames, reference, gone):
    kept = [i for i in range(60) if i not in gone]
    found = paired(write(folder / "drop.mp4", [frames[i] for i in kept]), reference)
    assert found.pairs == list(enumerate(kept))
    assert found.lossless
    assert found.report.model == "content"
    assert found.json["dropped"] == {"count": len(gone), "list": gone}
    assert found.json["extra_tail"] == {"distorted": 0, "reference": 0}
    assert "x" in found.report.timeline()
    with pytest.raises(AlignError, match="dropped"):
        paired(folder / "drop.mp4", reference, strict=True)


def test_repeats_and_freezes_are_told_apart(folder, frames, reference):
    shown = [i for i in range(60) for _ in range(1 + (i == 15) + 8 * (i == 33))]
    found = paired(write(folder / "rep.mp4", [frames[i] for i in shown]), reference)
    assert found.pairs == list(enumerate(shown))
    assert found.lossless
    assert found.json["duplicated"] == {"count": 1, "list": [16]}
    assert found.json["frozen"]["list"] == [{"distorted": [35, 43], "reference": 33}]
    assert found.report.timeline().count("F") >= 8


def test_a_freeze_that_skips_is_a_freeze_and_a_drop(folder, frames, reference):
    shown = [20 if 20 <= i < 32 else i for i in range(60)]
    found = paired(write(folder / "skip.mp4", [frames[i] for i in shown]), reference)
    assert found.pairs == list(enumerate(shown))
    assert found.json["frozen"]["list"] == [{"distorted": [21, 32], "reference": 20}]
    assert found.json["dropped"]["list"] == list(range(21, 32))


def test_pictures_that_the_reference_lacks_are_left_out(folder, frames, reference):
    other = moving_pattern(6, 160, 96, seed=9)
    shown = [*frames[:30], *other, *frames[30:]]
    found = paired(write(folder / "ad.mp4", shown), reference)
    assert found.pairs == [(i if i < 30 else i + 6, i) for i in range(60)]
    assert found.lossless
    assert found.json["unmatched"]["list"] == [[30, 36]]
    kinds = [s["kind"] for s in found.json["segments"]["list"]]
    assert kinds == ["matched", "unmatched", "matched"]


def test_another_video_is_refused(folder, reference):
    other = write(folder / "other.mp4", moving_pattern(50, 160, 96, seed=9))
    with pytest.raises(AlignError, match="right reference"):
        paired(other, reference)
    found = paired(other, reference, mode="index")
    assert len(found.pairs) == 50


def test_half_the_rate_pairs_every_second_frame(folder, frames):
    fast = write(folder / "50.mp4", frames, rate=50)
    slow = write(folder / "25.mp4", frames[::2], rate=25)
    found = paired(slow, fast)
    assert found.pairs == [(i, 2 * i) for i in range(30)]
    assert found.lossless
    assert found.report.model == "rate"
    assert found.json["rates"] == {"distorted": 25.0, "reference": 50.0}
    assert codes(found) == {"rate"}
    found = paired(slow, fast, fps_policy="match-ref")
    assert found.pairs == [(i // 2, i) for i in range(60)]
    assert found.json["held_pairs"] == 30
    with pytest.raises(AlignError, match="frame rates differ"):
        paired(slow, fast, fps_policy="error")


def test_the_other_phase_and_the_other_way_round(folder, frames):
    fast = write(folder / "50.mp4", frames, rate=50)
    odd = write(folder / "odd.mp4", frames[1::2], rate=25)
    found = paired(odd, fast)
    assert found.pairs == [(i, 2 * i + 1) for i in range(30)]
    assert found.report.offset_frames == 1
    doubled = write(folder / "doubled.mp4", [f for f in frames for _ in (0, 1)], rate=50)
    slow = write(folder / "all25.mp4", frames, rate=25)
    found = paired(doubled, slow)
    assert found.pairs == [(i, i // 2) for i in range(120)]
    assert found.lossless
    assert found.json["duplicated"]["count"] == 0


@pytest.mark.parametrize("policy", ["auto", "match-dist"])
def test_pull_down_pairs_each_repeat_with_its_frame(folder, frames, policy):
    shown = [i * 4 // 5 for i in range(75)]
    dist = write(folder / "30.mp4", [frames[i] for i in shown], rate=30)
    ref = write(folder / "24.mp4", frames, rate=24)
    found = paired(dist, ref, fps_policy=policy)
    assert len(found.pairs) == 75
    if policy == "auto":
        assert found.pairs == list(enumerate(shown))
        assert found.lossless


def test_a_slightly_different_rate_pairs_one_by_one_with_a_warning(folder, frames):
    film = write(folder / "24.mp4", frames, rate=24)
    ntsc = write(folder / "23976.mp4", frames, rate=Fraction(24000, 1001))
    found = paired(ntsc, film)
    assert found.pairs == [(i, i) for i in range(60)]
    assert found.lossless
    assert codes(found) == {"rate"}
    for options in ({"strict": True}, {"fps_policy": "error"}):
        with pytest.raises(AlignError, match="rate"):
            paired(ntsc, film, **options)


def test_a_varying_rate_against_its_constant_copy(folder, frames):
    lengths = [1 + (i % 7 == 3) + 2 * (i % 11 == 5) for i in range(60)]
    starts = np.cumsum([0, *lengths[:-1]]).tolist()
    vfr = write(folder / "vfr.mp4", frames, pts=starts)
    shown = [i for i, n in enumerate(lengths) for _ in range(n)]
    cfr = write(folder / "cfr.mp4", [frames[i] for i in shown])
    found = paired(vfr, cfr)
    assert found.pairs == list(enumerate(starts))
    assert found.lossless
    found = paired(cfr, vfr)
    assert found.pairs == list(enumerate(shown))
    assert found.lossless


def test_files_without_timestamps_pair(folder, frames, reference):
    raw = write(folder / "raw.h264", frames, container="h264")
    found = paired(raw, reference)
    assert found.pairs == [(i, i) for i in range(60)]
    assert found.lossless


@pytest.mark.parametrize("now", [440, 360, 350], ids=["the next one's", "the last one's", "back"])
def test_times_twice_or_out_of_order_are_told_and_pair(folder, frames, reference, now):
    path = write(folder / f"times-{now}.mkv", frames, codec="ffv1", options={}, rate=25)
    data = bytearray(path.read_bytes())
    block = re.compile(
        rb"\xa3[\x08-\xff][\x00-\xff]{0,3}\x81(" + (400).to_bytes(2) + rb")[\x00\x80]", re.S
    )
    found = [match.start(1) for match in block.finditer(data)]
    assert found
    for place in found:
        data[place : place + 2] = now.to_bytes(2)
    path.write_bytes(data)
    outcome = paired(path, reference)
    assert outcome.pairs == [(i, i) for i in range(len(frames))]
    assert outcome.lossless
    assert any("timestamps out of order" in text for text in outcome.warnings)


def test_an_edit_list_hides_frames(folder, reference, tmp_path):
    cut = tmp_path / "cut.mp4"
    copy_packets(str(reference), str(cut), shift=Fraction(-10, 25))
    found = paired(cut, reference)
    assert found.pairs == [(i, i + 10) for i in range(50)]
    assert found.lossless
    assert found.json["frames"]["distorted"] == 50


def test_a_model_asked_for_is_kept_and_contradicted(folder, frames, reference):
    late = write(folder / "late7.mp4", frames[7:])
    found = paired(late, reference, mode="index")
    assert found.pairs == [(i, i) for i in range(53)]
    assert found.report.disagrees_from is not None
    assert "content" in codes(found)
    found = paired(late, reference, mode="content")
    assert found.pairs == [(i, i + 7) for i in range(53)]
    assert found.report.model == "content"


def test_black_before_and_after_is_no_part_of_the_pairs(folder, frames, reference):
    black = (np.full((96, 160), 16, np.uint8), *(np.full((48, 80), 128, np.uint8),) * 2)
    found = paired(write(folder / "b.mp4", [black] * 9 + frames + [black] * 5), reference)
    assert found.pairs == [(i + 9, i) for i in range(60)]
    assert found.lossless
    assert found.json["extra_head"]["distorted"] == 9
    assert found.json["extra_tail"]["distorted"] == 5


def test_a_single_frame_pairs(folder, frames):
    one = write(folder / "one.mp4", frames[:1])
    found = paired(one, one)
    assert found.pairs == [(0, 0)]
    assert found.lossless
