"""Refuses, before anything is encoded or scored, what ``vqa-harness ladder`` cannot do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vqa_harness.errors import UsageError

if TYPE_CHECKING:
    from vqa_harness.ladder.config import LadderConfig
    from vqa_harness.registry import Registry
    from vqa_harness.search.plan import SearchPlan

REPORT = "report.html"
"""Name of the page that --report adds to the folder."""


def check_ladder(
    plan: LadderConfig, registry: Registry, output: Path | None, *, report: bool
) -> tuple[LadderConfig, SearchPlan | None]:
    """Refuse what can be seen to be wrong before anything is encoded or measured.

    Returns:
        The plan with all metrics that it needs, and what is searched for, if anything is.

    Raises:
        UsageError: a feature that is not measured, a source without the reference it needs, a
            search that cannot be, or files to write and no folder for them.
        MissingBackend: what makes the report is not installed.
    """
    from vqa_harness.ladder.score import check_features
    from vqa_harness.registry import DEFAULT_METRIC

    search = None
    if plan.search.targets:
        from vqa_harness.search.plan import plan_search

        search = plan_search(plan, registry)
        plan = replace(plan, metrics=search.metrics)
    plan = replace(plan, metrics=plan.metrics or (DEFAULT_METRIC,))
    if output is None and (plan.grids or report):
        raise UsageError("--encode and --report write files; add -o FOLDER")
    if report:
        from vqa_harness.report.write import require_jinja

        require_jinja()
    requests = registry.requests(plan.metrics)
    check_features(requests, plan.settings.features)
    for request in requests:
        spec = request.spec
        without = [source.name for source in plan.sources if source.reference is None]
        if spec.reference and without:
            raise UsageError(
                f"metric {spec.name!r} compares with a reference, {without[0]} has none; "
                "add --reference FILE"
            )
    if plan.grids and any(source.reference is None for source in plan.sources):
        raise UsageError("[[encode]] needs sources; give each [[source]] a reference")
    return plan, search


def check_files(
    plan: LadderConfig,
    registry: Registry,
    config: Path | None,
    output: Path | None,
    json_target: str | None,
) -> None:
    """Try what is written later, and refuse what would overwrite an input.

    Raises:
        UsageError: a file cannot be written, or is an input.
    """
    from vqa_harness.destinations import check_destinations, files_of, refuse_overwriting
    from vqa_harness.ladder.output import NAMES
    from vqa_harness.ladder.score import log_paths

    read = [config, *files_of(registry.requests(plan.metrics))]
    for source in plan.sources:
        read += [source.reference, *(path for one in source.series for path in one.rungs)]
    written = [] if output is None else [output / name for name in (*NAMES, REPORT)]
    check_destinations([json_target, *written], read)
    refuse_overwriting(log_paths(plan, None if output is None else output / "logs"), read)
