"""Frames in memory as a video."""

from fractions import Fraction

import numpy as np
import pytest

from vqa_harness import UsageError, Video
from vqa_harness.api.facts import frame_rate

RGB = np.zeros((2, 8, 6, 3), np.uint8)
Y, C = np.zeros((2, 8, 6), np.uint8), np.zeros((2, 4, 3), np.uint8)
LIMITED = {"fps": 25, "matrix": "bt709", "full_range": False}


def frames(video):
    return list(video.frames())


def test_rgb_frames_are_given_as_they_are():
    rgb = np.random.default_rng(1).integers(0, 256, (3, 8, 6, 3), np.uint8)
    video = Video.from_rgb(rgb, **LIMITED)
    found = frames(video)
    assert len(video) == len(found) == 3
    assert [f.time for f in found] == [0, Fraction(1, 25), Fraction(2, 25)]
    assert np.array_equal(found[1].rgb, rgb[1])
    assert found[1].rgb.base is rgb or np.shares_memory(found[1].rgb, rgb)
    assert not found[1].rgb.flags.writeable
    assert (video.info.chroma, video.info.depth, video.info.pix_fmt) == ("444", 8, "yuv444p")
    assert video.info.expected_frames == 3
    assert video.info.duration == Fraction(3, 25)


@pytest.mark.parametrize(
    ("matrix", "full_range", "colour", "luma"),
    [
        ("bt709", False, (255, 255, 255), 235),
        ("bt709", True, (255, 255, 255), 255),
        ("bt709", True, (255, 0, 0), round(255 * 0.2126)),
        ("bt601", True, (255, 0, 0), round(255 * 0.299)),
        ("bt2020", False, (0, 0, 0), 16),
    ],
)
def test_luma_of_rgb_frames_follows_matrix_and_range(matrix, full_range, colour, luma):
    picture = np.full((1, 4, 4, 3), colour, np.uint8)
    (frame,) = frames(Video.from_rgb(picture, fps=25, matrix=matrix, full_range=full_range))
    assert [p.shape for p in frame.planes] == [(4, 4)] * 3
    assert np.all(frame.luma == luma)


def test_rgb_frames_may_stay_rgb():
    rgb = np.random.default_rng(2).integers(0, 256, (1, 4, 4, 3), np.uint8)
    (frame,) = frames(Video.from_rgb(rgb, fps=25, matrix="rgb", full_range=True))
    assert frame.chroma == "rgb"
    assert np.array_equal(np.stack(frame.planes, -1), rgb[0])


def test_planes_are_views_and_rgb_is_made_of_them():
    full = np.full((1, 8, 6), 235, np.uint8)
    video = Video.from_planes((full, *[np.full((1, 4, 3), 128, np.uint8)] * 2), **LIMITED)
    (frame,) = frames(video)
    assert np.shares_memory(frame.luma, full)
    assert np.all(frame.rgb == 255)


def test_odd_sizes_depths_and_gray():
    y, c = np.zeros((1, 5, 7), np.uint16), np.zeros((1, 3, 4), np.uint16)
    video = Video.from_planes((y, c, c), depth=10, **LIMITED)
    assert video.info.pix_fmt == "yuv420p10le"
    assert Video.from_planes((Y,), chroma="gray", **LIMITED).info.pix_fmt == "gray"


def test_samples_beyond_the_depth_are_refused():
    y, c = np.full((1, 4, 4), 1024, np.uint16), np.zeros((1, 2, 2), np.uint16)
    video = Video.from_planes((y, c, c), depth=10, **LIMITED)
    with pytest.raises(UsageError, match="frame 0 holds 1024, beyond 1023 of 10 bits"):
        frames(video)


def test_lists_of_frames_and_other_libraries():
    class Foreign:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    assert len(Video.from_rgb(list(RGB), **LIMITED)) == 2
    assert len(Video.from_rgb(Foreign(RGB), **LIMITED)) == 2
    assert len(Video.from_planes((Foreign(Y), list(C), C), **LIMITED)) == 2


