"""Describes a set of rated videos: where its opinion scores stand, their scale, its splits.

One TOML file per dataset; those that come with the package are in ``datasets/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from vqa_harness.config import Table, Texts, load, parse_toml, validate
from vqa_harness.errors import UsageError, nearest

ALL = "all"
"""Name of the split that holds every item."""

RANDOM = "random"
"""Name that stands for splits drawn at random."""

CUSTOM = "custom"
"""Name of the dataset whose table is named on the command line."""

HEADER = ("dataset", "title", "files", "opinions", "splits", "annotations")
"""Titles of the columns of `dataset_rows`."""


class Scale(Table):
    """The scale of the opinion scores as they stand in the annotation file."""

    kind: Literal["MOS", "DMOS"] = "MOS"
    low: float | None = None
    high: float | None = None
    higher_is_better: bool = True


class Annotation(Table):
    """Where names and scores stand in an annotation file.

    Columns of a ``csv`` file are named by its header, or numbered from 1 where it has none. Those
    of a ``mat`` file are variables; a dot leads into a struct.
    """

    file: str
    format: Literal["csv", "mat"] = "csv"
    name: str = "1"
    score: str = "2"
    score_file: str | None = None
    reference: str | None = None
    header: bool = True
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    skip: Annotated[int, Field(ge=0)] = 0
    split: str | None = None
    split_column: str | None = None
    split_values: dict[str, str] = Field(default={})


class AnnotationSource(Table):
    """One published form of the annotations: all its files must be there."""

    about: str
    tables: list[Annotation] = Field(min_length=1)
    scale: Scale | None = None


class NameList(Table):
    """A published list of the files of one split: ``name,score`` rows without a header."""

    file: str
    split: str


class Split(Table):
    """A named part of the items."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    role: Literal["train", "validation", "test"]
    about: str = ""
    apart_from: Texts = Field(default=[])


class Dataset(Table):
    """Everything known of a set of rated videos or stills.

    Attributes:
        name: what it is called on the command line.
        title: what its owners call it.
        aliases: other spellings under which training records name it; letter case, spaces and
            punctuation do not count.
        media: whether the files are videos or stills.
        count: how many items there are by its owners' account.
        scale: the scale of the scores, unless a source has its own.
        sources: published forms of the annotations, the owners' first.
        lists: published lists of the files of splits.
        splits: the splits and what they are for.
        protocol: how results on it are usually reported.
        default_split: the split that is evaluated where none is named.
        files: file names to look for, without suffix; ``{name}`` is the name in the annotations.
        suffixes: endings that the files may have.
        ending: a regular expression of what some copies of the annotations, lists or files have at
            the end of a name without suffix and others lack; letter case counts.
        content: a regular expression on names; what its groups match is the same for versions of
            one content.
        citation: the publication.
        url: where to get it.
        licence: a remark, not advice.
        note: what else a user should know.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    aliases: list[str] = Field(default=[])
    media: Literal["video", "still"] = "video"
    count: int | None = None
    scale: Scale
    sources: list[AnnotationSource] = Field(min_length=1)
    lists: list[NameList] = Field(default=[])
    splits: list[Split] = Field(default=[])
    protocol: str = ""
    default_split: str = ALL
    files: Texts = Field(default=["{name}"])
    suffixes: list[str] = Field(default=[".mp4", ".mkv", ".mov", ".avi", ".webm", ".y4m"])
    ending: str | None = None
    content: str | None = None
    citation: str = ""
    url: str = ""
    licence: str = ""
    note: str = ""

    def split(self, name: str) -> Split | None:
        """The split of a name; None where there is none."""
        return next((split for split in self.splits if split.name == name), None)

    @field_validator("content", "ending")
    @classmethod
    def _is_an_expression(cls, text: str | None) -> str | None:
        try:
            re.compile(text or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return text

    @model_validator(mode="after")
    def _describes_every_split(self) -> Self:
        known = {split.name for split in self.splits} | {ALL}
        named = {entry.split for entry in self.lists} | {self.default_split}
        for source in self.sources:
            for table in source.tables:
                named |= {table.split or ALL, *table.split_values.values()}
        for split in self.splits:
            named |= set(split.apart_from)
        if named - known:
            raise ValueError(f"no [[splits]] describes {', '.join(sorted(named - known))}")
        return self


def packaged() -> dict[str, Dataset]:
    """Every dataset that comes with the package, by name."""
    folder = resources.files("vqa_harness.bench") / "datasets"
    files = {entry.name: entry for entry in folder.iterdir() if entry.name.endswith(".toml")}
    datasets = [
        validate(parse_toml(file.read_bytes(), name), name, Dataset) for name, file in files.items()
    ]
    return {dataset.name: dataset for dataset in sorted(datasets, key=lambda d: d.name)}


def find_dataset(name: str) -> Dataset:
    """A packaged dataset, or one described in a file of the user's.

    Args:
        name: the name of a packaged dataset, or the path of a ``.toml`` file.

    Raises:
        InputError: the file cannot be read.
        UsageError: there is no such dataset, or the file is wrong.
    """
    if name.endswith(".toml"):
        return load(Path(name), Dataset)
    known = packaged()
    if name not in known:
        hint = nearest(name, known, "vqa-harness bench --list shows them")
        raise UsageError(f"unknown dataset {name!r}{hint}")
    return known[name]


@dataclass(frozen=True, slots=True)
class BenchTarget:
    """One dataset to benchmark on.

    Attributes:
        dataset: the dataset.
        root: the folder of its files.
        split: the name of the split to evaluate; None for the default of the dataset.
    """

    dataset: Dataset
    root: Path
    split: str | None


def dataset_rows(datasets: Iterable[Dataset]) -> list[list[str]]:
    """A row for each dataset, below `HEADER`."""
    return [
        [
            dataset.name,
            dataset.title,
            str(dataset.count or "-"),
            _scale(dataset.scale),
            ", ".join([ALL, RANDOM, *(split.name for split in dataset.splits)]),
            " or ".join(_files(source) for source in dataset.sources),
        ]
        for dataset in datasets
    ]


def dataset_text(dataset: Dataset) -> str:
    """Everything known of a dataset, a line for each fact."""
    lines = [f"{dataset.name}: {dataset.title}, {dataset.count or '?'} {dataset.media}s"]
    better = "higher" if dataset.scale.higher_is_better else "lower"
    lines.append(f"  opinions: {_scale(dataset.scale)}, {better} is better")
    lines += [f"  annotations: {source.about} ({_files(source)})" for source in dataset.sources]
    forms = " or ".join(dataset.files)
    lines.append(f"  files: {forms}, anywhere below the root; {' '.join(dataset.suffixes)}")
    lines += [f"  split {s.name} ({s.role}): {s.about}" for s in dataset.splits]
    lines += [f"  list of {entry.split}: {entry.file}" for entry in dataset.lists]
    facts = ("default_split", "protocol", "note", "citation", "url", "licence")
    lines += [f"  {f.replace('_', ' ')}: {getattr(dataset, f)}" for f in facts]
    return "\n".join(lines) + "\n"


def _scale(scale: Scale) -> str:
    if scale.low is None or scale.high is None:
        return scale.kind
    return f"{scale.kind} {scale.low:g} to {scale.high:g}"


def _files(source: AnnotationSource) -> str:
    return " + ".join(table.file.rsplit("/", 1)[-1] for table in source.tables)
