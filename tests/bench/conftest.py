import numpy as np
import pytest

from tests.bench.fake_metrics import Brightness, Plugin, Stop
from tests.bench.pictures import LEVELS, OPINIONS, write_bmp
from vqa_harness.cli.app import run_cli
from vqa_harness.registry import Registry


@pytest.fixture
def registry(monkeypatch):
    """The installed metrics and those of this file."""
    made = Registry.installed()
    made.register(Plugin(), "bench-test")
    monkeypatch.setattr(Registry, "installed", classmethod(lambda _: made))
    return made


@pytest.fixture
def bench(registry, capsys, tmp_path, monkeypatch):
    """Run ``vqa-harness bench`` with a cache of its own: (exit code, stdout, stderr)."""
    monkeypatch.setenv("VQA_HARNESS_CACHE", str(tmp_path / "cache"))
    Brightness.calls.clear()
    Stop.left = 10**9

    def call(*arguments):
        quick = () if {"--bootstrap", "--list"} & set(arguments) else ("--bootstrap", 0)
        code = run_cli(["bench", *map(str, (*arguments, *quick))])
        out, err = capsys.readouterr()
        return code, out, err

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
