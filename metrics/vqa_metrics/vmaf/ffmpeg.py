"""Find an ffmpeg program whose libvmaf filter can be used, and ask what its libvmaf has."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from vqa_harness.errors import MissingBackend
from vqa_harness.installation import pip_install

VARIABLE = "VQA_HARNESS_FFMPEG"
"""Environment variable that names an ffmpeg."""
_PROBE_SECONDS = 60
"""How long an ffmpeg may take to list its filter before it counts as unusable."""


def how_to_get() -> str:
    """What a message says to do about a missing ffmpeg."""
    return f"{pip_install('vqa-harness[vmaf]')}, or name one by vmaf:ffmpeg=PATH or {VARIABLE}"


def find_ffmpeg(explicit: str | Path | None = None) -> Path:
    """Find an ffmpeg that has the libvmaf filter (FFmpeg 5.1 or later).

    It is looked for in this order: ``explicit``, the environment variable ``VQA_HARNESS_FFMPEG``,
    the search path, the package imageio-ffmpeg. One that the user names is never passed over in
    favour of another. The answer is kept for the process.

    Args:
        explicit: A path or a command name.

    Returns:
        The path of the executable.

    Raises:
        MissingBackend: None was found, or the one that was named lacks libvmaf.
    """
    return _find(str(explicit) if explicit else "", os.environ.get(VARIABLE, ""), _search_path())


def has_libvmaf(executable: str | Path) -> bool:
    """Whether this ffmpeg can be run and has a libvmaf filter that takes a ``model`` option."""
    done = _ask([str(executable), "-hide_banner", "-h", "filter=libvmaf"])
    if done is None:
        return False
    return re.search(rb"^\s+model\s+<string>", done.stdout, re.MULTILINE) is not None


def libvmaf_starts(executable: str | Path, options: Mapping[str, str]) -> bool:
    """Whether the libvmaf filter of this ffmpeg starts with these options.

    It scores one flat picture against itself, large enough for every model. The answer is kept for
    the process.
    """
    return _starts(str(executable), filter_text(options))


@lru_cache(maxsize=1024)
def _starts(executable: str, filter_: str) -> bool:
    picture = ["-f", "lavfi", "-i", "color=size=640x360:rate=1:duration=1,format=yuv420p"]
    graph = f"split[a][b];[a][b]{filter_}"
    command = [executable, "-v", "quiet", "-nostdin", *picture, "-lavfi", graph]
    done = _ask([*command, "-f", "null", "-"])
    return done is not None and done.returncode == 0


def _ask(command: list[str]) -> subprocess.CompletedProcess[bytes] | None:
    """Run an ffmpeg that is looked at; None where it cannot be run, or takes too long."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def filter_text(options: Mapping[str, str]) -> str:
    """Write the libvmaf filter with its options as part of a graph.

    A colon inside a value is parsed twice, as part of the graph and as part of the option, so it
    carries two backslashes. No value may hold another character that FFmpeg gives a meaning.
    """
    doubled = (f"{k}={v.replace(':', chr(92) * 2 + ':')}" for k, v in options.items())
    return f"libvmaf={':'.join(doubled)}"


def _search_path() -> str:
    return os.environ.get("PATH", os.defpath)


@lru_cache(maxsize=16)
def _find(explicit: str, variable: str, search_path: str) -> Path:
    named, origin = (explicit, "vmaf:ffmpeg") if explicit else (variable, VARIABLE)
    if named:
        executable = shutil.which(named, path=search_path)
        if executable is None:
            raise MissingBackend(f"{origin}={named}: no such program; {how_to_get()}")
        if not has_libvmaf(executable):
            raise MissingBackend(f"{origin}={named}: has no usable libvmaf filter; {how_to_get()}")
        return Path(executable)
    for candidate in _candidates(search_path):
        if has_libvmaf(candidate):
            return Path(candidate)
    raise MissingBackend(f"no ffmpeg with libvmaf was found, and VMAF needs one; {how_to_get()}")


def _candidates(search_path: str) -> Iterator[str]:
    on_path = shutil.which("ffmpeg", path=search_path)
    if on_path is not None:
        yield on_path
    yield from _packaged()
    try:
        yield importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return


def _packaged() -> Iterator[str]:
    """List the executables in imageio-ffmpeg's folder, without importing it: it would run them."""
    package = importlib.util.find_spec("imageio_ffmpeg")
    if package is not None and package.origin and "IMAGEIO_FFMPEG_EXE" not in os.environ:
        yield from map(str, sorted(Path(package.origin).parent.glob("binaries/ffmpeg-*")))
