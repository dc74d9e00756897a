import numpy as np
import pytest

from tests.metrics import light_definition as definition
from vqa_harness.frames import ColourInfo
from vqa_harness.jit import kernel
from vqa_harness.media.pixels import FACTORS, chroma_shape
from vqa_harness.testing import rgb_frame, yuv_frame
from vqa_metrics.light.conversion import to_bt709
from vqa_metrics.light.frames import Light
from vqa_metrics.light.kernels import linear_row, scratch_size


def planes_of(depth, chroma, shape=(37, 51), seed=0):
    """Random code values of the whole range, also those that stand for no colour."""
    rng = np.random.default_rng(seed)
    sizes = [shape, *[chroma_shape(chroma, shape[1], shape[0])] * 2]
    dtype = np.uint8 if depth == 8 else np.uint16
    return [rng.integers(0, 2**depth, size, dtype=dtype) for size in sizes]


@kernel()
def linear_rows(codes, scratch, out):
    for row in range(codes.first.shape[0]):
        linear_row(codes, row, scratch, out[0, row], out[1, row], out[2, row])


def light(frame, transfer="auto"):
    """(H, W, 3) linear RGB."""
    out = np.empty((3, frame.height, frame.width), np.float32)
    scratch = np.empty(scratch_size(frame.width), np.float32)
    linear_rows(Light(transfer).pair(frame, frame)[0], scratch, out)
    return np.moveaxis(out, 0, 2)


def colour(**facts):
    return ColourInfo(**{"full_range": False, "matrix": "bt709", **facts})


@pytest.mark.parametrize("chroma", ["420", "422", "444", "440", "411", "410"])
@pytest.mark.parametrize("depth", [8, 10])
def test_every_subsampling_equals_the_definition(chroma, depth):
    planes, kind = planes_of(depth, chroma), colour(transfer="bt709")
    expected = definition.bt1886(definition.signal(planes, FACTORS[chroma], depth, kind))
    found = light(yuv_frame(planes, depth=depth, chroma=chroma, colour=kind))
    assert np.ptp(expected) == 1
    assert found == pytest.approx(expected, abs=3e-6)


@pytest.mark.parametrize("depth", [8, 10, 12, 16])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
def test_every_depth_range_and_matrix_equals_the_definition(depth, full, matrix):
    kind = colour(full_range=full, matrix=matrix, transfer="srgb")
    planes = planes_of(depth, "444", (16, 33))
    expected = definition.srgb(definition.signal(planes, (1, 1), depth, kind))
    found = light(yuv_frame(planes, depth=depth, chroma="444", colour=kind))
    assert found == pytest.approx(expected, abs=3e-6)


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_high_dynamic_range_is_in_units_of_255_candelas(transfer):
    kind = colour(matrix="bt2020", transfer=transfer, primaries="bt2020")
    planes = planes_of(10, "420")
    seen = getattr(definition, transfer)(definition.signal(planes, (2, 2), 10, kind))
    expected = seen @ definition.BT2020_TO_BT709.T
    found = light(yuv_frame(planes, depth=10, colour=kind))
    peak = {"pq": 10000 / 255, "hlg": 1000 / 255}[transfer]
    assert seen.max() == pytest.approx(peak, rel=1e-3)
    assert found == pytest.approx(expected, abs=3e-6 * peak)


def test_a_pq_white_of_203_candelas_is_at_58_per_cent_of_the_signal():
    code = round(64 + 876 * 0.5807)
    planes = [np.full((8, 8), v, np.uint16) for v in (code, 512, 512)]
    kind = colour(matrix="bt2020", transfer="pq", primaries="bt2020")
    found = light(yuv_frame(planes, depth=10, chroma="444", colour=kind))
    assert 255 * found == pytest.approx(203, rel=0.005)


def test_primaries():
    assert to_bt709("bt2020") == pytest.approx(definition.BT2020_TO_BT709, abs=1e-4)
    assert to_bt709("bt2020").sum(1) == pytest.approx(1)
    assert to_bt709("smpte432") @ [1, 0, 0] == pytest.approx([1.2249, -0.0421, -0.0196], abs=1e-3)
    for same in ("bt709", "bt601", "unknown", "22"):
        assert np.array_equal(to_bt709(same), np.eye(3))


def test_gray_is_white_light_of_any_matrix():
    plane = planes_of(10, "gray")[:1]
    found = light(yuv_frame(plane, depth=10, chroma="gray"))
    expected = definition.bt1886(np.clip((plane[0] - 64.0) / 876, 0, 1))
    assert found == pytest.approx(np.repeat(expected[..., None], 3, 2), abs=3e-6)


def test_what_is_untagged_and_what_is_stated():
    planes = [np.full((8, 8), v, np.uint8) for v in (126, 128, 128)]
    half = 110 / 219
    untagged, tagged = yuv_frame(planes, chroma="444"), colour(transfer="srgb")
    assert light(untagged)[0, 0, 0] == pytest.approx(half**2.4, abs=1e-6)
    assert light(untagged, "srgb")[0, 0, 0] == pytest.approx(definition.srgb(half), abs=1e-6)
    shown = yuv_frame(planes, chroma="444", colour=tagged)
    assert light(shown)[0, 0, 0] == pytest.approx(definition.srgb(half), abs=1e-6)
    assert light(shown, "bt1886")[0, 0, 0] == pytest.approx(half**2.4, abs=1e-6)
    straight = yuv_frame(planes, chroma="444", colour=colour(transfer="linear"))
    assert light(straight, "srgb")[0, 0, 0] == pytest.approx(half, abs=1e-6)
    picture = rgb_frame(np.full((8, 8, 3), 100, np.uint8))
    assert light(picture)[0, 0, 0] == pytest.approx(definition.srgb(100 / 255), abs=1e-6)


def test_planes_with_gaps_between_rows():
    planes = planes_of(8, "444")
    wide = np.zeros((3, 37, 64), np.uint8)
    wide[:, :, :51] = planes
    gaps = yuv_frame([plane[:, :51] for plane in wide], chroma="444")
    assert np.array_equal(light(gaps), light(yuv_frame(planes, chroma="444")))
