"""Colour that a file does not say, or says wrongly: read as the pictures and the other side say."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from tests.alignment.helpers import LOSSLESS, pattern, write
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.pairs import AlignedPairs
from vqa_harness.errors import AlignError, UsageError
from vqa_harness.frames import ColourInfo
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.recode import PixelFormat, recode

NOTHING = ("full_range", "matrix", "transfer", "primaries")
TV709 = PixelFormat("420", 8, False, "bt709")
TV601 = PixelFormat("420", 8, False, "bt601")
FULL709 = PixelFormat("420", 8, True, "bt709")
RGB = PixelFormat("rgb", 8, True, "rgb")


def tags(form, *guessed, **more):
    """The tags of a pixel format but for the facts named."""
    transfer = more.pop("transfer", "unknown")
    primaries = more.pop("primaries", "unknown")
    return ColourInfo(form.full_range, form.matrix, transfer, primaries, guessed)


@pytest.fixture(scope="module")
def frames():
    return pattern(14)


@pytest.fixture
def clip(tmp_path):
    """Write planes of a pixel format without loss; what is named stays untagged."""

    def write_clip(name, planes, form, *guessed, **more):
        path = tmp_path / f"{name}.mkv"
        colour = None if form.chroma == "rgb" else tags(form, *guessed, **more)
        kind = (
            {"codec": "ffv1", "options": {}, "pix_fmt": "bgr0"}
            if form.chroma == "rgb"
            else {"options": LOSSLESS}
        )
        return write(path, planes, colour=colour, depth=form.depth, chroma=form.chroma, **kind)

    return write_clip


def converted(frames, old, new):
    return [recode(planes, old, new) for planes in frames]


def compared(distorted, reference, **options):
    """Largest difference of luma over all pairs, what is said, and the log's section."""
    pairs = AlignedPairs(distorted, reference, AlignOptions(**options))
    try:
        worst = 0
        for one, two in pairs:
            difference = one.planes[0].astype(int) - two.planes[0]
            worst = max(worst, int(np.abs(difference).max()))
        told = [text for text in pairs.warnings() if text.startswith("colour: ")]
        return worst, told, pairs.alignment()["format"]["colour"]
    finally:
        pairs.close()


def test_an_untagged_rung_of_an_untagged_720p_source_is_not_converted(tmp_path):
    frames = pattern_of(320, 720)
    source = write(tmp_path / "u720.mp4", frames)
    small = [resize_planes(planes, "420", 8, (160, 360)) for planes in frames]
    rung = write(tmp_path / "u360.mp4", small)
    pairs = AlignedPairs(rung, source)
    try:
        for (one, two), own, planes in zip(pairs, small, frames, strict=True):
            true = resize_planes(own, "420", 8, (320, 720))
            assert all(np.array_equal(a, b) for a, b in zip(one.planes, true, strict=True))
            assert all(np.array_equal(a, b) for a, b in zip(two.planes, planes, strict=True))
        assert not [text for text in pairs.warnings() if text.startswith("colour")]
        told = pairs.alignment()["format"]["colour"]
    finally:
        pairs.close()
    assert told["distorted"]["matrix"]["value"] == told["reference"]["matrix"]["value"] == "bt709"
    assert told["distorted"]["matrix"]["from"] == told["reference"]["matrix"]["from"] == "guess"
    assert told["evidence"]["luma_slope"] == pytest.approx(1, abs=0.01)


def pattern_of(width, height):
    from vqa_harness.testing.synthetic import moving_pattern

    return moving_pattern(6, width, height)


