"""examples/notebook.ipynb, executed."""

import json
import re
import subprocess
import sys

import pytest

from tests.paths import ROOT

NOTEBOOK = ROOT / "examples" / "notebook.ipynb"
EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=600).execute()
nbformat.write(notebook, sys.argv[2])
"""


def test_it_is_kept_without_outputs():
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 5
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.slow
def test_it_runs(tmp_path):
    for package in ("nbclient", "ipykernel", "matplotlib", "skvideo", "torch"):
        if package != "skvideo":  # imported in the kernel; its import warns
            pytest.importorskip(package)
    target = tmp_path / "executed.ipynb"
    subprocess.run([sys.executable, "-c", EXECUTE, NOTEBOOK, target], check=True, timeout=900)
    outputs = [
        output
        for cell in json.loads(target.read_text("utf-8"))["cells"]
        for output in cell.get("outputs", [])
    ]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    assert sum("<table>" in "".join(o.get("data", {}).get("text/html", "")) for o in outputs) == 3
    text = "".join("".join(output.get("text", "")) for output in outputs)
    differences = re.findall(r"^(\w+) .* ([+-]\d+\.\d+)$", text, re.M)
    assert [name for name, _ in differences] == ["psnr_y", "ssim", "clipvqa"]
    assert all(float(gap) < 0 for _, gap in differences)
