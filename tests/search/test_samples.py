"""The part of a video that is searched on."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from vqa_harness.errors import UsageError
from vqa_harness.media.reader import VideoReader, probe
from vqa_harness.search.samples import (
    Stretch,
    choose,
    file_of,
    read_share,
    usual_share,
    write_samples,
)
from vqa_harness.testing.synthetic import make_video


def test_every_scene_is_represented_where_there_is_room():
    cuts = [100, 350, 400, 900]
    chosen = choose(1000, cuts, Fraction(25), 0.5)
    assert [one.start for one in chosen] == [0, 100, 350, 400, 650, 900]
    assert sum(map(len, chosen)) == pytest.approx(500, abs=30)
    assert all(a.stop <= b.start for a, b in pairwise(chosen))
    assert all(len(one) >= 50 for one in chosen)


def test_of_more_scenes_than_there_is_room_for_some_are_taken_evenly():
    cuts = list(range(75, 90000, 75))
    chosen = choose(90000, cuts, Fraction(25), 1500 / 90000)
    assert len(chosen) == 30
    assert sum(map(len, chosen)) == pytest.approx(1500, abs=30)
    gaps = np.diff([one.start for one in chosen])
    assert gaps.min() > 0.9 * 3000
    assert gaps.max() < 1.1 * 3000


def test_a_video_without_cuts_gives_several_stretches():
    chosen = choose(10000, [], Fraction(25), 0.1)
    assert len(chosen) == 20
    assert sum(map(len, chosen)) == 1000


def test_almost_all_is_all():
    assert choose(100, [50], Fraction(25), 0.95) == [Stretch(0, 100)]
    assert choose(100, [], Fraction(25), 1.0) == [Stretch(0, 100)]


def test_shares():
    assert read_share("auto") is None
    assert read_share("all") == 1.0
    assert read_share("20%") == read_share("0.2") == 0.2
    for wrong in ("0", "120%", "-1", "some", "nan"):
        with pytest.raises(UsageError, match="--samples"):
            read_share(wrong)
    assert usual_share(120) == usual_share(None) == 1.0
    assert usual_share(600) == pytest.approx(0.1)
    assert usual_share(7200) == 0.05


@pytest.mark.parametrize("depth", [8, 10])
def test_the_file_holds_the_frames_as_they_are(tmp_path, depth):
    source, target = tmp_path / "source.mkv", tmp_path / "samples.mkv"
    make_video(
        source, 30, width=64, height=48, depth=depth, codec="ffv1", rate=Fraction(24000, 1001)
    )
    write_samples(source, [Stretch(3, 8), Stretch(20, 24)], target)
    with VideoReader(source) as reader:
        frames = [frame.planes for frame in reader]
    with VideoReader(target) as reader:
        found = list(reader)
    assert probe(target).rate == Fraction(24000, 1001)
    wanted = [*frames[3:8], *frames[20:24]]
    assert len(found) == len(wanted)
    for frame, planes in zip(found, wanted, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(frame.planes, planes, strict=True))
    times = [float(frame.time) for frame in found]
    assert np.allclose(np.diff(times), 1001 / 24000, atol=1.1e-3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["samples.mkv", "source.mkv"]


def test_names_tell_videos_and_stretches_apart(tmp_path):
    one = file_of(tmp_path, "clip", "ab", [Stretch(0, 5)])
    assert one == file_of(tmp_path, "clip", "ab", [Stretch(0, 5)])
    assert one != file_of(tmp_path, "clip", "ac", [Stretch(0, 5)])
    assert one != file_of(tmp_path, "clip", "ab", [Stretch(0, 6)])
