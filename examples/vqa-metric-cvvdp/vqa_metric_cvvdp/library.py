"""pycvvdp, imported once and without what its import does besides.

It puts its own folder, with modules of common names, on Python's path, and torch's tools for
compilers tell of a missing CUDA. It opens no connection: models that would be downloaded belong to
variants of the metric that are not used here.
"""

from __future__ import annotations

import importlib
import logging
import sys
from functools import lru_cache
from types import ModuleType


@lru_cache(maxsize=1)
def pycvvdp() -> ModuleType:
    """The module."""
    path = list(sys.path)
    tools = logging.getLogger("torch.utils.cpp_extension")
    level = tools.level
    tools.setLevel(logging.ERROR)
    try:
        return importlib.import_module("pycvvdp")
    finally:
        tools.setLevel(level)
        sys.path[:] = path
