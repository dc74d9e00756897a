"""Losses and excerpts that lie farther than the search in a band covers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.alignment.helpers import codes, paired, pattern, write
from vqa_harness.alignment.chain import find_chain
from vqa_harness.alignment.guide import Guide, guide_along
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.overview import Overview
from vqa_harness.errors import UsageError

SHORT = {"max_offset": 0.2}
"""So the band is at its narrowest, 40 frames to each side."""


def negatives(frames):
    """Pictures that nothing in the reference is like."""
    return [(255 - luma, *chroma) for luma, *chroma in frames]


def overview(pictures):
    made = Overview()
    for one in pictures:
        made.add(one)
    return made


@pytest.fixture(scope="module")
def walk():
    """Signatures of a scene that never repeats; neighbouring cells are alike, as in pictures."""
    rng = np.random.default_rng(0)
    steps = rng.normal(0, 3, (3000, 9, 16)).repeat(4, axis=1).repeat(4, axis=2)
    walk = np.cumsum(steps.reshape(3000, -1), axis=0) + 30 * rng.normal(size=2304)
    return (walk - walk.mean(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def long(folder):
    frames = pattern(300)
    return frames, write(folder / "long.mp4", frames)


@pytest.mark.parametrize(
    "kept",
    [
        [*range(60), *range(200, 300)],
        [*range(60), *range(110, 170), *range(250, 300)],
        [*range(90, 130), *range(200, 260)],
        [*range(40), *range(292, 300)],
    ],
    ids=["cut", "two cuts", "start and middle", "short rest"],
)
def test_what_was_cut_is_bridged_however_long(folder, long, kept):
    frames, reference = long
    found = paired(write(folder / "cut.mp4", [frames[i] for i in kept]), reference, **SHORT)
    assert found.pairs == list(enumerate(kept))
    assert found.lossless
    assert found.json["unmatched_frames"] == 0
    shown = set(kept)
    dropped = [i for i in range(kept[0], kept[-1]) if i not in shown]
    assert found.report.events.dropped == dropped
    assert found.json["share_scored"] == pytest.approx(len(kept) / 300, abs=1e-4)
    assert "search" in codes(found)


@pytest.mark.parametrize("begin", [45, 130, 250])
def test_an_excerpt_is_found_at_any_depth(folder, long, begin):
    frames, reference = long
    found = paired(write(folder / "part.mp4", frames[begin : begin + 40]), reference, **SHORT)
    assert found.pairs == [(i, i + begin) for i in range(40)]
    assert found.report.model == "offset"
    assert found.json["extra_tail"] == {"distorted": 0, "reference": 300 - begin - 40}
    assert found.json["share_scored_of"] == {"distorted": 1.0, "reference": round(40 / 300, 4)}
    text = next(str(note) for note in found.report.notes if note.code == "search")
    assert (f"--max-offset {math.ceil(begin / 25)} finds" in text) == (begin < 240)
    assert "--align index" not in text


def test_inserted_material_has_no_partner_and_is_no_end(folder, long):
    frames, reference = long
    kept = [*frames[:60], *negatives(frames[100:140]), *frames[200:240]]
    found = paired(write(folder / "ads.mp4", kept), reference, **SHORT)
    partners = dict(found.pairs)
    assert [partners.get(i) for i in range(140)] == [*range(60), *[None] * 40, *range(200, 240)]
    assert found.json["unmatched"]["list"] == [[60, 100]]
    assert found.json["share_scored_of"]["distorted"] == pytest.approx(100 / 140, abs=1e-4)


def test_frames_left_over_at_the_end_are_unmatched_while_the_reference_goes_on(folder, long):
    frames, reference = long
    odd = write(folder / "odd.mp4", [*frames[:60], *negatives(frames[60:90])])
    found = paired(odd, reference)
    assert found.json["unmatched"]["list"] == [[60, 90]]
    assert found.json["extra_tail"] == {"distorted": 0, "reference": 240}


def test_a_chain_finds_pieces_and_the_frame_at_which_each_begins(walk):
    kept = [*range(500, 620), *range(2003, 2100)]
    noise = np.random.default_rng(1).normal(0, 1, (len(kept), 2304)).astype(np.float32)
    pair = overview(walk[kept] + noise), overview(walk)
    chain = find_chain(*pair, 1.0, 40)
    assert chain.places.tolist() == kept
    guide = guide_along(chain, *pair, 1.0, 40)
    assert [guide.centre(i) for i in range(len(kept))] == kept
    assert guide.centre(len(kept)) is None


def test_pieces_join_at_the_very_frame_where_only_some_frames_were_looked_for(walk, monkeypatch):
    monkeypatch.setattr("vqa_harness.alignment.chain.SAMPLES", 20)
    kept = [*range(500, 623), *range(2000, 2077)]
    pair = overview(walk[kept]), overview(walk)
    guide = guide_along(find_chain(*pair, 1.0, 40), *pair, 1.0, 40)
    assert [guide.centre(i) for i in range(190)] == kept[:190]


def test_a_chain_passes_over_black_and_strangers(walk):
    black = np.zeros((20, 2304), np.float32)
    ending = np.concatenate([walk[:400], black])
    chain = find_chain(overview(np.concatenate([walk[:50], black])), overview(ending), 1.0, 40)
    assert chain.frames.tolist() == list(range(50))
    assert find_chain(overview(walk[:30]), overview(-walk[:900]), 1.0, 40).frames.size == 0


def test_a_chain_of_pictures_that_show_nothing_is_empty(walk):
    chain = find_chain(overview(np.zeros_like(walk)), overview(walk), 1.0, 50)
    assert chain.frames.size == chain.samples.size == 0


def test_a_guide_leads_up_to_the_first_frame_found():
    guide = Guide(np.array([10, 20]), np.array([100, 120]), 2.0)
    assert [guide.centre(i) for i in (0, 10, 15, 20)] == [80, 100, 110, 120]


def test_any_number_of_seconds_may_be_said():
    assert AlignOptions(max_offset=4000).max_offset == 4000
    with pytest.raises(UsageError, match="--max-offset inf: needs seconds"):
        AlignOptions(max_offset=math.inf)
