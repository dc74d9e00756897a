"""``clipvqa evaluate``: which networks can be measured on stored clips."""

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="torch is not installed; it comes with the extra clip")

from tests.networks import card_of
from vqa_harness.errors import UsageError
from vqa_plugin_clip.distill.compare import _check_input
from vqa_plugin_clip.distill.network import small_architecture
from vqa_plugin_clip.inputs.preprocess import Preprocessing

FRAGMENTS = Preprocessing(kind="fragments", size=224, grid=7).to_dict()


@pytest.mark.parametrize("frames", [1, 4, 10])
def test_networks_of_the_same_fragments_are_measured(frames):
    _check_input("x", card_of(small_architecture(frames), preprocessing=FRAGMENTS))


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (
            card_of(small_architecture(4), preprocessing=FRAGMENTS | {"kind": "resize"}),
            "x: takes resize of 224 pixels; only networks of 7x7 fragments",
        ),
        (
            card_of(small_architecture(4), preprocessing=FRAGMENTS | {"grid": 4}),
            "x: takes fragments of 224 pixels",
        ),
        (
            card_of(replace(small_architecture(4), frames=32), preprocessing=FRAGMENTS),
            "x: takes 32 frames, and clips have 10",
        ),
    ],
)
def test_what_clips_cannot_show_is_refused(card, message):
    with pytest.raises(UsageError, match=message):
        _check_input("x", card)
