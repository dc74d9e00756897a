import subprocess
import sys

import pytest

SCRIPT = """
import importlib, sys
w = importlib.import_module(sys.argv[1])
print(w.compiling_needed())
w.warmup()
print(w.compiling_needed())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    [
        "vqa_metrics.reference_warmup",
        "vqa_metrics.siti_warmup",
        "vqa_metrics.ssimulacra2.warmup",
        "vqa_metrics.butteraugli.warmup",
    ],
)
def test_kernels_are_compiled_once_per_machine(module, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    answers = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT, module], check=True, capture_output=True, text=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert answers == [["True", "False"], ["False", "False"]]
