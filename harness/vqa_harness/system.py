"""What differs between Linux, macOS and Windows: no other file asks which of them it runs on.

``make check`` has the types checked as each of the three. Much is the same everywhere and is not
here: processes are always spawned, never forked, paths are `pathlib.Path`, text files are UTF-8.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn, TextIO

_PIPE_ROOM = 1 << 20
"""Bytes that a pipe should hold; as many as Linux lets any user have."""
_TAKES_NO_MORE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EBADF, errno.EIO}
_ENDING = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
_NOT_LOADED = ("failed to map segment", "annot allocate memory", "annot open shared object file")
"""What the loader of libraries says where memory or open files are short."""
_WINDOWS_PROCESSES = 61
"""Windows waits for at most 63 handles at once, and a pool of Python's needs two for itself."""
_WINDOWS_WAITS = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds between attempts to replace a file; programs that look at new files are done by then."""


def processors() -> int:
    """The number of processors this process may use, at least 1.

    Where a process cannot be confined to some processors (macOS), or Python does not say to which
    (Windows), it is the number of all.
    """
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def pool_processes(jobs: int) -> int:
    """The number of processes that a pool for ``jobs`` at once can have, at least 1."""
    if sys.platform == "win32":
        jobs = min(jobs, _WINDOWS_PROCESSES)
    return max(1, jobs)


def keep_blas_to_one_thread() -> None:
    """Leave the processors to the metrics; to be called before NumPy is imported.

    Metrics run side by side already, and the threads of NumPy's OpenBLAS spin without work. On
    other processors than x86-64 PyTorch multiplies with OpenBLAS too, and there it needs them; on
    macOS and Windows its use of OpenBLAS was not measured.
    """
    if sys.platform == "linux" and os.uname().machine == "x86_64":
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def make_output_portable() -> None:
    """Let standard output take every text, and UTF-8 where Windows would write another encoding.

    A character that a terminal's encoding lacks, such as one of a file name, is written as an
    escape instead of ending the program. ``PYTHONIOENCODING`` and ``PYTHONUTF8`` go before.
    """
    if "PYTHONIOENCODING" in os.environ or not hasattr(sys.stdout, "reconfigure"):
        return
    sys.stdout.reconfigure(errors="backslashreplace")
    if sys.platform == "win32" and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")


def reader_has_left(error: Exception) -> bool:
    """Whether an error of writing means that whoever read our output has gone."""
    if not isinstance(error, OSError):
        return False
    if sys.platform == "win32" and error.errno == errno.EINVAL:
        return error.filename is None  # a bad file name has the same error number
    return isinstance(error, BrokenPipeError)


def place_is_full(error: BaseException) -> bool:
    """Whether an error, also one of FFmpeg's, says that what is written to takes no more."""
    return getattr(error, "errno", None) in _TAKES_NO_MORE


def discard(stream: TextIO) -> None:
    """Throw away what is written to a standard stream from now on, and what it still holds back."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def fill_closed_streams() -> None:
    """Put something in place of standard streams that are closed, as by ``>&-`` of a shell.

    Otherwise the next file that is opened would get their number. Writing to a standard output
    that was closed is an error as before; what goes to standard error is thrown away.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


@lru_cache(maxsize=1)
def machine_hash() -> str:
    """Eight hexadecimal digits for the machine, or container, in which processes have numbers."""
    import socket
    from zlib import crc32

    name = socket.gethostname()
    with contextlib.suppress(OSError):  # Linux: each container numbers its processes by itself
        name += f" {os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116 - no link is meant
    return f"{crc32(name.encode()):08x}"


def process_start(number: int) -> int | None:
    """When a process started, in a unit of the system's own.

    Returns:
        A number above 0 that no other process with this number has, or had; 1 where the system does
        not tell; None if there is no such process.
    """
    if sys.platform == "win32":
        return _windows_start(number)
    else:  # noqa: RET505 - the type checker must see that only one branch exists
        return _unix_start(number)


def _unix_start(number: int) -> int | None:
    with contextlib.suppress(OSError, IndexError, ValueError):
        facts = Path(f"/proc/{number}/stat").read_text("utf-8", "replace")
        return int(facts.rpartition(")")[2].split()[19])  # field 22, in ticks since the boot
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return None
    except OSError:  # it is someone else's
        return 1
    return 1


def _windows_start(number: int) -> int | None:
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, number)  # to ask for little
        if not handle:
            return None
        times = [ctypes.c_ulonglong() for _ in range(4)]
        code = ctypes.c_ulong()
        try:
            if not kernel.GetProcessTimes(handle, *map(ctypes.byref, times)):
                return 1
            alive = kernel.GetExitCodeProcess(handle, ctypes.byref(code)) and code.value == 259
            return times[0].value if alive else None
        finally:
            kernel.CloseHandle(handle)
    else:
        return None


def is_own(facts: os.stat_result) -> bool:
    """Whether a file belongs to the user of this process; where users have no numbers, yes."""
    return sys.platform == "win32" or facts.st_uid == os.getuid()


def end_with_parent() -> None:
    """Let SIGTERM reach this process when the thread that started it ends; Linux only.

    Raises:
        ProcessLookupError: that has happened already.
    """
    if sys.platform == "linux":
        import ctypes
        import multiprocessing

        parent = multiprocessing.parent_process()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
        if parent is not None and os.getppid() != parent.pid:
            raise ProcessLookupError


def signal_pipe() -> tuple[int, int] | None:
    """A pipe into which the system writes the number of each signal that Python handles.

    Returns:
        Its ends for reading and writing; None where there is none to be had, as on Windows, where
        only a socket would do.
    """
    if sys.platform == "win32":
        return None
    else:  # noqa: RET505 - the type checker must see that only one branch exists
        try:
            reading, writing = os.pipe()
        except OSError:  # too many files are open
            return None
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        return reading, writing


