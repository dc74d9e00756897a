"""NIQE: the oracle, the authors' scores, what is undefined, and the metric class."""

from dataclasses import replace

import numpy as np
import pytest

from tests.metrics import nss_oracle as oracle
from vqa_harness.frames import ColourInfo
from vqa_harness.protocols import RunInfo
from vqa_harness.testing import check_metric, rgb_frame, stream_info, yuv_frame
from vqa_harness.testing.synthetic import make_video
from vqa_metrics.brisque import Brisque
from vqa_metrics.niqe import Niqe, niqe, niqe_features
from vqa_metrics.nss import base as nss_metric
from vqa_metrics.nss import nss_sums
from vqa_metrics.nss.luma import luma_from_rgb
from vqa_metrics.specs.nss import SPECS

FULL = ColourInfo(full_range=True, matrix="bt601")
SCORED = ["natural", "odd", "wide", "noise", "poster", "letterbox", "one_block", "ramp"]


def frame_of(luma, index=0):
    chroma = np.full(((luma.shape[0] + 1) // 2, (luma.shape[1] + 1) // 2), 128, np.uint8)
    return yuv_frame([luma, chroma, chroma], index=index, colour=FULL)


def opened(metric, frame, **facts):
    metric.open(RunInfo(replace(stream_info([frame]), **facts)))
    return metric


@pytest.mark.parametrize("name", SCORED)
def test_features_are_those_of_the_oracle(pictures, name):
    got, want = niqe_features(nss_sums(pictures[name])), oracle.niqe_features(pictures[name])
    assert np.array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-7)


@pytest.mark.parametrize("name", SCORED)
def test_scores_are_those_of_the_oracle(pictures, golden, name):
    # float32 coefficients move features by 1e-7 at most; the inverse covariance enlarges that in
    # proportion to the distance it measures, which the relative part allows for.
    want = golden["pictures"][name]["niqe"]
    assert niqe(pictures[name]) == pytest.approx(want, abs=1e-6, rel=1e-7)


def test_official_scores(official):
    rgb, scores = official
    luma = luma_from_rgb(rgb)
    assert abs(niqe(luma) - scores["niqe"]) <= 1e-6
    mean = np.nanmean(niqe_features(nss_sums(luma)), axis=0)
    assert np.abs(mean - scores["niqe_features"]).max() <= 1e-6


def test_official_scores_through_the_metric(official):
    rgb, scores = official
    frame = rgb_frame(rgb)
    measured = opened(Niqe(), frame, still=True).measure(frame, None)
    assert abs(measured["niqe"] - scores["niqe"]) <= 1e-6


def test_what_is_beyond_the_last_block_is_not_looked_at(pictures):
    luma = pictures["natural"]
    other = luma.copy()
    other[288:] = 0
    other[:, 480:] = 255
    assert niqe(luma) == niqe(other) == niqe(luma[:288, :480])


@pytest.mark.parametrize("shape", [(95, 200), (200, 95), (1, 1)])
def test_undefined_below_one_block(pictures, shape):
    assert niqe(pictures["natural"][: shape[0], : shape[1]]) is None


@pytest.mark.parametrize("grey", [0, 74, 128, 153, 255])
def test_undefined_without_contrast(grey):
    assert niqe(np.full((200, 300), grey, np.uint8)) is None


def test_a_flat_block_drops_out(pictures, model):
    luma = pictures["natural"][:192, :192].copy()
    luma[:110, :110] = 74
    assert np.isnan(niqe_features(nss_sums(luma))).any(axis=1).tolist() == [
        True,
        False,
        False,
        False,
    ]
    assert niqe(luma) == pytest.approx(oracle.niqe(luma, model), abs=1e-6)


def test_follows_the_contract():
    check_metric(SPECS[0])


@pytest.mark.parametrize("order", [(Niqe, Brisque), (Brisque, Niqe)])
def test_niqe_and_brisque_measure_a_frame_once(pictures, monkeypatch, order):
    calls = []

    def counted(luma, **options):
        calls.append(options)
        return nss_sums(luma, **options)

    monkeypatch.setattr(nss_metric, "nss_sums", counted)
    frame = frame_of(pictures["natural"])
    scores = {}
    for make in order:
        metric = make()
        metric.open(RunInfo(stream_info([frame]), metrics=("niqe", "brisque")))
        scores |= metric.measure(frame, None)
    assert calls == [{"blocks": True}]
    assert set(scores) == {
        "niqe",
        "niqe_flat_fraction",
        "brisque",
        "brisque_flat_fraction",
    }
    assert scores["niqe"] == niqe(pictures["natural"])


def warnings_for(metric, lumas):
    frames = [frame_of(luma, index) for index, luma in enumerate(lumas)]
    opened(metric, frames[0])
    for frame in frames:
        metric.measure(frame, None)
    metric.close()
    return metric.warnings()


def test_no_warning_about_a_natural_picture(pictures):
    assert Niqe().warnings() == []
    assert warnings_for(Niqe(), [pictures["natural"]]) == []


def test_warns_about_bars(pictures):
    (line,) = warnings_for(Niqe(), [pictures["letterbox"]] * 2)
    assert line.startswith("niqe: 2 of 2 frames have uniform bars")
    assert "\n" not in line


def test_warns_about_a_mostly_flat_picture(pictures):
    flat = pictures["natural"].copy()
    flat[20:280, 20:480] = 90
    (line,) = warnings_for(Niqe(), [flat])
    assert line.startswith("niqe: 7")
    assert "is flat" in line


def test_undefined_frames_are_left_to_the_harness(pictures, cli, tmp_path):
    small = pictures["natural"][:90, :120]
    assert warnings_for(Niqe(), [small] * 2) == []
    make_video(tmp_path / "small.mkv", [(small,)] * 2, codec="ffv1", chroma="gray")
    code, _, err = cli("run", "-m", "niqe", tmp_path / "small.mkv")
    assert code == 5
    assert "it needs 96 pixels or more on both sides" in err
