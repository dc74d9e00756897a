"""Remote videos in a folder of this machine, for as long as their case takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from vqa_harness.batch.case import Case
from vqa_harness.batch.remote import fetch
from vqa_harness.files import is_address
from vqa_harness.leftovers import remove_folder, temporary_folder


@contextmanager
def staged(case: Case, limit: int) -> Iterator[Case]:
    """Yield the case with its remote videos in a folder of this machine, which is removed after.

    Args:
        case: the case.
        limit: bytes that each may have.

    Raises:
        InputError: one is missing, too large, or cannot be read.
        MissingBackend: the package for this kind of address is not installed.
    """
    if not case.remote:
        yield case
        return
    folder = temporary_folder()
    try:
        local = case
        if is_address(case.file):
            local = replace(local, distorted_path=fetch(case.file, folder / "distorted", limit))
        if is_address(case.reference):
            path = fetch(case.reference, folder / "reference", limit)
            local = replace(local, reference_path=path)
        yield local
    finally:
        remove_folder(folder)
