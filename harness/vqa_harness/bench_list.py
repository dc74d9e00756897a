"""What ``vqa-harness bench --list`` shows of datasets."""

from __future__ import annotations

from collections.abc import Iterable

from vqa_harness.bench_dataset import ALL, RANDOM, Dataset, Scale, Source

HEADER = ("dataset", "title", "files", "opinions", "splits", "annotations")


def dataset_rows(datasets: Iterable[Dataset]) -> list[list[str]]:
    """One row for each dataset, below `HEADER`."""
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
    """Everything known of a dataset, one line each."""
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


def _files(source: Source) -> str:
    return " + ".join(table.file.rsplit("/", 1)[-1] for table in source.tables)
