"""Signatures: area means that neither lean to a side nor depend on the picture's size."""

import numpy as np
import pytest

from vqa_harness.alignment.signatures import COLUMNS, ROWS, area_means


def weights(size, count):
    """(count, size) the share of each sample in each of equal parts."""
    edges = np.arange(count + 1) * size / count
    place = np.arange(size)
    overlap = np.minimum(edges[1:, None], place + 1) - np.maximum(edges[:-1, None], place)
    overlap = np.maximum(overlap, 0)
    return overlap / overlap.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (2, 40), (37, 63), (90, 160), (200, 65), (287, 854)])
def test_of_low_pictures_every_sample_counts(shape, kind):
    plane = np.random.default_rng(1).integers(0, 255, shape).astype(kind)
    exact = weights(shape[0], ROWS) @ plane.astype(float) @ weights(shape[1], COLUMNS).T
    assert area_means(plane) == pytest.approx(exact.ravel(), abs=1e-3)


@pytest.mark.parametrize("height", [288, 352, 360, 480, 540, 576, 720, 1080, 1440, 2160])
def test_rows_left_out_lean_to_no_side(height):
    ramp = np.repeat(np.arange(height, dtype=np.uint16)[:, None], 64, axis=1)
    exact = weights(height, ROWS) @ ramp
    found = area_means(ramp).reshape(ROWS, COLUMNS)
    assert found.mean() == pytest.approx(exact.mean(), abs=0.15)
    assert np.abs(found - exact).max() < 0.8


@pytest.mark.parametrize("width", [854, 1280, 1918])
def test_columns_are_shared_out_exactly(width):
    plane = np.repeat(np.arange(width, dtype=np.uint16)[None], 720, axis=0)
    exact = np.arange(width) @ weights(width, COLUMNS).T
    assert area_means(plane).reshape(ROWS, COLUMNS)[7] == pytest.approx(exact, rel=1e-5)
