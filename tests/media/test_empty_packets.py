"""Empty packets repeat the picture before them; only the end of the file ends reading."""

from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest

from vqa_harness.errors import InputError
from vqa_harness.media.bitrate import measure_bitrate
from vqa_harness.media.picture import frame_of
from vqa_harness.media.read_report import ReadReport
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.repeats import Repeats
from vqa_harness.testing.synthetic import make_video, moving_pattern

SHOWN = [0, 1, 4, 5, 9]
"""Times, in frames, at which a new picture is coded; the others are empty packets."""
TRUE = [0, 1, 1, 1, 2, 3, 3, 3, 3, 4]
"""Which picture is seen at each time."""


def write(path, codec="ffv1", times=range(10), **options):
    """Five pictures at the times `SHOWN`, and empty packets at the others."""
    pictures = [planes[0] for planes in moving_pattern(len(SHOWN), 64, 48)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        coded = {}
        for time, picture in zip(SHOWN, pictures, strict=True):
            frame = frame_of([picture, *[np.full((24, 32), 128, np.uint8)] * 2], "420", 8)
            frame.pts, frame.time_base = time, Fraction(1, 25)
            for packet in stream.encode(frame):
                coded[round(packet.pts * packet.time_base * 25)] = packet
        for time in times:
            packet = coded.get(time)
            if packet is None:
                packet = av.Packet(b"")
                packet.stream, packet.time_base = stream, Fraction(1, 25)
                packet.pts = packet.dts = time
            out.mux(packet)
    return pictures


def seen(path, pictures):
    reader = VideoReader(path)
    frames = list(reader)
    found = [
        int(np.argmin([np.abs(frame.planes[0].astype(int) - one).mean() for one in pictures]))
        for frame in frames
    ]
    return reader, frames, found


@pytest.mark.parametrize("codec", ["ffv1", "mpeg4"])
def test_empty_packets_repeat_the_picture_before_them(tmp_path, codec):
    path = tmp_path / "a.nut"
    pictures = write(path, codec)
    with av.open(str(path)) as container:
        sizes = [packet.size for packet in container.demux(video=0)]
    assert [size > 0 for size in sizes[:-1]] == [time in SHOWN for time in range(10)]
    reader, frames, found = seen(path, pictures)
    assert found == TRUE
    assert [frame.time for frame in frames] == [Fraction(time, 25) for time in range(10)]
    report = reader.report
    assert (report.packets, report.frames, report.expected_frames) == (10, 10, 10)
    assert (report.warnings(), report.complete) == ([], True)
    assert report.notes[-1] == "5 empty packets: the frame before was repeated"
    assert reader.packets() is None  # what is repeated cannot be told by its packets


def test_the_bitrate_counts_the_time_of_empty_packets(tmp_path):
    path = tmp_path / "a.nut"
    write(path)
    found = measure_bitrate(path, Fraction(25))
    assert (found.packets, found.seconds) == (10, pytest.approx(0.4))


def test_empty_samples_of_quicktime_repeat_the_picture_before_them(tmp_path):
    path = tmp_path / "a.mov"
    pictures = write(path, "mpeg4", SHOWN, g="1")
    content = bytearray(path.read_bytes())
    sizes = content.index(b"stsz") + 16  # the last two of five samples become empty
    content[sizes + 12 : sizes + 20] = bytes(8)
    path.write_bytes(content)
    reader, frames, found = seen(path, pictures)
    assert found == [0, 1, 2, 2, 2]
    assert [frame.time * 25 for frame in frames] == SHOWN
    assert (reader.report.decode_errors, reader.report.missing_frames) == (0, 0)


def test_a_file_of_empty_packets_alone_is_refused(tmp_path):
    path = tmp_path / "a.nut"
    write(path, times=[2, 3, 6, 7])
    with pytest.raises(InputError, match="none of its 4 video packets could be decoded"):
        VideoReader(path)


def test_packets_that_a_decoder_holds_back_keep_their_order(tmp_path):
    waits = Repeats()
    pictures = [SimpleNamespace(pts=time) for time in (0, 2, 5)]
    assert waits.among([], ended=False) == []
    waits.add(3)
    waits.add(1)
    assert [p.pts for p in waits.among(pictures[:2], ended=False)] == [0, 1, 2]
    waits.add(5)
    assert [p.pts for p in waits.among(pictures[2:], ended=False)] == [3, 5]
    waits.add(8)
    waits.add(None)
    assert [p.pts for p in waits.among([], ended=True)] == [None, 8]
    assert waits.count == 4


@pytest.mark.parametrize("ending", ["avi", "ivf", "mkv"])
def test_fewer_frames_than_the_file_tells_are_told(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    codec = "libvpx" if ending == "ivf" else "mpeg4"
    make_video(path, 40, width=64, height=48, codec=codec, options={})
    whole = VideoReader(path)
    assert len(list(whole)) == 40
    assert whole.report.warnings() == []
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    reader = VideoReader(path)
    count = len(list(reader))
    assert 0 < count < 40
    told = " ".join(reader.report.warnings())
    assert "header counts 40 frames" in told or "ends early" in told, told


def test_interlaced_streams_tell_a_loss_of_more_than_half():
    report = ReadReport("a", packets=20, frames=4, interlaced=True, complete=True)
    assert report.missing_frames == 6
    report.frames = 10
    assert report.missing_frames == 0
