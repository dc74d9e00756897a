import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

_spec = importlib.util.spec_from_file_location("clip_golden", Path(__file__).parent / "golden.py")
_golden = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_golden)


@pytest.fixture(scope="session", params=_golden.NAMES)
def golden(request):
    """Each of the two golden configurations."""
    return _golden.Golden(request.param)


@pytest.fixture(scope="session")
def golden_a():
    """Configuration A, which also holds labels, SVR, tokens and schedule."""
    return _golden.Golden("clipvqa_tiny")


@pytest.fixture(scope="session")
def sampling():
    """The golden frame indices and crop geometry."""
    import json

    return json.loads((_golden.FOLDER / "sampling.json").read_text(encoding="utf-8"))
