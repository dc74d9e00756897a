"""Scores one case in a process of its own, and writes its log and its row."""

from __future__ import annotations

import errno
import io
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime

from vqa_harness import memory
from vqa_harness.batch.case import Case, Outcome
from vqa_harness.batch.row import Row, input_facts
from vqa_harness.batch.settings import Keys, Settings
from vqa_harness.batch.store import Store
from vqa_harness.errors import (
    InputError,
    MetricError,
    MissingBackend,
    UsageError,
    VqaError,
    one_line,
)
from vqa_harness.logs.build import build_log
from vqa_harness.logs.cache_key import CacheKey
from vqa_harness.logs.features import pooled_values
from vqa_harness.logs.log import Log
from vqa_harness.logs.vmaf_json import parse_json, write_json
from vqa_harness.media.inputs import as_source
from vqa_harness.pipeline.demands import check_requests
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.registry import Registry

POOLINGS = ("mean", "harmonic_mean", "min", "max", "p5")
"""What a row has of each feature."""

_PASSING = {
    getattr(errno, name)
    for name in ("EIO", "ESTALE", "ETIMEDOUT", "EAGAIN", "EMFILE", "ENFILE", "ENOMEM", "EREMOTEIO")
    if hasattr(errno, name)
}
"""Errors of the system that may be gone at the next attempt."""


_made: dict[str, Keys] = {}
"""The keys that this process has made, by the digest of the settings."""


class _Changed(InputError):
    """A video was replaced while it was scored."""


def settled(row: Row | None, case: Case, settings: Settings) -> bool:
    """Whether a case needs no scoring: its row is there, and its files are as they were then.

    The content of files is not read; a file of another size or time of change counts as another.
    """
    if row is None or row.inputs != input_facts(case.distorted_path, case.reference_path):
        return False
    if row.status == "failed":
        return not settings.failed_only
    return row.log is not None and Store(settings.out).log_path(row.log).is_file()


def score_case(case: Case, registry: Registry, settings: Settings) -> Outcome:
    """Score a case, unless its row is there; its log and its row are written, and this is told.

    Whatever is wrong with the case is in its row. Where the reason may pass and attempts are left,
    there is none yet.
    """
    if settings.memory is not None:
        memory.bound(settings.memory, code=memory.TOLD)
    store, begin = Store(settings.out), time.perf_counter()
    if (row := store.row(case.key)) is not None and settled(row, case, settings):
        return Outcome(True, row.status == "failed", row.exit_code, row.message, row.frames)
    row = new_row(case, settings)
    try:
        _fill(row, case, registry, settings, store)
    except VqaError as error:
        if isinstance(error, _Unwritten | MissingBackend):  # not of this case, but of the place
            return Outcome(exit_code=error.exit_code, fatal=one_line(error))
        if may_pass(error) and case.attempt <= settings.retries:
            return Outcome(message=one_line(error), passing=True)
        fail(row, error)
    row.seconds = round(time.perf_counter() - begin, 3)
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
        inputs=input_facts(case.distorted_path, case.reference_path),
    )


def fail(row: Row, error: VqaError) -> None:
    """Let a row say that its case failed."""
    row.status, row.exit_code, row.message = "failed", error.exit_code, one_line(error)


def put(row: Row, store: Store) -> Outcome:
    """Write a row, and say what it says."""
    row.finished = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        store.put_row(row)
    except UsageError as error:
        return Outcome(exit_code=error.exit_code, fatal=one_line(error))
    failed = row.status == "failed"
    return Outcome(False, failed, row.exit_code, row.message, row.frames, row.seconds)


def may_pass(error: BaseException | None) -> bool:
    """Whether the reason of an error may be gone at the next attempt."""
    while error is not None:
        if isinstance(error, _Changed | MemoryError):
            return True
        if isinstance(error, OSError) and error.errno in _PASSING:
            return True
        error = error.__cause__ or error.__context__
    return False


class _Unwritten(UsageError):
    """A result cannot be written."""


def _fill(row: Row, case: Case, registry: Registry, settings: Settings, store: Store) -> None:
    """Score, write the log, and put what it says into the row.

    Raises:
        VqaError: the case cannot be scored, or its log not be written.
    """
    check_requests(settings.requests, with_reference=case.reference_path is not None)
    keys = _keys(settings, registry)
    key = keys.of(case.distorted_path, case.reference_path)
    log = store.log(key.digest)
    if log is None or not key.recorded(log) or log.view.errors:
        text = _scored(case, key, registry, settings)
        try:
            store.put_log(key.digest, text)
        except UsageError as error:
            raise _Unwritten(one_line(error)) from None
        log = parse_json(text)  # so that a row is the same whether its log is new or was there
    row.log, row.frames = key.digest, len(log)
    row.pooled, row.warnings = pooled_values(log, POOLINGS), len(log.view.warnings)
    for label, text in log.view.errors.items():
        raise MetricError(f"{case.distorted_path.name}: metric {label!r} failed: {text}")


def _scored(case: Case, key: CacheKey, registry: Registry, settings: Settings) -> str:
    """The text of the log of a case."""
    reference = case.reference_path
    compared = None if reference is None else as_source(reference, settings.stated.reference)
    source = as_source(case.distorted_path, settings.stated.distorted)
    options = RunOptions(settings.threads, None, settings.align)
    result = run(source, settings.requests, registry, options, reference=compared)
    log = build_log(result, command=settings.command)
    key.record(log)
    if not key.recorded(replace(log)):
        raise _Changed(f"{case.distorted_path.name}: was replaced while it was scored")
    return log_text(log)


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
