"""A shift by a pixel and an overscan crop are told, with the estimate; nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from tests.alignment.helpers import paired, sample, write
from vqa_harness.alignment.placement import PlacementMeter, coarse_displacement
from vqa_harness.media.picture import resize_planes

ENCODED = {"crf": "24", "preset": "veryfast"}
SIZE = 640, 360


@pytest.fixture(scope="module")
def pictures():
    return sample("bigbuckbunny", 16, SIZE)


@pytest.fixture(scope="module")
def clip(folder, pictures):
    return write(folder / "placed.mp4", pictures)


def shifted(frames, x, y):
    return [(np.roll(luma, (y, x), (0, 1)), *chroma) for luma, *chroma in frames]


def overscanned(frames, share):
    """The middle of the pictures, as wide and high as the whole."""
    width, height = SIZE
    x, y = (2 * round(n * (1 - share) / 4) for n in SIZE)
    out = []
    for planes in frames:
        cut = tuple(
            p[y // d : (height - y) // d, x // d : (width - x) // d]
            for p, d in zip(planes, (1, 2, 2), strict=True)
        )
        out.append(resize_planes(cut, "420", 8, SIZE))
    return out


def told(done):
    return [w for w in done.warnings if w.startswith("placement:")]


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (1, 0, "1.0 pixels to the right"),
        (-1, 0, "1.0 pixels to the left"),
        (0, 2, "2.0 pixels down"),
        (3, -2, "3.0 pixels to the right and 2.0 pixels up"),
    ],
)
def test_a_shift_is_told(folder, pictures, clip, x, y, words):
    done = paired(write(folder / "shift.mp4", shifted(pictures, x, y), options=ENCODED), clip)
    (line,) = told(done)
    assert words in line
    assert done.json["placement"]["shift"] == pytest.approx([x, y], abs=0.1)
    assert done.json["placement"]["scale"] == pytest.approx([1, 1], abs=0.001)


@pytest.mark.parametrize("share", [0.98, 0.95])
def test_an_overscan_crop_is_told(folder, pictures, clip, share):
    done = paired(write(folder / "over.mp4", overscanned(pictures, share), options=ENCODED), clip)
    (line,) = told(done)
    assert "% wide" in line
    assert "overscan" in line
    assert done.json["placement"]["scale"] == pytest.approx([1 / share, 1 / share], abs=0.004)


@pytest.mark.parametrize("name", ["bikes", "bigbuckbunny", "fullreferencepair"])
@pytest.mark.parametrize(("small", "crf"), [(1, "42"), (4, "24")])
def test_encodes_and_rungs_are_not_taken_for_displaced(folder, name, small, crf):
    frames = sample(name, 16, (320, 176))
    width, height = 320 // small, 176 // small
    rung = [resize_planes(f, "420", 8, (width, height)) for f in frames]
    path = write(folder / "rung.mp4", rung, options={"crf": crf, "preset": "veryfast"})
    assert not told(paired(path, write(folder / f"{name}-placed.mp4", frames)))


def test_a_coder_that_lags_behind_is_not_taken_for_displaced(folder, pictures, clip):
    """All but the picture that was coded by itself lie behind by a pixel."""
    lagging = write(folder / "lag.mp4", pictures[:1] + shifted(pictures[1:], 1, 1))
    assert not told(paired(lagging, clip))


def test_what_moves_or_is_flat_tells_nothing(pictures):
    flat = np.full((360, 640), 90.0)
    assert coarse_displacement(flat, flat) is None
    noise = np.random.default_rng(0).normal(120, 30, (2, 360, 640))
    assert coarse_displacement(noise[0], noise[1]) is None
    assert coarse_displacement(np.zeros((20, 30)), np.zeros((20, 30))) is None
    assert PlacementMeter().result() is None


def test_pairs_that_the_pictures_contradict_are_not_measured(folder):
    frames = sample("bikes", 40, (320, 136), every=3)
    one = write(folder / "contradicted.mp4", shifted(frames[6:], 1, 0))
    done = paired(one, write(folder / "contradicted-ref.mp4", frames), mode="index")
    assert done.json["placement"] is None
