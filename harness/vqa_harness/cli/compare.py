"""``vqa-harness compare``: two logs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqa_harness.cli.options import Json, put_json
from vqa_harness.destinations import STDOUT
from vqa_harness.errors import UsageError

if TYPE_CHECKING:
    from vqa_harness.logs.compare import FeatureComparison, LogComparison

LISTED = 4
"""Names of features that are not shown that the note tells."""


def compare_command(
    a: Annotated[Path, typer.Argument(help="The log to compare with, ours or libvmaf's.")],
    b: Annotated[Path, typer.Argument(help="The log that is compared with it.")],
    feature: Annotated[
        list[str] | None,
        typer.Option("--feature", "-f", help="Compare only this feature; may be repeated."),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Show inner features too, not only those asked for."),
    ] = False,
    worst: Annotated[
        int, typer.Option(min=0, max=1000, help="How many of the worst frames to list.")
    ] = 5,
    json_target: Json = None,
) -> None:
    """Compare two logs: pooled values, worst frames, and what makes them hard to compare.

    The feature that each metric was asked for is shown; JSON has all, those first.
    """
    from vqa_harness.destinations import Writing, check_destinations
    from vqa_harness.errors import nearest
    from vqa_harness.logs.compare import compare_logs
    from vqa_harness.logs.read import read_log

    check_destinations([json_target], [a, b])
    first, second = read_log(a), read_log(b)
    for name in feature or ():
        if name not in first.columns or name not in second.columns:
            both = [n for n in first.columns if n in second.columns]
            raise UsageError(f"{name!r} is not in both logs{nearest(name, both)}")
    for log in (first, second) if feature else ():
        log.columns = {name: log.columns[name] for name in feature or ()}
    comparison = compare_logs(first, second, worst=worst)
    if not comparison.features:
        raise UsageError(
            f"the logs have no feature in common: {a.name} has {', '.join(first.columns)}, "
            f"{b.name} has {', '.join(second.columns)}"
        )
    writing = Writing()
    if json_target is not None:
        with writing.trying():
            put_json(json_target, comparison.to_json())
    if json_target != STDOUT:
        _show(comparison, (a, b), everything=everything or bool(feature))
    writing.conclude()


def _show(comparison: LogComparison, paths: tuple[Path, Path], *, everything: bool) -> None:
    from vqa_harness.console import note

    hidden = [] if everything else [one for one in comparison.features if not one.asked_for]
    _print([one for one in comparison.features if one not in hidden])
    if hidden:
        note(f"{_counted(hidden)} not shown: {_listed(hidden)}; --all or --feature NAME shows them")
    for text in comparison.notes:
        note(text)
    for path, names in zip(paths, (comparison.only_a, comparison.only_b), strict=True):
        if names:
            note(f"only in {path.name}: {', '.join(names)}")


def _counted(features: Sequence[FeatureComparison]) -> str:
    return f"{len(features)} inner feature{'' if len(features) == 1 else 's'}"


def _listed(features: Sequence[FeatureComparison]) -> str:
    names = [one.name for one in features[:LISTED]]
    return ", ".join([*names, "..."] if len(features) > LISTED else names)


def _print(features: Sequence[FeatureComparison]) -> None:
    from vqa_harness.console import print_table
    from vqa_harness.logs.compare import minus

    rows = [
        [feature.name, pool, _shown(a), _shown(b), _shown(minus(b, a), "+")]
        for feature in features
        for pool, (a, b) in feature.pooled.items()
    ]
    for feature in features:
        rows += [
            [feature.name, f"frame {d.frame}", _shown(d.a), _shown(d.b), _shown(d.difference, "+")]
            for d in feature.largest
        ]
    print_table(("feature", "what", "a", "b", "b - a"), rows, title="Comparison")


def _shown(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.4f}"
