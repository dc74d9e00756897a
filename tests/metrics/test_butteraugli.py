import importlib.util
import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.metrics import light_definition
from tests.metrics.butteraugli_definition import blur as blur_by_definition
from tests.metrics.butteraugli_definition import butteraugli, gamma
from tests.metrics.light_pictures import NAMES, pairs
from tests.paths import GOLDEN
from vqa_harness.frames import ColourInfo
from vqa_harness.jit import kernel
from vqa_harness.media.encode import encode_frames
from vqa_harness.testing import check_metric, rgb_frame, sample_frames, yuv_frame
from vqa_harness.testing.synthetic import make_video, moving_pattern
from vqa_metrics.butteraugli.metric import Butteraugli
from vqa_metrics.butteraugli.opsin import logarithm
from vqa_metrics.butteraugli.picture import butteraugli as of_codes
from vqa_metrics.butteraugli.planes import MARGIN, blur, gaussian, new_plane, size_of
from vqa_metrics.light.conversion import conversion
from vqa_metrics.light.kernels import Codes
from vqa_metrics.reference import packed
from vqa_metrics.specs.reference import BUTTERAUGLI

STORED = json.loads((GOLDEN / "libjxl" / "scores.json").read_text())


def ours(reference, distorted, **params):
    """The figures of two (H, W, 3) uint8 RGB pictures."""
    scores = Butteraugli(**params).measure(rgb_frame(distorted), rgb_frame(reference))
    return scores["butteraugli"], scores["butteraugli_3norm"]


def defined(reference, distorted, nits=80.0):
    light = (light_definition.srgb(rgb / 255.0) for rgb in (reference, distorted))
    return butteraugli(*light, nits)


def test_conformance():
    check_metric(BUTTERAUGLI)
    check_metric(BUTTERAUGLI, params={"nits": 203.0, "transfer": "srgb"})


