"""Metrics that cannot judge a picture say so: blank, too small, HDR."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.plugins import installed_with, module_with
from vqa_harness import Feature, Metric, MetricSpec, Sampling
from vqa_harness.frames import ColourInfo
from vqa_harness.pipeline.sight import plain_share
from vqa_harness.testing import rgb_frame, yuv_frame
from vqa_harness.testing.synthetic import make_video

RNG = np.random.default_rng(0)
NOISE = RNG.integers(16, 235, (144, 176), np.uint8)
DETAIL = np.repeat(np.repeat(RNG.integers(16, 235, (24, 22), np.uint8), 6, 0), 8, 1)
DETAIL = DETAIL ^ RNG.integers(0, 16, DETAIL.shape, np.uint8)


class Judge(Metric):
    batch_size = 2
    sampling = Sampling(2, 0.2)

    def prepare(self, frame, ref):
        return frame.index

    def measure(self, frame, ref=None):
        if isinstance(frame, list):
            return [{"judge": float(clip.start)} for clip in frame]
        return {"judge": float(frame.index)}


SPEC = MetricSpec(
    "judge",
    "judge_module:Judge",
    (Feature("judge"),),
    sdr_only=True,
    needs_detail=True,
    smallest=32,
)


def picture(value, detail_rows=0):
    luma = np.full((144, 176), value, np.uint8)
    luma[:detail_rows] = DETAIL[:detail_rows]
    return luma


def gray(luma, depth=8):
    return yuv_frame((luma,), chroma="gray", depth=depth)


@pytest.mark.parametrize(
    ("frame", "share"),
    [
        (gray(picture(16)), 1.0),
        (gray(picture(235)), 1.0),
        (gray(picture(16) + RNG.integers(0, 3, (144, 176)).astype(np.uint8)), 1.0),
        (gray(picture(16, 72)), 0.5),
        (gray(DETAIL), 0.0),
        (gray(DETAIL.astype(np.uint16) << 2, 10), 0.0),
        (gray(picture(90).astype(np.uint16) << 2, 10), 1.0),
        (rgb_frame(np.stack([picture(9), picture(9), DETAIL], -1)), 0.0),
        (rgb_frame(np.stack([picture(9)] * 3, -1)), 1.0),
        (gray(picture(16)[:6, :6]), 0.0),
    ],
)
def test_the_share_of_a_frame_that_is_plain(frame, share):
    assert plain_share(frame) == pytest.approx(share, abs=0.03)


@pytest.fixture
def judged(monkeypatch, cli, tmp_path):
    """Score pictures with a metric that needs detail, is made for SDR and wants 32 pixels."""
    module_with(monkeypatch, "judge_module", Judge)

    def run(pictures, *options, kind="frame", **encoding):
        installed_with(monkeypatch, replace(SPEC, kind=kind))
        path = tmp_path / "clip.mkv"
        frames = [(picture,) for picture in pictures]
        make_video(path, frames, codec="ffv1", chroma="gray", **encoding)
        code, out, err = cli("run", "-m", "judge", path, "--json", "-", *options)
        return code, json.loads(out)[0]["pooled"].get("judge") if out.strip() else None, err

    return run


@pytest.mark.parametrize("kind", ["frame", "clip"])
@pytest.mark.parametrize("value", [16, 128, 235])
def test_a_blank_video_has_no_score(judged, kind, value):
    code, pooled, err = judged([picture(value)] * 10, kind=kind)
    assert (code, pooled) == (5, None)
    assert "metric 'judge' failed: gave no score: it is undefined on all 10 frames" in err
    assert "frames that it looked at are blank: there is nothing to judge" in err


@pytest.mark.parametrize("kind", ["frame", "clip"])
def test_blank_frames_are_left_out_of_the_score(judged, kind):
    code, pooled, err = judged([picture(16)] * 5 + [DETAIL] * 5, kind=kind)
    assert code == 0
    assert pooled["min"] == 5.0
    assert "judge is undefined for 5 of 10 frames" in err


def test_a_picture_that_shows_little_is_told(judged):
    code, _, err = judged([picture(16, 16)] * 4)
    assert code == 0
    assert "judge: 4 of the 4 frames that it looked at are plain over 80% or more" in err


def test_a_picture_that_is_too_small_is_told(judged):
    code, pooled, err = judged([DETAIL[:30]] * 4)
    assert (code, pooled) == (5, None)
    assert "the picture is 176x30; it needs 32 pixels or more on both sides" in err


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
@pytest.mark.parametrize("strict", [False, True])
def test_hdr_is_told_and_refused_by_strict(judged, transfer, strict):
    colour = ColourInfo(False, "bt2020", transfer, "bt2020")
    code, _, err = judged([DETAIL] * 4, *["--strict"] * strict, colour=colour)
    assert code == (3 if strict else 0)
    assert err.count(f"the video is HDR ({transfer}) and judge was made for SDR") == 1
    assert ("--strict: " in err) == strict