@contextlib.contextmanager
def scheduling_kept() -> Iterator[None]:
    """Undo it if what runs inside the block changes how this thread is scheduled.

    SVT-AV1 makes the thread that opens it a real-time one where that is allowed, as it is for root
    and in most containers. All that the process starts later would inherit that, and starve the
    machine.
    """
    if sys.platform == "linux":
        policy, param = os.sched_getscheduler(0), os.sched_getparam(0)
        try:
            yield
        finally:
            if os.sched_getscheduler(0) != policy:
                with contextlib.suppress(OSError):
                    os.sched_setscheduler(0, policy, param)
    else:
        yield


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Keep the signals that end a process waiting, also in what is started inside the block.

    A process that starts cannot answer them yet; it calls `let_signals_in` when it can.
    """
    if sys.platform == "win32":
        yield
    else:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_signals_in() -> None:
    """Take the signals that `signals_held` has kept waiting."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def end_at_once(code: int) -> NoReturn:
    """End the process with this exit code, without anything that Python or a library does then."""
    os._exit(code)


def how_it_ended(code: int) -> str:
    """How a child process ended, in words, from its exit code."""
    if code < 0:
        return f"was ended by signal {-code}"
    if code >= 1 << 31:  # a Windows status, such as 0xC0000005 for a bad access to memory
        return f"crashed with status 0x{code:08X}"
    return f"ended with exit code {code}"


def replace(part: Path, target: Path) -> None:
    """Give a finished file its name in one step, in place of the file that had it.

    Windows refuses that while someone, such as a scanner for viruses, has the older file open;
    there it is tried for a second.

    Raises:
        OSError: the file cannot be moved.
    """
    waits = _WINDOWS_WAITS if sys.platform == "win32" else ()
    for wait in waits:
        try:
            os.replace(part, target)  # noqa: PTH105 - Path.replace hides that this is atomic
        except PermissionError:
            time.sleep(wait)
        else:
            return
    os.replace(part, target)  # noqa: PTH105 - Path.replace hides that this is atomic


def what_is_short(error: BaseException) -> str:
    """A line on an error that says that the system gives this process too little; or empty."""
    if getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE):  # FFmpeg's errors as well
        return (
            f"too many open files for the limit of this process{_open_files()}; raise it "
            "(ulimit -n), or do fewer things at once"
        )
    if isinstance(error, ImportError) and any(text in str(error) for text in _NOT_LOADED):
        return f"memory is short for a library ({error}); raise the limit (ulimit -v)"
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return (
            "no further thread can be started: memory or processes are short; raise the limit "
            "(ulimit -v, ulimit -u), or use --threads 1"
        )
    return ""


def _open_files() -> str:
    """How many files this process may have open, as the end of a phrase."""
    if sys.platform == "win32":
        return ""
    else:  # noqa: RET505 - the type checker must see that only one branch exists
        try:
            import resource
        except ImportError:  # it is a file that would have to be opened
            return ""
        return f", which is {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}"


def memory_in_use() -> int:
    """Bytes of memory that this process has resident; 0 where the system does not tell."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError, IndexError):
            pages = int(Path("/proc/self/statm").read_bytes().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def memory_of_machine() -> int:
    """Bytes of memory that the machine or container has; a large number where that is not told."""
    sizes = [1 << 50]
    if sys.platform != "win32":
        with contextlib.suppress(OSError, ValueError):
            sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in _memory_limits():
        with contextlib.suppress(OSError, ValueError):  # the word "max" is no number
            sizes.append(int(file.read_text("ascii")))
    return min(sizes)


def _memory_limits() -> Iterator[Path]:
    """Files that may hold the limit of a group of processes to which this one belongs; Linux."""
    root = Path("/sys/fs/cgroup")
    yield root / "memory.max"
    yield root / "memory" / "memory.limit_in_bytes"  # the groups of old
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text("utf-8", "replace").splitlines():
            number, _, group = line.split(":", 2)
            inner = Path(group.lstrip("/"))
            if number == "0":
                yield from (root / one / "memory.max" for one in (inner, *inner.parents))


@lru_cache(maxsize=1)
def vmsplice() -> Callable[..., int] | None:
    """Linux's call that lends memory to a pipe instead of copying it; None where there is none."""
    if sys.platform == "linux":
        import ctypes

        try:
            function = ctypes.CDLL(None, use_errno=True).vmsplice
        except (OSError, AttributeError):
            return None
        function.restype = ctypes.c_ssize_t
        function.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint]
        return function
    else:  # noqa: RET505 - the type checker must see that only one branch exists
        return None


def widen_pipe(pipe: Any) -> int:
    """Let a pipe hold more, so that both ends wait less often.

    Returns:
        The bytes that it holds; 0 where that is not known.
    """
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # the user's pipes hold too much already
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_ROOM)
        with contextlib.suppress(OSError):  # it is a file and not a pipe
            return int(fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ))
    return 0


def shared_library(path: Path) -> Any:
    """Open a shared library for functions that Python has no name for.

    Args:
        path: The library's file.

    Raises:
        OSError: It cannot be opened.
    """
    import ctypes

    return ctypes.CDLL(str(path))


def keep_large_arrays_apart() -> None:
    """Have the C library ask the system for each array of 1 MiB or more, and give it back at once.

    After an array of tens of megabytes is freed, glibc takes arrays of that size from its heap,
    where what is freed between others stays resident. So a process whose arrays come and go grows
    with the number of times that they do, though it holds no more.
    """
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # another C library
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(-3, 1 << 20)  # M_MMAP_THRESHOLD, which is then not raised any more
            mallopt(-1, 1 << 20)  # M_TRIM_THRESHOLD
