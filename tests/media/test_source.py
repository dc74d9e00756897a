import hashlib
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from vqa_harness.errors import UsageError
from vqa_harness.media.source import FileObject, hash_source, open_source
from vqa_harness.testing import make_video


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.mkv"
    make_video(path, 12, width=64, height=48, codec="ffv1")
    return path


def planes(source):
    reader = open_source(source, threads=1)
    try:
        return [frame.planes[0].copy() for frame in reader]
    finally:
        reader.close()


def test_a_file_object_gives_the_frames_of_its_file(video):
    source = FileObject(io.BytesIO(video.read_bytes()))
    assert np.array_equal(planes(source), planes(video))
    assert np.array_equal(planes(source), planes(video))
    assert hash_source(source) == hash_source(video)
    assert hash_source(video) == hashlib.sha256(video.read_bytes()).hexdigest()


def test_readers_of_one_file_object_do_not_disturb_each_other(video):
    with video.open("rb") as file:
        source = FileObject(file)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: planes(source), range(8)))
    assert all(np.array_equal(one, planes(video)) for one in found)


def test_a_file_object_of_text_is_refused():
    with pytest.raises(UsageError, match="open the video in binary mode"):
        FileObject(io.StringIO("text"))


def test_a_file_object_that_cannot_seek_is_refused():
    class Pipe(io.RawIOBase):
        def readable(self):
            return True

    with pytest.raises(UsageError, match=r"cannot seek; .*io\.BytesIO"):
        FileObject(Pipe())
