"""Small videos of many containers and codecs, made by PyAV: what damage is done to."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

from vqa_harness.testing.synthetic import moving_pattern

WIDTH, HEIGHT, FRAMES = 96, 80, 12


@dataclass(frozen=True)
class Pair:
    """A container, its file ending, an encoder, and how they are used.

    Attributes:
        ending: of the file's name.
        muxer: FFmpeg's name of the container.
        codec: FFmpeg's name of the encoder.
        pix_fmt: of the encoded frames.
        options: of the encoder.
        size: of the frames, where the codec knows only some.
        rate: frames per second.
        frames: how many.
    """

    ending: str
    muxer: str
    codec: str
    pix_fmt: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict, hash=False)
    size: tuple[int, int] = (WIDTH, HEIGHT)
    rate: int = 25
    frames: int = FRAMES

    @property
    def name(self):
        return f"{self.muxer}-{self.codec}"


FAST = {"preset": "ultrafast"}
PAIRS = (
    Pair("mp4", "mp4", "libx264", options={"preset": "ultrafast", "g": "6"}),
    Pair("mp4", "mp4", "libx265", options=FAST | {"x265-params": "log-level=none"}),
    Pair("mp4", "mp4", "libsvtav1", options={"preset": "12"}),
    Pair("mp4", "mp4", "mpeg4"),
    Pair("mov", "mov", "prores_ks", "yuv422p10le"),
    Pair("mov", "mov", "qtrle", "rgb24"),
    Pair("mov", "mov", "png", "rgb24"),
    Pair("mov", "mov", "cfhd", "yuv422p10le"),
    Pair("mov", "mov", "rpza", "rgb555le"),
    Pair("3gp", "3gp", "h263", size=(128, 96)),
    Pair("mkv", "matroska", "libx264", options={"preset": "ultrafast", "bf": "2"}),
    Pair("mkv", "matroska", "ffv1"),
    Pair("avi", "avi", "huffyuv", "yuv422p"),
    Pair("avi", "avi", "utvideo", "yuv422p"),
    Pair("mkv", "matroska", "rawvideo"),
    Pair("webm", "webm", "libvpx", options={"deadline": "realtime", "cpu-used": "8"}),
    Pair("webm", "webm", "libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}),
    Pair("avi", "avi", "mjpeg", "yuvj420p"),
    Pair("avi", "avi", "msmpeg4v2"),
    Pair("avi", "avi", "cinepak", "rgb24"),
    Pair("avi", "avi", "msvideo1", "rgb555le"),
    Pair("avi", "avi", "zmbv", "bgr0"),
    Pair("avi", "avi", "magicyuv", "gbrp"),
    Pair("avi", "avi", "asv2"),
    Pair("flv", "flv", "flv"),
    Pair("flv", "flv", "flashsv", "bgr24", {"g": "4"}),
    Pair("swf", "swf", "flv"),
    Pair("ts", "mpegts", "mpeg2video", options={"g": "6", "bf": "2"}),
    Pair("ts", "mpegts", "libx264", options=FAST),
    Pair("mpg", "mpeg", "mpeg1video"),
    Pair("mpg", "mpeg", "mpeg2video", options={"flags": "+ildct+ilme"}),
    Pair("wmv", "asf", "wmv2"),
    Pair("ogv", "ogg", "vp8", options={"deadline": "realtime", "cpu-used": "8"}),
    Pair("nut", "nut", "snow"),
    Pair("mxf", "mxf", "mpeg2video"),
    Pair("mxf", "mxf", "dnxhd", "yuv422p", {"profile": "dnxhr_lb"}, size=(256, 120)),
    Pair("ivf", "ivf", "libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}),
    Pair("rm", "rm", "rv20", size=(96, 80)),
    Pair("gif", "gif", "gif", "rgb8"),
    Pair("apng", "apng", "apng", "rgb24"),
    Pair("y4m", "yuv4mpegpipe", "wrapped_avframe"),
    Pair("h264", "h264", "libx264", options=FAST),
    Pair("hevc", "hevc", "libx265", options=FAST | {"x265-params": "log-level=none"}),
    Pair("obu", "obu", "libsvtav1", options={"preset": "12"}),
    Pair("mjpeg", "mjpeg", "mjpeg", "yuvj420p"),
    Pair("mj2", "mov", "jpeg2000"),
    Pair("dv", "dv", "dvvideo", size=(720, 576), frames=2),
    Pair("roq", "roq", "roqvideo", "yuvj444p", size=(128, 128), rate=30),
    Pair("wtv", "wtv", "mpeg2video"),
    Pair("png", "image2", "png", "rgb24", frames=1),
    Pair("tif", "image2", "tiff", "rgb24", frames=1),
    Pair("webp", "image2", "libwebp", "yuv420p", frames=1),
    Pair("h261", "h261", "h261", size=(176, 144), rate=30),
)


def seed(pair: Pair, folder: Path) -> Path:
    """Make the video of a pair in a folder, or raise what FFmpeg raises."""
    path = folder / f"{pair.name}.{pair.ending}"
    with av.open(str(path), "w", format=pair.muxer) as out:
        stream = out.add_stream(pair.codec, rate=pair.rate, options=pair.options)
        stream.width, stream.height = pair.size
        stream.pix_fmt = pair.pix_fmt
        stream.codec_context.thread_count = 1
        for rgb in pictures(*pair.size)[: pair.frames]:
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            out.mux(stream.encode(frame.reformat(format=pair.pix_fmt)))
        out.mux(stream.encode(None))
    return path


@lru_cache(maxsize=8)
def pictures(width, height):
    """RGB pictures of `FRAMES` frames, (H, W, 3) uint8."""
    found = moving_pattern(FRAMES, width, height, chroma="rgb")
    return [np.ascontiguousarray(np.stack(planes, -1)) for planes in found]
