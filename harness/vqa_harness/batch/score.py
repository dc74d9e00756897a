"""Scores one case in a process of its own, and writes its log and its row."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from vqa_harness import memory
from vqa_harness.batch import remote
from vqa_harness.batch.bucket import Unreachable
from vqa_harness.batch.case import Case, Item, Outcome
from vqa_harness.batch.divide import divide, options_of, sources_of
from vqa_harness.batch.passing import Changed, may_pass
from vqa_harness.batch.row import Row, file_facts
from vqa_harness.batch.settings import Keys, Settings
from vqa_harness.batch.staging import staged
from vqa_harness.batch.store import Store
from vqa_harness.errors import (
    MetricError,
    MissingBackend,
    UsageError,
    VqaError,
    one_line,
)
from vqa_harness.files import is_address
from vqa_harness.logs.build import build_log
from vqa_harness.logs.cache_key import CacheKey
from vqa_harness.logs.features import pooled_values
from vqa_harness.logs.log import Log
from vqa_harness.logs.vmaf_json import parse_json, write_json
from vqa_harness.pipeline.demands import check_requests
from vqa_harness.pipeline.runner import run
from vqa_harness.registry import Registry
from vqa_harness.result import RunResult
from vqa_harness.split.in_pieces import Undivided

POOLINGS = ("mean", "harmonic_mean", "min", "max", "p5")
"""What a row has of each feature."""

_made: dict[str, Keys] = {}
"""The keys that this process has made, by the digest of the settings."""


def settled(row: Row | None, case: Case, settings: Settings, store: Store) -> bool:
    """Whether a case needs no scoring: its row is there, and its files are as they were then.

    The content of files is not read; a file of another size or time of change counts as another.
    """
    if row is None or row.inputs != input_facts(case):
        return False
    if row.status == "failed":
        return not settings.failed_only
    return row.log is not None and store.has_log(row.log)


def input_facts(case: Case) -> dict[str, Any]:
    """What tells that the videos of a case have not changed since, without reading them.

    Raises:
        VqaError: a store of objects cannot be asked.
    """
    sides = {"distorted": (case.file, case.distorted_path)}
    if case.reference_path is not None:
        sides["reference"] = (case.reference, case.reference_path)
    return {
        role: remote.object_facts(name) if is_address(name) else file_facts(path)
        for role, (name, path) in sides.items()
    }


def score_case(case: Case, registry: Registry, settings: Settings) -> Outcome:
    """Score a case, unless its row is there; its log and its row are written, and this is told.

    Whatever is wrong with the case is in its row. Where the reason may pass and attempts are left,
    there is none yet. A case that is to be scored in pieces is divided, and that is all.
    """

    def fetch_and_fill(row: Row, store: Store) -> Outcome | None:
        with staged(case, settings.stage_limit) as local:
            if case.remote and input_facts(case) != row.inputs:
                raise Changed(f"{case.file}: was replaced while it was fetched")
            return _fill(row, store, case=local, registry=registry, settings=settings)

    return settling(case, settings, fetch_and_fill)


Fill = Callable[[Row, Store], Outcome | None]
"""Puts what a case gave into its row, or says what has to be done instead."""


def settling(item: Item, settings: Settings, fill: Fill, earlier: float = 0.0) -> Outcome:
    """Let a row be filled and write it, unless it is there.

    Args:
        item: the case, or a part of it.
        settings: how it is scored.
        fill: fills the row.
        earlier: seconds that other processes took for the case.
    """
    if settings.memory is not None:
        memory.bound(settings.memory, code=memory.TOLD)
    case, store, begin = item.case, Store(settings.out), time.perf_counter()
    try:
        if (row := store.row(case.key)) is not None and settled(row, case, settings, store):
            return Outcome(True, row.status == "failed", row.exit_code, row.message, row.frames)
    except Unreachable as error:
        return _of_the_place(error)
    row = new_row(case, settings)
    try:
        if (instead := fill(row, store)) is not None:
            return instead
    except VqaError as error:
        if isinstance(error, _Unwritten | Unreachable | MissingBackend):
            return _of_the_place(error)
        if may_pass(error) and item.attempt <= settings.retries:
            return Outcome(message=one_line(error), passing=True)
        fail(row, error)
    row.seconds = round(earlier + time.perf_counter() - begin, 3)
    return put(row, store)


def new_row(case: Case, settings: Settings) -> Row:
    """The row of a case of which nothing else is known yet."""
    return Row(
        key=case.key,
        settings=settings.digest,
        file=case.file,
        reference=case.reference,
        status="done",
        columns=case.columns,
        host=socket.gethostname(),
        attempt=case.attempt,
        inputs=input_facts(case),
    )


def fail(row: Row, error: VqaError) -> None:
    """Let a row say that its case failed."""
    row.status, row.exit_code, row.message = "failed", error.exit_code, one_line(error)


def put(row: Row, store: Store) -> Outcome:
    """Write a row, and say what it says."""
    row.finished = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        store.put_row(row)
    except (UsageError, Unreachable) as error:
        return _of_the_place(error)
    failed = row.status == "failed"
    return Outcome(False, failed, row.exit_code, row.message, row.frames, row.seconds)


def _of_the_place(error: VqaError) -> Outcome:
    """The answer where not this case is at fault, but the place: nothing more can be scored."""
    return Outcome(exit_code=error.exit_code, fatal=one_line(error))


class _Unwritten(UsageError):
    """A result cannot be written."""


def _fill(
    row: Row, store: Store, *, case: Case, registry: Registry, settings: Settings
) -> Outcome | None:
    """Score, write the log, and put what it says into the row; or divide the case.

    Raises:
        VqaError: the case cannot be scored, or its log not be written.
    """
    check_requests(settings.requests, with_reference=case.reference_path is not None)
    key = _keys(settings, registry).of(case.distorted_path, case.reference_path)
    log = store.log(key.digest)
    if log is not None and key.recorded(log) and not log.view.errors:
        fill_from(row, log, key, case)
        return None
    row.undivided = case.undivided
    try:
        if settings.split_longer_than is not None and not case.undivided:
            divided = divide(case, key, registry, settings)
            if divided is not None:
                return Outcome(divided=divided)
    except Undivided as why:
        row.undivided = f"scored in one piece: {why}"
    source, reference = sources_of(case, settings)
    options = options_of(settings)
    result = run(source, settings.requests, registry, options, reference=reference)
    keep(row, store, result, key, case, settings)
    return None


def keep(
    row: Row, store: Store, result: RunResult, key: CacheKey, case: Case, settings: Settings
) -> None:
    """Write the log of what was measured, and put what it says into the row.

    Raises:
        VqaError: it cannot be written, a file was replaced meanwhile, or a metric has failed.
    """
    log = build_log(result, command=settings.command)
    key.record(log)
    if not key.recorded(replace(log)):
        raise Changed(f"{case.distorted_path.name}: was replaced while it was scored")
    text = log_text(log)
    try:
        store.put_log(key.digest, text)
    except UsageError as error:
        raise _Unwritten(one_line(error)) from None
    log = parse_json(text)  # so that a row is the same whether its log is new or was there
    fill_from(row, log, key, case)


def fill_from(row: Row, log: Log, key: CacheKey, case: Case) -> None:
    """Put what a log says into the row.

    Raises:
        MetricError: a metric has failed.
    """
    row.log, row.frames = key.digest, len(log)
    row.pooled, row.warnings = pooled_values(log, POOLINGS), len(log.view.warnings)
    for label, text in log.view.errors.items():
        raise MetricError(f"{case.distorted_path.name}: metric {label!r} failed: {text}")


def log_text(log: Log) -> str:
    """A log as it lies on the disk."""
    buffer = io.StringIO()
    write_json(log, buffer)
    return buffer.getvalue()


def _keys(settings: Settings, registry: Registry) -> Keys:
    """The keys of these settings, made once in a process: that reads the files of models."""
    if settings.digest not in _made:
        _made.clear()
        _made[settings.digest] = Keys(settings, registry)
    return _made[settings.digest]
