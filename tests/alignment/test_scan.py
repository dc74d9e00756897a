"""Interlaced or not: what is stated, what is flagged and what the pictures show."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.alignment.helpers import LOSSLESS, paired, psnr_y, sample, weave, write
from vqa_harness.alignment.combing import Combing, look_for_combing
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.pairs import AlignedPairs
from vqa_harness.errors import AlignError, UsageError
from vqa_harness.gate.config import load_config
from vqa_harness.media.filters import Deinterlacing
from vqa_harness.media.reader import VideoReader

SIZE = 320, 136
TFF = {"x264-params": "tff=1:keyint=1"}  # x264 is not lossless between frames of two fields
BFF = {"x264-params": "bff=1:keyint=1"}
ENCODED = {"crf": "23", "preset": "veryfast"}


@pytest.fixture(scope="module")
def pictures():
    return sample("bikes", 56, SIZE)


@pytest.fixture(scope="module")
def progressive(folder, pictures):
    return write(folder / "bikes.mp4", pictures[:28])


@pytest.fixture(scope="module")
def flagged(folder, pictures):
    """Progressive pictures in a stream that says it is interlaced."""
    return write(folder / "flagged.mp4", pictures[:28], options=LOSSLESS | TFF)


@pytest.fixture(scope="module")
def woven(pictures):
    return [weave(a, b) for a, b in zip(pictures[::2], pictures[1::2], strict=True)]


@pytest.fixture(scope="module")
def combed(folder, woven):
    """Interlaced pictures in a stream that says it is progressive."""
    return write(folder / "combed.mp4", woven)


def scored(distorted, reference, **options):
    """Index pairs, mean PSNR-Y, report and warnings."""
    pairs = AlignedPairs(distorted, reference, AlignOptions(**options))
    try:
        made = list(pairs)
        indices = [(a.index, b.index) for a, b in made]
        return indices, psnr_y(made), pairs.alignment(), pairs.warnings()
    finally:
        pairs.close()


def about(warnings, code):
    return [w for w in warnings if w.startswith(f"{code}:")]


def test_progressive_pictures_under_a_wrong_flag_have_a_way_through(folder, flagged, pictures):
    encode = write(folder / "encode.mp4", pictures[:28], options=ENCODED)
    with pytest.raises(AlignError, match=r"0 of its first 24 frames are combed.*-scan progressive"):
        paired(encode, flagged)
    plain = write(folder / "plain.mp4", pictures[:28])
    truth = scored(encode, plain)[1]
    stated = scored(encode, flagged, reference_scan="progressive")
    assert stated[1] == truth
    assert not about(stated[3], "scan")
    assert stated[2]["options"]["reference_scan"] == "progressive"
    _, value, report, warnings = scored(encode, flagged, deinterlace="auto")
    assert value == truth
    assert "was not deinterlaced" in about(warnings, "scan")[0]
    scan = report["format"]["reference"]["scan"]
    assert (scan["flagged"], scan["made"], scan["found"]["progressive"]) == ("interlaced", None, 24)
    _, value, _, warnings = scored(encode, flagged, deinterlace="both")
    assert value != truth
    assert "--deinterlace both says so" in about(warnings, "scan")[0]


def test_both_flagged_wrongly_are_compared_as_they_are(folder, flagged, pictures):
    other = write(folder / "also.mp4", pictures[:28], options=LOSSLESS | TFF)
    done = paired(other, flagged)
    assert done.lossless
    assert len(about(done.warnings, "scan")) == 2
    for options in ({"deinterlace": "auto"}, {"reference_scan": "progressive"}):
        if "reference_scan" in options:
            options["distorted_scan"] = "progressive"
        done = paired(other, flagged, **options)
        assert done.lossless
        assert done.json["format"]["reference"]["deinterlaced"] is False


def test_a_test_pattern_with_periodic_motion_is_not_taken_for_woven_fields(folder):
    """Whole pictures in which the filter idet sees fields, in 24 of 24 frames."""
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add("testsrc2", "size=640x360:rate=50"),
        graph.add("format", "gray"),
        graph.add("buffersink"),
    ).configure()
    grey = np.full((180, 320), 128, np.uint8)
    fields = [(graph.pull().to_ndarray(), grey, grey) for _ in range(48)]
    pairs = list(zip(fields[::2], fields[1::2], strict=True))
    cases = {
        None: fields[::2],
        "tff": [weave(*pair) for pair in pairs],
        "bff": [weave(*pair[::-1]) for pair in pairs],
    }
    for order, frames in cases.items():
        with VideoReader(write(folder / f"pattern_{order}.mkv", frames), threads=1) as reader:
            assert look_for_combing(list(reader)).order == order


@pytest.mark.parametrize(
    ("flags", "order", "rate"), [(TFF, "tff", Fraction(25)), (BFF, "bff", Fraction(30000, 1001))]
)
@pytest.mark.parametrize("interlaced_side", ["reference", "distorted"])
def test_twice_the_rate_is_met_field_by_field(
    folder, pictures, flags, order, rate, interlaced_side
):
    first, second = (0, 1) if order == "tff" else (1, 0)
    frames = [
        weave(pair[first], pair[second]) for pair in zip(pictures[::2], pictures[1::2], strict=True)
    ]
    fields = write(folder / f"{order}.mkv", frames, options=LOSSLESS | flags, rate=rate)
    double = write(folder / f"{order}p.mp4", pictures, rate=2 * rate)
    sides = (fields, double) if interlaced_side == "distorted" else (double, fields)
    with pytest.raises(AlignError, match="--deinterlace auto"):
        paired(*sides)
    pairs = AlignedPairs(*sides, AlignOptions(deinterlace="auto"))
    try:
        made = list(pairs)
        report, warnings = pairs.alignment(), pairs.warnings()
    finally:
        pairs.close()
    assert [(a.index, b.index) for a, b in made] == [(i, i) for i in range(56)]
    for number, (one, two) in enumerate(made):
        lines = slice((number + first) % 2, None, 2)
        assert np.array_equal(one.planes[0][lines], two.planes[0][lines])
    assert report["rates"]["distorted"] == report["rates"]["reference"] == round(float(2 * rate), 4)
    assert (report["model"], report["duplicated"]["count"]) == ("index", 0)
    assert [w for w in warnings if "a frame for each field" in w]
    assert not about(warnings, "rate")


def test_fields_have_times_half_way(folder, woven):
    path = write(folder / "times.mkv", woven[:5], options=LOSSLESS | TFF)
    with VideoReader(path) as reader:
        plain = [frame.time for frame in reader]
    with VideoReader(path, deinterlace=Deinterlacing("tff", fields=True)) as reader:
        assert (reader.info.rate, reader.info.expected_frames) == (50, 10)
        times = [frame.time for frame in reader]
        assert reader.report.truncated is not True
    assert times[::2] == plain
    assert times[1::2] == [time + Fraction(1, 50) for time in plain]


def test_combed_pictures_under_a_wrong_flag_are_told(folder, combed, woven):
    encode = write(folder / "combed-encode.mp4", woven, options=ENCODED)
    _, value, report, warnings = scored(encode, combed)
    for side, line in zip(("distorted", "reference"), about(warnings, "scan"), strict=True):
        assert f"{side} video is flagged as progressive" in line
        assert f"--{side}-scan tff --deinterlace auto" in line
        assert report["format"][side]["scan"]["found"]["tff"] >= 20
    stated = {"distorted_scan": "tff", "reference_scan": "tff"}
    _, other, report, warnings = scored(encode, combed, deinterlace="auto", **stated)
    assert other > value
    assert report["format"]["reference"]["deinterlaced"] is True
    assert not about(warnings, "scan")
    _, _, _, warnings = scored(encode, combed, **{**stated, "reference_scan": "bff"})
    assert "--reference-scan bff was said" in about(warnings, "scan")[0]


def test_a_statement_that_the_pictures_contradict_is_told(progressive):
    done = paired(progressive, progressive, reference_scan="tff", distorted_scan="tff")
    assert done.lossless
    assert len(about(done.warnings, "scan")) == 2
    with pytest.raises(AlignError, match="distorted video is interlaced"):
        paired(progressive, progressive, distorted_scan="tff")


def test_telecined_film_is_named(folder, pictures):
    film = pictures[:28]
    fields = [n for k in range(28) for n in [k] * (2 + k % 2)]
    video = [weave(film[a], film[b]) for a, b in zip(fields[::2], fields[1::2], strict=False)]
    flagged = write(
        folder / "telecine.mkv", video, options=LOSSLESS | TFF, rate=Fraction(30000, 1001)
    )
    plain = write(folder / "film.mp4", film, rate=Fraction(24000, 1001))
    with pytest.raises(AlignError, match=r"telecined film.*fieldmatch,decimate"):
        paired(plain, flagged)
    done = paired(plain, flagged, deinterlace="auto")
    (line,) = about(done.warnings, "scan")
    assert "reference video is interlaced and has 5 frames for every 4" in line
    assert "fields are repeated in its first frames" in line
    unflagged = write(folder / "telecine-unflagged.mkv", video, rate=Fraction(30000, 1001))
    done = paired(plain, unflagged)
    assert any("telecined film" in line for line in about(done.warnings, "scan"))


@pytest.mark.parametrize("name", ["bikes", "bigbuckbunny", "fullreferencepair"])
def test_progressive_clips_are_not_taken_for_interlaced(folder, name):
    frames = sample(name, 24, (352, 288))
    path = write(folder / f"{name}-36.mp4", frames, options={"crf": "36"})
    done = paired(path, write(folder / f"{name}-36.mkv", frames))
    assert not about(done.warnings, "scan")


def test_few_or_still_frames_tell_nothing():
    assert look_for_combing([]) == Combing()
    assert Combing(24, tff=7, bff=3, progressive=2).order is None
    assert not Combing(24, tff=7, bff=3, progressive=14).whole
    assert not Combing(5, progressive=5).whole


def test_the_options_are_checked_and_in_the_files(folder, flagged, progressive, cli):
    for side in ("distorted", "reference"):
        with pytest.raises(UsageError, match=f"--{side}-scan x: choose one of auto, progressive,"):
            AlignOptions(**{f"{side}_scan": "x"})
        with pytest.raises(UsageError, match="say --deinterlace auto"):
            AlignOptions(deinterlace="both", **{f"{side}_scan": "progressive"})
    command = ("align", progressive, "-r", flagged, "--quiet", "--reference-scan")
    assert cli(*command, "progressive")[::2] == (0, "")
    code, _, err = cli(*command, "interlaced")
    assert (code, err.count("\n")) == (UsageError.exit_code, 1)
    assert "--reference-scan" in cli("gate", "--help")[1]
    config = folder / "vqa-harness.toml"
    config.write_text('[align]\nreference_scan = "progressive"\n')
    assert load_config(config).table.align.set_keys() == {"reference_scan": "progressive"}
    config.write_text('[align]\nreference_scan = "interlaced"\n')
    with pytest.raises(UsageError, match="reference_scan"):
        load_config(config)
