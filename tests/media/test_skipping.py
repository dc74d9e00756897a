"""Frames that are read alone are those of a reader of everything: number, time and every sample."""

import io
import random
import zlib
from fractions import Fraction

import pytest

from vqa_harness.media.coded_picture import reader_of
from vqa_harness.media.encode import encode_bytes
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.selection import BEGIN, SKIP, packet_table
from vqa_harness.media.skipping import NotAsPromised
from vqa_harness.media.source import FileObject
from vqa_harness.media.writer import copy_packets
from vqa_harness.testing.synthetic import make_video, moving_pattern

COUNT = 72
X265 = "log-level=none:keyint=12:min-keyint=12:bframes=3"
SVT = {"preset": "12", "svtav1-params": "keyint=11:lookahead=0"}
CASES = {
    "h264 closed": ("a.mp4", "libx264", {"g": "12", "preset": "fast"}),
    "h264 open": ("a.mp4", "libx264", {"g": "12", "x264-params": "open-gop=1"}),
    "h264 refresh": ("a.mp4", "libx264", {"g": "12", "intra-refresh": "1"}),
    "h264 matroska": ("a.mkv", "libx264", {"g": "12", "bf": "2"}),
    "h264 annex b": ("a.ts", "libx264", {"g": "12", "bf": "2"}),
    "h264 one group": ("a.mp4", "libx264", {"g": "250"}),
    "hevc open": ("a.mp4", "libx265", {"preset": "ultrafast", "x265-params": X265}),
    "hevc closed": (
        "a.mkv",
        "libx265",
        {"preset": "ultrafast", "x265-params": f"{X265}:no-open-gop=1"},
    ),
    "hevc layers": (
        "a.ts",
        "libx265",
        {"preset": "ultrafast", "x265-params": f"{X265}:temporal-layers=1"},
    ),
    "mpeg-2": ("a.ts", "mpeg2video", {"g": "12", "bf": "2"}),
    "vp9": ("a.webm", "libvpx-vp9", {"g": "12", "deadline": "realtime", "cpu-used": "8"}),
    "vp8": ("a.webm", "libvpx", {"g": "12", "deadline": "realtime", "cpu-used": "8"}),
    "av1": ("a.mp4", "libsvtav1", SVT),
    "intra only": ("a.mkv", "mjpeg", {}),
    "unknown": ("a.mp4", "mpeg4", {"g": "12", "bf": "2"}),
}
SKIPS_SINGLE = ("h264", "hevc", "mpeg-2", "av1")
"""Codecs whose packets tell which pictures nobody refers to."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Path of the video of a case, encoded when it is first asked for."""
    paths = {}

    def path(name):
        if name not in paths:
            file, codec, options = CASES[name]
            pix_fmt = "yuvj420p" if codec == "mjpeg" else None
            paths[name] = tmp_path_factory.mktemp("skipping") / file
            make_video(
                paths[name],
                COUNT,
                width=96,
                height=64,
                codec=codec,
                options=options,
                pix_fmt=pix_fmt,
            )
        return paths[name]

    return path


def seen(frame):
    return frame.index, frame.time, zlib.crc32(b"".join(p.tobytes() for p in frame.planes))


def everything(path):
    with VideoReader(path) as reader:
        return [seen(frame) for frame in reader], reader.report.to_json()


def only(path, wanted, threads=0):
    with VideoReader(path, threads=threads) as reader:
        table = reader.packets()
        assert table is not None
        times = reader.only(table, wanted)
        frames = [seen(frame) for frame in reader]
        return frames, times, reader.report.to_json()


