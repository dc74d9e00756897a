import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqa_harness.errors import InputError
from vqa_plugin_clip.inputs.preprocess import Preprocessing, centre, fragments, starts


def coordinates(height, width):
    """A picture whose pixels say where they are."""
    rows, columns = np.indices((height, width))
    return np.stack([rows % 256, columns % 256, rows // 256 * 16 + columns // 256], -1).astype(
        np.uint8
    )


@given(
    st.integers(1, 400),
    st.integers(1, 400),
    st.integers(1, 5),
    st.integers(1, 40),
    st.integers(0, 9),
)
def test_fragments_are_native_pixels_in_order(height, width, grid, patch, seed):
    picture = coordinates(height, width)
    places = np.random.default_rng(seed).uniform(size=(grid, grid, 2))
    out = fragments(picture, grid, patch, places)
    assert out.shape == (grid * patch, grid * patch, 3)
    cells = out.reshape(grid, patch, grid, patch, 3).astype(int)
    rows = cells[..., 0] + cells[..., 2] // 16 * 256
    columns = cells[..., 1] + cells[..., 2] % 16 * 256
    if height >= patch:
        assert (np.diff(rows, axis=1) == 1).all()
        assert (np.diff(rows[:, 0, :, 0], axis=0) >= 0).all()
    if width >= patch:
        assert (np.diff(columns, axis=3) == 1).all()
        assert (np.diff(columns[:, 0, :, 0], axis=1) >= 0).all()


def test_patches_of_a_large_frame_stay_in_their_cells():
    places = np.ones((7, 7))
    assert starts(1080, 7, 32, places)[:, 0].tolist() == [122, 276, 430, 585, 739, 893, 1048]
    middle = starts(1080, 7, 32, places / 2)[:, 0]
    assert middle.tolist() == [61, 215, 369, 523, 678, 832, 986]


def test_a_frame_smaller_than_the_picture_overlaps_and_reaches_both_edges():
    first = starts(144, 7, 32, np.full((7, 7), 0.5))[:, 0]
    assert (first[0], first[-1]) == (0, 144 - 32)


def test_centre_keeps_a_flat_picture_and_the_middle():
    flat = np.full((300, 200, 3), 77, np.uint8)
    assert (centre(flat, 256, 224) == 77).all()
    assert centre(flat, 256, 224).shape == (224, 224, 3)
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (300, 200, 3))
    row = centre(np.ascontiguousarray(ramp), 200, 100)[50, :, 0]
    assert row.tolist() == list(range(50, 150))


def test_the_tensor_is_normalised_channel_first():
    pytest.importorskip("torch", reason="needs the extra clip (torch)")
    made = Preprocessing().tensor(np.full((2, 3, 224, 224, 3), 255, np.uint8))
    assert made.shape == (2, 3, 3, 224, 224)
    assert made[0, 0, :, 0, 0].tolist() == pytest.approx([2.2489, 2.4286, 2.6400], abs=1e-4)


def test_a_card_round_trip_and_what_it_refuses():
    given_ = Preprocessing("resize", 224, 7, 256)
    assert Preprocessing.from_dict(given_.to_dict()) == given_
    for values, words in (
        ({"kind": "warp"}, "warp"),
        ({"size": 225}, "not a multiple"),
        ({"kind": "resize", "resize_to": 100}, "below"),
        ({"mean": [1.0]}, "three means"),
        ({"std": [1.0, 0.0, 1.0]}, "above 0"),
        ({"size": "large"}, "preprocessing"),
        ({"blur": 1}, "blur"),
    ):
        with pytest.raises(InputError, match=words):
            Preprocessing.from_dict(values)
