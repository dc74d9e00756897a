"""``python -m vqa_harness`` and the ``vqa-harness`` script."""

from __future__ import annotations

import sys

from vqa_harness import interruption


def main() -> int:
    """Run the command line; returns the exit code."""
    interruption.take_over()
    import gc

    from vqa_harness import system

    system.keep_blas_to_one_thread()
    system.fill_closed_streams()
    system.make_output_portable()
    # What is imported stays: looking through it for garbage is a tenth of a short command.
    gc.disable()
    try:
        from vqa_harness.cli.app import run_cli
        from vqa_harness.processes import apart
    except (OSError, ImportError) as error:
        if not (short := system.what_is_short(error)):
            raise
        interruption.leave(3, f"vqa-harness: error: {short}\n")

    gc.freeze()
    gc.enable()
    apart.always = True
    code = run_cli(sys.argv[1:])
    interruption.ignore()
    return code


if __name__ == "__main__":
    sys.exit(main())
