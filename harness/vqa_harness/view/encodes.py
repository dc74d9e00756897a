"""What is looked at: encodes with their scores, and where their videos are found.

Logs, ladders and batches may be anybody's. A video that a log names is taken only from the folders
beside it or from those that the user names, and only if its bytes are those that were scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from pathlib import Path

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.batch.row import Row
from vqa_harness.batch.store import Store
from vqa_harness.errors import InputError, UsageError, VqaError
from vqa_harness.files import why_missing
from vqa_harness.logs.log import Log
from vqa_harness.logs.notes import notes_path
from vqa_harness.logs.read import read_log
from vqa_harness.media.numbered import is_pattern
from vqa_harness.media.source import VideoSource
from vqa_harness.report.corpus import is_batch
from vqa_harness.report.data import ReportItem, load, name_of
from vqa_harness.report.thumbnails import Media

LOG_ENDINGS = frozenset({".csv", ".json", ".sub", ".xml"})
"""Endings of files that are taken for logs, or for the document of a ladder."""
MOST_ENCODES = 1000
"""Most encodes that are listed; of a larger batch the first ones by the names of their files."""


@dataclass(frozen=True, slots=True)
class Videos:
    """The videos of an encode.

    Attributes:
        distorted: the video that was scored.
        reference: what it was compared with; None where nothing was.
        options: how the two are paired.
        remarks: what the user should know, a line each.
    """

    distorted: Path | VideoSource
    reference: Path | VideoSource | None = None
    options: AlignOptions = field(default_factory=AlignOptions)
    remarks: tuple[str, ...] = ()


@dataclass
class Encode:
    """One distorted video.

    Attributes:
        label: its name, for people.
        notes: where the notes on its frames are kept.
        read: reads its log; None where there is none.
        find: finds its videos, given the log; raises InputError or UsageError.
        group: the name of its source where there are several.
    """

    label: str
    notes: Path
    read: Callable[[], Log] | None
    find: Callable[[Log | None], Videos]
    group: str = ""

    @cached_property
    def log(self) -> Log | None:
        """Its scores; None where there are none.

        Raises:
            InputError: the log cannot be read.
        """
        return None if self.read is None else self.read()


def of_video(videos: Videos, path: Path) -> list[Encode]:
    """A video that was not scored, at this path."""
    return [Encode(path.name, notes_path(path, log=False), None, lambda _: videos)]


def of_path(path: Path, media: Media) -> list[Encode]:
    """The encodes of a log, of a ``ladder.json`` or of the folder of a ladder or a batch.

    Args:
        path: the file or folder.
        media: places of the videos, beside those where they are looked for anyway.

    Raises:
        InputError: it cannot be read, or is none of these.
    """
    if path.is_dir():
        if (path / "ladder.json").is_file():
            return _of_documents(path / "ladder.json", media)
        if is_batch(path):
            return list(_of_batch(path, media))
        raise InputError(
            f"{path}: holds neither ladder.json nor batch.json; name a log, a video, or the folder "
            "that ladder -o or batch -o wrote to"
        )
    return _of_documents(path, media)


def _of_documents(path: Path, media: Media) -> list[Encode]:
    report = load([path])
    here = path.parent
    places = Media([*media.distorted, here, here / "rungs"], [*media.reference, here])
    several = len(report.sections) > 1
    encodes = []
    for section in report.sections:
        for item in section.items:
            rung = section.ladder["rungs"][item.rung] if item.rung is not None else None
            of = path if rung is None else here / rung["log"]
            encodes.append(
                Encode(
                    item.label,
                    notes_path(of),
                    partial(_itself, item.log),
                    partial(_videos_of, item, places),
                    section.name if several else "",
                )
            )
    if not encodes:
        why = f": {report.missing[0]}" if report.missing else ""
        raise InputError(f"{path}: has no log that can be read{why}")
    return encodes


def _of_batch(folder: Path, media: Media) -> Iterator[Encode]:
    store = Store(folder)
    rows = sorted((r for r in store.rows() if r.log is not None), key=lambda row: row.file)
    if not rows:
        raise InputError(f"{folder}: no case of this batch was scored, so there is nothing to see")
    for row in rows[:MOST_ENCODES]:
        path = store.log_path(row.log or "")
        read = partial(read_log, path)
        yield Encode(row.file, notes_path(path), read, partial(_videos_of_row, row, folder, media))


def _itself(log: Log) -> Log:
    return log


def _videos_of_row(row: Row, folder: Path, media: Media, log: Log | None) -> Videos:
    def places(name: str, given: Sequence[Path]) -> list[Path]:
        return [*given, Path(name), folder.parent / name] if name else list(given)

    assert log is not None  # a row without a log is left out
    beside = Media(places(row.file, media.distorted), places(row.reference, media.reference))
    return _videos_of(ReportItem(row.file, log), beside, log)


def _videos_of(item: ReportItem, media: Media, _log: Log | None) -> Videos:
    """The videos of a log.

    Raises:
        InputError: the distorted video is not found.
    """
    name = name_of(item.log, "distorted")
    distorted = media.find(item, "distorted")
    if distorted is None:
        raise InputError(
            f"{name or item.label}: not found beside the log with the bytes that were scored; say "
            "--distorted FILE or FOLDER"
        )
    options, remarks = _options(item.log)
    reference = media.find(item, "reference")
    compared = name_of(item.log, "reference")
    if reference is None and compared is not None:
        remarks.append(
            f"the reference {compared} is not found with the bytes that were compared; say "
            "--reference FILE or FOLDER"
        )
    return Videos(distorted, reference, options, tuple(remarks))


def _options(log: Log) -> tuple[AlignOptions, list[str]]:
    """How a log's run paired frames, and remarks where that cannot be told."""
    known = {one.name for one in fields(AlignOptions)}
    stated = {k: v for k, v in log.view.alignment.options.items() if k in known}
    try:
        return AlignOptions(**stated), []
    except (VqaError, TypeError, ValueError, AttributeError) as error:
        return AlignOptions(), [f"the log's options of pairing cannot be used ({error})"]


def is_log(path: Path) -> bool:
    """Whether a path is taken for a log or a folder of logs rather than for a video."""
    return path.is_dir() or path.suffix.lower() in LOG_ENDINGS


def check_there(path: Path) -> None:
    """Check that there is something to look at.

    Raises:
        UsageError: the path does not exist.
    """
    if not path.exists() and not is_pattern(path):
        raise UsageError(f"{path}: no such file or folder; {why_missing(path)}")
