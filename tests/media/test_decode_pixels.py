"""Planes, orientation, colour and RGB of decoded pictures."""

from __future__ import annotations

import gc
import io
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqa_harness.frames import ColourInfo
from vqa_harness.media.encode import decode_bytes, encode_bytes, roundtrip
from vqa_harness.media.orientation import Orientation, from_degrees, from_matrix
from vqa_harness.media.picture import PlaneSource, layout_of, resize_planes
from vqa_harness.media.pixels import check_planes, chroma_shape, gray_to_rgb, plane_view
from vqa_harness.media.reader import VideoReader
from vqa_harness.testing.synthetic import moving_pattern

ORIENTATIONS = [Orientation(*bits) for bits in product((False, True), repeat=3)]
BT709 = ColourInfo(False, "bt709", "bt709", "bt709")


def first_frame(data: bytes):
    with VideoReader(io.BytesIO(data), threads=1) as reader:
        return next(iter(reader)), reader.info


@pytest.mark.parametrize(
    ("chroma", "depth"),
    [
        *((chroma, 8) for chroma in ("420", "422", "444", "440", "411", "410", "gray", "rgb")),
        *((chroma, 10) for chroma in ("420", "422", "444", "gray", "rgb")),
        *((chroma, 16) for chroma in ("420", "422", "444", "gray", "rgb")),
        ("444", 12),
    ],
)
@pytest.mark.parametrize("size", [(64, 48), (67, 45)])
def test_lossless_planes_come_back(chroma, depth, size):
    frames = moving_pattern(2, *size, depth=depth, chroma=chroma)
    decoded = roundtrip(frames, "rawvideo", chroma=chroma, depth=depth, container="nut")
    assert len(decoded) == 2
    for given_planes, planes in zip(frames, decoded, strict=True):
        for a, b in zip(given_planes, planes, strict=True):
            assert b.dtype == a.dtype
            np.testing.assert_array_equal(b, a)


@pytest.mark.parametrize(
    ("pix_fmt", "chroma", "depth"),
    [
        *((name, "420", 8) for name in ("nv12", "yuva420p")),
        *((name, "rgb", 8) for name in ("rgb24", "bgra", "argb", "gbrap")),
        ("yuyv422", "422", 8),
        ("yuv420p10be", "420", 10),
        ("ya8", "gray", 8),
        ("gray16be", "gray", 16),
    ],
)
def test_other_layouts_are_repacked_exactly(pix_fmt, chroma, depth):
    planes = moving_pattern(1, 64, 48, depth=depth, chroma=chroma)
    colour = ColourInfo(chroma != "420", "rgb" if chroma == "rgb" else "bt601")
    options = {"pix_fmt": pix_fmt, "container": "nut", "colour": colour}
    frame, info = first_frame(
        encode_bytes(planes, codec="rawvideo", chroma=chroma, depth=depth, **options)
    )
    assert (info.pix_fmt, frame.chroma, frame.depth) == (pix_fmt, chroma, depth)
    for a, b in zip(planes[0], frame.planes, strict=True):
        np.testing.assert_array_equal(b, a)
        assert not b.flags.writeable


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pal8", ("rgb", 8, "gbrp")),
        ("monob", ("gray", 8, "gray")),
        ("rgb565le", ("rgb", 8, "gbrp")),
        ("x2rgb10le", ("rgb", 10, "gbrp10le")),
        ("xyz12le", ("rgb", 12, "gbrp12le")),
        ("grayf32le", ("gray", 16, "gray16le")),
        ("gbrpf32le", ("rgb", 16, "gbrp16le")),
        ("bayer_rggb16le", ("rgb", 16, "gbrp16le")),
        ("yuv444p10msble", ("444", 10, "yuv444p10le")),
        ("p416le", ("444", 16, "yuv444p16le")),
        ("yuvj422p", ("422", 8, None)),
    ],
)
def test_layouts(name, expected):
    found = layout_of(name)
    assert (found.chroma, found.depth, found.convert) == expected


