"""Making sizes, depths, ranges and matrices equal, and refusing what cannot be."""

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.alignment.helpers import LOSSLESS, codes, paired, pattern, write
from vqa_harness.alignment.formats import plan_formats
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.pairs import AlignedPairs
from vqa_harness.errors import AlignError, InputError, UsageError
from vqa_harness.frames import ColourInfo
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.reader import probe
from vqa_harness.media.recode import PixelFormat, recode
from vqa_harness.testing.synthetic import moving_pattern

TV709 = ColourInfo(full_range=False, matrix="bt709")
TV601 = ColourInfo(full_range=False, matrix="bt601")
FULL601 = ColourInfo(full_range=True, matrix="bt601")


@pytest.fixture(scope="module")
def frames():
    return pattern(30)


def first_pair(distorted, reference, **options):
    pairs = AlignedPairs(distorted, reference, AlignOptions(**options))
    try:
        one, two = next(iter(pairs))
        for frame, info in ((one, pairs.distorted), (two, pairs.reference)):
            height, width = frame.planes[0].shape
            assert (width, height) == (frame.width, frame.height) == (info.width, info.height)
            assert (frame.depth, frame.chroma) == (info.depth, info.chroma)
        assert [p.shape for p in one.planes] == [p.shape for p in two.planes]
        assert [p.dtype for p in one.planes] == [p.dtype for p in two.planes]
        assert (one.depth, one.chroma) == (two.depth, two.chroma)
        assert one.colour.full_range == two.colour.full_range
        return one, two, pairs.report
    finally:
        pairs.close()


def smaller(frames, size):
    return [resize_planes(f, "420", 8, size) for f in frames]


def test_frames_alike_pass_through_untouched(folder, frames, reference):
    one, two, report = first_pair(write(folder / "same.mp4", frames), reference)
    assert not one.planes[0].flags.owndata
    assert np.array_equal(one.planes[0], frames[0][0])
    assert np.array_equal(two.rgb, one.rgb)
    assert report.format["measured"]["size"] == [160, 96]


@pytest.mark.parametrize(
    ("scale_to", "size"), [("ref", (160, 96)), ("dist", (80, 48)), ("120x72", (120, 72))]
)
def test_sizes_are_made_equal_with_bicubic(folder, frames, reference, scale_to, size):
    small = smaller(frames, (80, 48))
    path = write(folder / "small.mp4", small)
    one, two, _ = first_pair(path, reference, scale_to=scale_to)
    assert (one.width, one.height) == size
    expected = small[0] if scale_to == "dist" else resize_planes(small[0], "420", 8, size)
    assert all(np.array_equal(a, b) for a, b in zip(one.planes, expected, strict=True))
    assert two.rgb.shape == (size[1], size[0], 3)
    assert paired(path, reference).pairs == [(i, i) for i in range(30)]


def test_another_aspect_ratio_is_refused_unless_fitted(folder, frames, reference):
    square = write(folder / "square.mp4", smaller(frames, (96, 96)))
    with pytest.raises(AlignError, match=r"aspect ratio.*--fit"):
        AlignedPairs(square, reference)
    one, _, _ = first_pair(square, reference, fit="stretch")
    wide = resize_planes(smaller(frames[:1], (96, 96))[0], "420", 8, (160, 96))
    assert np.array_equal(one.planes[0], wide[0])
    one, _, _ = first_pair(square, reference, fit="pad")
    assert (one.planes[0][:, :32] == 16).all()
    assert (one.planes[1][:, :16] == 128).all()
    assert np.array_equal(one.planes[0][:, 32:128], smaller(frames[:1], (96, 96))[0][0])
    one, _, report = first_pair(square, reference, fit="crop")
    assert one.planes[0].min() > 16
    assert report.format["distorted"]["fit"] == "crop"


def test_rotation_is_undone(folder, frames, reference):
    turned = [tuple(np.ascontiguousarray(np.rot90(p)) for p in f) for f in frames]
    path = write(folder / "turned.mp4", turned, rotation=-90)
    if probe(path).rotation == 0 or probe(path).width != 160:
        path = write(folder / "turned2.mp4", turned, rotation=90)
    found = paired(path, reference)
    assert found.pairs == [(i, i) for i in range(30)]
    assert found.json["format"]["distorted"]["rotation_undone"] in (90, 270)
    assert found.report.residual["max"] < 100


@pytest.mark.parametrize(
    ("axis", "matrix", "degrees"),
    [(1, {"a": -1}, 0), (0, {"d": -1}, 180)],
    ids=["left to right", "top to bottom"],
)
def test_a_mirror_in_the_container_is_undone(folder, frames, reference, axis, matrix, degrees):
    seen = [tuple(np.ascontiguousarray(np.flip(p, axis)) for p in f) for f in frames]
    path = write(folder / f"mirrored-{axis}.mp4", seen)
    set_display_matrix(path, matrix)
    found = paired(path, reference)
    assert found.pairs == [(i, i) for i in range(30)]
    assert found.lossless
    done = found.json["format"]["distorted"]
    assert (done["rotation_undone"], done["mirror_undone"]) == (degrees, True)
    assert not found.json["format"]["reference"]["mirror_undone"]


