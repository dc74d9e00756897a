"""Logs kept by the content of what they are made of: scoring the same again decodes nothing.

An entry is a whole log in libvmaf's JSON, its numbers in full precision, and its name is its
`CacheKey`. An entry that cannot be read, or is of other videos than it should be, counts as absent.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from vqa_harness.errors import InputError
from vqa_harness.files import make_cache_folder, write_text
from vqa_harness.logs.cache_key import CacheKey
from vqa_harness.logs.log import Log

MAX_BYTES = 1 << 30
"""How much a cache may hold; beyond that, the entries unused for longest are removed."""

MAX_ENTRY_BYTES = MAX_BYTES // 4
"""Size in bytes of the largest log that is kept."""


class ResultCache:
    """A folder of logs.

    Args:
        folder: made when the first log is put.
        max_bytes: how much it may hold.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self.max_bytes = max_bytes

    def get(self, key: CacheKey) -> Log | None:
        """The log kept under a key, with the names of the key's files; None if there is none."""
        from vqa_harness.logs.read import read_log

        path = self._path(key)
        try:
            log = read_log(path, max_bytes=MAX_ENTRY_BYTES)
        except InputError:
            return None
        if not key.fits(log):
            return None
        with suppress(OSError):  # of a cache that can only be read
            os.utime(path)  # by which `_prune` knows what was used last
        return key.renamed(log)

    def put(self, key: CacheKey, log: Log) -> bool:
        """Keep a log, and remove what was unused for longest.

        A log in which a metric failed is not kept, nor one of other inputs (a file that changed
        while it was scored), nor one that is too large.

        Returns:
            Whether the log was kept.

        Raises:
            UsageError: the folder cannot be written.
        """
        from vqa_harness.logs.vmaf_json import to_json

        if log.view.errors or not key.fits(log):
            return False
        text = json.dumps(to_json(log), allow_nan=False, separators=(",", ":"))
        if len(text) > min(MAX_ENTRY_BYTES, self.max_bytes):
            return False
        make_cache_folder(self.folder)
        write_text(self._path(key), text)
        self._prune()
        return True

    def _path(self, key: CacheKey) -> Path:
        return self.folder / f"{key.digest}.json"

    def _prune(self) -> None:
        """Remove the entries unused for longest until the rest fits."""
        entries = []
        for path in self.folder.glob("[0-9a-f]*.json"):
            try:
                facts = path.stat()
            except OSError:  # another run removed it
                continue
            entries.append((facts.st_mtime_ns, facts.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self.max_bytes:
                return
            with suppress(OSError):  # another run removed it, or it belongs to somebody else
                path.unlink()
            total -= size
