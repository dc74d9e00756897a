import importlib.util
import json

import pytest

from tests.paths import GOLDEN

FOLDER = GOLDEN / "clipvqa"
NAMES = ("clipvqa_tiny", "clipvqa_tiny_b")

# Without torch only test_imports.py runs; it shows the reason as a skip.
collect_ignore_glob = []
if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = ["test_[!i]*.py"]


def _golden(name):
    from tests.clip.golden import Golden  # needs torch

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
