"""Side data beside the display matrix neither hides it nor ends the process."""

import struct
import subprocess
import sys
import zlib

import pytest

from vqa_harness.media.reader import VideoReader

READ = """
import gc, sys
from vqa_harness.media.reader import VideoReader
for path in sys.argv[1:]:
    with VideoReader(path) as reader:
        frames = list(reader)
    del frames, reader
    gc.collect()
print("alive")
"""


def chunk(name, content):
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def png(path, *extra, width=8, height=6):
    """A gray picture, with further chunks before its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes((width + 1) * height)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + pixels + chunk(b"IEND", b""))
    return path


def profile(name=b"a name"):
    """An ICC profile of a gray device: a header alone."""
    header = struct.pack(">I4sI4s4s4s", 132, b"lcms", 0x04000000, b"mntr", b"GRAY", b"XYZ ")
    body = (header + bytes(12) + b"acsp").ljust(128, b"\0") + struct.pack(">I", 0)
    return chunk(b"iCCP", name + b"\0\0" + zlib.compress(body))


def orientation(value):
    """EXIF that holds an orientation alone."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, value, 0)
    return chunk(b"eXIf", b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4))


def test_a_named_profile_does_not_end_the_process(tmp_path):
    path = png(tmp_path / "a.png", profile())
    words = [sys.executable, "-c", READ, *[str(path)] * 20]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


@pytest.mark.parametrize("extra", [(), (profile(),)])
def test_the_orientation_is_found_beside_a_profile(tmp_path, extra):
    plain = VideoReader(png(tmp_path / "plain.png", *extra)).info
    turned = VideoReader(png(tmp_path / "turned.png", *extra, orientation(6))).info
    assert (plain.width, plain.height, plain.rotation) == (8, 6, 0)
    assert (turned.width, turned.height, turned.rotation) == (6, 8, 270)
    mirrored = VideoReader(png(tmp_path / "mirrored.png", *extra, orientation(4))).info
    assert (mirrored.width, mirrored.mirrored) == (8, True)
