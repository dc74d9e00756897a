"""Frames go through a pipe unchanged, whether their memory is lent or copied."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import threading

import numpy as np
import pytest

from vqa_metrics.vmaf import pipe_writer
from vqa_metrics.vmaf.pipe_writer import PipeWriter, vmsplice

SIZES = [1, 5, 4096, 100_000, 3_000_000, 7, 1 << 20, 12_345]


@pytest.fixture
def arrays():
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, size, dtype=np.uint8) for size in SIZES]


def send(arrays, after=None):
    """What a slow reader gets; ``after`` is called with the writer when all is written."""
    reading, writing = os.pipe()
    got = bytearray()

    def read():
        while some := os.read(reading, 70_001):
            got.extend(some)

    thread = threading.Thread(target=read)
    with os.fdopen(writing, "wb", 0) as pipe:
        writer = PipeWriter(pipe)
        thread.start()
        writer.write(*arrays[:3])
        for array in arrays[3:]:
            writer.write(array)
        if after:
            after(writer)
        writer.close()
    thread.join()
    os.close(reading)
    return bytes(got)


def test_bytes_arrive_in_order(arrays):
    assert send(arrays) == b"".join(array.tobytes() for array in arrays)


def test_bytes_arrive_in_order_where_memory_cannot_be_lent(arrays, monkeypatch):
    monkeypatch.setattr(pipe_writer, "vmsplice", lambda: None)
    held = []
    got = send(arrays, after=lambda writer: held.append(writer.held))
    assert got == b"".join(map(bytes, arrays))
    assert held == [0]


def test_a_sandbox_that_forbids_the_call_makes_it_copy(arrays, monkeypatch):
    def forbidden(*arguments):
        ctypes.set_errno(errno.EPERM)
        return -1

    monkeypatch.setattr(pipe_writer, "vmsplice", lambda: forbidden)
    assert send(arrays) == b"".join(map(bytes, arrays))


@pytest.mark.skipif(sys.platform != "linux" or vmsplice() is None, reason="needs vmsplice")
def test_lent_arrays_are_kept_until_they_must_have_been_read():
    writers = []
    arrays = [np.full(300_000, value, np.uint8) for value in range(12)]
    send(arrays, after=lambda writer: writers.append(writer.held))
    held = 1 + -(-(1 << 20) // 300_000)
    assert 2 <= writers[0] <= held


def test_a_reader_that_went_away_is_an_error(arrays):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", 0) as pipe, pytest.raises(BrokenPipeError):
        PipeWriter(pipe).write(arrays[0])
