"""The compiled pass against the oracle: counts exactly, sums to float32 accuracy."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.metrics import nss_oracle as oracle
from vqa_metrics.nss import nss_sums

# Coefficients are stored as float32 (relative error 6e-8 each, of both signs) and squared after one
# product; column sums of up to 96 of them are float32, everything after that float64.
ACCURACY = 1e-6


def sums_of(values):
    below, above = values[values < 0], values[values > 0]
    return [(below**2).sum(), (above**2).sum(), np.abs(values).sum(), below.size, above.size]


def expected(z):
    return np.array([sums_of(z)] + [sums_of(product) for product in oracle.neighbours(z)])


def check(got, want):
    assert np.array_equal(got[..., 3:], want[..., 3:])
    np.testing.assert_allclose(got[..., :3], want[..., :3], rtol=ACCURACY, atol=0)


NAMES = ["natural", "odd", "wide", "noise", "poster", "letterbox", "one_block", "small", "ramp"]


@pytest.mark.parametrize("name", NAMES)
def test_frame_sums(pictures, name):
    luma = pictures[name]
    image = luma.astype(np.float64)
    sums = nss_sums(luma)
    for scale, scaled in enumerate((image, oracle.half(image))):
        check(sums.frame[scale], expected(oracle.mscn(scaled, "zero")))
        assert sums.samples[scale] == scaled.size


@pytest.mark.parametrize("name", NAMES)
def test_block_sums(pictures, name):
    luma = pictures[name]
    rows, columns = luma.shape[0] // 96, luma.shape[1] // 96
    sums = nss_sums(luma)
    assert sums.blocks.shape == (2, rows, columns, 5, 5)
    if not rows or not columns:
        return
    image = luma[: rows * 96, : columns * 96].astype(np.float64)
    for scale, (scaled, size) in enumerate(((image, 96), (oracle.half(image), 48))):
        z = oracle.mscn(scaled, "replicate")
        for r in range(rows):
            for c in range(columns):
                block = z[r * size : (r + 1) * size, c * size : (c + 1) * size]
                check(sums.blocks[scale, r, c], expected(block))


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 9), (2, 3), (5, 1), (3, 195), (190, 2), (97, 193), (195, 389), (200, 383)]
)
def test_every_size_wraps_round_its_edges(pictures, shape):
    luma = np.tile(pictures["natural"], (1, 1))[: shape[0], 3 : 3 + shape[1]]
    image = luma.astype(np.float64)
    sums = nss_sums(luma)
    for scale, scaled in enumerate((image, oracle.half(image))):
        check(sums.frame[scale], expected(oracle.mscn(scaled, "zero")))


def test_every_grey_value_leaves_the_right_residue():
    for grey in range(256):
        flat = np.full((96, 96), grey, np.uint8)
        coefficient = oracle.mscn(flat[:9, :9].astype(float), "replicate")[4, 4]
        below, above = nss_sums(flat).blocks[0, 0, 0, 0, 3:]
        assert (below, above) == (9216 * (coefficient < 0), 9216 * (coefficient > 0)), grey


def test_grey_values_of_the_official_images(golden):
    for sign, greys in golden["residue_signs"]["greys"].items():
        for grey in greys:
            below, above = nss_sums(np.full((96, 96), grey, np.uint8)).blocks[0, 0, 0, 0, 3:]
            assert np.sign(above - below) == int(sign), grey


def test_flat_fraction(pictures):
    half_flat = pictures["natural"][:200, :300].copy()
    half_flat[:100] = 50
    inner = (100 - 3 - 3) * (300 - 6)  # windows wholly inside the flat rows; zeros are around it
    assert nss_sums(half_flat).flat_fraction == pytest.approx(inner / half_flat.size, abs=1e-3)
    assert nss_sums(pictures["natural"]).flat_fraction < 0.01


def test_the_frame_alone(pictures):
    alone, both = nss_sums(pictures["poster"], blocks=False), nss_sums(pictures["poster"])
    assert alone.blocks.size == 0
    assert np.array_equal(alone.frame[..., 3:], both.frame[..., 3:])
    np.testing.assert_allclose(alone.frame, both.frame, rtol=ACCURACY)


def test_layout_does_not_matter(pictures):
    luma = pictures["odd"]
    padded = np.zeros((luma.shape[0], luma.shape[1] + 13), np.uint8)
    padded[:, : luma.shape[1]] = luma
    frozen = luma.copy()
    frozen.flags.writeable = False
    want = nss_sums(luma)
    for other in (padded[:, : luma.shape[1]], frozen, np.asfortranarray(luma)):
        got = nss_sums(other)
        assert np.array_equal(got.blocks, want.blocks)
        assert np.array_equal(got.frame, want.frame)


def test_threads_do_not_mix(pictures):
    lumas = [pictures[name] for name in NAMES] * 4
    alone = [nss_sums(luma) for luma in lumas]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(nss_sums, lumas))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.blocks, other.blocks)
        assert np.array_equal(one.frame, other.frame)


@pytest.mark.parametrize(
    "luma",
    [np.zeros((4, 4)), np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4), np.uint8)],
    ids=["float", "colour", "empty"],
)
def test_refuses_what_is_no_luma(luma):
    with pytest.raises(ValueError, match="must be a non-empty"):
        nss_sums(luma)
