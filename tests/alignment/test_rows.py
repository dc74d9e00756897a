"""Pairs that other tools trip over, which no other test of the alignment holds."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from tests.alignment.helpers import codes, paired, pattern, write
from vqa_harness.media.picture import resize_planes


def slow_pan(n, step=0.5):
    """A window that moves over texture by less than a pixel a frame."""
    rng = np.random.default_rng(7)
    fine = np.kron(rng.integers(40, 200, (48, 100)), np.ones((8, 8)))
    for axis in (0, 1):
        fine = sum(np.roll(fine, k, axis) for k in range(-4, 5)) / 9
    flat = np.full((96, 160), 128, np.uint8)
    out = []
    for index in range(n):
        whole, part = divmod(index * step, 1)
        left = int(whole)
        window = (1 - part) * fine[:192, left : left + 320]
        window = window + part * fine[:192, left + 1 : left + 321]
        out.append((window.round().astype(np.uint8), flat, flat))
    return out


def test_times_that_a_container_loses_are_no_hindrance(folder):
    frames = pattern(40)
    options = {"crf": "10", "bf": "3"}
    stamps = {"pts": [20 * i for i in range(40)], "time_base": Fraction(1, 600)}
    avi = write(folder / "b.avi", frames, options=options, rate=30, **stamps)
    found = paired(avi, write(folder / "b.mp4", frames, options=options, rate=30))
    assert found.pairs == [(i, i) for i in range(40)]
    assert any("index / rate" in note for note in found.reading["distorted"]["notes"])


def test_subsampling_is_that_of_the_reference(folder):
    frames = pattern(30)
    doubled = [
        (f[0], *(np.kron(p, np.ones((2, 2), np.uint8)).astype(np.uint8) for p in f[1:]))
        for f in frames
    ]
    fine = write(folder / "444.mkv", doubled, codec="ffv1", options={}, chroma="444")
    coarse = write(folder / "420.mp4", frames)
    for files, expected in (((coarse, fine), "yuv444p"), ((fine, coarse), "yuv420p")):
        found = paired(*files)
        assert found.pairs == [(i, i) for i in range(30)]
        assert found.json["format"]["measured"]["pix_fmt"] == expected


def test_a_drop_in_a_slow_pan_is_found_under_coding_noise(folder):
    frames = slow_pan(60)
    kept = [i for i in range(60) if i != 35]
    reference = write(folder / "pan.mp4", frames)
    options = {"crf": "30", "preset": "veryfast"}
    found = paired(
        write(folder / "pan30.mp4", [frames[i] for i in kept], options=options), reference
    )
    right = sum(pair == true for pair, true in zip(found.pairs, enumerate(kept), strict=True))
    assert right >= 54
    assert found.json["dropped"]["count"] == 1
    assert abs(found.json["dropped"]["list"][0] - 35) <= 3


def test_size_depth_and_a_drop_at_once(folder):
    ten = [tuple(p.astype(np.uint16) * 4 for p in f) for f in pattern(50)]
    small = [resize_planes(f, "420", 8, (80, 48)) for f in pattern(50)]
    reference = write(folder / "ten.mkv", ten, depth=10, codec="ffv1", options={})
    kept = [i for i in range(50) if i != 20]
    found = paired(write(folder / "small.mp4", [small[i] for i in kept]), reference)
    assert found.pairs == list(enumerate(kept))
    assert found.json["dropped"]["list"] == [20]
    assert "dropped" in codes(found)
