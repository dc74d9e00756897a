"""What can be imported without torch, and which torch the network needs."""

import os
import subprocess
import sys

import pytest

WITHOUT_TORCH = (
    "network.architecture",
    "network.captions",
    "network.labels",
    "network.tokens",
    "checkpoint.card",
    "checkpoint.find",
    "checkpoint.weights",
    "inputs.preprocess",
    "inputs.sampling",
    "backend.choice",
    "backend.onnx_runtime",
    "graph.file",
    "graph.session",
    "explain",
    "metric",
    "plugin",
    "svr",
)


def test_data_modules_do_not_import_torch():
    absent = "torch", "safetensors", "open_clip", "onnx", "scipy", "numba"
    code = f"import sys, importlib; sys.modules.update(dict.fromkeys({absent}))\n"
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
