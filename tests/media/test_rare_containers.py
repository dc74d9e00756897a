"""Icons and Radiance pictures, which FFmpeg reads and so do we; the list of containers."""

import av
import numpy as np
import pytest

from vqa_harness.media.container import CONTAINERS
from vqa_harness.media.reader import VideoReader


def test_an_icon_is_a_still_image(tmp_path):
    path = tmp_path / "a.ico"
    picture = np.full((32, 32, 4), (200, 99, 30, 255), np.uint8)
    with av.open(str(path), "w", format="ico") as out:
        stream = out.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "rgba"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgba")))
        out.mux(stream.encode(None))
    reader = VideoReader(path)
    (frame,) = list(reader)
    assert reader.info.still
    assert tuple(frame.rgb[5, 7]) == (200, 99, 30)


def test_radiance_pictures_are_read(tmp_path):
    path = tmp_path / "a.hdr"
    pixels = bytes([128, 64, 32, 129]) * 256  # 1, 1/2 and 1/4
    path.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 16 +X 16\n" + pixels)
    (frame,) = list(VideoReader(path))
    found = [plane[3, 4] / 65535 for plane in frame.planes]
    np.testing.assert_allclose(found, [1, 0.5, 0.25], atol=0.01)


@pytest.mark.parametrize("name", ["ico", "hdr_pipe", "film_cpk", "dfa", "mv", "xmv", "pmp"])
def test_rare_containers_are_on_the_list(name):
    assert name in CONTAINERS.split(",")
    assert av.format.ContainerFormat(name, "r").is_input


@pytest.mark.parametrize("name", ["concat", "hls", "dash", "image2pipe", "sdp", "rawvideo"])
def test_what_opens_further_files_is_not(name):
    assert name not in CONTAINERS.split(",")
