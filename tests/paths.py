"""Where the files lie that tests read: the repository, its pages, stored results."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden"
VMAF_LOGS = GOLDEN / "vmaf_logs"
"""Logs that libvmaf wrote."""


def docs_page(name):
    """The text of a page of the documentation."""
    return (ROOT / "docs" / name).read_text("utf-8")
