"""VMAF of frame pairs through one ffmpeg child process (filter libvmaf).

Reference and distorted frames are written in turn, raw, to the child's standard input; the filter
graph takes them apart again. That works for every size and planar format, needs no named pipe, and
the blocking write holds the producer back. Scores equal those of ``ffmpeg -lavfi libvmaf`` on two
files, because the same library sees the same code values.

Three pipes could block one another: the child stops reading frames when nobody reads what it says.
So a thread reads standard error all the time, standard output is not used, and the log is a file.
The order at the end: close the input, upon which the child finishes; wait for the child; then wait
for the thread, which sees the end of standard error when the child is gone.

Source: Z. Li et al., "Toward a practical perceptual video quality metric", Netflix, 2016.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import MetricError
from vqa_harness.frames import Frame
from vqa_harness.leftovers import ended, remove_folder, started, temporary_folder
from vqa_harness.system import how_it_ended
from vqa_metrics.vmaf.features import names_asked
from vqa_metrics.vmaf.ffmpeg import filter_text, find_ffmpeg
from vqa_metrics.vmaf.log_file import LOG_NAME, read_log, scored
from vqa_metrics.vmaf.models import VmafModel
from vqa_metrics.vmaf.options import RawFormat, check_options, how_to_compute, what_to_compute
from vqa_metrics.vmaf.pipe_writer import PipeWriter
from vqa_metrics.vmaf.sizes import check_sizes

Plane = NDArray[np.uint8] | NDArray[np.uint16]

_FINISH_SECONDS = 600.0
"""How long the child may take after its last frame; libvmaf still has some in its threads then."""
_STDERR_LINES = 12
"""How many of the child's last lines are kept for a message."""
_KEEP_MEMORY = "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=1073741824"
"""For the child's ``GLIBC_TUNABLES``: the memory of a frame is used again instead of given back.

The C library returns large blocks to the system at once, and asking for them again for every frame
costs a page fault per 4 KiB.
"""


