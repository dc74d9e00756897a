"""SI and TI, against siti-tools 0.6 and ITU-R's formulas.

The figures in `GOLDEN` are those of siti-tools 0.6.0: `SiTiCalculator(legacy=True)` and
`SiTiCalculator()` on two frames of `pictures`.
"""

from dataclasses import replace

import numpy as np
import pytest

from vqa_harness.errors import MetricError
from vqa_harness.frames import ColourInfo
from vqa_harness.protocols import RunInfo
from vqa_harness.testing import check_metric, rgb_frame, sample_frames, stream_info, yuv_frame
from vqa_harness.testing.synthetic import make_video, moving_pattern
from vqa_metrics.siti import Siti, pq_table
from vqa_metrics.specs.siti import SITI

LIMITED = ColourInfo(full_range=False, matrix="bt709")
FULL = ColourInfo(full_range=True, matrix="bt709")
GOLDEN = {
    # depth, range: SI and TI of luma, SI and TI of displayed light
    (8, "limited"): (45.12752785553446, 22.75863400365313, 21.569284949580197, 10.684500448243082),
    (10, "limited"): (
        45.14636455440851,
        22.745114923202177,
        21.588401552355723,
        10.680163343314137,
    ),
    (8, "full"): (38.75658274651783, 19.545650379607977, 18.59140728329634, 9.24742937024686),
}


def pictures(depth, colour, frames=2):
    found = [planes[0] for planes in moving_pattern(frames, 97, 61, depth=depth)]
    if not colour.full_range:
        found = [np.clip(p, 16 << (depth - 8), 235 << (depth - 8)) for p in found]
    return found


def score(lumas, depth=8, colour=LIMITED, **params):
    frames = [
        replace(yuv_frame([p], index=i, depth=depth, chroma="gray"), colour=colour)
        for i, p in enumerate(lumas)
    ]
    metric = Siti(**params)
    metric.open(RunInfo(stream_info(frames)))
    for frame in frames:
        metric.measure(frame, None)
    rows = metric.close().frames
    return [(row["siti_si"], row["siti_ti"]) for row in rows], metric


@pytest.mark.parametrize("case", GOLDEN, ids=str)
def test_it_equals_siti_tools(case):
    depth, name = case
    colour = FULL if name == "full" else LIMITED
    si, ti, pq_si, pq_ti = GOLDEN[case]
    rows, _ = score(pictures(depth, colour), depth, colour)
    assert rows[0] == (pytest.approx(si, rel=1e-8), None)
    assert rows[1][1] == pytest.approx(ti, rel=1e-8)
    rows, _ = score(pictures(depth, colour), depth, colour, domain="pq")
    assert rows[0] == (pytest.approx(pq_si, rel=1e-5), None)
    assert rows[1][1] == pytest.approx(pq_ti, rel=1e-5)


@pytest.mark.parametrize("depth", [8, 10, 12])
@pytest.mark.parametrize("colour", [LIMITED, FULL], ids=["limited", "full"])
def test_it_equals_siti_tools_as_installed(depth, colour):
    siti = pytest.importorskip("siti_tools.siti")
    name = "full" if colour.full_range else "limited"
    peer = siti.SiTiCalculator(bit_depth=depth, color_range=siti.ColorRange(name), legacy=True)
    lumas = pictures(depth, colour, 3)
    shown = [peer.normalize_between_0_1(p.astype("int")) for p in lumas]
    rows, _ = score(lumas, depth, colour)
    for i, (si, ti) in enumerate(rows):
        assert si == pytest.approx(255 * peer.si(shown[i]), rel=1e-8)
        if i:
            assert ti == pytest.approx(255 * peer.ti(shown[i], shown[i - 1]), rel=1e-8)


def test_deep_pictures_score_as_shallow_ones():
    eight = pictures(8, LIMITED)
    for depth in (10, 12, 16):
        deep = [p.astype(np.uint16) << (depth - 8) for p in eight]
        assert score(deep, depth)[0][1] == pytest.approx(score(eight)[0][1], rel=1e-6)


def test_limited_range_is_expanded():
    shown = pictures(8, FULL)
    limited, full = score(shown)[0][1], score(shown, colour=FULL)[0][1]
    assert limited == pytest.approx([255 / 219 * x for x in full], rel=1e-12)


def test_pictures_that_are_the_same_everywhere_have_nothing():
    ramp = np.add.outer(3 * np.arange(40), 2 * np.arange(50)).astype(np.uint8)
    assert score([ramp, ramp])[0] == [(0, None), (0, 0)]
    assert score([ramp, ramp + 5])[0][1] == (0, 0)


