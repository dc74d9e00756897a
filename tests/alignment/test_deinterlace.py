"""Interlaced clips against progressive ones: a frame for each frame, at its first field's time."""

from fractions import Fraction

import numpy as np
import pytest

from tests.alignment.helpers import LOSSLESS, paired, weave, write
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.pairs import AlignedPairs
from vqa_harness.errors import AlignError, UsageError
from vqa_harness.media.reader import VideoReader
from vqa_harness.testing.synthetic import moving_pattern

FRAMES = 24
TOP_FIRST = {"x264-params": "tff=1"}


@pytest.fixture(scope="module")
def fields():
    """Progressive pictures, twice as many as there are frames."""
    return moving_pattern(2 * FRAMES, 160, 96)


@pytest.fixture(scope="module")
def progressive(folder, fields):
    return write(folder / "progressive.mp4", fields[::2])


@pytest.fixture(scope="module")
def interlaced(folder, fields):
    woven = [weave(a, b) for a, b in zip(fields[::2], fields[1::2], strict=True)]
    return write(folder / "interlaced.mp4", woven, options=LOSSLESS | TOP_FIRST)


def luma(path, **options):
    with VideoReader(path, **options) as reader:
        frames = [(frame.time, frame.planes[0].astype(float)) for frame in reader]
        return reader, [t for t, _ in frames], np.stack([y for _, y in frames])


def test_each_frame_becomes_its_first_field_at_its_time(interlaced, fields):
    woven, times, combed = luma(interlaced)
    assert woven.info.interlaced
    reader, same_times, smooth = luma(interlaced, deinterlace="auto")
    assert same_times == times
    assert len(smooth) == FRAMES
    assert reader.deinterlaced
    assert not reader.info.interlaced
    assert reader.report.interlaced
    assert any("bwdif" in note for note in reader.report.notes)
    truth = np.stack([f[0] for f in fields[::2]]).astype(float)
    assert np.array_equal(smooth[:, ::2], truth[:, ::2])
    error, before = np.abs(smooth - truth).mean(), np.abs(combed - truth).mean()
    assert error < 0.7 * before  # the rest is the pattern's noise


def test_progressive_frames_are_left_alone_unless_told(progressive):
    _, _, plain = luma(progressive)
    reader, times, same = luma(progressive, deinterlace="auto")
    assert not reader.deinterlaced
    assert np.array_equal(same, plain)
    reader, always_times, forced = luma(progressive, deinterlace="always")
    assert reader.deinterlaced
    assert always_times == times
    assert len(forced) == FRAMES


def test_a_deinterlaced_side_is_compared_told_and_recorded(interlaced, progressive):
    with pytest.raises(AlignError, match="--deinterlace auto"):
        paired(interlaced, progressive)
    pairs = AlignedPairs(interlaced, progressive, AlignOptions(deinterlace="auto"))
    try:
        found = [(one.index, two.index) for one, two in pairs]
        report, warnings = pairs.alignment(), pairs.warnings()
    finally:
        pairs.close()
    assert found == [(i, i) for i in range(FRAMES)]
    assert report["format"]["distorted"]["deinterlaced"] is True
    assert report["format"]["reference"]["deinterlaced"] is False
    assert report["options"]["deinterlace"] == "auto"
    assert report["rates"]["distorted"] == report["rates"]["reference"]
    assert [w for w in warnings if "distorted video was deinterlaced" in w]
    assert not [w for w in warnings if "reference video was deinterlaced" in w]


def test_both_sides_and_a_shift(interlaced, folder, fields):
    later = [weave(a, b) for a, b in zip(fields[6::2], fields[7::2], strict=True)]
    path = write(folder / "later.mp4", later, options=LOSSLESS | TOP_FIRST)
    pairs = AlignedPairs(path, interlaced, AlignOptions(deinterlace="both"))
    try:
        found = [(one.index, two.index) for one, two in pairs]
    finally:
        pairs.close()
    assert found == [(i, i + 3) for i in range(FRAMES - 3)]


def test_on_the_command_line(interlaced, progressive, cli):
    arguments = ("align", interlaced, "-r", progressive, "--quiet")
    code, _, err = cli(*arguments)
    assert code == AlignError.exit_code
    assert "--deinterlace auto" in err
    code, _, err = cli(*arguments, "--deinterlace", "auto")
    assert code == 0
    assert "the distorted video was deinterlaced" in err
    code, _, err = cli(*arguments, "--deinterlace", "yes")
    assert code == UsageError.exit_code
    assert "off, auto, both" in err


def test_a_size_change_does_not_lose_a_frame(folder, fields):
    small = [tuple(p[:48, :80] if p.shape[0] > 48 else p[:24, :40] for p in f) for f in fields[:8]]
    first = write(folder / "a.ts", fields[:8], rate=Fraction(25), options=TOP_FIRST)
    second = write(folder / "b.ts", small, rate=Fraction(25), options=TOP_FIRST)
    joined = folder / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    with VideoReader(joined, deinterlace="auto") as reader:
        sizes = [(frame.width, frame.height) for frame in reader]
    assert sizes == [(160, 96)] * 8 + [(80, 48)] * 8
