import pytest

from tests.alignment.helpers import pattern, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("alignment")


@pytest.fixture(scope="module")
def frames():
    return pattern(60)


@pytest.fixture(scope="module")
def reference(folder, frames):
    """A lossless file of ``frames``."""
    return write(folder / "ref.mp4", frames)
