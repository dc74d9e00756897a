"""BRISQUE: the oracle, the authors' scores, what is undefined, and the metric class."""

from dataclasses import replace

import numpy as np
import pytest

from tests.metrics import nss_oracle as oracle
from vqa_harness.protocols import RunInfo
from vqa_harness.testing import check_metric, rgb_frame, stream_info
from vqa_metrics.brisque import Brisque, brisque, brisque_features
from vqa_metrics.nss import nss_sums
from vqa_metrics.nss.luma import luma_from_rgb
from vqa_metrics.specs.nss import SPECS

SCORED = [
    "natural", "odd", "wide", "noise", "poster", "letterbox", "one_block", "small", "ramp",
]  # fmt: skip


@pytest.mark.parametrize("name", SCORED)
def test_features_are_those_of_the_oracle(pictures, name):
    got, want = brisque_features(nss_sums(pictures[name])), oracle.brisque_features(pictures[name])
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", SCORED)
def test_scores_are_those_of_the_oracle(pictures, golden, name):
    # Features pass through text with six decimals, which takes their difference away, unless one
    # is so near to a rounding boundary that its last digit turns: 1e-6, some 1e-5 of the score.
    assert brisque(pictures[name]) == pytest.approx(golden["pictures"][name]["brisque"], abs=5e-5)


def test_official_scores(official):
    rgb, scores = official
    luma = luma_from_rgb(rgb)
    assert abs(brisque(luma) - scores["brisque"]) <= 5e-5
    features = brisque_features(nss_sums(luma))
    assert np.abs(features - scores["brisque_features"]).max() <= 1e-6


def test_official_scores_through_the_metric(official):
    rgb, scores = official
    frame = rgb_frame(rgb)
    metric = Brisque()
    metric.open(RunInfo(replace(stream_info([frame]), still=True)))
    assert abs(metric.measure(frame, None)["brisque"] - scores["brisque"]) <= 5e-5


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2)])
def test_undefined_on_a_few_pixels(pictures, shape):
    assert brisque(pictures["natural"][: shape[0], : shape[1]]) is None


def test_defined_far_below_a_niqe_block(pictures, model):
    luma = pictures["natural"][:24, :20]
    assert brisque(luma) == pytest.approx(oracle.brisque(luma, model), abs=5e-5)


def test_undefined_frames_give_none_and_leave_the_word_to_the_harness():
    black = rgb_frame(np.zeros((120, 120, 3), np.uint8))
    metric = Brisque()
    metric.open(RunInfo(stream_info([black])))
    assert metric.measure(black, None)["brisque"] is None
    assert [line.partition(",")[0] for line in metric.warnings()] == [
        "brisque: 100% of the picture is flat"
    ]


def test_follows_the_contract():
    check_metric(SPECS[1])