def test_views_are_read_only_and_outlive_the_reader():
    frames = moving_pattern(12, 64, 48)
    data = encode_bytes(frames, options={"crf": "20"})
    with VideoReader(io.BytesIO(data)) as reader:
        views = [frame.planes for frame in reader]
    del reader
    gc.collect()
    copies = [[plane.copy() for plane in planes] for planes in views]
    again = decode_bytes(data)  # x264 does not always make the same bytes twice
    for planes, copied, fresh in zip(views, copies, again, strict=True):
        for view, copy, other in zip(planes, copied, fresh, strict=True):
            assert not view.flags.writeable
            assert view.base is not None
            np.testing.assert_array_equal(view, copy)
            np.testing.assert_array_equal(view, other)
    with pytest.raises(ValueError, match="read-only"):
        views[0][0][0, 0] = 1


def test_pictures_are_freed_without_the_garbage_collector():
    """PyAV's frames get into reference cycles easily; each would hold megabytes."""

    def alive() -> int:
        return sum(type(thing).__name__ == "VideoFrame" for thing in gc.get_objects())

    data = encode_bytes(moving_pattern(60, 64, 48), rotation=90)
    gc.collect()
    gc.disable()
    try:
        before = alive()
        with VideoReader(io.BytesIO(data), threads=1) as reader:
            for frame in reader:
                assert frame.luma.shape == (64, 48)
                assert frame.rgb.shape == (64, 48, 3)
        assert alive() - before <= 4
    finally:
        gc.enable()


def test_released_frames_say_so():
    with VideoReader(io.BytesIO(encode_bytes(moving_pattern(1, 64, 48)))) as reader:
        frame = next(iter(reader))
        frame.release()
        with pytest.raises(ValueError, match="released"):
            _ = frame.planes


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 5),
    st.booleans(),
    st.sampled_from([np.uint8, np.uint16]),
)
def test_plane_view_reads_padded_and_bottom_up_rows(width, height, padding, bottom_up, dtype):
    rows = np.arange(height * (width + padding), dtype=dtype).reshape(height, -1)
    line = rows.strides[0]
    depth = 8 * rows.itemsize
    view = plane_view(rows.tobytes(), -line if bottom_up else line, width, height, depth)
    expected = rows[:, :width]
    np.testing.assert_array_equal(view, expected[::-1] if bottom_up else expected)
    assert not view.flags.writeable


def test_check_planes_names_the_plane():
    planes = list(moving_pattern(1, 64, 48)[0])
    check_planes(planes, "420", 8)
    planes[2] = planes[2][:-1]
    with pytest.raises(ValueError, match=r"plane 2 is uint8 \(23, 32\), expected uint8 \(24, 32\)"):
        check_planes(planes, "420", 8)
    with pytest.raises(ValueError, match="needs 1 planes"):
        check_planes(planes, "gray", 8)
    with pytest.raises(ValueError, match="depth 11"):
        check_planes(planes, "420", 11)


@pytest.mark.parametrize("quarter", range(4))
def test_from_degrees_is_rot90(quarter):
    array = np.arange(12).reshape(3, 4)
    turn = from_degrees(90 * quarter)
    np.testing.assert_array_equal(turn.apply(array), np.rot90(array, quarter))
    assert turn.degrees == 90 * quarter
    assert turn.size(4, 3) == np.rot90(array, quarter).shape[::-1]


