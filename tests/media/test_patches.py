"""Patches converted from their own planes are those of the whole picture, to the last bit."""

from fractions import Fraction

import numpy as np
import pytest

from vqa_harness.frames import ColourInfo, Frame
from vqa_harness.media import picture
from vqa_harness.media.encode import encode_frames
from vqa_harness.media.patches import MARGIN, cut_patches
from vqa_harness.media.pixels import chroma_shape
from vqa_harness.media.reader import VideoReader

SIDE = 32


@pytest.fixture(autouse=True)
def cut_small_ones_too(monkeypatch):
    monkeypatch.setattr(picture, "WORTH", 0)


def noise(chroma, depth, size, seed=1):
    width, height = size
    rng = np.random.default_rng(seed)
    dtype = np.uint8 if depth == 8 else np.uint16
    shapes = [(height, width), *2 * [chroma_shape(chroma, width, height)]]
    return [rng.integers(0, 2**depth, shape, dtype) for shape in shapes]


def decoded(folder, chroma, depth, size):
    """A frame as the decoder gives it, of noise: neighbours have nothing in common."""
    path = folder / "noise.mkv"
    encode_frames(
        path,
        [noise(chroma, depth, size)],
        chroma=chroma,
        depth=depth,
        rate=Fraction(25),
        codec="ffv1",
        colour=ColourInfo(False, "bt709"),
    )
    with VideoReader(path) as reader:
        return next(iter(reader))


def whole(frame, rows, columns):
    rgb = frame._pixels().rgb()
    return np.concatenate(
        [np.concatenate([rgb[r : r + SIDE, c : c + SIDE] for c in columns], 1) for r in rows]
    )


@pytest.mark.parametrize("depth", [8, 10, 12])
@pytest.mark.parametrize("chroma", ["420", "422", "444"])
@pytest.mark.parametrize("size", [(640, 360), (638, 358), (58, 46), (32, 34)])
def test_patches_are_those_of_the_whole_picture(tmp_path, chroma, depth, size):
    frame = decoded(tmp_path, chroma, depth, size)
    width, height = size
    rows = [0, 1, 3, height // 2, height - SIDE - 1, height - SIDE]
    columns = [0, 5 if width > SIDE else 0, width // 2 - SIDE // 2, width - SIDE]
    rows = [min(row, height - SIDE) for row in rows]
    patches = frame.rgb_patches(rows, columns, SIDE)
    assert "rgb" not in frame._cache  # made of the patches alone
    np.testing.assert_array_equal(patches, whole(frame, rows, columns))


@pytest.mark.parametrize(
    ("chroma", "size"), [("420", (65, 64)), ("422", (64, 65)), ("440", (64, 64))]
)
def test_other_pictures_are_converted_as_a_whole(tmp_path, chroma, size):
    frame = decoded(tmp_path, chroma, 8, size)
    patches = frame.rgb_patches([1, 7], [0, 3], SIDE)
    assert "rgb" in frame._cache
    np.testing.assert_array_equal(patches, whole(frame, [1, 7], [0, 3]))


def test_small_pictures_are_converted_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.undo()
    frame = decoded(tmp_path, "420", 8, (64, 64))
    frame.rgb_patches([1, 7], [0, 3], SIDE)
    assert "rgb" in frame._cache


def test_rgb_that_is_there_already_is_used(tmp_path):
    frame = decoded(tmp_path, "420", 8, (64, 64))
    rgb = frame.rgb
    frame._cache["rgb"] = marked = np.zeros_like(rgb)
    marked[2, 4] = 7
    assert frame.rgb_patches([2], [4], SIDE)[0, 0].tolist() == [7, 7, 7]


def test_arrays_are_cut_from_their_rgb():
    class Source:
        def rgb(self):
            return np.arange(3 * 64 * 64, dtype=np.uint32).astype(np.uint8).reshape(64, 64, 3)

    colour = ColourInfo(True, "rgb")
    frame = Frame(0, None, 64, 64, 8, "rgb", colour, Source())
    np.testing.assert_array_equal(
        frame.rgb_patches([3], [4], SIDE), Source().rgb()[3 : 3 + SIDE, 4 : 4 + SIDE]
    )


def test_patches_keep_a_margin():
    cut = cut_patches(noise("420", 8, (64, 64)), "420", [0, 32], [0, 32], SIDE)
    assert cut is not None
    room = SIDE + 2 * MARGIN + 2
    assert [plane.shape for plane in cut.planes] == [(2 * room,) * 2, *2 * [(room,) * 2]]
    assert cut.rows[[0, SIDE, -1]].tolist() == [MARGIN, room + MARGIN, room + MARGIN + SIDE - 1]
