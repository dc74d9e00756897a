"""Writing frames to a child's pipe: on Linux their memory is lent to the pipe instead of copied.

vmsplice(2) puts references to the pages of an array into the pipe. The array must not change until
the child has read them, so it is kept until as many bytes were sent after it as the pipe can hold.
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

_UNABLE = (errno.ENOSYS, errno.EPERM, errno.EINVAL)  # of a sandbox, of a file that is no pipe

Arrays = tuple[NDArray[np.uint8], ...]


class _Span(ctypes.Structure):
    """``struct iovec``."""

    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class PipeWriter:
    """The writing end of a pipe, made as large as the system allows.

    Args:
        pipe: an unbuffered binary file.
    """

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._room = widen_pipe(pipe)
        self._lend = vmsplice() if self._room else None
        self._lent: deque[tuple[int, Arrays]] = deque()
        self._sent = 0

    @property
    def held(self) -> int:
        """How many arrays are kept because the child may not have read them yet."""
        return sum(len(arrays) for _, arrays in self._lent)

    def write(self, *arrays: NDArray[np.uint8]) -> None:
        """Send all bytes, waiting for the child to make room.

        Args:
            arrays: (n,) contiguous; must not be changed afterwards by anyone.

        Raises:
            OSError: the child has closed its end.
        """
        before = self._sent
        left = self._splice_all(arrays) if self._lend else arrays
        if self._sent > before:
            self._lent.append((self._sent, arrays))
            self._forget()
        for array in left:
            rest = array.data
            while rest:
                rest = rest[self._pipe.write(rest) :]

    def close(self) -> None:
        """Close the pipe; what was sent can still be read."""
        self._pipe.close()

    def _splice_all(self, arrays: Arrays) -> Arrays:
        """Lend arrays one after the other; what is left where that turns out to be impossible."""
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
            if done:
                spans[first].base += done
                spans[first].length -= done
        return ()

    def _splice(self, spans: ctypes.Array[_Span], first: int) -> int:
        """Lend some memory from span ``first`` on; the bytes that went in."""
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
        while self._lent and self._lent[0][0] <= self._sent - self._room:
            self._lent.popleft()
