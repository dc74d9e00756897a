"""The four hooks of the harness; their names are all a plugin has to know.

A plugin is a module named in the entry-point group ``vqa_harness``::

    [project.entry-points.vqa_harness]
    colorfulness = "vqa_metric_colorfulness"
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import typer

    from vqa_harness.spec import MetricSpec, WriterSpec

NAME = "vqa_harness"
"""The pluggy project name, and the entry-point group."""

hookspec = pluggy.HookspecMarker(NAME)
"""Marks the functions below as hooks."""

hookimpl = pluggy.HookimplMarker(NAME)
"""Decorator for the functions with which a plugin implements hooks, under the hooks' names::

    @hookimpl
    def vqa_register_metrics():
        return [SPEC]
"""


@hookspec
def vqa_register_metrics() -> Iterable[MetricSpec]:  # type: ignore[empty-body]
    """The metrics this plugin provides, as data."""


@hookspec
def vqa_register_writers() -> Iterable[WriterSpec]:  # type: ignore[empty-body]
    """The log formats this plugin can write."""


@hookspec
def vqa_add_commands(app: typer.Typer) -> None:
    """Add sub-commands to ``vqa-harness``; import what they need inside their bodies.

    Args:
        app: the application to add them to.
    """


@hookspec
def vqa_run_finished(log: dict[str, Any]) -> None:
    """Called by ``run`` for each input after its log was written.

    Args:
        log: the log as a JSON-compatible dict.
    """
