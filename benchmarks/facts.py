"""What a result depends on: processor, cores, versions. No names of machines or folders."""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vqa_harness.media.container import VERSIONS
from vqa_harness.system import processors

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Processor model, usable cores, memory in GiB, and versions."""
    return {
        "cpu": _cpu_model(),
        "cores": processors(),
        "memory_gib": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": version("numpy"),
        **VERSIONS,
    }


def save(name: str, results: dict[str, Any]) -> Path:
    """Write ``results`` with the machine's facts to ``benchmarks/results/NAME.json``."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), **results}, indent=2) + "\n")
    return path


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or sys.platform


def _memory() -> float | None:
    if not hasattr(os, "sysconf"):
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