def set_display_matrix(path, entries):
    """Change entries of the matrix in an mp4's track header, whole numbers as 16.16."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    for name, value in entries.items():
        struct.pack_into(">i", data, matrix + 4 * "abucdvxyw".index(name), value << 16)
    path.write_bytes(data)


def test_sample_aspect_ratio_counts(folder, frames, reference):
    squeezed = smaller(frames, (120, 96))
    path = write(folder / "sar.mp4", squeezed, sar=Fraction(4, 3))
    found = paired(path, reference)
    assert found.json["format"]["distorted"]["sar"] == "4:3"
    assert found.pairs == [(i, i) for i in range(30)]
    with pytest.raises(AlignError, match="aspect ratio"):
        paired(write(folder / "nosar.mp4", squeezed), reference)


def boxed(frames):
    out = []
    for planes in frames:
        made = [np.full(p.shape, 128 if i else 16, np.uint8) for i, p in enumerate(planes)]
        for i, (target, plane) in enumerate(zip(made, planes, strict=True)):
            margin = 6 if i else 12
            target[margin:-margin] = plane[margin:-margin]
        out.append(tuple(made))
    return out


def test_bars_are_told_or_cut_off(folder, frames, reference):
    path = write(folder / "boxed.mp4", boxed(frames))
    found = paired(path, reference)
    assert any("black bars differ" in text for text in found.warnings)
    inner = write(
        folder / "inner.mp4",
        [tuple(p[a:-a] for p, a in zip(f, (12, 6, 6), strict=True)) for f in frames],
    )
    with pytest.raises(AlignError, match="--crop auto"):
        paired(path, inner)
    found = paired(path, inner, crop="auto")
    assert found.lossless
    assert found.json["format"]["distorted"]["region"] == [0, 12, 160, 72]
    assert "format" in codes(found)
    unseen = paired(path, reference, crop="off", mode="index")
    assert "format" not in codes(unseen)
    both = paired(path, write(folder / "boxed2.mp4", boxed(frames)))
    assert both.warnings == []


def test_depth_is_raised_never_lowered(folder, frames, reference):
    ten = moving_pattern(30, 160, 96, depth=10)
    path = write(folder / "ten.mkv", ten, depth=10, codec="ffv1", options={})
    one, two, report = first_pair(reference, path)
    assert (one.depth, one.planes[0].dtype) == (10, np.uint16)
    assert np.array_equal(one.planes[0], frames[0][0].astype(np.uint16) * 4)
    assert np.array_equal(two.planes[0], ten[0][0])
    one, two, _ = first_pair(path, reference)
    assert np.array_equal(one.planes[0], ten[0][0])
    assert paired(reference, path).pairs == [(i, i) for i in range(30)]
    assert report.format["measured"]["pix_fmt"] == "yuv420p10le"


def test_range_is_converted(folder, frames, reference):
    wide = [
        (
            np.rint(np.clip((f[0] - 16.0) * 255 / 219, 0, 255)).astype(np.uint8),
            *(
                np.rint(np.clip((p - 128.0) * 255 / 224 + 128, 0, 255)).astype(np.uint8)
                for p in f[1:]
            ),
        )
        for f in frames
    ]
    path = write(folder / "full.mp4", wide, colour=FULL601)
    tagged = write(folder / "tv.mp4", frames, colour=TV601)
    one, two, _ = first_pair(path, tagged)
    for a, b in zip(one.planes, two.planes, strict=True):
        assert np.abs(a.astype(int) - b.astype(int)).max() <= 1
    assert any("range differs" in t for t in paired(path, tagged).warnings)


def test_matrix_is_converted(folder):
    rgb = np.zeros((96, 160, 3), np.uint8)
    rgb[..., 0], rgb[..., 1], rgb[..., 2] = 200, 90, 40
    rgb[20:60, 30:90] = (40, 60, 190)
    one = write(folder / "m709.mp4", [rgb] * 3, colour=TV709)
    two = write(folder / "m601.mp4", [rgb] * 3, colour=TV601)
    dist, ref, report = first_pair(one, two)
    inside = (slice(4, 16), slice(4, 26))
    for a, b in zip(dist.planes, ref.planes, strict=True):
        assert np.abs(a[inside].astype(int) - b[inside]).max() <= 2
    assert np.abs(dist.rgb.astype(int) - ref.rgb).mean() < 2.5
    assert report.format["measured"]["matrix"] == "bt601"


def test_rgb_and_gray_meet_yuv(folder, frames, reference):
    ref = write(folder / "tagged.mp4", frames, colour=TV601)
    colours = AlignedPairs(ref, ref)
    pictures = [frame.rgb.copy() for frame, _ in colours]
    colours.close()
    rgb = write(
        folder / "rgb.mkv", pictures, codec="ffv1", options={}, chroma="rgb", pix_fmt="bgr0"
    )
    assert probe(rgb).chroma == "rgb"
    dist, two, _ = first_pair(rgb, ref)
    assert dist.chroma == "420"
    assert np.abs(dist.planes[0].astype(int) - two.planes[0]).mean() < 2
    gray = write(
        folder / "gray.mkv", [f[:1] for f in frames], chroma="gray", codec="ffv1", options={}
    )
    found = paired(gray, reference)
    assert any("only luma" in text for text in found.warnings)
    assert len(found.pairs) == 30


@pytest.mark.parametrize("pair", [("pq", "bt709"), ("bt709", "hlg"), ("pq", "hlg"), ("pq", None)])
def test_high_dynamic_range_is_not_compared_with_standard(reference, pair):
    info = probe(reference)
    one, two = (replace(info, colour=replace(info.colour, transfer=t or "unknown")) for t in pair)
    with pytest.raises(AlignError, match="high dynamic range"):
        plan_formats(one, two, AlignOptions())
    assert plan_formats(one, one, AlignOptions()).notes == ()


def test_transfer_functions_of_real_files(folder, frames):
    tagged = {
        name: write(folder / f"{name}.mp4", frames, colour=replace(TV709, transfer=name))
        for name in ("pq", "bt709")
    }
    with pytest.raises(AlignError, match="distorted pq, reference bt709"):
        paired(tagged["pq"], tagged["bt709"])
    assert paired(tagged["pq"], tagged["pq"]).lossless


def test_other_primaries_are_told(folder, frames):
    wide, narrow = (
        write(folder / f"{name}.mp4", frames, colour=replace(TV709, primaries=name))
        for name in ("bt2020", "bt709")
    )
    found = paired(wide, narrow)
    assert found.lossless
    assert len(found.pairs) == 30
    assert any("primaries differ (distorted bt2020" in text for text in found.warnings)


def test_interlaced_is_not_compared_with_progressive(folder, frames, reference):
    woven = write(folder / "woven.mp4", frames, options=LOSSLESS | {"x264-params": "tff=1"})
    with pytest.raises(AlignError, match="deinterlace"):
        paired(woven, reference)
    found = paired(woven, woven)
    assert any("woven" in text for text in found.warnings)
    assert found.lossless


def test_damaged_frames_follow_the_policy(folder, frames):
    path = write(folder / "good.mp4", pattern(40), options={"crf": "20", "g": "20"})
    data = bytearray(path.read_bytes())
    start = data.find(b"mdat") + 200
    rng = np.random.default_rng(1)
    for place in rng.integers(start, start + len(data) // 2, 25):
        data[place] ^= 1 << int(rng.integers(8))
    bad = folder / "bad.mp4"
    bad.write_bytes(bytes(data))
    scored = paired(bad, path, mode="index")
    damaged = scored.reading["distorted"]["corrupt_frames"]
    assert damaged > 0
    skipped = paired(bad, path, mode="index", on_corrupt="skip")
    assert len(skipped.pairs) == len(scored.pairs) - damaged
    assert skipped.json["skipped_corrupt"] == damaged
    assert "damaged" in codes(skipped)
    with pytest.raises(InputError, match="damaged"):
        paired(bad, path, mode="index", on_corrupt="fail")


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "guess"},
        {"tail": "x"},
        {"max_offset": 0},
        {"scale_to": "12"},
        {"crop": "x"},
        {"scale_to": "0x4"},
        {"max_offset": float("nan")},
    ],
)
def test_options_are_checked(options):
    with pytest.raises(UsageError):
        AlignOptions(**options)


def test_recoding_there_and_back_is_close():
    rng = np.random.default_rng(0)
    planes = tuple(rng.integers(40, 200, (32, 32)).astype(np.uint8) for _ in range(3))
    old = PixelFormat("444", 8, False, "bt601")
    new = PixelFormat("444", 10, True, "bt2020")
    back = recode(recode(planes, old, new), new, replace_depth(old, 10))
    for a, b in zip(back, planes, strict=True):
        assert np.abs(a / 4.0 - b).max() <= 1
    gray = PixelFormat("gray", 10, False, "bt601")
    assert np.array_equal(recode(planes, old, gray)[0], planes[0].astype(np.uint16) * 4)
    with pytest.raises(ValueError, match="RGB"):
        recode(planes, old, PixelFormat("rgb", 8, True, "rgb"))


def replace_depth(coding, depth):
    return PixelFormat(coding.chroma, depth, coding.full_range, coding.matrix)
