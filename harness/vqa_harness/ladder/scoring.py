"""Scores the encodings of one source; those of one size in step, so that it is decoded once.

Each encoding is a run of its own, with pairing, metrics and log, on a thread of its own. All runs
of a group read one `vqa_harness.media.shared.SharedVideo`. Scores are those of single runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from vqa_harness import memory
from vqa_harness.alignment.first_frames import held_at_start
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.console import Progress
from vqa_harness.errors import AlignError, InputError, MetricError, VqaError
from vqa_harness.logs.build import build_log
from vqa_harness.logs.log import Log
from vqa_harness.media.reader import probe
from vqa_harness.media.shared import SharedVideo, SharedView
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.processes import threads_each
from vqa_harness.registry import Registry
from vqa_harness.request import Request

AT_ONCE = 8
"""Encodings that are scored in step, at most."""
MEMORY = 2 << 30
"""Bytes of pictures that all encodings of a group may hold together, unless --memory says."""
AHEAD = 16
"""Pictures that a run holds of its encoding beside those at its beginning, of which
`vqa_harness.alignment.first_frames` decides: checked ahead, decoded ahead, inside its metrics."""

Bar = Callable[[str], AbstractContextManager[Progress | None]]
"""Makes, from a text, a context manager that yields a `Progress` or None."""
Outcome = Log | VqaError
"""The log of an encoding, or why it could not be scored."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """How rungs are measured.

    Attributes:
        registry: where metrics come from.
        threads: how many each metric may use; 0 for one per processor.
        logs: folder for the logs, None for none; a log that fits is not made again.
        align: how frames are paired with those of the reference.
        command: the command line, recorded in the logs.
        settings: the quality set when a file was encoded, by file.
        bar: shows progress; None for no progress.
        at_once: how many encodings of one size are scored in step, at most.
        timeout: seconds that a rung may take; None for no bound.
    """

    registry: Registry
    threads: int = 0
    logs: Path | None = None
    align: AlignOptions = field(default_factory=AlignOptions)
    command: str = ""
    settings: Mapping[Path, str] = field(default_factory=dict)
    bar: Bar | None = None
    at_once: int = AT_ONCE
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class RungsToScore:
    """What of a source is scored.

    Attributes:
        paths: the encodings.
        reference: the source; None where there is none.
        requests: the metrics.
    """

    paths: list[Path]
    reference: Path | None
    requests: list[Request]


def score_group(
    group: list[int], work: RungsToScore, how: Measuring, done: Callable[[int, Log], None]
) -> dict[int, Outcome]:
    """Score a group of encodings in this process; the outcome of each, by its number."""
    if len(group) == 1:
        options = RunOptions(how.threads, None, how.align)
        return {group[0]: _alone(group[0], work, work.reference, how, options, done)}
    return _Group(group, work, how, done).scored()


def groups(
    paths: Sequence[Path], reference: Path | None, requests: Sequence[Request], how: Measuring
) -> list[list[int]]:
    """Which encodings are scored in step: those of one size, as many as memory allows.

    An encoding that cannot be opened is a group of its own, and so is each one where no metric
    compares with the reference, or one reads files by itself.
    """
    compared = any(request.spec.reference for request in requests)
    if reference is None or not compared or any(r.spec.kind == "file" for r in requests):
        return [[number] for number in range(len(paths))]
    sizes: dict[tuple[int, ...], list[int]] = {}
    for number, path in enumerate(paths):
        try:
            info = probe(path)
        except InputError:
            sizes[-1, number] = [number]
        else:
            sizes.setdefault((info.width, info.height), []).append(number)
    if len(sizes) == len(paths):
        return list(sizes.values())
    most = _at_once(reference, how)
    return [part for members in sizes.values() for part in _parts(members, most)]


def _at_once(reference: Path, how: Measuring) -> int:
    """How many encodings may be under way, each with the pictures it holds, at the source's size.

    A source that cannot be opened is told by the runs, one at a time.
    """
    try:
        picture = probe(reference).picture_bytes
    except InputError:
        return 1
    held = held_at_start(2 * picture) + AHEAD
    return memory.pictures(picture * held, 1.0, how.at_once, usual=MEMORY)


def _parts(members: list[int], most: int) -> list[list[int]]:
    """The members in as few parts as possible, of about the same length."""
    count = -(-len(members) // most)
    return [
        members[len(members) * k // count : len(members) * (k + 1) // count] for k in range(count)
    ]


def _alone(
    number: int,
    work: RungsToScore,
    reference: Path | SharedView | None,
    how: Measuring,
    options: RunOptions,
    done: Callable[[int, Log], None],
) -> Outcome:
    """Score one encoding against the source, which others may be reading too."""
    path = work.paths[number]
    shown = how.bar(path.name) if how.bar and options.progress is None else nullcontext()
    try:
        with shown as progress:
            result = run(
                path,
                work.requests,
                how.registry,
                options if progress is None else replace(options, progress=progress),
                reference=reference,
            )
        for metric in result.metrics:
            if metric.error is not None:
                name = metric.spec.name
                raise MetricError(f"{path.name}: metric {name!r} failed: {metric.error}")
        log = build_log(result, command=how.command)
    except (InputError, MetricError, AlignError) as error:
        return error
    done(number, log)
    return log


class _Stopped(Exception):
    """Another run of the group ended everything."""


class _Group:
    """Encodings of one size, each scored on a thread of its own."""

    def __init__(
        self,
        numbers: list[int],
        work: RungsToScore,
        how: Measuring,
        done: Callable[[int, Log], None],
    ) -> None:
        assert work.reference is not None  # without one nothing is shared
        self._numbers, self._work, self._how, self._done = numbers, work, how, done
        self._shared = SharedVideo(work.reference, len(numbers), how.align.grain)
        self._stop = threading.Event()
        self._counting = threading.Lock()
        self._frames: dict[int, tuple[int, int | None]] = {}

    def scored(self) -> dict[int, Outcome]:
        """The outcome of each encoding, by its number."""
        count = len(self._numbers)
        label = f"{count} rungs, {self._work.paths[self._numbers[0]].name} ..."
        with (
            self._how.bar(label) if self._how.bar else nullcontext() as bar,
            ThreadPoolExecutor(count, thread_name_prefix="rung") as pool,
        ):
            views = self._shared.views()
            pairs = zip(self._numbers, views, strict=True)
            futures = {n: pool.submit(self._score, n, view, bar) for n, view in pairs}
            try:
                ended = wait(futures.values(), return_when=FIRST_EXCEPTION).done
                for future in ended:
                    future.result()
            except BaseException:
                self._stop.set()
                raise
            return {number: future.result() for number, future in futures.items()}

    def _score(self, number: int, view: SharedView, bar: Progress | None) -> Outcome:
        def progress(frames: int, expected: int | None) -> None:
            if self._stop.is_set():
                raise _Stopped
            if bar is not None:
                self._show(number, frames, expected, bar)

        threads = threads_each(self._how.threads, len(self._numbers))
        options = RunOptions(threads, progress, self._how.align, beside=len(self._numbers) - 1)
        try:
            return _alone(number, self._work, view, self._how, options, self._done)
        finally:
            view.leave()

    def _show(self, number: int, frames: int, expected: int | None, bar: Progress) -> None:
        with self._counting:
            self._frames[number] = frames, expected
            known = [total for _, total in self._frames.values() if total is not None]
            everything = sum(known) if len(known) == len(self._numbers) else None
            bar(sum(so_far for so_far, _ in self._frames.values()), everything)
