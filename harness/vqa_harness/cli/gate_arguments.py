"""Reads the command line of ``vqa-harness gate`` into a `Plan`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vqa_harness.console import note
from vqa_harness.errors import UsageError
from vqa_harness.gate.config import FILE_NAME, find_config, load_config
from vqa_harness.gate.plan import Plan, plan_config, plan_logs, plan_videos
from vqa_harness.gate.rules import parse_rule
from vqa_harness.media.input_format import NOTHING_STATED, PairFormat
from vqa_harness.media.inputs import check_stated, expand
from vqa_harness.registry import Registry


@dataclass(frozen=True, slots=True)
class GateArguments:
    """What the command line of a gate names.

    Attributes:
        videos: videos to score.
        logs: logs to judge instead.
        reference: what each video is compared with, or None.
        metrics: metrics as typed.
        rules: rules as typed.
        config: file of the configuration; None to look for one.
        align: options of pairing that differ from those of `vqa_harness.gate.pairing`, by name.
        stated: how inputs are read that do not say it themselves.
        min_share: share of the frames that must have been scored; None for the configuration's.
    """

    videos: list[Path]
    logs: list[Path]
    reference: Path | None
    metrics: list[str]
    rules: list[str]
    config: Path | None
    align: Mapping[str, Any] = field(default_factory=dict)
    stated: PairFormat = NOTHING_STATED
    min_share: float | None = None

    @property
    def named(self) -> bool:
        """Whether videos or logs are named, which are judged instead of the configuration's."""
        return bool(self.videos or self.logs)


def make_plan(arguments: GateArguments, registry: Registry, baseline: Path | None = None) -> Plan:
    """The plan of a command line.

    A configuration is read where one is named, or where no rule or nothing to judge is. Its cases
    count unless videos or logs are named.

    Raises:
        UsageError: options that do not go together, or a wrong configuration.
        InputError: a file is missing.
    """
    _check(arguments)
    rules = [parse_rule(text, place=f"--rule {text!r}") for text in arguments.rules]
    path = arguments.config
    if path is None and not (rules and arguments.named):
        path = find_config(Path())
        if path is None and rules:
            raise UsageError(
                f"nothing to judge: no {FILE_NAME} is here; name videos, --log FILE, or --config "
                "FILE"
            )
        if path is None:
            raise UsageError(
                f"no {FILE_NAME} here, and no [tool.vqa-harness] in pyproject.toml; gate --init "
                "writes one, or give --rule 'vmaf.mean >= 93' --reference FILE VIDEO"
            )
    config = None if path is None else load_config(path)
    if config is not None and not arguments.named:
        return _with(plan_config(config, registry, rules), baseline, arguments.min_share)
    rules = [*(config.rules if config is not None else ()), *rules]
    if arguments.logs:
        plan = plan_logs(arguments.logs, rules, registry, arguments.align)
    else:
        pair = (arguments.reference, arguments.align)
        videos, stated = expand(arguments.videos, note), arguments.stated
        check_stated(stated, videos, arguments.reference)
        plan = plan_videos(videos, *pair, arguments.metrics, rules, registry, stated)
    share = arguments.min_share
    if config is not None:
        share = config.table.min_share if share is None else share
        if baseline is None and config.table.baseline:
            baseline = config.resolve(config.table.baseline)
    return _with(replace(plan, config=path), baseline, share)


def _check(arguments: GateArguments) -> None:
    """Refuse options that do not go together.

    Raises:
        UsageError: see above.
    """
    if arguments.videos and arguments.logs:
        raise UsageError("--log judges logs and VIDEO is scored; give one of the two")
    pairing = set(arguments.align) - ({"tail"} if arguments.logs else set())
    if not arguments.videos and (
        arguments.reference is not None
        or arguments.metrics
        or pairing
        or arguments.stated != NOTHING_STATED
    ):
        raise UsageError(
            "--reference, --metric and options of pairing are for videos named on the command "
            "line; write them into the configuration"
        )


def _with(plan: Plan, baseline: Path | None, min_share: float | None) -> Plan:
    if baseline is not None:
        plan = replace(plan, baseline=baseline)
    return plan if min_share is None else replace(plan, min_share=min_share)
