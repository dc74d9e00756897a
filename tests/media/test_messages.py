"""What a video that cannot be read, scaled or written is told to be: one line that is true."""

import io
import struct
import sys
from pathlib import Path

import pytest

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.errors import InputError, UsageError, about
from vqa_harness.files import file_sha256, read_bytes
from vqa_harness.ladder.encode import EncodeJob, encode_rung
from vqa_harness.media.external_media import external_media
from vqa_harness.media.reader import VideoReader
from vqa_harness.testing.synthetic import make_video


@pytest.mark.parametrize(
    "address", ["http://host/a.mp4", "https://host/a.mp4", "s3://bucket/a.mp4", "file:///a/b.mp4"]
)
@pytest.mark.parametrize("of", [str, Path])
def test_an_address_is_told_from_a_missing_file(address, of):
    for read in (VideoReader, lambda path: read_bytes(Path(path), 9, "x"), file_sha256):
        if read is file_sha256 and of is str:
            continue
        with pytest.raises(InputError, match="URLs are not opened, download it first"):
            read(of(address))
    with pytest.raises(InputError, match=r"c\.mp4: no such file; check the path"):
        VideoReader(of("ab/c.mp4"))
    with pytest.raises(InputError, match=r"a:b\.mp4: no such file; check the path"):
        VideoReader(of("a:b.mp4"))


def test_a_movie_that_refers_to_another_file(tmp_path):
    path = tmp_path / "whole.mov"
    make_video(path, 3, width=64, height=48)
    data = path.read_bytes()
    assert external_media(path) == ""
    own = struct.pack(">I4sI", 12, b"url ", 1)
    assert data.count(own) == 1
    for entry, named in (
        (struct.pack(">I4sI", 12, b"url ", 0), "a reference of kind 'url'"),
        (struct.pack(">I4sI", 12, b"alis", 0), "a reference of kind 'alis'"),
        (struct.pack(">I4sI", 12, b"rsrc", 0), "a reference of kind 'rsrc'"),
    ):
        moved = tmp_path / "refers.mov"
        moved.write_bytes(data.replace(own, entry))
        assert external_media(moved) == named


def test_a_reference_movie_is_not_called_incomplete(tmp_path):
    path = tmp_path / "refers.mov"
    path.write_bytes(reference_movie(b"file:///elsewhere/media.mov\0"))
    assert external_media(path) == "file:///elsewhere/media.mov"
    with path.open("rb") as file:
        assert external_media(file) == "file:///elsewhere/media.mov"
    with pytest.raises(InputError) as caught:
        VideoReader(path)
    assert "its frames are in another file (file:///elsewhere/media.mov)" in str(caught.value)
    assert "complete?" not in str(caught.value)


def test_damaged_boxes_end_the_search(tmp_path):
    path = tmp_path / "a.mov"
    for data in (b"", b"\0\0\0\7moov", b"\0\0\0\1moov", box(b"moov", b"\xff" * 40)):
        path.write_bytes(data)
        assert external_media(path) == ""
    nested = b""
    for _ in range(2000):
        nested = box(b"trak", nested)
    path.write_bytes(nested)
    assert external_media(path) == ""


def box(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


def reference_movie(url):
    """A movie of one video track with two samples, which lie in the file that ``url`` names."""
    dref = box(b"dref", struct.pack(">II", 0, 1) + box(b"url ", struct.pack(">I", 0) + url))
    entry = struct.pack(">6xH16xHHII4xH32sHh", 1, 64, 48, 72 << 16, 72 << 16, 1, b"", 24, -1)
    table = b"".join(
        (
            box(b"stsd", struct.pack(">II", 0, 1) + box(b"mjpa", entry)),
            box(b"stts", struct.pack(">IIII", 0, 1, 2, 1)),
            box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 2, 1)),
            box(b"stsz", struct.pack(">IIIII", 0, 0, 2, 900, 900)),
            box(b"stco", struct.pack(">III", 0, 1, 40)),
        )
    )
    media = box(b"vmhd", struct.pack(">I8x", 1)) + box(b"dinf", dref) + box(b"stbl", table)
    mdia = b"".join(
        (
            box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 25, 2, 0, 0)),
            box(b"hdlr", struct.pack(">I4s4s12xx", 0, b"mhlr", b"vide")),
            box(b"minf", media),
        )
    )
    matrix = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    tkhd = struct.pack(">IIIIII8xHHHH", 7, 0, 0, 1, 0, 2, 0, 0, 0, 0) + matrix
    tkhd += struct.pack(">II", 64 << 16, 48 << 16)
    mvhd = (
        struct.pack(">IIIIIIH10x", 0, 0, 0, 25, 2, 1 << 16, 256) + matrix + struct.pack(">24xI", 2)
    )
    moov = box(b"mvhd", mvhd) + box(b"trak", box(b"tkhd", tkhd) + box(b"mdia", mdia))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", moov)


@pytest.mark.parametrize("size", ["99999x99999", "16385x2", "16384x16384"])
def test_a_size_too_large_to_scale_to_is_refused(size):
    with pytest.raises(UsageError, match=f"--scale-to {size}: is too large; FFmpeg scales to at"):
        AlignOptions(scale_to=size)
    assert AlignOptions(scale_to="16384x8192").size() == (16384, 8192)


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as POSIX does")
def test_a_full_disk_is_not_the_encoders_fault(tmp_path):
    import resource

    source = tmp_path / "a.mkv"
    make_video(source, 30, width=64, height=48, options={"qp": "0"})
    job = EncodeJob(source, tmp_path / "rung.mp4", "libx264", {"crf": "1"}, (64, 48), "crf 1")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        with pytest.raises(UsageError, match=r"cannot write .*rung\.mp4: .*; make room"):
            encode_rung(job)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.mp4", "x.mp4: 1 gap", "x.mp4: 1 gap"),
        ("x", "x.mp4: 1 gap", "x.mp4: 1 gap"),
        ("x.mp4", "y.mp4: 1 gap", "x.mp4: y.mp4: 1 gap"),
        ("x", "1 gap", "x: 1 gap"),
        ("x.mp4", "x.mp4 has gaps", "x.mp4: x.mp4 has gaps"),
    ],
)
def test_a_name_is_said_once(name, text, told):
    assert about(name, text) == told


@pytest.mark.parametrize("size", [0, 8, 15, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("kind", [b"dref", b"moov", b"mdat"])
def test_a_box_of_an_impossible_length_ends_the_search(kind, size):
    box = (1).to_bytes(4) + kind + size.to_bytes(8)
    assert external_media(io.BytesIO(box + bytes(40))) == ""
