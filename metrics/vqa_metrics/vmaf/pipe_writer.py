"""Writing frames to a child's pipe: on Linux their memory is lent to the pipe instead of copied.

vmsplice(2) puts references to the pages of an array into the pipe, which saves copying each frame
into the kernel. The child then reads the array's own memory. It must not change until then, nor be
freed and used for the next frame. The system does not say when the child has read a page, but a
pipe holds a known number of bytes: when as many were sent after an array, the array has been read.
Until then a reference to it is kept.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.system import vmsplice, widen_pipe

_UNABLE = (errno.ENOSYS, errno.EPERM, errno.EINVAL)
"""Errors that mean lending is impossible here: in a sandbox, or with a file that is not a pipe."""

Arrays = tuple[NDArray[np.uint8], ...]


class _Span(ctypes.Structure):
    """The system's ``struct iovec``: where some memory begins, and its length in bytes."""

    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class PipeWriter:
    """The writing end of a pipe, made as large as the system allows.

    Args:
        pipe: The unbuffered binary file of the pipe. It must be unbuffered: bytes in a buffer of
            Python would arrive after memory that was lent later.
    """

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._room = widen_pipe(pipe)
        self._lend = vmsplice() if self._room else None
        self._kept_arrays: deque[tuple[int, Arrays]] = deque()
        self._sent = 0

    @property
    def held(self) -> int:
        """How many arrays are kept, because the child may not have read them yet."""
        return sum(len(arrays) for _, arrays in self._kept_arrays)

    def write(self, *arrays: NDArray[np.uint8]) -> None:
        """Send all bytes, waiting for the child to make room.

        Args:
            arrays: Contiguous uint8 arrays (n,), which nobody may change afterwards.

        Raises:
            OSError: The child has closed its end.
        """
        before = self._sent
        left = self._splice_all(arrays) if self._lend else arrays
        if self._sent > before:
            self._kept_arrays.append((self._sent, arrays))
            self._forget()
        for array in left:
            rest = array.data
            while rest:
                rest = rest[self._pipe.write(rest) :]

    def close(self) -> None:
        """Close the pipe; the child can still read what was sent."""
        self._pipe.close()

    def _splice_all(self, arrays: Arrays) -> Arrays:
        """Lend arrays in order; returns the bytes to be copied if that is impossible."""
        spans = (_Span * len(arrays))(*(_Span(a.ctypes.data, a.nbytes) for a in arrays))
        first = 0
        while first < len(spans):
            done = self._splice(spans, first)
            if not self._lend:
                rest = [a[a.nbytes - s.length :] for a, s in zip(arrays, spans, strict=True)]
                return tuple(rest[first:])
            self._sent += done
            while first < len(spans) and done >= spans[first].length:
                done -= spans[first].length
                first += 1
            # The pipe was full: the call took some spans whole and one in part.
            if done:
                spans[first].base += done
                spans[first].length -= done
        return ()

    def _splice(self, spans: ctypes.Array[_Span], first: int) -> int:
        """Lend memory from span ``first`` on; returns how many bytes the pipe took."""
        assert self._lend is not None
        start = ctypes.addressof(spans) + first * ctypes.sizeof(_Span)
        done = self._lend(self._pipe.fileno(), start, len(spans) - first, 0)
        if done >= 0:
            return int(done)
        code = ctypes.get_errno()
        if code in _UNABLE:
            self._lend = None
        elif code != errno.EINTR:
            raise OSError(code, os.strerror(code))
        return 0

    def _forget(self) -> None:
        """Let go of the arrays that the child has read."""
        while self._kept_arrays and self._kept_arrays[0][0] <= self._sent - self._room:
            self._kept_arrays.popleft()
