"""From a command line to a corpus that is scored: survey, folder, engine, the way to the end."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vqa_harness import __version__
from vqa_harness.batch import remote
from vqa_harness.batch.manifest import Manifest
from vqa_harness.batch.run import Bounds, run_batch
from vqa_harness.batch.settings import Settings, features_of
from vqa_harness.batch.store import Store
from vqa_harness.batch.survey import survey
from vqa_harness.batch.tally import Tally, Telling
from vqa_harness.console import live_table, note
from vqa_harness.engine.places import Places
from vqa_harness.errors import UsageError, VqaError


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is scored, how and where.

    Attributes:
        inputs: manifests, folders, globs, videos.
        reference: of cases that name none.
        settings: how cases are scored.
        facts: what scores depend on beside the videos.
        bounds: which cases, and when it is enough.
        places: where.
        quiet: whether only what needs attention is told.
        allow_remote: whether videos and results may lie elsewhere.
    """

    inputs: list[str]
    reference: Path | None
    settings: Settings
    facts: dict[str, Any]
    bounds: Bounds
    places: Places
    quiet: bool = False
    allow_remote: bool = False


def score_corpus(corpus: Corpus) -> Tally:
    """Score every case that is not settled yet.

    Raises:
        UsageError: the corpus, an option or the folder is wrong, or a result cannot be written.
        InputError: a folder or a glob has no video, or a store of objects cannot be asked.
        MissingBackend: a package, a model or the cluster is not there.
        PartialResult: too many cases failed.
    """
    settings, quiet = corpus.settings, corpus.quiet
    corpus.places.check()
    if corpus.allow_remote:
        remote.require()
    manifest = Manifest(corpus.inputs, corpus.reference, note, allow_remote=corpus.allow_remote)
    _check_outside(settings.out, manifest)
    found = survey(manifest, settings, corpus.bounds.shard, note)
    store = Store(settings.out)
    record = {
        "vqa_harness": __version__,
        "metrics": [request.label for request in settings.requests],
        "features": features_of(settings.requests),
        "facts": corpus.facts,
    }
    store.prepare(settings.digest, record)
    tally = Tally(total=found.mine)
    with live_table(quiet=quiet) as show:
        telling = Telling(
            tally,
            partial(store.place.put, _progress_name(corpus.bounds.shard)),
            show,
            None if quiet or show is not None else note,
        )
        try:
            opened = partial(corpus.places.open, None if quiet else note)
            run_batch(manifest, settings, opened, tally, telling, corpus.bounds)
        except BaseException:
            with suppress(VqaError):  # what has stopped it is told, which may be the same
                telling.write("stopped")
            raise
        telling.write("finished")
    return tally


def _progress_name(shard: tuple[int, int]) -> str:
    return "progress.json" if shard == (1, 1) else f"progress-{shard[0]}-of-{shard[1]}.json"


def _check_outside(out: Path | str, manifest: Manifest) -> None:
    """Refuse a folder for results that is a manifest."""
    for path in manifest.files():
        if path.absolute() == out:
            raise UsageError(f"-o {out}: is the manifest; name a folder for the results")
