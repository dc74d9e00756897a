import numpy as np
import pytest

from tests.bench.fake_metrics import SPECS, Brightness, Stop
from tests.bench.pictures import LEVELS, OPINIONS, write_bmp
from tests.plugins import installed_with


@pytest.fixture
def registry(monkeypatch):
    """The installed metrics and those of `fake_metrics`."""
    return installed_with(monkeypatch, *SPECS)


@pytest.fixture
def bench(registry, cli, own_cache):
    """Run ``vqa-harness bench`` with a cache of its own: (exit code, stdout, stderr)."""
    Brightness.calls.clear()
    Stop.left = 10**9

    def call(*arguments):
        quick = () if {"--bootstrap", "--list"} & set(arguments) else ("--bootstrap", 0)
        return cli("bench", *arguments, *quick)

    return call


@pytest.fixture
def stills(tmp_path):
    """Ten stills of growing brightness and a table with opinions that nearly follow it."""
    root = tmp_path / "stills"
    (root / "pictures").mkdir(parents=True)
    rng = np.random.default_rng(1)
    rows = ["file,score,part"]
    for i, (level, opinion) in enumerate(zip(LEVELS, OPINIONS, strict=True)):
        noise = rng.integers(-20, 20, (48, 64, 3))
        write_bmp(root / "pictures" / f"p{i}.bmp", np.uint8(np.clip(level + noise, 0, 255)))
        rows.append(f"p{i}.bmp,{opinion},{'test' if i % 2 else 'train'}")
    (root / "table.csv").write_text("\n".join(rows) + "\n")
    return root
