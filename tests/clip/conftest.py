import json

import pytest

from tests.paths import GOLDEN

FOLDER = GOLDEN / "clipvqa"
NAMES = ("clipvqa_tiny", "clipvqa_tiny_b")


def _golden(name):
    pytest.importorskip("torch", reason="needs the extra clip (torch)")
    from tests.clip.golden import Golden

    return Golden(FOLDER / f"{name}.npz")


@pytest.fixture(scope="session", params=NAMES)
def golden(request):
    """Each of the two golden configurations."""
    return _golden(request.param)


@pytest.fixture(scope="session")
def golden_a():
    """Configuration A, which also holds labels, SVR, tokens and schedule."""
    return _golden("clipvqa_tiny")


@pytest.fixture(scope="session")
def sampling():
    """The golden frame indices and crop geometry."""
    return json.loads((FOLDER / "sampling.json").read_text(encoding="utf-8"))
