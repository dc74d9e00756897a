"""Reads VMAF logs: our own, those of every libvmaf, in JSON, XML, CSV and MicroDVD (``.sub``).

What the file holds decides, not its name. A log is untrusted input: its size is bounded, XML may
hold no document type (so no entities), and every fault ends in one line that names the file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.parsers.expat import ExpatError

from vqa_harness.errors import InputError, one_line
from vqa_harness.files import read_bytes
from vqa_harness.logs.log import Log
from vqa_harness.memory import parse_size

MAX_BYTES = 64 << 20
"""Bytes of the largest log that is read where nobody says more: four hours at 25 frames/s with
VMAF's own features. In memory a log takes up to sixteen times as much."""
VARIABLE = "VQA_HARNESS_LOG_SIZE"
"""Environment variable that bounds the size of logs instead, such as ``500M``."""

MORE = f"; {VARIABLE}=SIZE raises it"
"""What the message of a log that is too large says to do."""
_SUBTITLE = re.compile(r"\{\d+\}\{\d+\}")


def read_log(path: str | os.PathLike[str], *, max_bytes: int | None = None) -> Log:
    """Read the log in a file.

    Accepted beside today's layout: libvmaf 1.x (``VMAF score`` at the top; pooled values are made
    from the frames), ``pooled_metrics`` as an array (2.0.0), no ``fps`` or ``aggregate_metrics``,
    bare ``nan`` and ``inf`` in JSON, gaps in frame numbers. Null, NaN, infinity and a value a frame
    does not have are None. CSV and ``.sub`` have no pooled values: they are made from the frames.

    Args:
        path: the file.
        max_bytes: the largest size that is read; None for that of `log_bytes`.

    Raises:
        InputError: the file cannot be read, is too large, or is not a VMAF log.
    """
    path = Path(path)
    text = _text(path, max_bytes)
    try:
        return parse_log(text)
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply for a VMAF log") from None
    except (ValueError, OverflowError, ExpatError) as error:
        raise InputError(f"{path}: {one_line(error)}") from None


def parse_log(text: str) -> Log:
    """Read the log in a text.

    Raises:
        ValueError: it is not a VMAF log, or is a broken one.
        ExpatError: it is broken XML.
    """
    from vqa_harness.logs import vmaf_csv, vmaf_json, vmaf_xml

    start = text.lstrip()[:64]
    if not start:
        raise ValueError("is empty; a VMAF log has at least one frame")
    if _SUBTITLE.match(start):
        log = vmaf_csv.parse_sub(text)
    elif start.startswith(("{", "[")):
        log = vmaf_json.parse_json(text)
    elif start.startswith("<"):
        log = vmaf_xml.parse_xml(text)
    elif start.startswith("Frame,"):
        log = vmaf_csv.parse_csv(text)
    else:
        raise ValueError("is not a VMAF log: neither libvmaf's JSON, XML, CSV nor sub")
    if not log.frame_numbers:
        raise ValueError("has no frames; a VMAF log has at least one")
    return log


def log_bytes() -> int:
    """Bytes of the largest log that is read: as ``VQA_HARNESS_LOG_SIZE`` says, or `MAX_BYTES`.

    Raises:
        UsageError: the variable holds no size.
    """
    text = os.environ.get(VARIABLE)
    return MAX_BYTES if text is None else parse_size(text, VARIABLE)


def _text(path: Path, max_bytes: int | None) -> str:
    most = log_bytes() if max_bytes is None else max_bytes
    try:
        return read_bytes(path, most, "a log", more=MORE).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text, so it is not a VMAF log") from None
