"""Turned and mirrored pictures are refused, and the way to mend them is named."""

from __future__ import annotations

import re

import av.filter
import numpy as np
import pytest

from tests.alignment.helpers import paired, sample, write
from vqa_harness.alignment.outcome import strangers
from vqa_harness.alignment.turned import TURNS, WORDS, describe_turn
from vqa_harness.errors import AlignError
from vqa_harness.media.orientation import UPRIGHT
from vqa_harness.media.picture import frame_of

SIZE = 320, 136
OTHERS = [turn for turn in TURNS if turn != UPRIGHT]
ENCODED = {"crf": "32", "preset": "veryfast"}


def turned(frames, turn):
    return [tuple(np.ascontiguousarray(turn.apply(p)) for p in f) for f in frames]


def inverse(turn):
    """The turn that undoes another."""
    plane = np.arange(6).reshape(2, 3)
    return next(
        one
        for one in TURNS
        if one.apply(turn.apply(plane)).shape == plane.shape
        and (one.apply(turn.apply(plane)) == plane).all()
    )


@pytest.fixture(scope="module")
def pictures():
    return sample("bikes", 40, SIZE)


@pytest.fixture(scope="module")
def clip(folder, pictures):
    return write(folder / "upright.mp4", pictures)


@pytest.mark.parametrize("turn", OTHERS, ids=lambda turn: WORDS[tuple_of(turn)][0])
def test_each_of_the_eight_ways_is_named(folder, pictures, clip, turn):
    path = write(folder / "turned.mp4", turned(pictures, inverse(turn)), options=ENCODED)
    with pytest.raises(AlignError, match=re.escape(describe_turn(turn))):
        paired(path, clip)


def tuple_of(turn):
    return turn.transpose, turn.flip_x, turn.flip_y


@pytest.mark.parametrize("turn", OTHERS, ids=lambda turn: WORDS[tuple_of(turn)][1])
def test_the_filter_that_is_named_does_mend_it(turn):
    plane = np.random.default_rng(3).integers(0, 256, (16, 24), np.uint8)
    wrong = np.ascontiguousarray(inverse(turn).apply(plane))
    graph = av.filter.Graph()
    height, width = wrong.shape
    source = graph.add("buffer", f"video_size={width}x{height}:pix_fmt=gray:time_base=1/25")
    steps = [step.split("=") for step in WORDS[tuple_of(turn)][1].split(",")]
    chain = [graph.add(name, *options) for name, *options in steps]
    graph.link_nodes(source, *chain, graph.add("buffersink"))
    graph.configure()
    graph.push(frame_of([wrong], "gray", 8))
    graph.push(None)
    assert np.array_equal(graph.pull().to_ndarray(), plane)


def test_a_black_start_does_not_hide_it(folder, pictures):
    black = tuple(np.full_like(p, 128 if number else 16) for number, p in enumerate(pictures[0]))
    one = write(folder / "late.mp4", [black] * 40 + turned(pictures[:20], OTHERS[0]))
    two = write(folder / "late-ref.mp4", [black] * 44 + pictures[:20])
    with pytest.raises(AlignError, match="mirrored top to bottom"):
        paired(one, two)


def test_another_place_in_the_reference_does_not_hide_it(folder):
    frames = sample("bikes", 50, SIZE, every=5)
    mirrored = [tuple(np.ascontiguousarray(p[:, ::-1]) for p in f) for f in frames[34:]]
    path = write(folder / "far-mirrored.mp4", mirrored)
    with pytest.raises(AlignError, match="mirrored left to right"):
        paired(path, write(folder / "far.mp4", frames))


def test_what_the_user_insists_on_is_done_and_told(folder, pictures, clip, cli):
    path = write(folder / "mirror.mp4", turned(pictures, inverse(OTHERS[1])))
    done = paired(path, clip, mode="index")
    assert len(done.pairs) == 40
    assert any(w.startswith("turned: ") and "as it is" in w for w in done.warnings)
    code, _, err = cli("align", path, "-r", clip, "--quiet")
    assert (code, err.count("\n")) == (AlignError.exit_code, 1)


@pytest.mark.parametrize("name", ["bikes", "bigbuckbunny", "fullreferencepair"])
def test_upright_pictures_are_not_taken_for_turned(folder, name):
    frames = sample(name, 30, (176, 144))
    path = write(folder / f"{name}-bad.mp4", frames[8:], options={"crf": "46"})
    done = paired(path, write(folder / f"{name}-ref.mp4", frames))
    assert not any("turned" in w for w in done.warnings)


def test_pairs_found_by_chance_are_refused(folder, pictures):
    assert strangers(0.15, 0.0)
    assert strangers(0.45, 0.02)
    assert strangers(0.08, 1.0)
    assert not strangers(0.15, 0.6)
    assert not strangers(0.9, 0.0)
    other = write(folder / "other.mp4", sample("bigbuckbunny", 40, SIZE))
    with pytest.raises(AlignError, match=r"of the distorted frames were found.*right reference"):
        paired(other, write(folder / "bikes-again.mp4", pictures))
