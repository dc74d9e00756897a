"""Which luma: every code value of every depth and range, RGB, stills."""

from fractions import Fraction

import numpy as np
import pytest

from vqa_harness.frames import ColourInfo
from vqa_harness.testing import rgb_frame, yuv_frame
from vqa_metrics.nss.base import bar_fraction
from vqa_metrics.nss.luma import WEIGHTS, luma_from_plane, luma_from_rgb, nss_luma


def exact(code, depth, full_range):
    """Expanded and rounded half up, in exact fractions."""
    low, span = (0, 2**depth - 1) if full_range else (16 * 2 ** (depth - 8), 219 * 2 ** (depth - 8))
    value = Fraction(int(code) - low) * 255 / span
    return int(min(max((value + Fraction(1, 2)).__floor__(), 0), 255))


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("depth", [8, 9, 10, 12, 14, 16])
def test_every_code_value_is_rounded_once(depth, full_range):
    codes = np.arange(2**depth, dtype=np.uint8 if depth == 8 else np.uint16).reshape(16, -1)
    luma = luma_from_plane(codes, depth, full_range=full_range)
    step = max(1, 2**depth // 4096)
    picked = codes.ravel()[::step]
    assert luma.dtype == np.uint8
    assert luma.ravel()[::step].tolist() == [exact(code, depth, full_range) for code in picked]


@pytest.mark.parametrize(("depth", "code", "luma"), [(10, 64 + 146, 43), (12, 256 + 584, 43)])
def test_a_tie_goes_up(depth, code, luma):
    plane = np.full((1, 1), code, np.uint16)
    assert luma_from_plane(plane, depth, full_range=False)[0, 0] == luma


def test_padded_read_only_planes_are_taken_as_they_are():
    plane = np.arange(200, dtype=np.uint8).reshape(10, 20)[:, :17]
    plane.flags.writeable = False
    want = luma_from_plane(plane.copy(), 8, full_range=False)
    assert np.array_equal(luma_from_plane(plane, 8, full_range=False), want)
    assert luma_from_plane(plane, 8, full_range=True) is plane


def test_rgb_is_weighted_and_rounded_as_in_the_releases():
    rng = np.random.default_rng(2)
    rgb = rng.integers(0, 256, (50, 60, 3), dtype=np.uint8)
    weights = [Fraction(weight) for weight in WEIGHTS]
    want = [
        int((sum(w * int(v) for w, v in zip(weights, pixel, strict=True)) + Fraction(1, 2)) // 1)
        for pixel in rgb.reshape(-1, 3)
    ]
    assert luma_from_rgb(rgb).ravel().tolist() == want
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert luma_from_rgb(grey)[0].tolist() == list(range(256))


def test_official_images_give_the_official_luma(official):
    import hashlib

    rgb, facts = official
    assert hashlib.sha256(luma_from_rgb(rgb).tobytes()).hexdigest() == facts["luma_sha256"]


def planes(luma):
    chroma = np.full(((luma.shape[0] + 1) // 2, (luma.shape[1] + 1) // 2), 90, np.uint8)
    return [luma, chroma, chroma]


def test_a_video_frame_uses_y_and_a_still_uses_rgb(pictures):
    luma = pictures["small"]
    full = ColourInfo(full_range=True, matrix="bt601")
    frame = yuv_frame(planes(luma), colour=full)
    assert np.array_equal(nss_luma(frame, still=False), luma)
    assert np.array_equal(nss_luma(frame, still=True), luma_from_rgb(frame.rgb))
    assert not np.array_equal(nss_luma(frame, still=True), luma)
    limited = yuv_frame(planes(luma))
    assert np.array_equal(
        nss_luma(limited, still=False), luma_from_plane(luma, 8, full_range=False)
    )


def test_an_rgb_frame_and_a_grey_still(pictures):
    rgb = np.stack([pictures["small"], pictures["small"] // 2, pictures["small"] // 3], axis=2)
    assert np.array_equal(nss_luma(rgb_frame(rgb), still=False), luma_from_rgb(rgb))
    full = ColourInfo(full_range=True, matrix="bt601")
    grey = yuv_frame([pictures["small"]], chroma="gray", colour=full)
    assert np.array_equal(nss_luma(grey, still=True), pictures["small"])


@pytest.mark.parametrize("plane", [np.zeros((2, 2)), np.zeros((2, 2, 2), np.uint8)])
def test_refuses_what_is_no_plane(plane):
    with pytest.raises(ValueError, match="a plane must be"):
        luma_from_plane(plane, 8, full_range=True)
    with pytest.raises(ValueError, match="rgb must be"):
        luma_from_rgb(plane)


def test_bars_are_found_at_all_four_edges(pictures):
    picture = pictures["natural"][:240, :400].copy()
    assert bar_fraction(picture) == 0
    letterboxed = picture.copy()
    letterboxed[:32] = 16
    letterboxed[-24:] = 17
    assert bar_fraction(letterboxed) == pytest.approx(56 / 240, abs=0.07)
    pillarboxed = picture.copy()
    pillarboxed[:, -80:] = 0
    assert bar_fraction(pillarboxed) == pytest.approx(0.2, abs=0.04)
    assert bar_fraction(np.zeros((90, 90), np.uint8)) == 0
