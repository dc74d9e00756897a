"""A batch in this process, and what it leaves."""

from contextlib import contextmanager

from vqa_harness.alignment.options import AlignOptions
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
    """Has each case answered by a function, in this process, when it is asked for."""

    slots, window = 2, 3

    def __init__(self, answer):
        self.answer, self.given, self.seen = answer, [], []

    def submit(self, case):
        self.seen.append((case.file, case.attempt))
        self.given.append(case)
        assert len(self.given) <= self.window

    def finished(self, seconds):
        case = self.given.pop(0)
        return [(case, self.answer(case))]


def settings_of(out, metrics="siti", registry=None, **more):
    registry = registry or Registry.installed()
    requests = tuple(registry.requests([metrics]))
    digest, _ = facts_of(requests, registry, AlignOptions(), NOTHING_STATED)
    out.mkdir(exist_ok=True)
    return Settings(out, digest, requests, AlignOptions(), **more)


def run_here(manifest, settings, answer, **bounds):
    """Run a batch on a `HereEngine`: the engine and the tally."""
    engine, tally = HereEngine(answer), Tally()

    @contextmanager
    def opened():
        yield engine

    telling = Telling(tally, settings.out / "progress.json", None, None)
    entries = Manifest([str(manifest)], None, lambda _: None)
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
