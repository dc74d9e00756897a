"""The oracle itself: its one subtle part against exact fractions, and the authors' own scores."""

from fractions import Fraction

import numpy as np
import pytest

from tests.metrics import nss_oracle as oracle
from vqa_metrics.nss.luma import luma_from_rgb


def test_fma_rounds_once():
    rng = np.random.default_rng(7)
    a = rng.uniform(0, 0.35, 4000)
    b = np.where(rng.random(4000) < 0.5, rng.integers(0, 256, 4000), rng.uniform(0, 65025, 4000))
    c = np.where(rng.random(4000) < 0.5, -a * b, rng.uniform(0, 300, 4000))
    exact = [
        float(Fraction(x) * Fraction(y) + Fraction(w)) for x, y, w in zip(a, b, c, strict=True)
    ]
    got = oracle.fma(a, b, c)
    assert np.array_equal(got, exact)
    assert not np.array_equal(got, a * b + c)


def test_flat_areas_leave_the_residue_that_the_official_scores_imply(golden):
    for sign, greys in golden["residue_signs"]["greys"].items():
        for grey in greys:
            flat = np.full((9, 9), float(grey))
            residue = (flat - oracle.separable(flat, "replicate"))[4, 4]
            assert np.sign(residue) == int(sign), grey


def test_half_image_is_exact_and_keeps_a_flat_picture():
    rng = np.random.default_rng(1)
    half = oracle.half(rng.integers(0, 256, (9, 14)).astype(float))
    assert half.shape == (5, 7)
    assert np.array_equal(half * 65536, np.round(half * 65536))
    assert np.array_equal(oracle.half(np.full((7, 5), 93.0)), np.full((4, 3), 93.0))


def test_official_scores(model, official):
    rgb, scores = official
    luma = luma_from_rgb(rgb)
    assert oracle.niqe(luma, model) == pytest.approx(scores["niqe"], abs=2e-12)
    assert oracle.brisque(luma, model) == pytest.approx(scores["brisque"], abs=5e-5)
