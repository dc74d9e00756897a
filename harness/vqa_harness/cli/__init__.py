"""The command line; the only folder that imports typer."""

from __future__ import annotations

from vqa_harness.cli.app import build_app, run_cli

__all__ = ["build_app", "run_cli"]