@pytest.mark.parametrize("tagged", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("side", ["distorted", "reference"])
def test_what_one_side_does_not_say_is_the_other_sides_tag(clip, frames, tagged, side):
    form = replace(TV709, matrix=tagged)
    told = clip("told", frames, form, "full_range", transfer="bt709", primaries="bt709")
    silent = clip("silent", frames, TV601, *NOTHING)
    pair = (silent, told) if side == "distorted" else (told, silent)
    worst, notes, log = compared(*pair)
    assert (worst, notes) == (0, [])
    assert log[side]["matrix"]["value"] == tagged
    assert log[side]["matrix"]["from"] == "other side"
    assert log[side]["transfer"] == {"value": "bt709", "from": "other side"}
    assert log[side]["primaries"] == {"value": "bt709", "from": "other side"}


def test_primaries_alone_do_not_make_a_conversion(clip, frames):
    silent = clip("silent", frames, TV601, *NOTHING)
    hint = clip("hint", frames, TV709, "full_range", "matrix", primaries="bt709")
    worst, notes, log = compared(hint, silent)
    assert (worst, notes) == (0, [])
    assert log["reference"]["primaries"] == {"value": "bt709", "from": "other side"}


@pytest.mark.parametrize("depth", [8, 10])
def test_a_lost_flag_of_full_range(clip, frames, depth):
    full = replace(FULL709, depth=depth)
    planes = converted(frames, TV709, full)
    reference = clip("full", planes, full)
    worst, notes, log = compared(clip("lost", planes, full, *NOTHING), reference)
    assert worst == 0
    assert len(notes) == 1
    assert "luma slope 1.00, not 1.16" in notes[0]
    assert "--distorted-colour range=full" in notes[0]
    assert log["distorted"]["range"]["from"] == "other side"
    assert log["distorted"]["range"]["sure"] > 0.9


@pytest.mark.parametrize("side", ["distorted", "reference"])
def test_pictures_that_were_made_limited_are_converted_though_they_do_not_say_so(
    clip, frames, side
):
    full = clip("full", converted(frames, TV709, FULL709), FULL709)
    limited = clip("limited", frames, TV709, *NOTHING)
    pair = (limited, full) if side == "distorted" else (full, limited)
    worst, notes, log = compared(*pair)
    assert worst <= 1
    assert log[side]["range"]["value"] == "limited"
    assert log[side]["range"]["from"] == "pictures"
    assert "range=limited is guessed" in notes[0]


def test_neither_says_its_range_and_one_was_converted(clip, frames):
    full = clip("full", converted(frames, TV709, FULL709), FULL709, *NOTHING)
    limited = clip("limited", frames, TV709, *NOTHING)
    worst, notes, log = compared(limited, full)
    assert worst <= 1
    assert log["reference"]["range"]["value"] == "full"
    assert log["reference"]["range"]["from"] == "pictures"
    assert re.search("range=full is guessed .luma slope 1.1[67], not 1.00", notes[0])


def test_neither_says_its_range_and_samples_lie_beyond_limited_range(clip, frames):
    planes = converted(frames, TV709, FULL709)
    planes = [(stretched(y), u, v) for y, u, v in planes]
    one, two = (clip(name, planes, FULL709, *NOTHING) for name in ("one", "two"))
    worst, notes, log = compared(one, two)
    assert worst == 0
    assert {log[s]["range"]["from"] for s in ("distorted", "reference")} == {"pictures"}
    assert {log[s]["range"]["value"] for s in ("distorted", "reference")} == {"full"}
    assert len(notes) == 2


def stretched(luma):
    """Luma from 0 to 255, as pictures of full range may have."""
    low, high = int(luma.min()), int(luma.max())
    return np.clip(np.rint((luma.astype(float) - low) * 355 / (high - low) - 50), 0, 255).astype(
        np.uint8
    )


def test_a_flag_that_the_pictures_contradict_is_told_and_can_be_overruled(clip, frames):
    planes = converted(frames, TV709, FULL709)
    reference = clip("full", planes, FULL709)
    distorted = clip("wrong", planes, replace(FULL709, full_range=False))
    worst, notes, log = compared(distorted, reference)
    assert worst > 10
    assert len(notes) == 1
    assert "the pictures contradict range limited against full" in notes[0]
    assert "luma slope 1.00, not 1.16" in notes[0]
    assert "--distorted-colour range=full" in notes[0]
    assert log["contradicted"]["options"][0] == "--distorted-colour range=full"
    worst, notes, log = compared(distorted, reference, distorted_colour="range=full")
    assert (worst, notes) == (0, [])
    assert log["distorted"]["range"] == {"value": "full", "from": "option"}
    with pytest.raises(AlignError, match="contradict"):
        compared(distorted, reference, strict=True)


def test_limited_codes_flagged_full_on_one_side(clip, frames):
    wrong = clip("wrong", frames, FULL709)
    right = clip("right", converted(frames, TV709, FULL709), FULL709)
    worst, notes, _ = compared(wrong, right)
    assert worst > 10
    assert re.search("luma slope 1.1[67], not 1.00", notes[0])
    assert "--distorted-colour range=limited" in notes[0]
    assert compared(wrong, right, distorted_colour="limited")[:2] == (0, [])


def test_a_matrix_that_the_pictures_contradict(clip, frames):
    one = clip("one", frames, TV601)
    two = clip("two", frames, TV709)
    worst, notes, _ = compared(one, two)
    assert worst > 3
    assert "the pictures contradict matrix bt601 against bt709" in notes[0]
    assert "--distorted-colour matrix=bt709 or --reference-colour matrix=bt601" in notes[0]
    assert compared(one, two, distorted_colour="matrix=bt709")[:2] == (0, [])


def test_neither_says_its_matrix_and_one_was_converted(clip, frames):
    other = clip("other", converted(frames, TV601, TV709), TV709, *NOTHING)
    source = clip("source", frames, TV601, *NOTHING)
    worst, notes, log = compared(other, source)
    assert worst <= 3  # chroma was rounded and subsampled in between
    assert log["distorted"]["matrix"] == {
        "value": "bt709",
        "from": "pictures",
        "sure": log["distorted"]["matrix"]["sure"],
    }
    assert log["distorted"]["matrix"]["sure"] > 0.9
    assert "matrix=bt709 is guessed" in notes[0]


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("side", ["distorted", "reference"])
def test_rgb_against_yuv_that_says_nothing(clip, matrix, full, side):
    pictures = pattern(12, chroma="rgb")
    form = PixelFormat("420", 8, full, matrix)
    yuv = clip("yuv", converted(pictures, RGB, form), form, *NOTHING)
    rgb = clip("rgb", pictures, RGB)
    pair = (yuv, rgb) if side == "distorted" else (rgb, yuv)
    worst, notes, log = compared(*pair)
    assert worst <= 1
    assert log[side]["matrix"]["value"] == matrix
    assert log[side]["range"]["value"] == ("full" if full else "limited")
    assert len(notes) == 1
    assert "is guessed" in notes[0]
    assert "sure" in notes[0]
    stated = f"matrix={matrix},range={'full' if full else 'limited'}"
    assert compared(*pair, **{f"{side}_colour": stated})[:2] == (worst, [])


def test_videos_that_begin_elsewhere_are_searched_for_the_same_pictures(clip):
    pictures = pattern(60)
    full = clip("full", converted(pictures, TV709, FULL709), FULL709)
    late = clip("late", pictures[35:], TV709, "matrix")
    worst, _, log = compared(late, full)
    assert worst <= 1
    wrong = clip("wrong", pictures[35:], FULL709)
    worst, notes, log = compared(wrong, full)
    assert worst > 10
    assert re.search("luma slope 1.1[67], not 1.00", notes[0])
    assert log["evidence"]["pairs"] > 0


def test_other_pictures_tell_nothing_and_nothing_is_converted(clip, frames):
    flat = [tuple(np.full_like(p, 128) for p in planes) for planes in frames]
    one = clip("one", flat, TV709, *NOTHING)
    two = clip("two", flat, TV601, "full_range")
    worst, notes, log = compared(one, two, mode="index")
    assert (worst, notes) == (0, [])
    assert log["evidence"] is None
    assert log["distorted"]["matrix"]["value"] == "bt601"


@pytest.mark.parametrize("gain", [0.8, 0.86, 0.92, 1.1])
def test_another_contrast_is_not_taken_for_a_conversion(clip, frames, gain):
    damaged = [
        (np.clip((y.astype(float) - 128) * gain + 128, 0, 255).astype(np.uint8), u, v)
        for y, u, v in frames
    ]
    one = clip("one", damaged, TV709, *NOTHING)
    _, notes, log = compared(one, clip("two", frames, TV709, *NOTHING))
    assert notes == []
    assert log["contradicted"] is None


def test_gray_takes_no_matrix(clip, frames, tmp_path):
    gray = tmp_path / "gray.mkv"
    limited = ColourInfo(False, "bt601", guessed=("matrix",))
    write(gray, [p[:1] for p in frames], chroma="gray", codec="ffv1", options={}, colour=limited)
    worst, notes, _ = compared(gray, clip("two", frames, TV709))
    assert (worst, notes) == (0, [])


PQ = PixelFormat("420", 10, False, "bt2020")


@pytest.fixture
def pq(clip):
    pictures = pattern(12, depth=10)
    return pictures, clip("pq", pictures, PQ, transfer="pq", primaries="bt2020")


def test_a_lost_pq_tag_is_taken_from_the_other_side(pq, clip):
    pictures, reference = pq
    lost = clip("lost", pictures, PQ, *NOTHING)
    worst, notes, log = compared(lost, reference)
    assert worst == 0
    assert log["distorted"]["transfer"] == {"value": "pq", "from": "other side"}
    assert log["distorted"]["matrix"]["value"] == "bt2020"
    assert "transfer=pq is taken from the other video" in notes[0]
    assert compared(lost, reference, distorted_colour="pq")[:2] == (0, [])


@pytest.mark.parametrize("word", ["pq", "smpte2084", "hlg", "arib-std-b67"])
def test_both_curves_can_be_stated(clip, word):
    pictures = pattern(12, depth=10)
    one, two = (clip(name, pictures, PQ, *NOTHING) for name in ("one", "two"))
    worst, _, log = compared(one, two, distorted_colour=word, reference_colour=word)
    assert worst == 0
    transfer = "pq" if word in ("pq", "smpte2084") else "hlg"
    assert log["reference"]["transfer"] == {"value": transfer, "from": "option"}


def test_pictures_of_another_curve_are_not_taken_for_pq(pq, clip):
    pictures, reference = pq
    curve = np.rint(64 + 876 * (np.clip(np.arange(1024) - 64, 0, 876) / 876) ** 0.3)
    mapped = [(curve[y].astype(np.uint16), u, v) for y, u, v in pictures]
    with pytest.raises(AlignError, match="state a tag that is lost"):
        compared(clip("sdr", mapped, PQ, *NOTHING), reference)


def test_a_matrix_cannot_be_stated_of_rgb(clip, frames):
    rgb = clip("rgb", pattern(12, chroma="rgb"), RGB)
    with pytest.raises(UsageError, match="state the matrix of the other video"):
        compared(rgb, clip("two", frames, TV709), distorted_colour="bt709")
