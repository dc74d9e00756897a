"""Packed RGB whose samples are moved into planes, after which the packed picture is let go."""

import av
import numpy as np
import pytest

from vqa_harness.media.orientation import UPRIGHT
from vqa_harness.media.picture import Picture, layout_of

PACKED = ("rgb24", "bgr24", "rgba", "bgra", "argb", "abgr", "bgr0", "0rgb", "pal8")
KEPT = ("rgb565le", "rgb4_byte", "rgb48le", "gbrp", "yuyv422")


def _noise(pix_fmt):
    frame = av.VideoFrame(70, 34, pix_fmt)
    rng = np.random.default_rng(1)
    for plane in frame.planes:
        plane.update(rng.integers(0, 256, plane.buffer_size, np.uint8).tobytes())
    return frame


@pytest.mark.parametrize("pix_fmt", PACKED)
def test_rgb_is_the_same_before_and_after_the_planes_were_asked_for(pix_fmt):
    frame = _noise(pix_fmt)
    before = Picture(frame, UPRIGHT).rgb()
    picture = Picture(frame, UPRIGHT)
    planes = picture.planes()
    assert picture._frame is not frame
    np.testing.assert_array_equal(np.stack(planes, -1), before)
    np.testing.assert_array_equal(picture.rgb(), before)


@pytest.mark.parametrize("pix_fmt", KEPT)
def test_what_a_conversion_would_round_is_kept_as_it_was_decoded(pix_fmt):
    assert not layout_of(pix_fmt).lossless
    frame = _noise(pix_fmt)
    picture = Picture(frame, UPRIGHT)
    picture.planes()
    assert picture._frame is frame
