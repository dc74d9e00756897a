"""``python -m vqa_harness`` and the ``vqa-harness`` script."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130


def main() -> int:
    """Run the command line; returns the exit code."""
    _keep_blas_to_one_thread()
    try:
        from vqa_harness.cli.app import run_cli

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


def _keep_blas_to_one_thread() -> None:
    """Metrics run side by side already, and the threads of NumPy's OpenBLAS spin without work.

    On other processors PyTorch multiplies with OpenBLAS too, and there it needs them.
    """
    if sys.platform == "linux" and os.uname().machine == "x86_64":
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


if __name__ == "__main__":
    sys.exit(main())
