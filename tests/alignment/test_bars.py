"""Black bars are looked for in the first frames that carry a picture."""

from __future__ import annotations

import numpy as np
import pytest

from tests.alignment.helpers import paired, psnr_y, sample, write
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.pairs import AlignedPairs

SIZE = 320, 136
ENCODED = {"crf": "26", "preset": "veryfast"}


@pytest.fixture(scope="module")
def pictures():
    return sample("bikes", 30, SIZE)


def flat(like, luma):
    return tuple(np.full_like(p, 128 if number else luma) for number, p in enumerate(like))


def padded(frames, top, left, height, width):
    """Frames inside black bars."""
    out = []
    for planes in frames:
        made = []
        for number, plane in enumerate(planes):
            half = 2 if number else 1
            whole = np.full((height // half, width // half), 128 if number else 16, np.uint8)
            y, x = top // half, left // half
            whole[y : y + plane.shape[0], x : x + plane.shape[1]] = plane
            made.append(whole)
        out.append(tuple(made))
    return out


def faded(frames, start, steps):
    """Frames that come up from a flat level."""
    out = []
    for number, planes in enumerate(frames):
        share = min(1.0, (number + 1) / steps)
        levels = start, 128, 128
        out.append(
            tuple(
                np.rint(level + share * (p.astype(float) - level)).astype(np.uint8)
                for p, level in zip(planes, levels, strict=True)
            )
        )
    return out


def title(like):
    """A line of writing on black: far too little to tell bars by."""
    frame = flat(like, 16)
    frame[0][60:76, 120:200:2] = 235
    return frame


STARTS = {
    "black": lambda f: [flat(f[0], 16)] * 40 + f,
    "white": lambda f: [flat(f[0], 235)] * 30 + f,
    "fade from black": lambda f: [flat(f[0], 16)] * 26 + faded(f, 16, 12),
    "fade from white": lambda f: [flat(f[0], 235)] * 26 + faded(f, 235, 12),
    "title": lambda f: [flat(f[0], 16)] * 3 + [title(f[0])] * 30 + f,
}
ABOVE, BESIDE = (22, 0, 180, 320), (0, 40, 136, 400)


@pytest.mark.parametrize(
    ("begin", "place"),
    [*((start, ABOVE) for start in STARTS.values()), (STARTS["fade from black"], BESIDE)],
    ids=[*STARTS, "bars left and right"],
)
def test_bars_after_a_start_without_a_picture(folder, pictures, begin, place):
    frames = begin(pictures)
    ref = write(folder / "start-ref.mp4", frames)
    top, left = place[:2]
    encode = write(folder / "start.mp4", padded(frames[5:], *place), options=ENCODED)
    pairs = AlignedPairs(encode, ref, AlignOptions(crop="auto"))
    try:
        made = list(pairs)
        report = pairs.alignment()
    finally:
        pairs.close()
    assert report["format"]["distorted"]["region"] == [left, top, 320, 136]
    assert report["format"]["reference"]["region"] in (None, [0, 0, 320, 136])
    shown = [(a.index, b.index) for a, b in made if b.index >= len(frames) - 30]
    assert shown == [(i - 5, i) for i in range(len(frames) - 30, len(frames))]
    assert psnr_y([p for p in made if p[1].index >= len(frames) - 15]) > 36


def test_a_video_without_a_picture_is_still_compared(folder, pictures):
    dark = [flat(pictures[0], 16)] * 30
    one, two = write(folder / "dark.mp4", dark), write(folder / "dark-ref.mp4", dark)
    done = paired(one, two, crop="auto")
    assert done.lossless
    assert len(done.pairs) == 30
