"""Files that cannot be read end in one line, exit code 3, and never in anything else."""

from __future__ import annotations

import io
import os
import shutil
import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from vqa_harness.errors import InputError
from vqa_harness.media.encode import encode_bytes
from vqa_harness.media.reader import VideoReader, probe
from vqa_harness.testing.synthetic import make_video, moving_pattern


def refusal(path) -> str:
    with pytest.raises(InputError) as caught:
        VideoReader(path)
    text = str(caught.value)
    assert caught.value.exit_code == 3
    assert "\n" not in text
    return text


def open_files() -> set[str]:
    """Paths of the files this process holds open; empty where the system does not tell."""
    folder = Path("/proc/self/fd")
    return {os.path.realpath(fd) for fd in folder.iterdir()} if folder.is_dir() else set()


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    make_video(path, 5)
    return path


def test_paths_that_are_no_file(tmp_path):
    assert refusal(tmp_path / "gone.mp4") == "gone.mp4: no such file; check the path"
    assert "is a directory" in refusal(tmp_path)
    assert "no file was named" in refusal("")
    assert "null" in refusal("a\0b.mp4")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "not a regular file" in refusal(tmp_path / "pipe.mp4")


@pytest.mark.parametrize(
    "name",
    ["http://127.0.0.1:9/a.mp4", "rtmp://127.0.0.1:9/a", "concat:a.mp4|b.mp4", "pipe:0", "-"],
)
def test_urls_and_protocols_are_paths(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "no such file" in refusal(name)


def test_a_file_named_like_a_protocol_is_read_as_a_file(video, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "concat:a.mp4"
    shutil.copy(video, tmp_path / name)
    with VideoReader(name) as reader:
        assert len(list(reader)) == 5


@pytest.mark.parametrize("name", ["shot%d.png", "shot*.png"])
def test_patterns_are_single_files(name, tmp_path):
    for file in ("shot1.png", "shot2.png", name):
        make_video(tmp_path / file, 1, codec="png", container="image2pipe", pix_fmt="rgb24")
    with VideoReader(tmp_path / name) as reader:
        assert reader.info.still
        assert len(list(reader)) == 1


PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile clip.mp4\n",
    "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
}


@pytest.mark.parametrize("name", PLAYLISTS)
def test_playlists_open_no_other_file(name, video, tmp_path):
    shutil.copy(video, tmp_path / "clip.mp4")
    (tmp_path / name).write_text(PLAYLISTS[name])
    assert "playlists are not read" in refusal(tmp_path / name)


def test_files_without_video(tmp_path):
    (tmp_path / "empty.mp4").touch()
    assert refusal(tmp_path / "empty.mp4") == "empty.mp4: is empty; make it again"
    (tmp_path / "text.mp4").write_text("not a video\n" * 100)
    assert "cannot be opened as a video" in refusal(tmp_path / "text.mp4")
    noise = np.random.default_rng(0).integers(0, 256, 20000, np.uint8).tobytes()
    (tmp_path / "noise.mp4").write_bytes(noise)
    refusal(tmp_path / "noise.mp4")
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    assert "sound files" in refusal(tmp_path / "sound.wav")


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def test_cover_art_is_not_the_video(video, tmp_path):
    make_video(tmp_path / "c.png", 1, codec="png", container="image2pipe", pix_fmt="rgb24")
    picture = box(b"data", struct.pack(">II", 14, 0), (tmp_path / "c.png").read_bytes())
    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    tags = box(b"meta", bytes(4), handler, box(b"ilst", box(b"covr", picture)))
    data = video.read_bytes()
    start = data.index(b"moov") - 4
    moov = box(b"moov", data[start + 8 :].replace(b"udta", b"free"), box(b"udta", tags))
    (tmp_path / "covered.mp4").write_bytes(data[:start] + moov)
    with VideoReader(tmp_path / "covered.mp4") as reader:
        assert len(list(reader)) == 5
    assert reader.info.codec == "h264"
    assert "2 video streams: the default one was read" in reader.report.notes


def test_moov_missing(video, tmp_path):
    data = video.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: data.index(b"moov") - 4])
    assert "is it complete" in refusal(tmp_path / "cut.mp4")


def test_header_without_frames(tmp_path):
    (tmp_path / "none.y4m").write_bytes(b"YUV4MPEG2 W64 H48 F25:1 C420jpeg\n")
    refusal(tmp_path / "none.y4m")


def test_huge_sizes_are_refused_before_memory_is_asked_for(tmp_path):
    (tmp_path / "huge.y4m").write_bytes(
        b"YUV4MPEG2 W100000 H100000 F25:1 C420jpeg\nFRAME\n" + bytes(99)
    )
    refusal(tmp_path / "huge.y4m")
    make_video(
        tmp_path / "wide.png",
        [(np.zeros((1, 16400), np.uint8),)],
        chroma="gray",
        codec="png",
        container="image2pipe",
    )
    assert "too large" in refusal(tmp_path / "wide.png")


def test_nothing_decodable(tmp_path):
    """Every packet overwritten, as encryption would."""
    data = bytearray(encode_bytes(moving_pattern(5, 64, 48)))
    start, size = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[start:size] = bytes([0xAA]) * (size - start)
    (tmp_path / "lost.mp4").write_bytes(data)
    assert "none of its 5 video packets could be decoded" in refusal(tmp_path / "lost.mp4")


def test_control_characters_do_not_reach_the_message(tmp_path):
    path = tmp_path / "a\n\x1b[31m.mp4"
    path.write_text("x")
    assert "\x1b" not in refusal(path)


def test_a_refused_file_is_closed(tmp_path):
    path = tmp_path / "lost.mp4"
    path.write_text("no video" * 50)
    for _ in range(40):
        refusal(path)
    assert str(path) not in open_files()


def test_close_may_come_early_and_twice(video):
    reader = VideoReader(video)
    frame = next(iter(reader))
    reader.close()
    reader.close()
    assert frame.luma.shape == (108, 192)
    assert list(reader) == []
    assert not reader.report.complete
    assert str(video) not in open_files()


def test_probe_and_file_objects(video):
    info = probe(video)
    assert (info.name, info.codec, info.width, info.height) == ("clip.mp4", "h264", 192, 108)
    assert (info.expected_frames, info.rate, info.still) == (5, 25, False)
    assert probe(io.BytesIO(video.read_bytes())).name == "memory"
    assert "cannot be opened" in refusal(io.BytesIO(b"nothing" * 99))