def test_torch_tensors_are_not_copied():
    torch = pytest.importorskip("torch")
    frames_ = torch.zeros((2, 8, 6, 3), dtype=torch.uint8)
    video = Video.from_rgb(frames_, **LIMITED)
    frames_[1] = 7
    assert np.all(frames(video)[1].rgb == 7)
    channels_last = torch.zeros((2, 3, 8, 6), dtype=torch.uint8).permute(0, 2, 3, 1)
    assert frames(Video.from_rgb(channels_last, **LIMITED))[0].rgb.flags.c_contiguous
    with pytest.raises(UsageError, match="cannot be read as a NumPy array"):
        Video.from_rgb(torch.zeros((2, 8, 6, 3), device="meta", dtype=torch.uint8), **LIMITED)


def test_copies_do_not_follow_the_array():
    rgb = RGB.copy()
    kept = next(Video.from_rgb(rgb, **LIMITED).frames(5, copy=True))
    rgb[:] = 9
    assert kept.index == 5
    assert np.all(kept.rgb == 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (RGB.transpose(0, 3, 1, 2), r"are \(2, 3, 8, 6\); colours come last: .permute"),
        (RGB.astype(np.float32), "are float32; RGB frames are uint8"),
        (RGB[0], r"\[T, H, W, 3\] is needed; for one frame, add an axis"),
        (RGB[:, :, :, :2], r"RGB frames are \[T, H, W, 3\]"),
        (RGB[:0], "no picture"),
        ([], "no picture"),
        ([RGB[0], RGB[0, :4]], r"one frame is uint8 \(4, 6, 3\), the first uint8 \(8, 6, 3\)"),
        (b"bytes", "type bytes is not an array"),
        (None, "type NoneType is not an array"),
    ],
)
def test_what_is_no_rgb_frame(given, message):
    with pytest.raises(UsageError, match=message) as caught:
        Video.from_rgb(given, **LIMITED)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("planes", "options", "message"),
    [
        ((Y, C), {}, "420 needs 3 planes, got 2"),
        ((Y, C, C, C), {}, "420 needs 3 planes, got 4"),
        ((Y, Y, Y), {}, r"plane 1 is uint8 \(8, 6\), expected uint8 \(4, 3\)"),
        ((Y, C, C), {"depth": 10}, "expected uint16"),
        ((Y, C[:1], C), {}, "hold 2, 1, 2 frames"),
        (Y, {"chroma": "gray"}, r"give a tuple of arrays"),
        ((Y, C, C), {"chroma": "420p"}, "chroma='420p': choose one of"),
        ((Y, C, C), {"depth": 7}, "depth=7: choose one of"),
        ((Y, C, C), {"matrix": "rgb"}, "matrix='rgb': choose one of bt601"),
        ((Y, Y, Y), {"chroma": "rgb"}, "say matrix='rgb' and full_range=True"),
    ],
)
def test_planes_that_do_not_fit(planes, options, message):
    with pytest.raises(UsageError, match=message):
        Video.from_planes(planes, **{**LIMITED, **options})


@pytest.mark.parametrize("fps", [0, -1, 1000, float("nan"), "25", True and object()])
def test_a_rate_that_cannot_be(fps):
    with pytest.raises(UsageError, match="needs a number above 0"):
        frame_rate(fps)


def test_rates():
    assert frame_rate(30000 / 1001) == Fraction(30000, 1001)
    assert frame_rate(24) == 24
    assert frame_rate(Fraction(60000, 1001)) == Fraction(60000, 1001)
    assert frame_rate(None) is None


def test_rgb_has_full_range():
    with pytest.raises(UsageError, match="say full_range=True"):
        Video.from_rgb(RGB, fps=25, matrix="rgb", full_range=False)
    with pytest.raises(UsageError, match="matrix='709': choose one of"):
        Video.from_rgb(RGB, fps=25, matrix="709", full_range=False)


def test_it_says_what_it_is():
    assert repr(Video.from_rgb(RGB, **LIMITED)) == "Video(frames: 2 frames 6x8 rgb, 25 fps)"
    assert "yuv420p, unknown fps" in repr(Video.from_planes((Y, C, C), **{**LIMITED, "fps": None}))


def test_deinterlacing_is_for_files():
    with pytest.raises(UsageError, match="taken as they are"):
        Video.from_rgb(RGB, **LIMITED).open(deinterlace="always")
