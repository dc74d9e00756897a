"""How much memory a process may take: what reading plans with, and what it is held to.

Pictures are bounded by bytes and not by their number: what is decoded ahead, what metrics work on,
and what several runs share is as many pictures as the bound has room for, and at least one.
"""

from __future__ import annotations

import os
import re
import threading
import time

from vqa_harness import interruption, system
from vqa_harness.errors import InputError, UsageError

VARIABLE = "VQA_HARNESS_MEMORY"
"""Environment variable that bounds memory where ``--memory`` does not."""
USUAL = 1 << 30
"""Bytes of pictures of one process where no bound is given."""
TOLD = 117
"""Exit code by which a process of a pool tells that memory did not suffice; no other has it."""
LEAST = 256 << 20
"""The smallest bound: Python, FFmpeg and a metric need about that much before any picture."""
_LOOKS = 0.05
"""Seconds between two looks at how much memory is in use."""
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,3})?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

_limit: int | None = None
"""What was given."""
_most = 0
"""What this process is held to; 0 for nothing yet."""


def parse_size(text: str, where: str) -> int:
    """A size such as ``2G``, ``512M`` or a number of bytes; units are powers of 1024.

    Raises:
        UsageError: it is no size; the message names ``where`` it stands.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{where}={text}: is no size; write one such as 2G or 512M")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def parse(text: str, where: str = "--memory") -> int:
    """The size of a bound.

    Raises:
        UsageError: it is no size, or too small to be kept; the message names ``where`` it stands.
    """
    size = parse_size(text, where)
    if size < LEAST:
        raise UsageError(f"{where}={text}: is too little; give {LEAST >> 20}M or more")
    return size


def bound(size: int, share: int = 1, code: int = interruption.OUT_OF_BOUNDS) -> None:
    """Hold this process to a size from now on; one that takes more ends with a line, by default 3.

    Args:
        size: bytes of memory that it may have resident.
        share: by how many processes the size is shared.
        code: the exit code.
    """
    global _limit
    _limit = size // share
    os.environ[VARIABLE] = str(size)  # for processes of a pool
    _hold(_limit, code)


def take_bound(share: int = 1, code: int = interruption.OUT_OF_BOUNDS) -> None:
    """Hold this process to the size that the environment names.

    Where it names none, a command may take three quarters of the memory of its machine or
    container, so that it ends with a line before the system ends it, or another program.

    Raises:
        UsageError: that is no size.
    """
    if text := os.environ.get(VARIABLE):
        bound(parse(text, VARIABLE), share, code)
    elif interruption.taken_over():
        _hold(3 * system.memory_of_machine() // 4, code)


def room(usual: int = USUAL) -> int:
    """Bytes that pictures may take in this process, beside what is in use already; may be 0.

    Args:
        usual: what they may take at most. A bound only makes it less; where none is given, so does
            a machine that has less than four times as much.
    """
    if _limit is None:
        return min(usual, system.memory_of_machine() // 4)
    return max(0, min(usual, _limit - system.memory_in_use()))


def pictures(picture: int, share: float, most: int, *, least: int = 1, usual: int = USUAL) -> int:
    """How many pictures may be held.

    Args:
        picture: bytes of one.
        share: part of the `room` that is theirs.
        most: how many are of use.
        least: how many there must be.
        usual: as of `room`.
    """
    return max(least, min(most, int(room(usual) * share) // max(1, picture)))


def check_room(name: str, picture: int, needed: int) -> None:
    """Refuse a video of which not even the fewest pictures fit into what this process may take.

    Args:
        name: of the video.
        picture: bytes of one of its pictures.
        needed: how many there must be at once.

    Raises:
        InputError: they do not fit.
    """
    if _most and system.memory_in_use() + picture * needed > _most:
        raise InputError(
            f"{name}: needs about {_words(picture * needed + system.memory_in_use())} of memory, "
            f"{_words(_most)} may be taken; raise --memory"
        )


def short(error: BaseException | None = None) -> InputError:
    """The error of a run for which memory is short."""
    what = " ".join(str(error or "").split())
    detail = f" ({what})" if what else ""
    return InputError(
        f"memory is short{detail}; free some, do fewer things at once, or use --threads 1"
    )


def _hold(most: int, code: int) -> None:
    """Have a thread look at how much memory is in use, where the system tells."""
    global _most
    watched, _most = _most > 0, most
    if not watched and system.memory_in_use():
        threading.Thread(target=_watch, args=(code,), name="memory", daemon=True).start()


def _watch(code: int) -> None:
    while True:
        if system.memory_in_use() > _most:
            why = "of --memory" if _limit is not None else "(3/4 of what there is) it may take"
            interruption.leave(
                code,
                f"vqa-harness: error: more memory is needed than the {_words(_most)} {why}; "
                "raise --memory, or do fewer things at once\n",
            )
        time.sleep(_LOOKS)


def _words(size: int) -> str:
    return f"{size / (1 << 30):.2f} GiB" if size >= 1 << 30 else f"{size >> 20} MiB"
