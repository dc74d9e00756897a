"""``vqa-harness warmup``: compile what metrics run on, once per machine."""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Iterable, Mapping
from typing import Any

import typer

from vqa_harness.errors import MetricError, one_line
from vqa_harness.registry import Registry
from vqa_harness.request import Request, missing_modules
from vqa_harness.spec import MetricSpec


def warmup_command(context: typer.Context) -> None:
    """Compile the kernels of all metrics now, so that no run waits for it."""
    from vqa_harness.console import flush, show

    registry: Registry = context.obj
    modules = modules_of(registry.specs().values())
    for module, names in modules.items():
        _announce({module: names})
        begin = time.perf_counter()
        _load(module, names).warmup()
        show(f"{', '.join(names)}: ready ({time.perf_counter() - begin:.1f} s)")
        flush()
    if not modules:
        show("nothing to compile")


def modules_of(specs: Iterable[MetricSpec]) -> dict[str, list[str]]:
    """Each warm-up module with the names of the metrics that need it and can run here."""
    modules: dict[str, list[str]] = {}
    for spec in specs:
        if spec.warmup and not missing_modules(spec):
            modules.setdefault(spec.warmup, []).append(spec.name)
    return modules


def announce_compiling(requests: Iterable[Request]) -> None:
    """Say on standard error that the first frame will wait for the compiler, where it will."""
    _announce(modules_of(request.spec for request in requests))


def will_compile(modules: Mapping[str, list[str]]) -> tuple[list[str], float]:
    """Find what would wait for the compiler.

    Args:
        modules: from `modules_of`.

    Returns:
        The metrics' names, and about how many seconds of one core it takes; NaN where a module
        does not say.
    """
    waiting: list[str] = []
    seconds = 0.0
    for name, metrics in modules.items():
        module = _load(name, metrics)
        if module.compiling_needed():
            waiting += metrics
            seconds += getattr(module, "SECONDS", math.nan)
    return waiting, seconds


def _announce(modules: Mapping[str, list[str]]) -> None:
    from vqa_harness.console import note

    names, seconds = will_compile(modules)
    if names:
        time_needed = "some seconds" if math.isnan(seconds) else f"about {seconds:.0f} s"
        note(f"compiling {', '.join(dict.fromkeys(names))}, once per machine, {time_needed} ...")


def _load(module: str, names: list[str]) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MetricError(f"metric {names[0]!r} did not load: {one_line(error)}") from error
