"""Keeps libvmaf's vector code away from narrow frames, on which that of PyAV's libvmaf is wrong.

In libvmaf 3.2.0, which PyAV 19.0.2 brings, the code for AVX2 and AVX-512 mistakes the last columns
that ADM makes of a frame, for a good part of all widths and by up to a point of VMAF, on 33 columns
even with another result each time. ADM leaves out a tenth of the picture on each side, so from 533
columns on nothing of it is in a score. The plain C code is right, and a libvmaf built after 3.2.0
equals it.

The filter has no option for it, but libvmaf a function, which it does not list in its headers.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from vqa_harness.system import shared_library
from vqa_metrics.presence import library_files

NARROW = 640
"""Frames of fewer columns are computed by plain code; 532 columns were the most with a fault."""
LOW = 64
"""Frames of fewer rows likewise; 32 rows were the most with a fault."""
_ALL = 0xFFFFFFFF
_mask = threading.Lock()
"""Held while the process has vector code switched off."""


@contextmanager
def plain_code() -> Iterator[None]:
    """Have libvmaf choose plain code for the features that it sets up meanwhile.

    It sets them up when they see their first pair, on that thread if it has no others.
    """
    choose = _chooser()
    if choose is None:
        yield
        return
    with _mask:
        choose(0)
        try:
            yield
        finally:
            choose(_ALL)


def plain_code_is_there() -> bool:
    """Whether the choice can be made in this build of libvmaf."""
    return _chooser() is not None


@lru_cache(maxsize=1)
def _chooser() -> Any:
    """Libvmaf's function that takes the vector instructions that may be used, as bits, or None."""
    for path in library_files():
        try:
            function = shared_library(path).vmaf_set_cpu_flags_mask
        except (OSError, AttributeError):
            continue
        function.argtypes, function.restype = [ctypes.c_uint], None
        return function
    return None
