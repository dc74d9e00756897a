import subprocess
import sys

import pytest

SCRIPT = """
from vqa_metrics import reference_warmup as w
print(w.compiling_needed())
w.warmup()
print(w.compiling_needed())
"""


@pytest.mark.slow
def test_kernels_are_compiled_once_per_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    answers = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert answers == [["True", "False"], ["False", "False"]]
