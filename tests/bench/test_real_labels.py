"""The published annotation files themselves, where they are at hand.

``VQA_LABELS`` names their folder; else ``../shared/media/labels`` beside the repository.
"""

import os
from pathlib import Path

import pytest

from vqa_harness.bench.dataset import find_dataset
from vqa_harness.bench.items import collect
from vqa_harness.bench.leakage import shared_with_training, trained_on
from vqa_harness.bench.splits import choose_part

DEFAULT = Path(__file__).parents[3] / "shared" / "media" / "labels"
LABELS = Path(os.environ.get("VQA_LABELS", DEFAULT))

pytestmark = pytest.mark.skipif(
    not LABELS.is_dir(), reason="no published labels: set VQA_LABELS to their folder"
)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    empty = tmp_path_factory.mktemp("videos")
    found = {}

    def get(name):
        if name not in found:
            found[name] = collect(find_dataset(name), empty, LABELS)
        return found[name]

    return get


@pytest.mark.parametrize(
    ("name", "items", "lowest", "highest"),
    [
        ("konvid-1k", 1200, 1.22, 4.64),
        ("live-vqc", 585, 6.22368, 94.2865),
        ("live-qualcomm", 208, 16.562095145958942, 73.64276415152705),
        ("cvd2014", 234, -6.5, 93.38),
        ("youtube-ugc", 1149, 1.242, 4.677),
        ("dvl2021", 206, 1.0, 4.84375),
        ("lsvq", 38793, 2.44827586206897, 91.4193548387097),
    ],
)
def test_every_row_is_read(read, name, items, lowest, highest):
    scores = [item.score for item in read(name).items]
    assert len(scores) == items
    assert (min(scores), max(scores)) == (lowest, highest)
    scale = read(name).scale
    assert lowest >= scale.low or name == "cvd2014"
    assert highest <= scale.high


@pytest.mark.parametrize(
    ("name", "split", "items"),
    [
        ("konvid-1k", "clipvqa-train", 959),
        ("konvid-1k", "clipvqa-test", 240),
        ("live-vqc", "clipvqa-train", 462),
        ("live-vqc", "clipvqa-test", 117),
        ("live-qualcomm", "clipvqa-train", 162),
        ("live-qualcomm", "clipvqa-test", 46),
        ("cvd2014", "clipvqa-train", 187),
        ("cvd2014", "clipvqa-test", 47),
        ("youtube-ugc", "clipvqa-train", 927),
        ("youtube-ugc", "clipvqa-test", 215),
        ("dvl2021", "clipvqa-train", 164),
        ("dvl2021", "clipvqa-test", 42),
        ("lsvq", "train", 28013),
        ("lsvq", "test", 7219),
        ("lsvq", "test-1080p", 3561),
        ("lsvq", "clipvqa-1080p-test", 3550),
    ],
)
def test_published_lists_are_matched_with_the_annotations(read, name, split, items):
    assert len(choose_part(read(name), split).items) == items


@pytest.mark.parametrize("name", ["konvid-1k", "live-vqc", "cvd2014", "youtube-ugc", "dvl2021"])
def test_published_test_lists_are_apart_from_training(read, name):
    assert shared_with_training(read(name), choose_part(read(name), "clipvqa-test")) == []


def test_the_list_of_live_qualcomm_shares_its_scenes(read):
    found = read("live-qualcomm")
    assert len({item.content for item in found.items}) == 54
    (problem,) = shared_with_training(found, choose_part(found, "clipvqa-test"))
    assert "share contents: 46 files" in problem


def test_the_1080p_training_list_bars_lsvqs_test_part(read):
    found = read("lsvq")
    text = "lsvq:clipvqa-1080p-train"
    reason = trained_on(found, choose_part(found, "test"), text)
    assert "holds 7134 files" in reason
    assert trained_on(found, choose_part(found, "test-1080p"), text) is None
