"""``python -m vqa_harness`` and the ``vqa-harness`` script."""

from __future__ import annotations

import gc
import sys

from vqa_harness import console, system

INTERRUPTED = 130


def main() -> int:
    """Run the command line; returns the exit code."""
    system.keep_blas_to_one_thread()
    system.fill_closed_streams()
    system.make_output_portable()
    try:
        # What is imported stays: looking through it for garbage is a tenth of a short command.
        gc.disable()
        from vqa_harness.cli.app import run_cli

        gc.freeze()
        gc.enable()
        code = run_cli(sys.argv[1:])
    except KeyboardInterrupt:  # before or after the part that handles it
        console.interrupted()
        code = INTERRUPTED
    if code == INTERRUPTED:
        system.end_at_once(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