def test_a_checked_difference():
    """Half of the picture rises by 219 codes: the deviation is half of 255."""
    black = np.full((8, 8), 16, np.uint8)
    half = black.copy()
    half[:, 4:] = 235
    assert score([black, half])[0][1][1] == pytest.approx(127.5)


def light_of_pq(signal):
    """The EOTF of ITU-R BT.2100, cd/m^2: the way back."""
    power = float(signal) ** (32 / 2523)
    top = max(power - 3424 / 4096, 0)
    return 10_000 * (top / (2413 / 128 - 2392 / 128 * power)) ** (16384 / 2610)


def test_light_of_pq_hlg_and_sdr():
    codes = np.array([64, 502, 940])
    sdr = pq_table(10, LIMITED)
    for code, light in ((64, 0.1), (502, 0.1 + 299.9 * 0.5**2.4), (940, 300)):
        assert light_of_pq(sdr[code]) == pytest.approx(light, rel=1e-4)
    pq = pq_table(10, replace(LIMITED, transfer="pq"))
    assert pq[codes] == pytest.approx([0, 0.5, 1])
    hlg = pq_table(10, replace(LIMITED, transfer="hlg"))
    assert hlg[940] == pytest.approx(0.751827, abs=1e-5)  # 1,000 cd/m^2
    assert np.all(np.diff(hlg) >= 0)
    assert np.abs(np.diff(hlg)).max() < 0.01


def test_clipped_samples_are_told():
    shown = pictures(8, LIMITED)
    shown[1] = shown[1].copy()
    shown[1][0, :6] = 240
    _, metric = score(shown, domain="pq")
    assert metric.info()["samples_clipped"] == 6
    assert "0.051 % of luma" in metric.warnings()[0]
    assert score(shown)[1].warnings() == []


def test_rgb_is_scored_as_full_range_ycbcr():
    """Red, green and blue of noise by the weights of BT.601, as JPEG has them."""
    noise = np.random.default_rng(5).integers(0, 256, (2, 96, 128, 3), np.uint8)
    luma = np.rint(noise.astype(float) @ [0.299, 0.587, 0.114]).astype(np.uint8)
    frames = [replace(rgb_frame(picture), index=i) for i, picture in enumerate(noise)]
    metric = Siti()
    metric.open(RunInfo(stream_info(frames)))
    for frame in frames:
        metric.measure(frame, None)
    rows = metric.close().frames
    expected = score(list(luma), colour=FULL)[0]
    assert metric.info()["rgb_converted_to"] == "full-range YCbCr 4:4:4, bt601"
    assert [row["siti_si"] for row in rows] == pytest.approx([x for x, _ in expected], rel=2e-3)
    assert rows[1]["siti_ti"] == pytest.approx(expected[1][1], rel=2e-3)


def test_frames_that_it_does_not_take():
    small = sample_frames(1, width=2, height=100)
    with pytest.raises(MetricError, match="at least 3"):
        Siti().measure(small[0], None)
    frames = sample_frames(2)
    for other in (sample_frames(1, width=200)[0], replace(frames[1], colour=FULL)):
        metric = Siti()
        metric.measure(frames[0], None)
        with pytest.raises(MetricError, match="changed at frame 1"):
            metric.measure(replace(other, index=1), None)
    with pytest.raises(MetricError, match="no frame"):
        Siti().close()


def test_the_decoder_may_use_its_memory_again():
    """A metric may not look at a frame after it was handed back."""
    lumas = pictures(8, LIMITED, 3)
    expected = score(lumas)[0]
    memory = lumas[0].copy()
    metric = Siti()
    for i, luma in enumerate(lumas):
        memory[:] = luma
        metric.measure(yuv_frame([memory], index=i, chroma="gray"), None)
    assert [row["siti_ti"] for row in metric.close().frames] == [ti for _, ti in expected]


def test_it_keeps_the_rules_of_the_registry():
    check_metric(SITI)
    assert [f.first for f in SITI.features] == [0, 1]


def test_the_first_frame_has_no_ti_and_nobody_is_warned(cli, video, tmp_path):
    code, out, err = cli("run", "-m", "siti", video, "--json", "-")
    assert code == 0
    assert "undefined" not in err
    still = tmp_path / "still.mp4"
    make_video(still, 1, width=64, height=48)
    code, out, err = cli("run", "-m", "siti", still)
    assert code == 0
    assert "siti_si" in out
