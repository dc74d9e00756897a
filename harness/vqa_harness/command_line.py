"""The command line of this process, for logs."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def command_line() -> str:
    """What was typed, with folders left out."""
    words = [Path(word).name if "/" in word or "\\" in word else word for word in sys.argv[1:]]
    return shlex.join(["vqa-harness", *words])
