"""The window is the card's unless one is asked for."""

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

from tests.networks import card_of, random_checkpoint, small_architecture
from vqa_harness.errors import UsageError
from vqa_harness.protocols import Sampling
from vqa_plugin_clip.checkpoint.card import CheckpointCard, read_card
from vqa_plugin_clip.checkpoint.find import find_checkpoint
from vqa_plugin_clip.checkpoint.window import choose_window
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.metric import ClipVqaMetric
from vqa_plugin_clip.plugin import CLIPVQA

FRAGMENTS = Preprocessing(size=32, grid=2).to_dict()
PLAIN = card_of(small_architecture(), preprocessing=FRAGMENTS)
PUBLISHED = replace(PLAIN, architecture=PLAIN.architecture.with_behaviour("published"))
TRAINED = replace(PLAIN, extra={"validation_files": 40})


@pytest.mark.parametrize(
    ("card", "window", "reason"),
    [
        (replace(PUBLISHED, window=4.5), "4.5", "the checkpoint's card"),
        (replace(PLAIN, window="video"), "video", "the checkpoint's card"),
        (PUBLISHED, "video", "the published protocol; the checkpoint's card names none"),
        (TRAINED, "video", "as in training on opinion scores; the checkpoint's card names none"),
        (PLAIN, "2", "the default; the checkpoint's card names none"),
    ],
)
def test_the_cards_window_and_that_of_older_cards(card, window, reason):
    assert choose_window(card, "card", "") == (window, "", reason)
    assert choose_window(card, "7", "3") == ("7", "3", "asked for")


def test_a_hop_goes_with_its_window():
    card = replace(PLAIN, window=4, hop=1.5)
    assert choose_window(card, "card", "")[:2] == ("4", "1.5")
    assert choose_window(card, "card", "2")[:2] == ("4", "2")
    assert choose_window(card, "4", "")[:2] == ("4", "")


@pytest.mark.parametrize(("window", "hop"), [(2, None), (0.1 + 0.2, 0.1), ("video", None)])
def test_cards_keep_their_window(window, hop):
    card = replace(PLAIN, window=window, hop=hop)
    written = card.to_dict()
    assert ("hop" in written) == (hop is not None)
    assert CheckpointCard.from_dict(written) == card


def test_the_bundled_card_says_two_seconds():
    assert read_card(find_checkpoint("default")).window == 2


def test_the_metric_takes_and_tells_it(tmp_path):
    def made(**params):
        defaults = {p.name: p.default for p in CLIPVQA.params} | {"device": "cpu"}
        return ClipVqaMetric(**defaults | {"checkpoint": str(path)} | params)

    def told(metric):
        return [metric.info()[key] for key in ("window", "hop", "window_from")]

    path = random_checkpoint(tmp_path / "four.safetensors", replace(PLAIN, window=4, hop=1))
    assert made().sampling == Sampling(2, 4.0, 1.0)
    assert told(made()) == [4.0, 1.0, "the checkpoint's card"]
    assert told(made(window="3")) == [3.0, 3.0, "asked for"]
    path = random_checkpoint(tmp_path / "whole.safetensors", replace(PLAIN, window="video"))
    assert made().sampling == Sampling(2, None, None)
    assert told(made()) == ["video", "video", "the checkpoint's card"]
    with pytest.raises(UsageError, match=r"hop=1: with window=video there is one window"):
        made(hop="1")
