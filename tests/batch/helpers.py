"""A batch in this process, and what it leaves."""

from contextlib import contextmanager
from functools import partial

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.batch.case import Case, Part
from vqa_harness.batch.manifest import Manifest
from vqa_harness.batch.run import Bounds, run_batch
from vqa_harness.batch.settings import Settings, facts_of
from vqa_harness.batch.store import Store
from vqa_harness.batch.tally import Tally, Telling
from vqa_harness.media.input_format import NOTHING_STATED
from vqa_harness.registry import Registry

TIMES = ("seconds", "host", "attempt", "finished")
"""What differs between two rows of the same case."""


class HereEngine:
    """Has each case answered by a function, in this process, when it is asked for.

    Pieces of cases, and cases where there is no function, are scored.
    """

    slots, window = 2, 3
    lose = None
    """Says of a piece why it is lost, or None."""

    def __init__(self, answer, tally):
        self.answer, self.tally = answer, tally
        self.given, self.seen, self.parts = [], [], []

    def submit(self, task):
        if isinstance(task.case, Case):
            self.seen.append((task.case.file, task.case.attempt))
        if isinstance(task.case, Part):
            self.parts.append((task.case.number, task.case.attempt))
        self.given.append(task)
        assert len(self.given) <= self.window

    def finished(self, seconds):
        task = self.given.pop(0)
        if self.answer and isinstance(task.case, Case):
            return [(task, self.answer(task.case))]
        if isinstance(task.case, Part) and self.lose and (error := self.lose(task.case)):
            return [(task, error)]
        return [(task, task.work(task.case, Registry.installed(), task.options))]


def settings_of(out, metrics="siti", registry=None, **more):
    registry = registry or Registry.installed()
    requests = tuple(registry.requests([metrics]))
    digest, _ = facts_of(requests, registry, AlignOptions(), NOTHING_STATED)
    if not isinstance(out, str):
        out.mkdir(exist_ok=True)
    return Settings(out, digest, requests, AlignOptions(), **more)


def run_here(manifest, settings, answer, *, allow_remote=False, **bounds):
    """Run a batch on a `HereEngine`: the engine and the tally."""
    tally = Tally()
    engine = HereEngine(answer, tally)

    @contextmanager
    def opened():
        yield engine

    put = partial(Store(settings.out).place.put, "progress.json")
    telling = Telling(tally, put, None, None)
    entries = Manifest([str(manifest)], None, lambda _: None, allow_remote=allow_remote)
    try:
        run_batch(entries, settings, opened, tally, telling, Bounds(**bounds))
    finally:
        telling.write("finished")
    return engine, tally


def payloads(out):
    """Of each row by its key what does not depend on when and where it was made, with its log."""
    found = {}
    for row in Store(out).rows():
        facts = {n: getattr(row, n) for n in row.__dataclass_fields__ if n not in TIMES}
        log = Store(out).log(row.log) if row.log else None
        found[row.key] = facts, log and (log.columns, log.frame_numbers, log.pooled)
    return found