@pytest.mark.parametrize("turn", ORIENTATIONS)
def test_degrees_leave_at_most_a_mirror(turn):
    array = np.arange(12).reshape(3, 4)
    turned = np.rot90(array, turn.degrees // 90)
    shown = turn.apply(array)
    assert np.array_equal(shown, turned) or np.array_equal(shown, turned[:, ::-1])


@pytest.mark.parametrize("turn", ORIENTATIONS)
def test_matrix_moves_points_as_defined(turn):
    """(x, y) is shown at (a x + c y, b x + d y), then shifted into the picture."""
    one = 1 << 16
    sx, sy = (-one if turn.flip_x else one), (-one if turn.flip_y else one)
    a, b, c, d = (0, sy, sx, 0) if turn.transpose else (sx, 0, 0, sy)
    matrix = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32)
    assert from_matrix(matrix.tobytes()) == turn
    array = np.arange(6).reshape(2, 3)
    points = [(x, y) for y in range(2) for x in range(3)]
    moved = [((a * x + c * y) // one, (b * x + d * y) // one) for x, y in points]
    left, top = min(x for x, _ in moved), min(y for _, y in moved)
    shown = turn.apply(array)
    for (x, y), (nx, ny) in zip(points, moved, strict=True):
        assert shown[ny - top, nx - left] == array[y, x]


@pytest.mark.parametrize("numbers", [[0] * 9, [46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30]])
def test_odd_matrices_are_refused(numbers):
    assert from_matrix(np.array(numbers, np.int32).tobytes()) is None
    assert from_matrix(b"short") is None


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("chroma", ["420", "422"])
def test_rotated_video_is_upright(degrees, chroma):
    frames = moving_pattern(2, 64, 48, chroma=chroma)
    options = {"options": {"crf": "18"}, "chroma": chroma}
    plain, _ = first_frame(encode_bytes(frames, **options))
    frame, info = first_frame(encode_bytes(frames, rotation=degrees, **options))
    quarter = degrees // 90
    for turned, plane in zip(frame.planes, plain.planes, strict=True):
        np.testing.assert_array_equal(turned, np.rot90(plane, quarter))
    np.testing.assert_array_equal(frame.rgb, np.rot90(plain.rgb, quarter))
    assert info.rotation == degrees
    assert (info.width, info.height) == (frame.width, frame.height) == frame.luma.shape[::-1]
    assert frame.planes[1].shape == chroma_shape(frame.chroma, frame.width, frame.height)


def test_cropping_is_exact_on_every_side():
    frames = moving_pattern(3, 96, 64)
    whole = roundtrip(frames, options={"qp": "20"})
    cropped = roundtrip(frames, options={"qp": "20", "x264-params": "crop-rect=10,4,6,8"})
    for a, b in zip(whole, cropped, strict=True):
        np.testing.assert_array_equal(b[0], a[0][4:56, 10:90])
        np.testing.assert_array_equal(b[1], a[1][2:28, 5:45])


def test_rotated_411_becomes_444():
    options = {"codec": "dvvideo", "container": "mov", "chroma": "411"}
    frames = moving_pattern(1, 720, 480, chroma="411")
    options["rate"] = Fraction(30000, 1001)
    plain, _ = first_frame(encode_bytes(frames, **options))
    frame, _ = first_frame(encode_bytes(frames, rotation=90, **options))
    assert (plain.chroma, frame.chroma) == ("411", "444")
    assert frame.planes[1].shape == (720, 480)
    np.testing.assert_array_equal(frame.luma, np.rot90(plain.luma))


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("full", [False, True])
def test_rgb_uses_matrix_and_range(matrix, full):
    colour = ColourInfo(full, matrix)
    rgb = np.full((48, 64, 3), (200, 60, 30), np.uint8)
    frame, _ = first_frame(encode_bytes([rgb], options={"crf": "1"}, colour=colour))
    assert (frame.colour.matrix, frame.colour.full_range) == (matrix, full)
    np.testing.assert_allclose(frame.rgb[20, 20], (200, 60, 30), atol=3)
    assert not frame.rgb.flags.writeable


@pytest.mark.parametrize(("height", "matrix"), [(718, "bt601"), (720, "bt709")])
def test_untagged_matrix_is_guessed_by_height(height, matrix):
    rgb = np.full((height, 64, 3), (200, 60, 30), np.uint8)
    frame, info = first_frame(encode_bytes([rgb], options={"crf": "1", "preset": "ultrafast"}))
    assert (
        info.colour
        == frame.colour
        == ColourInfo(False, matrix, guessed=("full_range", "matrix", "transfer", "primaries"))
    )
    np.testing.assert_allclose(frame.rgb[20, 20], (200, 60, 30), atol=3)


def test_tags_are_read_and_hdr_is_seen():
    colour = ColourInfo(False, "bt2020", "pq", "bt2020")
    frames = moving_pattern(1, 64, 48, depth=10)
    frame, _ = first_frame(encode_bytes(frames, codec="libx265", depth=10, colour=colour))
    assert frame.colour == colour
    assert frame.colour.hdr


def test_plane_source_gives_the_rgb_of_a_decoded_picture():
    frame, _ = first_frame(encode_bytes(moving_pattern(1, 66, 50), colour=BT709))
    source = PlaneSource(frame.planes, "420", 8, frame.colour)
    np.testing.assert_array_equal(source.rgb(), frame.rgb)


@pytest.mark.parametrize("depth", [8, 10, 16])
def test_gray_ranges(depth):
    scale = 2 ** (depth - 8)
    top = 2**depth - 1
    codes = np.array([[0, 16 * scale, 235 * scale, top]])
    luma = codes.astype(np.uint8 if depth == 8 else np.uint16)
    assert gray_to_rgb(luma, depth, full_range=False)[0, :, 1].tolist() == [0, 0, 255, 255]
    full = gray_to_rgb(luma, depth, full_range=True)[0, :, 1]
    assert full.tolist() == np.rint(codes[0] * (255 / top)).tolist()


def test_gray_video_has_rgb():
    frames = moving_pattern(1, 64, 48, chroma="gray")
    frame, _ = first_frame(encode_bytes(frames, codec="ffv1", chroma="gray", colour=BT709))
    expected = np.rint(np.clip((frames[0][0] - 16.0) * 255 / 219, 0, 255))
    np.testing.assert_array_equal(frame.rgb[..., 2], expected)


def test_resize_keeps_kind_and_flat_areas():
    flat = (np.full((48, 64), 235, np.uint8), *(np.full((24, 32), 90, np.uint8),) * 2)
    for method in ("bicubic", "bilinear", "lanczos", "area"):
        scaled = resize_planes(flat, "420", 8, (101, 77), method)
        assert [p.shape for p in scaled] == [(77, 101), (39, 51), (39, 51)]
        assert [np.unique(p).tolist() for p in scaled] == [[235], [90], [90]]
        assert not scaled[0].flags.writeable


@pytest.mark.parametrize(("chroma", "depth"), [("422", 10), ("rgb", 8), ("gray", 12)])
def test_resize_down_and_up_stays_near(chroma, depth):
    planes = moving_pattern(1, 128, 96, depth=depth, chroma=chroma)[0]
    same = resize_planes(planes, chroma, depth, (128, 96))
    for a, b in zip(planes, same, strict=True):
        np.testing.assert_array_equal(a, b)
    doubled = resize_planes(planes, chroma, depth, (256, 192))
    back = resize_planes(doubled, chroma, depth, (128, 96))
    for a, b in zip(planes, back, strict=True):
        assert a.dtype == b.dtype
        assert np.abs(a.astype(int) - b).mean() < 4 * 2 ** (depth - 8)


def test_resize_equals_the_separable_bicubic_kernel():
    """Doubling: swscale's bicubic is Keys' kernel with a = -0.6 at phases 1/4 and 3/4."""
    rng = np.random.default_rng(1)
    row = rng.integers(60, 200, 64).astype(np.uint8)
    plane = np.repeat(row[None], 16, axis=0)
    scaled = resize_planes((plane,), "gray", 8, (128, 16))[0][8].astype(float)

    def keys(x: float, a: float = -0.6) -> float:
        x = abs(x)
        if x < 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0

    for index in range(20, 100):
        position = (index + 0.5) / 2 - 0.5
        taps = range(int(np.floor(position)) - 1, int(np.floor(position)) + 3)
        expected = sum(row[tap] * keys(position - tap) for tap in taps)
        assert abs(scaled[index] - expected) < 1.5
