"""What somebody states of a video's colour."""

import numpy as np
import pytest

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.errors import UsageError
from vqa_harness.frames import ColourInfo
from vqa_harness.media.colour import describe
from vqa_harness.media.colour_tags import ColourRule, ColourTags, parse_colour
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.recoloured import RecolouredReader


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", ColourTags()),
        (
            "matrix=bt709,range=full,transfer=pq,primaries=bt2020",
            ColourTags("bt709", True, "pq", "bt2020"),
        ),
        ("bt709", ColourTags("bt709", None, "bt709", "bt709")),
        ("bt601, full", ColourTags("bt601", True, "bt709", "bt601")),
        ("smpte170m,tv", ColourTags("bt601", False, "bt709", "bt601")),
        ("pq,primaries=display-p3", ColourTags("bt2020", None, "pq", "smpte432")),
        ("HLG", ColourTags("bt2020", None, "hlg", "bt2020")),
        ("transfer=arib-std-b67", ColourTags(transfer="hlg")),
        ("transfer=smpte2084,range=pc", ColourTags(None, True, "pq")),
    ],
)
def test_what_is_typed(text, tags):
    assert parse_colour(text, "--distorted-colour") == tags
    assert parse_colour(str(tags), "--distorted-colour") == tags
    assert AlignOptions(distorted_colour=text).distorted_colour == str(tags)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bt710", "'bt710' states nothing; write one of bt601, bt709"),
        ("matrix=bt710", "no matrix 'bt710'; choose one of bt601, bt709, bt2020"),
        ("range=wide", "no range 'wide'; choose one of limited, full"),
        ("curve=pq", "no key 'curve'; choose one of matrix, range, transfer, primaries"),
        ("matrix=bt601,matrix=bt709", "says both matrix=bt601 and matrix=bt709"),
        ("bt709,", "'' states nothing"),
    ],
)
def test_what_cannot_be_read_is_one_line(text, message):
    with pytest.raises(UsageError) as error:
        AlignOptions(reference_colour=text)
    assert str(error.value).startswith(f"--reference-colour {text}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_stated_goes_before_tags_and_what_is_assumed_after_them():
    tagged = ColourInfo(False, "bt601", "bt709", "unknown", ("full_range",))
    rule = ColourRule(ColourTags(matrix="bt709"), ColourTags("bt2020", True, "pq", "bt2020"))
    colour = rule.of(tagged)
    assert colour == ColourInfo(True, "bt709", "bt709", "bt2020", ("full_range",))
    assert ColourRule().of(tagged) is tagged


def test_a_stated_colour_changes_rgb_and_no_plane(video):
    with VideoReader(video) as one, VideoReader(video) as two:
        stated = RecolouredReader(two, ColourRule(ColourTags("bt709", True)))
        assert stated.info.colour.matrix == "bt709"
        plain, other = next(iter(one)), next(iter(stated))
        assert np.array_equal(plain.planes[1], other.planes[1])
        assert (other.colour.matrix, other.colour.full_range) == ("bt709", True)
        assert not np.array_equal(plain.rgb, other.rgb)
        assert (plain.index, plain.time) == (other.index, other.time)


def test_tagged_primaries_are_a_better_guess_of_the_matrix_than_the_height():
    assert describe(2, 0, 2, 1, lines=360, rgb=False).matrix == "bt709"
    assert describe(2, 0, 2, 9, lines=1080, rgb=False).matrix == "bt2020"
    assert "matrix" in describe(2, 0, 2, 1, lines=360, rgb=False).guessed
    assert describe(2, 0, 2, 1, lines=360, rgb=False, still=True).matrix == "bt601"
