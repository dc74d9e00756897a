"""What can be imported without torch, and which torch the network needs."""

import os
import subprocess
import sys

import pytest

WITHOUT_TORCH = (
    "network.architecture",
    "checkpoint.card",
    "network.labels",
    "inputs.sampling",
    "svr",
)


def test_data_modules_do_not_import_torch():
    code = "import sys, importlib; sys.modules['torch'] = sys.modules['open_clip'] = None\n"
    code += "\n".join(f"importlib.import_module('vqa_plugin_clip.{m}')" for m in WITHOUT_TORCH)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_torch_reads_untrusted_files_safely():
    torch = pytest.importorskip("torch", reason="tests of the network need the extra clip (torch)")
    major, minor = map(int, torch.__version__.split(".")[:2])
    # weights-only loading could be escaped before 2.6
    assert (major, minor) >= (2, 6)