class VmafPipe:
    """One libvmaf run over frame pairs; use it as a context manager, or end it yourself.

    ``write`` each pair, then ``close`` for the log; ``abort`` (or leaving the ``with`` block early)
    ends the child and removes its files.

    Args:
        layout: Size and sample format, the same for every frame of both sides.
        models: What to score with; their names must differ.
        features: Further libvmaf features, as ``name`` or ``name:option=value``.
        n_threads: Worker threads of libvmaf; 0 for none. Scores do not depend on it.
        n_subsample: Score every n-th pair only; motion still sees every pair.
        alone: Whether every frame is its own reference, and is sent once.
        ffmpeg: The executable; None to let `find_ffmpeg` search for one.

    Raises:
        MissingBackend: There is no ffmpeg with libvmaf.
        UsageError: A model, feature or format cannot be used.
    """

    def __init__(
        self,
        layout: RawFormat,
        models: Sequence[VmafModel] = (VmafModel(),),
        *,
        features: Sequence[str] = (),
        n_threads: int = 0,
        n_subsample: int = 1,
        alone: bool = False,
        ffmpeg: str | Path | None = None,
    ) -> None:
        check_options(models, features, n_threads, n_subsample)
        check_sizes(layout, models, features)
        options = what_to_compute(models, features)
        graph = _graph(options | how_to_compute(LOG_NAME, n_threads, n_subsample), alone=alone)
        self.layout = layout
        self.pairs = 0
        self.warning = ""
        self._names = names_asked(models, features)
        self._n_subsample, self._alone = n_subsample, alone
        self._tail: deque[str] = deque(maxlen=_STDERR_LINES)
        executable = find_ffmpeg(ffmpeg).resolve()
        self._folder = temporary_folder()
        try:
            for index, model in enumerate(models):
                model.put(self._folder, index)
            self._child = self._start(executable, graph)
        except BaseException:
            remove_folder(self._folder)
            raise
        self._writer = PipeWriter(self._child.stdin)
        self._open = True
        self._drain = threading.Thread(target=self._read_stderr, daemon=True)
        self._drain.start()

    def feed(self, reference: Frame, distorted: Frame) -> None:
        """Score one more pair, as `write` does.

        Raises:
            MetricError: The frames do not fit ``layout``, or the child has ended.
        """
        self.write(reference.planes, distorted.planes)

    def write(self, reference: Sequence[Plane], distorted: Sequence[Plane]) -> None:
        """Score one more pair.

        Args:
            reference: Planes Y, U, V, each [rows, columns], uint8 for 8 bits, uint16 above. They
                must not be changed afterwards, see `PipeWriter`.
            distorted: The same for the distorted frame.

        Raises:
            MetricError: The planes do not fit ``layout``, or the child has ended.
        """
        if not self._open:
            raise MetricError("VMAF: the run is over, no further frame can be scored")
        for side, planes in (("reference", reference), ("distorted", distorted)):
            self.layout.check(side, planes)
        try:
            both = distorted if self._alone else (*reference, *distorted)
            self._writer.write(*(_bytes(plane) for plane in both))
        except OSError:
            # The child closed its end, over a bad model or in a crash; what it said tells why.
            raise self._failure(self._finish()) from None
        self.pairs += 1

    def close(self) -> dict[str, Any]:
        """End the run and read what libvmaf wrote.

        Returns:
            libvmaf's JSON log: ``version``, ``frames`` (``frameNum`` and ``metrics``), and
            ``pooled_metrics``.

        Raises:
            MetricError: No pair was written, the child failed, or its log is missing, cannot be
                read, or does not hold every frame and model.
        """
        if not self._open:
            raise MetricError("VMAF: the run is over already")
        try:
            if self.pairs == 0:
                raise MetricError("VMAF: no frame pair to score; the clips have no common frames")
            code = self._finish()
            if code != 0:
                raise self._failure(code)
            return self._read_log()
        finally:
            self.abort()

    def abort(self) -> None:
        """End the child now and remove its files; does nothing after the end."""
        self._open = False
        if self._child.poll() is None:
            self._child.kill()
        self._finish()
        remove_folder(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()

    def _start(self, executable: Path, graph: str) -> subprocess.Popen[bytes]:
        layout = self.layout
        raw = [
            "-f",
            "rawvideo",
            "-pix_fmt",
            layout.pix_fmt,
            "-s",
            f"{layout.width}x{layout.height}",
        ]
        command = [
            str(executable),
            "-hide_banner",
            "-nostdin",
            "-v",
            "warning",
            *raw,
            "-i",
            "pipe:0",
        ]
        command += ["-lavfi", graph, "-fps_mode", "passthrough", "-f", "null", "-"]
        try:
            child = subprocess.Popen(
                command,
                bufsize=0,
                cwd=self._folder,
                env={"GLIBC_TUNABLES": _KEEP_MEMORY, **os.environ},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise MetricError(f"VMAF: cannot start {executable}: {error.strerror}") from None
        started(child)
        return child

    def _read_stderr(self) -> None:
        """Read the child's standard error to its end; runs in a thread of its own."""
        assert self._child.stderr is not None
        for line in self._child.stderr:
            text = line.decode("utf-8", "replace").strip()
            if text:
                self._tail.append(text[:500])

    def _finish(self) -> int:
        """Close the child's input and wait for its end.

        Returns:
            The exit code; negative for a signal.
        """
        # Closing fails where bytes are unsent and the child is gone; its exit code says more.
        with contextlib.suppress(OSError):
            self._writer.close()
        try:
            code = self._child.wait(_FINISH_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        ended(self._child)
        self._drain.join(_FINISH_SECONDS)
        if self._child.stderr is not None:
            self._child.stderr.close()
        return code

    def _failure(self, code: int) -> MetricError:
        return MetricError(
            f"VMAF: ffmpeg {how_it_ended(code)} after {self.pairs} frame pairs: {self._said()}"
        )

    def _read_log(self) -> dict[str, Any]:
        expected = scored(self.pairs, self._n_subsample)
        path = self._folder / LOG_NAME
        return dict(read_log(path, expected, self._names, who="ffmpeg", said=self._said()))

    def _said(self) -> str:
        return " | ".join(list(self._tail)[-3:]) or "it printed nothing"


def _graph(options: Mapping[str, str], *, alone: bool) -> str:
    """Write the filter graph that takes interleaved frames apart and feeds them to libvmaf.

    Frames come in turn, reference first. Each half gets timestamps of its own (``setpts=N``), so
    that FFmpeg pairs the n-th with the n-th. A frame that is its own reference comes once.
    """
    if alone:
        return f"[0:v]setpts=N,split[r][d];[d][r]{filter_text(options)}"
    return (
        "[0:v]split[a][b];"
        "[a]select='not(mod(n,2))',settb=1/25,setpts=N[r];"
        "[b]select='mod(n,2)',settb=1/25,setpts=N[d];"
        f"[d][r]{filter_text(options)}"
    )


def _bytes(plane: Plane) -> NDArray[np.uint8]:
    """Return a plane's samples as bytes (n,), little-endian, row by row; a view where possible."""
    samples = np.ascontiguousarray(plane, plane.dtype.newbyteorder("<"))
    return samples.view(np.uint8).reshape(-1)
