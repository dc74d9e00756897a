"""One picture in several storages is one RGB picture: depth, subsampling, range, tags."""

from fractions import Fraction

import numpy as np
import pytest

from vqa_harness.frames import ColourInfo
from vqa_harness.media.encode import encode_frames
from vqa_harness.media.picture import PlaneSource
from vqa_harness.media.reader import VideoReader
from vqa_harness.testing.synthetic import moving_pattern

LIMITED, FULL = ColourInfo(False, "bt709"), ColourInfo(True, "bt709")
SIZE = 96, 64


@pytest.fixture(scope="module")
def planes():
    """A textured picture whose chroma is smooth: 8-bit 4:2:0, limited range."""
    luma = moving_pattern(1, *SIZE)[0][0]
    ramp = np.linspace(90, 170, SIZE[0] // 2)
    u = np.broadcast_to(ramp, (SIZE[1] // 2, SIZE[0] // 2))
    return [luma, np.rint(u).astype(np.uint8), np.rint(260 - u).astype(np.uint8)]


def exact(planes, *, full=False):
    """RGB by ITU-R BT.709 in float64, chroma repeated."""
    y, u, v = (np.asarray(plane, np.float64) for plane in planes)
    u, v = (c - 128 if c.shape == y.shape else np.kron(c - 128, np.ones((2, 2))) for c in (u, v))
    if not full:
        y, u, v = (y - 16) * 255 / 219, u * 255 / 224, v * 255 / 224
    parts = [y + 1.5748 * v, y - 0.187324 * u - 0.468124 * v, y + 1.8556 * u]
    return np.clip(np.stack(parts, -1), 0, 255)


def full_range(planes):
    y, *chroma = (np.asarray(plane, np.float64) for plane in planes)
    stretched = [(y - 16) * 255 / 219, *((c - 128) * 255 / 224 + 128 for c in chroma)]
    return [np.rint(np.clip(plane, 0, 255)).astype(np.uint8) for plane in stretched]


def test_video_becomes_rgb_without_a_bias(planes):
    """The default path of swscale is 1 to 2 levels too dark here."""
    for colour, stored in ((LIMITED, planes), (FULL, full_range(planes))):
        rgb = PlaneSource(stored, "420", 8, colour).rgb()
        away = rgb - exact(stored, full=colour.full_range)
        assert np.abs(away.mean((0, 1))).max() < 0.15
        assert np.abs(away).mean() < 0.75


def test_ten_bits_and_full_chroma_are_the_same_picture(planes):
    eight = PlaneSource(planes, "420", 8, LIMITED).rgb().astype(int)
    ten = [plane.astype(np.uint16) << 2 for plane in planes]
    assert np.abs(PlaneSource(ten, "420", 10, LIMITED).rgb() - eight).max() <= 1
    whole = [planes[0], *(np.kron(c, np.ones((2, 2), np.uint8)) for c in planes[1:])]
    away = PlaneSource(whole, "444", 8, LIMITED).rgb() - eight
    assert abs(away.mean()) < 0.05
    assert np.abs(away).mean() < 1


@pytest.mark.parametrize("codec", ["libx264", "ffv1"])
def test_a_tag_for_the_place_of_chroma_changes_nothing(tmp_path, planes, codec):
    """H.264 places chroma to the left and FFV1 says nothing; planes have no tag at all."""
    path = tmp_path / "clip.mkv"
    encode_frames(path, [planes], rate=Fraction(25), codec=codec, colour=LIMITED)
    with VideoReader(path) as reader:
        frame = next(iter(reader))
    assert np.array_equal(frame.rgb, PlaneSource(frame.planes, "420", 8, LIMITED).rgb())
