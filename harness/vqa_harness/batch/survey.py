"""Reads a corpus once before anything is scored: what is wrong with it is told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vqa_harness.batch.case import case_of, in_shard
from vqa_harness.batch.manifest import Entry
from vqa_harness.batch.settings import Settings
from vqa_harness.errors import UsageError
from vqa_harness.media.input_format import NOTHING_STATED
from vqa_harness.media.inputs import check_stated
from vqa_harness.request import backend_of, how_to_get, missing_modules


@dataclass(slots=True)
class Survey:
    """What a corpus is made of.

    Attributes:
        entries: how many cases there are.
        mine: how many are of this part.
        repeats: how many name the same files as one before.
        first_repeat: the place or the name of the first of them.
        without: how many name no reference.
    """

    entries: int = 0
    mine: int = 0
    repeats: int = 0
    first_repeat: str = ""
    without: int = 0


def survey(
    entries: Iterable[Entry],
    settings: Settings,
    shard: tuple[int, int],
    told: Callable[[str], None],
) -> Survey:
    """Count the cases, and refuse what could never be scored.

    Args:
        entries: the corpus.
        settings: how it is scored.
        shard: (I, N): part I of N.
        told: takes a line about what is unusual.

    Raises:
        UsageError: a row is broken, no case has a reference that a metric needs, or something is
            stated of no input.
        InputError: a folder or a glob has no video.
        MissingBackend: a metric cannot run here.
    """
    _check_metrics(settings)
    found, unfit = Survey(), None
    fits = settings.stated == NOTHING_STATED
    for entry in entries:
        found.entries += 1
        found.mine += in_shard(case_of(entry, settings.digest).key, shard)
        found.without += not entry.reference
        if entry.repeat:
            found.first_repeat = found.first_repeat or entry.place or entry.file
            found.repeats += 1
        if not fits:
            try:
                check_stated(settings.stated, [entry.distorted_path], entry.reference_path)
                fits = True
            except UsageError as error:
                unfit = error
    if not found.entries:
        raise UsageError("there is no case; the manifest has no row")
    if not fits and unfit is not None:
        raise unfit
    _check_references(found, settings, told)
    if found.repeats:
        told(
            f"{found.repeats} cases name files that a case before names too, first "
            f"{found.first_repeat}; each has its row, and they share a log"
        )
    return found


def _check_metrics(settings: Settings) -> None:
    from vqa_harness.errors import MissingBackend

    for request in settings.requests:
        spec = request.spec
        if absent := missing_modules(spec):
            raise MissingBackend(
                f"metric {spec.name!r} needs {', '.join(absent)}; {how_to_get(spec)}"
            )
        if missing := backend_of(request).missing:
            raise MissingBackend(f"metric {spec.name!r}: {missing}")


def _check_references(found: Survey, settings: Settings, told: Callable[[str], None]) -> None:
    compares = [r.spec.name for r in settings.requests if r.spec.reference]
    if not compares or not found.without:
        return
    if found.without == found.entries:
        raise UsageError(
            f"metric {compares[0]!r} compares with a reference; add a column 'reference' to the "
            "manifest, or --reference FILE for all"
        )
    told(
        f"{found.without} of {found.entries} cases have no reference, which metric "
        f"{compares[0]!r} compares with; they will fail"
    )