@pytest.mark.parametrize("name", NAMES)
def test_equals_the_definition(name):
    assert ours(*pairs()[name]) == pytest.approx(defined(*pairs()[name]), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_equals_libjxl(name):
    assert ours(*pairs()[name]) == pytest.approx(STORED[name]["butteraugli, libjxl"], rel=1e-4)


@pytest.mark.parametrize("name", ["carphone coarse", "bikes odd", "15x16"])
def test_the_program_of_libjxl_gives_the_same(name, tmp_path):
    program = shutil.which("butteraugli_main")
    if program is None or importlib.util.find_spec("PIL") is None:
        pytest.skip("libjxl's program butteraugli_main is not installed, or Pillow is not")
    from PIL import Image

    files = [tmp_path / "reference.png", tmp_path / "distorted.png"]
    for file, rgb in zip(files, pairs()[name], strict=True):
        Image.fromarray(rgb).save(file)
    done = subprocess.run(
        [program, *files, "--rawdistmap", tmp_path / "map.pfm"], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip("butteraugli_main is older than libjxl 0.9, whose figures are others")
    largest, _, norm = done.stdout.split()
    found = float(largest), float(norm)
    assert found == pytest.approx(ours(*pairs()[name]), rel=1e-4)


@pytest.mark.parametrize("nits", [80.0, 255.0])
def test_brighter_displays_show_more(nits):
    pair = pairs()["bikes odd"]
    found = ours(*pair, nits=nits)
    assert found == pytest.approx(defined(*pair, nits), rel=1e-5)
    assert found[1] > ours(*pair, nits=nits / 2)[1]


@pytest.mark.parametrize(
    "shape", [(8, 8), (9, 257), (17, 256), (16, 8), (31, 250), (33, 263), (20, 40), (250, 9)]
)
def test_every_size_is_covered_to_its_last_pixel(shape):
    rng = np.random.default_rng(1)
    a = rng.integers(60, 200, (*shape, 3), dtype=np.uint8)
    b = a.copy()
    b[-1, -1] = 255
    b[:, 0] += 20
    assert ours(a, b) == pytest.approx(defined(a, b), rel=2e-5)


@pytest.mark.parametrize("level", [0, 1, 16, 128, 254])
def test_flat_pictures(level):
    a = np.full((60, 70, 3), level, np.uint8)
    assert ours(a, a + np.uint8(1)) == pytest.approx(defined(a, a + np.uint8(1)), rel=1e-3)
    assert ours(a, a) == (0.0, 0.0)


def test_sizes_may_change_from_frame_to_frame():
    small, large = pairs()["8x300"], pairs()["bikes odd"]
    expected = ours(*small), ours(*large)
    assert (ours(*small), ours(*large)) == expected


@pytest.mark.parametrize("depth", [8, 10, 16])
def test_video_of_every_depth(depth):
    reference = moving_pattern(1, 91, 73, depth=depth)[0]
    noise = np.random.default_rng(0).normal(0, 3 * 2 ** (depth - 8), reference[0].shape)
    luma = np.clip(np.rint(reference[0] + noise), 0, 2**depth - 1).astype(reference[0].dtype)
    kind = ColourInfo(full_range=False, matrix="bt709", transfer="bt709")
    frames = [
        yuv_frame(planes, depth=depth, colour=kind)
        for planes in (reference, (luma, *reference[1:]))
    ]
    light = [
        light_definition.bt1886(light_definition.signal(f.planes, (2, 2), depth, kind))
        for f in frames
    ]
    found = tuple(Butteraugli().measure(frames[1], frames[0]).values())
    assert found == pytest.approx(butteraugli(*light), rel=1e-3)


def test_high_dynamic_range_is_measured_at_its_own_luminance():
    kind = ColourInfo(full_range=False, matrix="bt2020", transfer="pq", primaries="bt2020")
    reference = moving_pattern(1, 64, 48, depth=10)[0]
    shown = (np.minimum(reference[0] + 12, 940).astype(np.uint16), *reference[1:])
    frames = [yuv_frame(planes, depth=10, colour=kind) for planes in (reference, shown)]
    light = [
        light_definition.pq(light_definition.signal(f.planes, (2, 2), 10, kind))
        @ light_definition.BT2020_TO_BT709.T
        for f in frames
    ]
    found = tuple(Butteraugli(nits=80).measure(frames[1], frames[0]).values())
    assert found == pytest.approx(butteraugli(*light, nits=255), rel=2e-3)


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_equals_libjxl_on_high_dynamic_range(transfer):
    colour = ColourInfo(full_range=True, matrix="rgb", transfer=transfer, primaries="bt2020")
    made = conversion(colour, 16, transfer)
    codes = []
    for rgb in pairs()["bikes odd"]:
        deep = np.rint(rgb * (0.7 * 65535 / 255)).astype(np.uint16)
        planes = [packed(np.ascontiguousarray(deep[..., c])) for c in range(3)]
        codes.append(Codes(*planes, 1, 1, made))
    stored = json.loads((GOLDEN / "libjxl" / "hdr.json").read_text())[transfer]
    assert of_codes(*codes, 255.0) == pytest.approx(stored, rel=1e-4)


@pytest.mark.parametrize("sigma", [7.15593339443, 3.22489901262, 2.7, 1.56416327805])
def test_blurs_equal_the_definition(sigma):
    plane = np.random.default_rng(0).normal(size=(23, 37)).astype(np.float32)
    size = size_of(*plane.shape)
    source, out = new_plane(size), new_plane(size)
    starts = [(r + MARGIN) * size.pitch + MARGIN for r in range(23)]
    rows = [slice(start, start + 37) for start in starts]
    for row, at in zip(plane, rows, strict=True):
        source[at] = row
    _blur(source, gaussian(sigma, size), size, np.zeros(size.pitch + 64, np.float32), out)
    expected = blur_by_definition(plane.astype(np.float64), sigma)
    assert np.stack([out[at] for at in rows]) == pytest.approx(expected, abs=1e-6)


@kernel()
def _blur(source, kind, size, line, out):
    blur(source, kind, size, line, out)


@kernel()
def _logarithms(values, out):
    for i in range(values.size):
        out[i] = logarithm(values[i])


def test_logarithms():
    values = np.geomspace(9.97, 2e5, 100_001).astype(np.float32)
    out = np.empty_like(values)
    _logarithms(values, out)
    assert out == pytest.approx(np.log(values.astype(np.float64)), rel=3e-7)
    assert gamma(0.0) == pytest.approx(21.0967, abs=1e-3)


def test_pairs_that_cannot_be_compared():
    frame = sample_frames(1)[0]
    with pytest.raises(ValueError, match="--reference"):
        Butteraugli().measure(frame, None)
    with pytest.raises(ValueError, match="size"):
        Butteraugli().measure(frame, sample_frames(1, width=100)[0])
    small = [rgb_frame(np.full((7, 90, 3), v, np.uint8)) for v in (1, 9)]
    assert Butteraugli().measure(*small) == {"butteraugli": None, "butteraugli_3norm": None}


def test_threads_of_one_metric_do_not_share_buffers():
    metric = Butteraugli()
    frames = [rgb_frame(rgb) for name in ("8x300", "bikes odd") for rgb in pairs()[name]]
    work = [(frames[1], frames[0]), (frames[3], frames[2])] * 6
    expected = [metric.measure(*pair) for pair in work]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda pair: metric.measure(*pair), work)) == expected


def test_two_rgb_pictures_are_compared_as_the_rgb_they_are(cli, tmp_path):
    pair = [np.ascontiguousarray(rgb[:136, :200]) for rgb in pairs()["bikes odd"]]
    for name, rgb in zip("ab", pair, strict=True):
        encode_frames(
            tmp_path / f"{name}.png", [rgb], codec="png", pix_fmt="rgb24", container="image2"
        )
    log = tmp_path / "log.json"
    files = tmp_path / "b.png", "-r", tmp_path / "a.png"
    code, _, err = cli("run", *files, "-m", "butteraugli", "-o", log, "-q")
    assert code == 0, err
    scores = json.loads(log.read_text())["frames"][0]["metrics"]
    assert scores["butteraugli"] == pytest.approx(ours(*pair)[0], abs=1e-5)


def test_a_run_from_the_command_line(cli, tmp_path):
    make_video(tmp_path / "a.mp4", 3, width=64, height=48)
    make_video(tmp_path / "b.mp4", 3, width=64, height=48, options={"crf": "40"})
    log = tmp_path / "log.json"
    code, _, _ = cli(
        "run", tmp_path / "b.mp4", "-r", tmp_path / "a.mp4", "-m", "butteraugli",
        "--align", "index", "-o", log, "-q",
    )  # fmt: skip
    assert code == 0
    rows = [frame["metrics"] for frame in json.loads(log.read_text())["frames"]]
    assert len(rows) == 3
    assert all(row["butteraugli"] > row["butteraugli_3norm"] > 0.5 for row in rows)
