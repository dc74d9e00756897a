import pytest

from vqa_harness.media.encode import encode_frames
from vqa_harness.testing import moving_pattern

FRAMES = 30


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """original.mkv and encode.mkv, coded without loss: arrays decoded from them are the same."""
    folder = tmp_path_factory.mktemp("clips")
    original = moving_pattern(FRAMES, 208, 208, seed=1)
    encode = [
        tuple((p & 0xF8) + 4 if i == 0 else p for i, p in enumerate(planes)) for planes in original
    ]
    for name, frames in (("original", original), ("encode", encode)):
        encode_frames(folder / f"{name}.mkv", frames, codec="ffv1")
    return folder
