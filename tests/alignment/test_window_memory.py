"""How many pictures a window holds: by their bytes, and none beyond what was asked for."""

import gc
import time

import av
import numpy as np
import pytest

from vqa_harness import memory
from vqa_harness.alignment.colour_evidence import Sighting
from vqa_harness.alignment.window import AHEAD, FrameWindow
from vqa_harness.frames import ColourInfo, Frame
from vqa_harness.media.picture import Picture, PlaneSource


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("window") / "grey.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for level in range(20, 200, 9):
            picture = av.VideoFrame.from_ndarray(np.full((90, 160), level, np.uint8), "gray")
            container.mux(stream.encode(picture.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    return path


def _decoded(window, wanted):
    """How many frames the thread has decoded, after as many as are wanted or half a second."""
    until = time.monotonic() + 0.5
    while window._decoded.qsize() < wanted and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.05)
    return window._decoded.qsize()


@pytest.mark.parametrize(("room", "ahead"), [(1 << 40, AHEAD), (0, 0)])
def test_frames_are_decoded_ahead_only_where_memory_has_room(room, ahead, monkeypatch, video):
    monkeypatch.setattr(memory, "room", lambda usual=0: room)
    window = FrameWindow(video)
    try:
        assert _decoded(window, ahead) == ahead
        assert window.ensure(2)
        assert window.count == 3
        assert _decoded(window, ahead) == ahead
    finally:
        window.close()
        window.close()


def test_a_frame_that_was_dropped_is_held_by_nobody(monkeypatch, video):
    monkeypatch.setattr(memory, "room", lambda usual=0: 0)
    gc.collect()
    others = {id(one): one for one in gc.get_objects() if type(one) is Picture}
    window = FrameWindow(video)
    try:
        window.ensure(3)
        window.drop_before(3)
        gc.collect()
        pictures = [one for one in gc.get_objects() if type(one) is Picture]
        own = [one for one in pictures if id(one) not in others]
        assert own == [window.get(3).frame.source]
    finally:
        window.close()


def test_a_flat_frame_is_not_held_either():
    plane = np.full((90, 160), 100, np.uint8)
    colour = ColourInfo(full_range=False, matrix="bt709")
    source = PlaneSource([plane], "gray", 8, colour)
    frame = Frame(0, None, 160, 90, 8, "gray", colour, source)
    assert Sighting(frame).settle().flat
    assert frame.source is None
