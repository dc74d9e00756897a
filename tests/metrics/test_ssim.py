import importlib.util

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from vqa_harness.testing import check_metric, rgb_frame, sample_frames, yuv_frame
from vqa_metrics import ssim as ssim_module
from vqa_metrics.specs.reference import MS_SSIM, SSIM
from vqa_metrics.ssim import MsSsim, Ssim, ms_ssim, ssim_terms
from vqa_metrics.ssim_kernels import halve


def oracle(x, y, peak):
    """SSIM and contrast-structure means in float64, straight from the definition."""
    offsets = np.arange(-5, 6)
    one = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(one, one) / one.sum() ** 2

    def mean(a):
        return np.einsum("rcij,ij->rc", sliding_window_view(a, (11, 11)), window, optimize=True)

    x, y = x.astype(np.float64), y.astype(np.float64)
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    structure = (2 * cov + c2) / (vx + vy + c2)
    luminance = (2 * mx * my + c1) / (mx**2 + my**2 + c1)
    return (luminance * structure).mean(), structure.mean()


def ms_oracle(x, y, peak):
    factors = []
    x, y = x.astype(np.float64), y.astype(np.float64)
    for scale in range(5):
        full, structure = oracle(x, y, peak)
        factors.append(full if scale == 4 else structure)
        x, y = (np.pad(a, [(0, n % 2) for n in a.shape], "edge") for a in (x, y))
        x, y = ((a[::2, ::2] + a[1::2, ::2] + a[::2, 1::2] + a[1::2, 1::2]) / 4 for a in (x, y))
    return np.prod(np.maximum(factors, 0) ** [0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def picture(depth, shape=(211, 333), seed=0):
    rng = np.random.default_rng(seed)
    peak = 2**depth - 1
    smooth = rng.normal(size=(shape[0] + 32, shape[1] + 32)).cumsum(0).cumsum(1)[32:, 32:]
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    x = peak * (0.1 + 0.8 * smooth) + rng.normal(0, peak / 60, shape)
    y = 0.9 * x + rng.normal(0, peak / 40, shape)
    dtype = np.uint8 if depth == 8 else np.uint16
    return tuple(np.clip(np.rint(a), 0, peak).astype(dtype) for a in (x, y))


def hard_cases():
    rng = np.random.default_rng(1)
    shape = (200, 300)

    def noise(level, sigma):
        return np.clip(np.rint(level + rng.normal(0, sigma, shape)), 0, 255).astype(np.uint8)

    stripes = np.where(np.arange(300) % 64 < 32, 16, 235) + np.zeros(shape)
    black_white = np.where(np.arange(300) < 150, 0, 255) + np.zeros(shape)
    checks = rng.integers(0, 2, shape, dtype=np.uint8) * np.uint8(255)
    return {
        "white": (np.full(shape, 255, np.uint8), noise(255, 8)),
        "dark": (np.full(shape, 16, np.uint8), noise(16, 1)),
        "stripes": (stripes.astype(np.uint8), noise(stripes, 3)),
        "edge": (noise(black_white, 2), noise(black_white, 2)),
        "negative": (checks, 255 - checks),
        "black and white": (np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)),
    }


@pytest.mark.parametrize("spec", [SSIM, MS_SSIM], ids=["ssim", "ms_ssim"])
def test_conformance(spec):
    check_metric(spec)


@pytest.mark.parametrize("depth", [8, 10, 12, 16])
def test_equals_the_definition(depth):
    x, y = picture(depth)
    expected = oracle(x, y, 2**depth - 1)
    assert 0.1 < expected[0] < 0.9
    assert ssim_terms(x, y, depth) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("case", hard_cases())
def test_equals_the_definition_where_digits_cancel(case):
    x, y = hard_cases()[case]
    assert ssim_terms(x, y, 8) == pytest.approx(oracle(x, y, 255), abs=1e-6)


@pytest.mark.parametrize(
    "shape", [(11, 11), (12, 11), (42, 43), (43, 267), (74, 523), (107, 266), (11, 600), (600, 11)]
)
def test_every_size_is_covered_to_its_last_window(shape):
    x, y = picture(8, shape)
    assert ssim_terms(x, y, 8) == pytest.approx(oracle(x, y, 255), abs=1e-6)


@pytest.mark.parametrize(("depth", "shape"), [(8, (176, 177)), (10, (211, 333)), (16, (333, 176))])
def test_five_scales_equal_the_definition(depth, shape):
    x, y = picture(depth, shape)
    assert ms_ssim(x, y, depth) == pytest.approx(ms_oracle(x, y, 2**depth - 1), abs=1e-6)


def test_equals_scikit_image():
    if importlib.util.find_spec("skimage") is None:
        pytest.skip("scikit-image is not installed")
    from skimage.metrics import structural_similarity

    for depth in (8, 10):
        x, y = picture(depth)
        _, image = structural_similarity(
            x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
            data_range=2**depth - 1, full=True,
        )  # fmt: skip
        assert ssim_terms(x, y, depth)[0] == pytest.approx(image[5:-5, 5:-5].mean(), abs=1e-6)


def test_equal_images_score_exactly_one():
    for depth in (8, 10, 16):
        x, _ = picture(depth)
        assert ssim_terms(x, x, depth) == (1.0, 1.0)
        assert ms_ssim(x, x, depth) == 1.0


def test_planes_with_gaps_between_rows():
    x, y = picture(8, (60, 90))
    wide = np.zeros((2, 60, 128), np.uint8)
    wide[:, :, :90] = x, y
    assert ssim_terms(wide[0, :, :90], wide[1, :, :90], 8) == ssim_terms(x, y, 8)


def test_halving_repeats_the_last_row_and_column():
    x = np.array([[0, 4, 10], [8, 4, 20], [3, 5, 7]], np.uint8)
    assert halve(x).tolist() == [[4.0, 15.0], [4.0, 7.0]]


def test_negative_structure_scores_nothing():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (180, 180), dtype=np.uint8)
    assert ssim_terms(x, 255 - x, 8)[1] < 0
    assert ms_ssim(x, 255 - x, 8) == 0.0


