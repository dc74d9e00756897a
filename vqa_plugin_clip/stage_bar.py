"""Progress of what goes through several stages, such as training."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stage_bar() -> Iterator[Callable[[str, int, int, str], None]]:
    """A bar on standard error for one stage after another; none where that is no terminal.

    What is given is called with the name of the stage, what is done, what there is to do, and a
    note.
    """
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None, note="")
        shown = ""

        def advance(stage: str, done: int, total: int, note: str) -> None:
            nonlocal shown
            if stage != shown:
                shown = stage
                bars.reset(task, description=stage, total=total, note=note)
            bars.update(task, completed=done, total=total, note=note)

        yield advance
