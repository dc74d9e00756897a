"""Damage gives the same pictures in every reading, or the report says that it does not."""

import io
import random

import av
import numpy as np
import pytest

from vqa_harness.media.fields import FieldPairs
from vqa_harness.media.picture import frame_of
from vqa_harness.media.reader import VideoReader
from vqa_harness.testing.synthetic import moving_pattern

WIDTH, HEIGHT = 320, 192


def readings(content, times=3, threads=2):
    """The frames' planes of several readings, and the last report."""
    out = []
    for _ in range(times):
        reader = VideoReader(io.BytesIO(content), threads=threads)
        out.append([[plane.copy() for plane in frame.planes] for frame in reader])
    return out, reader.report


def screen_recording(path):
    with av.open(str(path), "w", format="flv") as out:
        stream = out.add_stream("flashsv", rate=25, options={"g": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "bgr24"
        for planes in moving_pattern(6, 64, 64, chroma="rgb"):
            picture = np.stack(planes, axis=-1)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        out.mux(stream.encode(None))
    return path.read_bytes()


def test_screen_recordings_are_read_alike_where_they_are_whole(tmp_path):
    (first, second, _), report = readings(screen_recording(tmp_path / "a.flv"))
    assert report.warnings() == []
    assert len(first) == 6
    np.testing.assert_array_equal(first, second)


def test_damage_of_a_screen_recording_is_told(tmp_path):
    content = bytearray(screen_recording(tmp_path / "a.flv"))
    starts = [i for i in range(len(content)) if content[i : i + 2] == b"\x78\x01"]
    starts = starts or [i for i in range(len(content)) if content[i : i + 2] == b"\x78\x9c"]
    at = starts[len(starts) // 2] + 40
    content[at : at + 60] = b"\xff" * 60
    reader = VideoReader(io.BytesIO(bytes(content)))
    frames = list(reader)
    assert any(frame.corrupt for frame in frames)
    told = " ".join(reader.report.warnings())
    assert "may decode to other pictures in every reading" in told
    assert "damaged frame" in told


@pytest.mark.parametrize("seed", [3, 9])
def test_damaged_mpeg2_is_read_alike(seed):
    out = io.BytesIO()
    with av.open(out, "w", format="mpeg") as container:
        options = {"flags": "+ildct+ilme", "g": "12", "bf": "2", "top": "1"}
        stream = container.add_stream("mpeg2video", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 1_500_000
        for planes in moving_pattern(30, WIDTH, HEIGHT):
            container.mux(stream.encode(frame_of(planes, "420", 8)))
        container.mux(stream.encode(None))
    content = bytearray(out.getvalue())
    rng = random.Random(seed)
    for _ in range(3):
        at = rng.randrange(2000, len(content) - 400)
        content[at : at + 300] = rng.randbytes(300)
    found, report = readings(bytes(content), times=6)
    assert report.warnings()
    for other in found[1:]:
        for planes, again in zip(found[0], other, strict=True):
            for plane, same in zip(planes, again, strict=True):
                np.testing.assert_array_equal(plane, same)


def picture(structure):
    """The headers of an MPEG-2 picture, with another extension before them."""
    return (
        b"\0\0\1\xb5\x14\0\0"
        + b"\0\0\1\0"
        + bytes(4)
        + b"\0\0\1\xb5\x8f\xff"
        + bytes([0xF0 | structure, 0x80, 0])
    )


@pytest.mark.parametrize(
    ("packets", "lone"),
    [
        ([[3], [3], [3]], 0),
        ([[1, 2], [2, 1], [3]], 0),
        ([[1], [2], [1], [2]], 0),
        ([[1, 2], [1], [3]], 1),
        ([[1, 2], [1]], 1),
        ([[1], [1], [2]], 1),
        ([[2], [3], [1], [3]], 2),
    ],
)
def test_fields_without_their_other_half_are_counted(packets, lone):
    pairs = FieldPairs()
    for packet in packets:
        pairs.see(b"".join(picture(structure) for structure in packet))
    pairs.end()
    assert pairs.lone == lone


def test_a_field_alone_is_told():
    out = io.BytesIO()
    with av.open(out, "w", format="mpegts") as container:
        stream = container.add_stream("mpeg2video", rate=25, options={"g": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for planes in moving_pattern(4, WIDTH, HEIGHT):
            container.mux(stream.encode(frame_of(planes, "420", 8)))
        container.mux(stream.encode(None))
    content = bytearray(out.getvalue())
    last = content.rindex(b"\0\0\1\xb5\x8f\xff")
    content[last + 6] = content[last + 6] & ~3 | 1  # the last frame becomes a top field
    reader = VideoReader(io.BytesIO(bytes(content)))
    list(reader)
    assert "1 of its fields have no other half" in " ".join(reader.report.warnings())