def test_small_frames_are_undefined():
    for size, ssim_known, ms_known in ((10, False, False), (11, True, False), (176, True, True)):
        frame, ref = sample_frames(2, width=size, height=200)
        assert (Ssim().measure(frame, ref)["ssim"] is not None) == ssim_known
        assert (MsSsim().measure(frame, ref)["ms_ssim"] is not None) == ms_known
    with pytest.raises(ValueError, match="11"):
        ssim_terms(np.zeros((10, 90), np.uint8), np.zeros((10, 90), np.uint8), 8)
    with pytest.raises(ValueError, match="176"):
        ms_ssim(np.zeros((175, 200), np.uint8), np.zeros((175, 200), np.uint8), 8)


def test_the_first_scale_is_computed_once(monkeypatch):
    sizes = []

    def counted(x, y, depth):
        sizes.append(x.shape)
        return ssim_terms(x, y, depth)

    monkeypatch.setattr(ssim_module, "ssim_terms", counted)
    frame, ref = sample_frames(2)
    both = {**Ssim().measure(frame, ref), **MsSsim().measure(frame, ref)}
    assert sizes == [(208, 208), (104, 104), (52, 52), (26, 26), (13, 13)]
    x, y = frame.luma, ref.luma
    assert both["ssim"] == ssim_terms(x, y, 8)[0]
    assert both["ms_ssim"] == ms_ssim(x, y, 8)


def test_only_luma_counts_and_rgb_is_refused():
    frame, ref = sample_frames(2)
    other = yuv_frame([ref.planes[0], 255 - ref.planes[1], ref.planes[2]])
    assert Ssim().measure(frame, other) == Ssim().measure(frame, ref)
    picture = rgb_frame(np.zeros((32, 32, 3), np.uint8))
    for metric in (Ssim(), MsSsim()):
        with pytest.raises(ValueError, match="not RGB"):
            metric.measure(picture, picture)
