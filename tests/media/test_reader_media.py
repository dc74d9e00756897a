"""Real files that readers trip over; skipped where the collection is not at hand."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.paths import ROOT
from vqa_harness.errors import InputError
from vqa_harness.media.reader import VideoReader

MEDIA = Path(os.environ.get("VQA_HARNESS_MEDIA", ROOT.parent / "shared" / "media")) / "awkward"
FILES = sorted(path.name for path in MEDIA.iterdir()) if MEDIA.is_dir() else []
needs_media = pytest.mark.skipif(
    not FILES, reason="no media collection; set VQA_HARNESS_MEDIA to the folder that holds awkward/"
)
REFUSED = {
    "exoplayer__dash__emsg__sample.audio.mp4": "no video stream",
    "exoplayer__ts__sample_latm.ts": "no video stream",
    "exoplayer__ts__sample_with_sdt.ts": "holds no frame",
    "exoplayer__mkv__subsample_encrypted_altref.webm": "encrypted",
    "mp4parse__mp4parse__tests__bipbop-cenc-audioinit.mp4": "no video stream",
    "git_lfs_pointer.264": "cannot be opened",
    "zero_length.mp4": "is empty",
    "index.csv": "cannot be opened",
    "libwebm__invalid__projection_float_overflow.webm": "cannot be opened",
    "libwebm__invalid__invalid_vp9_bitstream-bug_1416.webm": "none of its",
}
FACTS = {
    "decord__tests__test_data__video_90.mov": {"width": 320, "height": 568, "rotation": 270},
    "decord__tests__test_data__video_180.mov": {"width": 568, "height": 320, "rotation": 180},
    "decord__tests__test_data__video_270.mov": {"width": 320, "height": 568, "rotation": 90},
    "exoplayer__mp4__dolbyVision-hdr.MOV": {
        "depth": 10,
        "width": 720,
        "height": 1280,
        "expected_frames": 4,
        "codec": "hevc",
    },
    "exoplayer__vp9__bear-vp9-odd-dimensions.webm": {"width": 161, "height": 121},
    "exoplayer__mp4__sample_still_photo.heic": {"still": True, "width": 1080, "height": 1920},
    "libavif__clop_irot_imor.avif": {"still": True, "depth": 10, "chroma": "444", "codec": "av1"},
    "mp4parse__mp4parse__tests__bbb_sunflower_QCIF_30fps_mp4v_noaudio_1f.mp4": {
        "sar": Fraction(16, 11),
    },
    "torchcodec__h265_10bits.mp4": {"depth": 10, "expected_frames": 30},
    "tfio__tests__test_image__cradle.gif": {"chroma": "rgb", "still": False, "rate": 50},
    "moviepy__no_duration.webm": {"duration": None, "expected_frames": 74},
    "mp4parse__mp4parse__tests__alpha_video_no_avis.avif": {"chroma": "420", "still": True},
}
COLOURS = {
    "torchcodec__bt709_full_range.mp4": (True, "bt709", "bt709", "bt709"),
    "siti__fall-hlg.mov": (False, "bt2020", "hlg", "bt2020"),
    "mp4parse__mp4parse_capi__tests__video_colr_nclx_hdr10.mp4": (False, "bt2020", "pq", "bt2020"),
    "mp4parse__mp4parse_capi__tests__video_colr_nclx_hlg_full_range.mp4": (
        True,
        "bt2020",
        "hlg",
        "bt2020",
    ),
}
FRAMES = {
    "exoplayer__mp4__sample_sef_super_slow_motion.mp4": 435,
    "exoplayer__mp4__sample_sef_slow_motion.mp4": 63,
    "exoplayer__mp4__dolbyVision-hdr.MOV": 4,
    "decord__tests__test_data__corrupted.mp4": 49,
    "exoplayer__mp4__sample_mdat_too_long.mp4": 30,
    "libavif__webp_logo_animated.y4m": 19,
    "tfio__tests__test_image__cradle.gif": 36,
    "gradio__b.avi": 150,
    "moviepy__transparent.webm": 150,
}
WARNED = {
    "decord__tests__test_data__corrupted.mp4": "could not be decoded",
    "exoplayer__mp4__sample_android_slow_motion.mp4": "1 gap in time",
    "mp4parse__mp4parse_capi__tests__no_timescale.mp4": "display matrix",
    "libwebm__invalid__block_ends_beyond_cluster.mkv": None,
}


def present(names):
    return [pytest.param(name, marks=needs_media) for name in names]


@needs_media
@pytest.mark.parametrize("name", FILES or ["none"])
def test_every_file_gives_frames_or_one_line(name):
    try:
        reader = VideoReader(MEDIA / name)
    except InputError as error:
        refused = error
    else:
        check_frames(reader)
        return
    assert len(str(refused).splitlines()) == 1
    assert str(refused).startswith(name)
    assert refused.exit_code == 3


def check_frames(reader):
    with reader:
        last = None
        for frame in reader:
            assert frame.planes[0].shape == (frame.height, frame.width)
            assert not any(plane.flags.writeable for plane in frame.planes)
            assert all(
                plane.dtype == (np.uint8 if frame.depth == 8 else np.uint16)
                for plane in frame.planes
            )
            assert last is None or frame.time > last
            last = frame.time
            if frame.index == 0:
                assert frame.rgb.shape == (frame.height, frame.width, 3)
                assert (frame.width, frame.height) == (reader.info.width, reader.info.height)
    assert reader.report.frames > 0
    json.dumps(reader.report.to_json(), allow_nan=False)


@pytest.mark.parametrize("name", present(REFUSED))
def test_refusals_say_why(name):
    with pytest.raises(InputError, match=REFUSED[name]):
        VideoReader(MEDIA / name)


@pytest.mark.parametrize("name", present(FACTS))
def test_facts(name):
    with VideoReader(MEDIA / name) as reader:
        info = reader.info
    assert {key: getattr(info, key) for key in FACTS[name]} == FACTS[name]


@pytest.mark.parametrize("name", present(COLOURS))
def test_colours(name):
    with VideoReader(MEDIA / name) as reader:
        colour = reader.info.colour
    found = (colour.full_range, colour.matrix, colour.transfer, colour.primaries)
    assert found == COLOURS[name]
    assert colour.guessed == ()


@pytest.mark.parametrize("name", present(FRAMES))
@pytest.mark.parametrize("threads", [0, 1])
def test_frame_counts(name, threads):
    with VideoReader(MEDIA / name, threads=threads) as reader:
        assert sum(1 for _ in reader) == FRAMES[name]
    assert reader.report.truncated in (False, None)


@pytest.mark.parametrize("name", present(WARNED))
def test_warnings(name):
    with VideoReader(MEDIA / name) as reader:
        for _ in reader:
            pass
    lines = reader.report.warnings()
    wanted = WARNED[name]
    assert (lines == []) if wanted is None else any(wanted in line for line in lines)
