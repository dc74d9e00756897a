"""Which optional libraries are installed, and the error about those that are not."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from vqa_harness.errors import MissingBackend
from vqa_harness.installation import pip_install

TORCH = ("torch", "safetensors")
"""Modules that every use of torch here needs."""
SCORING, MAKING = "vqa-harness[clip]", "vqa-harness[clip,train]"
"""The extras that bring torch, and what commands that make checkpoints or graphs need."""


def absent(modules: Sequence[str]) -> list[str]:
    """List the modules that are not installed; nothing is imported."""
    return [name for name in modules if importlib.util.find_spec(name) is None]


def require(what: str, modules: Sequence[str], install: str) -> None:
    """Check that modules are installed; nothing is imported.

    Args:
        what: What needs them, for the message.
        modules: Their names.
        install: What pip is to install, such as ``vqa-harness[clip]``.

    Raises:
        MissingBackend: One is not.
    """
    missing = absent(modules)
    if missing:
        raise MissingBackend(f"{what} needs {', '.join(missing)}; run: {pip_install(install)}")
