"""From tables to the files that are trained and measured on, and why others were left out."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vqa_harness.bench.bad_rows import BadRow, how_many, summary
from vqa_harness.errors import UsageError
from vqa_harness.files import write_text
from vqa_harness.stats.correlation import FEWEST
from vqa_plugin_clip.train.clips import Rated
from vqa_plugin_clip.train.opinion_table import OpinionRow, TableForm, read_table
from vqa_plugin_clip.train.split import group_column, groups, split
from vqa_plugin_clip.train.survey import FileFacts, survey

SPLIT_FILE = "split.csv"
BAD_ROWS_FILE = "bad_rows.csv"
FACTS_FILE = "files.json"


@dataclass(frozen=True, slots=True)
class Tables:
    """Where opinion scores come from.

    Attributes:
        table: CSV file.
        form: How the tables are read; its ``group_column`` follows from ``split_by``.
        validation: CSV file of validation files; None to split them off ``table``.
        val_share: Share of rows that is split off, between 0 and 1.
        split_by: What tells contents apart, see `split.groups`.
        min_frames: Fewest frames of a video; a picture needs one.
    """

    table: Path
    form: TableForm
    validation: Path | None = None
    val_share: float = 0.2
    split_by: str = ""
    min_frames: int = 2


@dataclass(frozen=True, slots=True)
class Ratings:
    """The files of a training.

    Attributes:
        training: Files to train on.
        validation: Files to measure on.
        bad: Rows that were left out.
        scale: Worst and best opinion score.
    """

    training: tuple[Rated, ...]
    validation: tuple[Rated, ...]
    bad: tuple[BadRow, ...]
    scale: tuple[float, float]

    def fingerprint(self) -> str:
        """Return a hash of the files, their scores, their order and the split."""
        rows = [
            [part, file.name, file.score, file.frames]
            for part, files in (("training", self.training), ("validation", self.validation))
            for file in files
        ]
        return hashlib.sha256(json.dumps([self.scale, rows]).encode()).hexdigest()


def read_ratings(
    tables: Tables,
    seed: int,
    batch: int,
    out: Path,
    threads: int,
    progress: Callable[[int, int], None],
) -> Ratings:
    """Read the tables, look at every file, split.

    Writes the split, what was left out and the facts of the files into ``out``.

    Args:
        tables: What to read.
        seed: Number that the split follows from.
        batch: Fewest files that training needs.
        out: Folder to write into.
        threads: How many files are looked at together.
        progress: Called with the number of files done and to be done.

    Raises:
        UsageError: A table or a setting is wrong, or too few files are left.
    """
    form = replace(tables.form, group_column=group_column(tables.split_by))
    good, bad = read_table(tables.table, form)
    other: list[OpinionRow] = []
    if tables.validation is not None:
        other, other_bad = read_table(tables.validation, replace(form, group_column=""))
        bad += other_bad
        shared = {opinion.path for opinion in other}
        bad += [
            BadRow(tables.table.name, o.line, o.name, "also in the validation table")
            for o in good
            if o.path in shared
        ]
        good = [opinion for opinion in good if opinion.path not in shared]
    facts = survey([o.path for o in (*good, *other)], out / FACTS_FILE, threads, progress)
    first = _usable(good, facts[: len(good)], tables.table.name, tables.min_frames, bad)
    name = tables.validation.name if tables.validation else ""
    second = _usable(other, facts[len(good) :], name, tables.min_frames, bad)
    _write_bad(bad, out / BAD_ROWS_FILE)
    names = groups([opinion for opinion, _ in first], tables.split_by) if first else []
    if tables.validation is None:
        _check_count(len(first), batch + FEWEST, bad, "all")
        chosen = split(names, tables.val_share, seed)
    else:
        chosen = [False] * len(first)
    named = [
        (_rated(opinion, file_facts, group, form.scale), taken)
        for (opinion, file_facts), group, taken in zip(first, names, chosen, strict=True)
    ]
    training = tuple(file for file, taken in named if not taken)
    validation = tuple(file for file, taken in named if taken) + tuple(
        _rated(opinion, file_facts, opinion.name, form.scale) for opinion, file_facts in second
    )
    _check_count(len(training), batch, bad, "training")
    _check_count(len(validation), FEWEST, bad, "validation")
    _write_split(training, validation, out / SPLIT_FILE)
    return Ratings(training, validation, tuple(bad), form.scale)


def _usable(
    opinions: Sequence[OpinionRow],
    facts: Sequence[FileFacts],
    table: str,
    min_frames: int,
    bad: list[BadRow],
) -> list[tuple[OpinionRow, FileFacts]]:
    """Pick the files that decode and are long enough; the others are added to ``bad``."""
    usable = []
    for opinion, file_facts in zip(opinions, facts, strict=True):
        problem = file_facts.problem.removeprefix(f"{opinion.path.name}: ")
        if not problem and not file_facts.still and file_facts.frames < min_frames:
            problem = f"{file_facts.frames} frames, a video needs {min_frames}"
        if problem:
            bad.append(BadRow(table, opinion.line, opinion.name, problem))
        else:
            usable.append((opinion, file_facts))
    return usable


def _rated(opinion: OpinionRow, facts: FileFacts, group: str, scale: tuple[float, float]) -> Rated:
    low, high = scale
    return Rated(
        name=opinion.name,
        path=opinion.path,
        score=opinion.score,
        share=(opinion.score - low) / (high - low),
        group=group,
        frames=facts.frames,
        stamp=f"{opinion.path} {facts.size} {facts.changed}",
    )


def _check_count(count: int, least: int, bad: Sequence[BadRow], part: str) -> None:
    if count >= least:
        return
    why = f"; {how_many(bad)} left out ({summary(bad, 1)})" if bad else ""
    raise UsageError(f"{part} files: {count} can be used, {least} are needed{why}")


def _write_bad(bad: Sequence[BadRow], path: Path) -> None:
    rows = [(row.table, row.line, row.name, row.reason) for row in bad]
    if rows:
        write_text(path, as_csv(("table", "line", "file", "reason"), rows))
    else:
        path.unlink(missing_ok=True)


def _write_split(training: Sequence[Rated], validation: Sequence[Rated], path: Path) -> None:
    rows = [
        (file.name, file.score, file.group, file.frames, part)
        for part, files in (("training", training), ("validation", validation))
        for file in files
    ]
    write_text(path, as_csv(("file", "score", "group", "frames", "part"), rows))


def as_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Write a table as CSV text; None becomes an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()
