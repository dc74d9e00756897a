"""Opening containers with FFmpeg: what may be opened, and which of the streams is the video."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, BinaryIO, cast

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from vqa_harness.media.input_format import InputFormat

FFmpegError = av.error.FFmpegError
VERSIONS: dict[str, str] = {
    "av": av.__version__,
    **{name: ".".join(map(str, version)) for name, version in av.library_versions.items()},
}
"""Versions of PyAV and of FFmpeg's libraries, by name."""
CONTAINERS = (
    "3dostr,aa,apng,asf,av1,avi,avs2,avs3,bmp_pipe,cavsvideo,cine,dirac,dnxhd,dpx_pipe,dv,evc,exr_pipe,"
    "flic,flv,gem_pipe,gif,gif_pipe,h261,h263,h264,hevc,iamf,image2,ingenient,ipmovie,ivf,j2k_pipe,jpeg_pipe,"
    "jpegls_pipe,jpegxl_anim,jpegxl_pipe,live_flv,lvf,m4v,matroska,webm,mjpeg,mjpeg_2000,mov,mp4,m4a,3gp,"
    "3g2,mj2,mpeg,mpegts,mpegvideo,mxf,nsv,nut,nuv,obu,ogg,pam_pipe,pbm_pipe,pcx_pipe,pgm_pipe,pgmyuv_pipe,"
    "png_pipe,ppm_pipe,psd_pipe,qoi_pipe,rm,roq,smk,sgi_pipe,sunrast_pipe,swf,tiff_pipe,tga_pipe,vc1,"
    "vc1test,vivo,vvc,webp_pipe,wtv,xbm_pipe,xpm_pipe,xv,yuv4mpegpipe,dfa,film_cpk,hdr_pipe,ico,mv,pmp,"
    "xmv"
)
"""FFmpeg's demuxers that may be used: no playlist, pattern or script that opens further files."""
SOUND_CONTAINERS = "aac,ac3,aiff,caf,eac3,flac,mp3,w64,wav"
"""FFmpeg's demuxers that may be used as well where sound alone will do."""
OPEN_OPTIONS = {
    "protocol_whitelist": "file,pipe",
    "format_whitelist": CONTAINERS,
    "pattern_type": "none",
}
"""Options of every opening.

By default FFmpeg opens network addresses and lists of files, and takes ``img%03d.png`` for a
sequence of images.
"""
METADATA: Any = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
"""PyAV 18 refuses a file whose metadata is not UTF-8 unless it is told otherwise; 19 escapes it."""


def message(error: BaseException) -> str:
    """The message of an error of FFmpeg's, without its number and the path."""
    return str(getattr(error, "strerror", None) or error)


def open_container(
    source: str | BinaryIO, raw: InputFormat | None = None, *, sound: bool = False
) -> InputContainer:
    """Open a container, without network protocols or formats that open further files.

    Whoever opens it must close it: PyAV keeps several megabytes for each container left open.

    Args:
        source: a path behind ``file:``, or a file object.
        raw: size and format, if it holds raw frames; they are never looked for.
        sound: whether it may be a file of sound alone.
    """
    options, container_format = dict(OPEN_OPTIONS), None
    if sound:
        options["format_whitelist"] = f"{CONTAINERS},{SOUND_CONTAINERS}"
    if raw is not None:
        container_format = "rawvideo"
        options |= {"format_whitelist": container_format, **raw.options()}
    opened = av.open(source, "r", format=container_format, options=options, **METADATA)
    return cast(InputContainer, opened)


def main_video(container: InputContainer) -> VideoStream:
    """The default video stream that is not cover art, or the first.

    Raises:
        LookupError: there is none, or no decoder for it; the message says which.
    """
    aside = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = [s for s in container.streams.video if not s.disposition & aside]
    if not streams:
        kinds = sorted({s.type for s in container.streams})
        others = "cover art" if container.streams.video else ", ".join(map(str, kinds))
        raise LookupError(f"no video stream, only {others}" if others else "no stream at all")
    best = max(streams, key=lambda s: (bool(s.disposition & Disposition.default), -s.index))
    if best.codec_context is None:
        raise LookupError("no decoder for its video stream in this build of FFmpeg")
    return best


def exact_rate(value: Any) -> Fraction | None:
    """A rational of PyAV 18 (Fraction or None) or 19 (AVRational, false if unknown)."""
    return Fraction(int(value.numerator), int(value.denominator)) if value else None
