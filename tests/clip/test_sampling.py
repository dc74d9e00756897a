"""Frame indices and crop geometry: exactly the published ones."""

import numpy as np
import pytest

from vqa_harness.errors import UsageError
from vqa_plugin_clip.inputs import sampling as s


def legacy(seed):
    return np.random.RandomState(seed)


def test_test_indices(sampling):
    assert len(sampling["test"]) == 140
    for case in sampling["test"]:
        actual = s.frame_indices(case["num_frames"], case["T"])
        assert actual.dtype == np.int64
        assert actual.tolist() == case["indices"], case


def test_training_indices(sampling):
    assert len(sampling["train"]) == 20
    for case in sampling["train"]:
        rng = legacy(case["numpy_legacy_seed"])
        actual = s.random_indices(case["num_frames"], case["T"], rng)
        assert actual.tolist() == case["indices"], case


def test_multi_view_indices(sampling):
    assert sampling["multi_view_random"]
    for case in sampling["multi_view_random"]:
        assert case["frame_interval"] == s.MULTI_VIEW_SPAN
        rng = legacy(case["numpy_legacy_seed"])
        actual = s.multi_view_indices(case["num_frames"], case["T"], case["views"], rng)
        assert actual.tolist() == case["indices"], case


def test_geometry(sampling):
    assert len(sampling["geometry"]) == 28
    for case in sampling["geometry"]:
        source, side = s.Size(*case["source_wh"]), case["input_size"]
        assert s.short_side(side) == case["resize_short_side"]
        frame = s.resized(source, s.short_side(side))
        assert list(frame) == case["resized_wh"]
        assert list(s.center_crop(frame, side)) == case["center_crop_left_top"]
        frame = s.resized(source, side)
        assert list(frame) == case["three_crop_resized_wh"]
        corners = [list(corner) for corner in s.three_crops(frame, side)]
        assert corners == case["three_crop_left_top_in_order"]


def test_multi_scale_crop(sampling):
    for case in sampling["multi_scale_crop"]:
        candidates = s.crop_candidates(s.Size(*case["frame_wh"]), 224)
        assert [list(c.size) for c in candidates] == case["candidate_crop_wh"]
        corners = [[list(corner) for corner in c.corners] for c in candidates]
        assert corners == case["candidate_left_top_per_crop"]


def test_a_side_near_the_input_snaps_to_it():
    sizes = {side for c in s.crop_candidates(s.Size(400, 258), 224) for side in c.size}
    assert sizes == {258, 224, 193, 170}  # 0.875 of 258 is 225


def test_normalisation(sampling):
    assert list(s.MEAN) == sampling["normalisation"]["mean_rgb"]
    assert list(s.STD) == sampling["normalisation"]["std_rgb"]


@pytest.mark.parametrize("sizes", [(0, 8), (10, 0)])
def test_impossible_sizes_are_refused(sizes):
    with pytest.raises(UsageError, match="at least 1"):
        s.frame_indices(*sizes)
    with pytest.raises(UsageError, match="at least 1"):
        s.random_indices(*sizes, legacy(0))
    with pytest.raises(UsageError, match="views=0"):
        s.multi_view_indices(10, 2, 0, legacy(0))
