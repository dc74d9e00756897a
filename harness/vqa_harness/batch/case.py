"""A case on its way: what a process is sent, and what it answers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqa_harness.batch.manifest import Entry
from vqa_harness.files import is_address


@dataclass(frozen=True, slots=True)
class Case:
    """One video to score.

    Attributes:
        key: 64 hexadecimal digits for the settings and the names of the files in the manifest, so
            that nothing has to be read to know it. The log has a key of its own, of contents.
        file: the video as the manifest names it.
        reference: what it is compared with, as the manifest names it; empty for none.
        distorted_path: the video.
        reference_path: what it is compared with.
        columns: the manifest's further columns.
        attempt: from 1.
        undivided: why it has to be scored in one piece though it is long; empty where nothing
            speaks against pieces yet.
    """

    key: str
    file: str
    reference: str
    distorted_path: Path
    reference_path: Path | None
    columns: dict[str, Any] = field(default_factory=dict)
    attempt: int = 1
    undivided: str = ""

    @property
    def remote(self) -> bool:
        """Whether a video lies elsewhere, see `vqa_harness.batch.remote`."""
        return is_address(self.file) or is_address(self.reference)

    @property
    def case(self) -> Case:
        """Itself: what a `Part` and a `Joint` have as well."""
        return self


def case_of(entry: Entry, settings: str) -> Case:
    """The case of an entry of the manifest.

    Args:
        entry: the entry.
        settings: `vqa_harness.batch.settings.Settings.digest`.
    """
    named = [settings, entry.file, entry.reference, *([entry.repeat] if entry.repeat else [])]
    key = hashlib.sha256(json.dumps(named).encode()).hexdigest()
    paths = (entry.distorted_path, entry.reference_path)
    return Case(key, entry.file, entry.reference, *paths, entry.columns)


def in_shard(key: str, shard: tuple[int, int]) -> bool:
    """Whether a case belongs to part I of N; every case belongs to exactly one.

    Args:
        key: of the case.
        shard: (I, N), I from 1.
    """
    number, of = shard
    return int(key[:16], 16) % of == number - 1


@dataclass(frozen=True, slots=True)
class Divided:
    """A long case that is scored in pieces: which frames make pairs, found once for all.

    Attributes:
        plan: what the processes of its pieces have to know; packed, so that it is small.
        pieces: how many there are.
        seconds: that finding the pairs took.
    """

    plan: bytes
    pieces: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a long case.

    Attributes:
        case: the case.
        divided: how it is divided.
        number: of the piece, from 0.
        attempt: from 1.
    """

    case: Case
    divided: Divided
    number: int
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Joint:
    """All pieces of a long case, to be joined.

    Attributes:
        case: the case.
        divided: how it is divided.
        given: what each piece gave, in order; packed.
        seconds: that all this took so far.
        attempt: from 1.
    """

    case: Case
    divided: Divided
    given: tuple[bytes, ...]
    seconds: float
    attempt: int = 1


Item = Case | Part | Joint
"""What is handed to a process."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a process says of a case, or of a part of it.

    Attributes:
        kept: whether its row was there already.
        failed: whether its row says that it failed.
        exit_code: of the row.
        message: of the row.
        frames: that were scored.
        seconds: wall time.
        passing: whether the reason may pass, so that it should be tried again; then there is no
            row yet.
        fatal: why no other case can be scored either, such as a disk that is full; empty where
            that is not so. Then there is no row.
        divided: how it is divided, where it is to be scored in pieces. Then there is no row.
        given: what a piece gave; packed.
        undivided: why it has to be scored in one piece, which only its pieces could tell.
    """

    kept: bool = False
    failed: bool = False
    exit_code: int = 0
    message: str = ""
    frames: int = 0
    seconds: float = 0.0
    passing: bool = False
    fatal: str = ""
    divided: Divided | None = None
    given: bytes = b""
    undivided: str = ""