def choices(count):
    """Sets of frames: spread, few, none after the middle, one, and a row of them."""
    rng = random.Random(count)
    yield {i for i in range(count) if i % 12 in (1, 4, 7, 10)}
    yield set(rng.sample(range(count), 4))
    yield set(rng.sample(range(count // 2), 3))
    yield {count - 1}
    yield set(range(count // 3, count // 3 + 5))


@pytest.mark.parametrize("name", CASES)
def test_frames_are_those_of_reading_everything(made, name):
    path = made(name)
    full, report = everything(path)
    assert len(full) == COUNT
    for number, wanted in enumerate(choices(COUNT)):
        frames, times, mine = only(path, wanted, threads=1 + number % 3)
        assert frames == [full[i] for i in sorted(wanted)]
        assert times == [time for _, time, _ in full]
        decoded = mine.pop("decoded_frames")
        assert len(wanted) <= decoded <= COUNT
        assert mine.pop("notes") == [*report["notes"], f"{decoded} of {COUNT} frames were decoded:"
                                     " nobody looks at the others"]  # fmt: skip
        assert mine == {key: value for key, value in report.items() if key != "notes"}


@pytest.mark.parametrize("name", [n for n in CASES if n != "unknown"])
def test_few_frames_take_few_packets(made, name):
    table = packet_table(f"file:{made(name)}")
    plan = table.plan({COUNT // 2 + 3})
    taken = sum(action != SKIP for action in plan)
    alone = COUNT - len(table.referenced())
    if name.startswith(SKIPS_SINGLE):
        assert alone > COUNT // 8
    if name not in (
        "h264 open",
        "h264 refresh",
        "h264 one group",
    ):  # in which decoding can begin nowhere else
        assert taken <= 24
        assert plan.count(BEGIN) <= 2


@pytest.mark.parametrize("name", ["h264 closed", "hevc open", "mpeg-2"])
def test_the_choice_does_not_depend_on_threads(made, name):
    reports = [only(made(name), {5, 40, 41}, threads)[2] for threads in (1, 2, 5)]
    assert reports[0] == reports[1] == reports[2]


@pytest.mark.parametrize("shift", [Fraction(-1, 2), Fraction(3)])
@pytest.mark.parametrize("name", ["h264 closed", "h264 open", "hevc open"])
def test_edit_lists_and_late_starts(made, name, shift, tmp_path):
    path = tmp_path / "edited.mp4"
    copy_packets(str(made(name)), str(path), shift=shift)
    full, _ = everything(path)
    for wanted in choices(len(full)):
        assert only(path, wanted)[0] == [full[i] for i in sorted(wanted)]


def test_varying_rate_keeps_times_and_gaps(tmp_path):
    rng = random.Random(3)
    stamps = [0]
    while len(stamps) < 40:
        stamps.append(stamps[-1] + rng.choice((1, 1, 2, 5)))
    path = tmp_path / "varying.mp4"
    make_video(path, 40, width=96, height=64, pts=stamps, options={"g": "8"})
    full, report = everything(path)
    frames, times, mine = only(path, {3, 21, 22})
    assert frames == [full[i] for i in (3, 21, 22)]
    assert times == [Fraction(stamp, 25) for stamp in stamps]
    assert mine["gap_list"] == report["gap_list"] != []


def test_a_file_object_is_read_alike(made):
    data = made("h264 closed").read_bytes()
    full, _ = everything(made("h264 closed"))
    reader = FileObject(io.BytesIO(data)).open()
    reader.only(reader.packets(), {2, 33})
    assert [seen(frame) for frame in reader] == [full[2], full[33]]


def joined(folder):
    parts = [encode_bytes(moving_pattern(n, 96, 64), container="mpegts") for n in (40, 20)]
    (folder / "joined.ts").write_bytes(b"".join(parts))
    return folder / "joined.ts"


def raw(folder):
    (folder / "raw.h264").write_bytes(encode_bytes(moving_pattern(20, 96, 64), container="h264"))
    return folder / "raw.h264"


def avi(folder):
    make_video(folder / "a.avi", 20, width=96, height=64, options={"bf": "2"})
    return folder / "a.avi"


def still(folder):
    make_video(folder / "a.png", 1, width=96, height=64, codec="png", pix_fmt="rgb24")
    return folder / "a.png"


def interlaced(folder):
    options = {"flags": "+ilme+ildct", "x264-params": "tff=1"}
    make_video(folder / "a.mp4", 20, width=96, height=64, options=options)
    return folder / "a.mp4"


@pytest.mark.parametrize("make", [joined, raw, avi, still, interlaced])
def test_where_packets_do_not_tell_the_frames_all_are_read(make, tmp_path):
    with VideoReader(make(tmp_path)) as reader:
        assert reader.packets() is None


def test_damage_on_the_way_is_not_passed_over(made, tmp_path):
    data = bytearray(made("h264 one group").read_bytes())
    begin = data.index(b"mdat")
    at = begin + (data.index(b"moov") - begin) // 2
    data[at : at + 300] = bytes(300)
    (tmp_path / "damaged.mp4").write_bytes(data)
    with VideoReader(tmp_path / "damaged.mp4") as reader:
        table = reader.packets()
        assert table is not None
        reader.only(table, set(range(COUNT)))
        with pytest.raises(NotAsPromised):
            list(reader)


@pytest.mark.parametrize(
    ("codec", "extradata", "payload", "key", "told"),
    [
        ("h264", b"\1...\3", b"\0\0\0\2\x09\x10\0\0\0\3\x65\x88\x84", True, (True, False, 0)),
        ("h264", b"\1...\3", b"\0\0\0\3\x01\x9a\x00", False, (False, True, 0)),
        ("h264", b"\1...\3", b"\0\0\0\3\x41\x9a\x00", True, (False, False, 0)),
        ("h264", None, b"\0\0\0\1\x09\xf0\0\0\1\x01\x9a\x00", False, (False, True, 0)),
        ("h264", None, b"\0\0\1\x68\xce\x3c\0\0\1\x01\x9a\x00", False, (False, False, 0)),
        ("h264", None, b"\0\0\1\x06\x05\x01", True, (False, False, 0)),
        ("hevc", None, b"\0\0\1\x2a\x01\xaf", True, (True, False, 0)),
        ("hevc", None, b"\0\0\1\x00\x03\xe0", False, (False, True, 2)),
        ("hevc", None, b"\0\0\1\x02\x02\xd0", False, (False, False, 1)),
        ("mpeg2video", None, b"\0\0\1\0\0\x98\xff\xff", False, (False, True, 0)),
        ("mpeg2video", None, b"\0\0\1\xb3\0\0\1\0\0\x08\xff", True, (True, False, 0)),
        ("mpeg2video", None, b"\0\0\1\0\0", False, (False, False, 0)),
        ("vp9", None, b"\x82", True, (True, False, 0)),
        ("av1", None, b"\x12\0\x32\x02\x30\0", False, (False, False, 0)),
        ("theora", None, b"\x82", True, (False, False, 0)),
        ("h264", b"\1...\3", b"", True, (False, False, 0)),
        ("hevc", b"\1", b"\0\0\0\xff\x26", True, (False, False, 0)),
    ],
)
def test_what_a_packet_tells(codec, extradata, payload, key, told):
    assert reader_of(codec, extradata)(memoryview(payload), key) == told
