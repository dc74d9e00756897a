"""``python -m vqa_harness`` and the ``vqa-harness`` script."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        from vqa_harness.cli import run_cli

        code = run_cli(sys.argv[1:])
    except KeyboardInterrupt:  # before or after the part that handles it
        sys.stderr.write("\ninterrupted\n")
        code = INTERRUPTED
    if code == INTERRUPTED:
        # Everything is cleaned up; Python's own exit could still turn the code into a signal.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
