"""The random state of Python, NumPy and torch, as tensors and JSON.

Clips do not depend on it (see `clips`); it is saved for everything else that may draw.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from torch import Tensor


def seed_all(seed: int) -> None:
    """Seed the global generators of Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  the global generator that libraries use
    torch.manual_seed(seed)


def random_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the state: what can be tensors, and the rest as JSON-compatible facts."""
    name, words, position, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002
    version, numbers, following = random.getstate()
    tensors = {"torch": torch.get_rng_state(), "numpy": torch.from_numpy(np.asarray(words))}
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.get_rng_state()
    facts = {
        "numpy": [name, int(position), int(has_gauss), float(gauss)],
        "python": [version, list(numbers), following],
    }
    return tensors, facts


def restore_random_state(tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Set every generator to what `random_state` gave."""
    torch.set_rng_state(tensors["torch"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["cuda"])
    name, position, has_gauss, gauss = facts["numpy"]
    np.random.set_state((name, tensors["numpy"].numpy(), position, has_gauss, gauss))  # noqa: NPY002
    version, numbers, following = facts["python"]
    random.setstate((version, tuple(numbers), following))
