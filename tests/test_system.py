"""What differs by system: the ways of macOS and Windows are tried here, on whichever this is."""

import errno
import io
import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.paths import ROOT
from vqa_harness import system
from vqa_harness.cli import app
from vqa_harness.testing.synthetic import make_video

PACKAGES = ("harness/vqa_harness", "metrics/vqa_metrics", "vqa_plugin_clip")
ASKING = re.compile(
    r"\bsys\.platform|\bplatform\.system|import platform\b|sched_getaffinity|['\"]fork"
    r"|import (fcntl|resource|msvcrt|winreg|pwd|grp)\b|ctypes\.(CDLL|windll)"
    r"|\bos\.(name|uname|fork|geteuid|getuid|mkfifo|replace|_exit)\b|['\"]/(dev|proc|tmp)/"
)
ELSEWHERE = """
import os, sys
for name in ("sched_getaffinity", "fork", "mkfifo", "geteuid", "getuid", "killpg"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
from vqa_harness import system
system.sys, system.os = type(sys)("sys"), type(sys)("os")
system.sys.__dict__.update(sys.__dict__, platform="darwin")
system.os.__dict__.update(os.__dict__)
system.os.__dict__.pop("uname", None)  # NumPy asks for it where sys.platform says Linux
"""
"""A ``sitecustomize.py``: Python as if Linux's own functions were not there, in children too."""


@pytest.fixture
def windows(monkeypatch):
    monkeypatch.setattr(system, "sys", SimpleNamespace(platform="win32", stdout=None))


def test_one_file_asks_for_the_system():
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert len(files) > 100
    found = {}
    for path in files:
        if path.name != "system.py" and (hits := ASKING.search(path.read_text("utf-8"))):
            found[str(path.relative_to(ROOT))] = hits.group()
    assert not found, f"what differs by system belongs into harness/vqa_harness/system.py: {found}"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Call the command line in a Python that lacks what only Linux has."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "sitecustomize.py").write_text(ELSEWHERE)
    make_video(folder / "ref.mkv", 6, width=64, height=48, options={"qp": "0"})
    for number in range(3):
        make_video(folder / f"q{number}.mp4", 6, width=64, height=48, options={"qp": "30"})
    path = os.pathsep.join(p for p in (str(folder), os.environ.get("PYTHONPATH")) if p)
    settings = {"PYTHONPATH": path, "VQA_HARNESS_CACHE": str(folder / "cache")}

    def call(*arguments, code=("-m", "vqa_harness")):
        return subprocess.run(
            [sys.executable, *code, *arguments],
            cwd=folder,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
        )

    return call


def test_the_other_system_is_one_without_what_linux_has(elsewhere):
    code = (
        "import os\nfrom vqa_harness import system\n"
        "assert not hasattr(os, 'sched_getaffinity') and not hasattr(system.os, 'uname')\n"
        "assert system.processors() == os.cpu_count()\n"
        "assert system.vmsplice() is None\n"
        "reading, writing = os.pipe()\n"
        "assert system.widen_pipe(os.fdopen(writing, 'wb', 0)) == 0\n"
        "system.keep_blas_to_one_thread()\n"
    )
    done = elsewhere(code=("-c", code))
    assert done.returncode == 0, done.stderr


def test_run_works_without_what_linux_has(elsewhere):
    elsewhere("warmup")  # or the first run of a fresh checkout says that it compiles
    done = elsewhere("run", "-m", "psnr", "-r", "ref.mkv", "q0.mp4", "-o", "log.json")
    assert (done.returncode, done.stderr) == (0, "")
    done = elsewhere("run", "-m", "psnr", "-r", "ref.mkv", "q0.mp4", "-o", "-")
    assert json.loads(done.stdout)["pooled_metrics"]["psnr_y"]["mean"] > 25


def test_vmaf_gets_the_same_bytes_without_what_linux_has(elsewhere, tmp_path):
    code = (
        "from vqa_metrics.vmaf.ffmpeg import find_ffmpeg\n"
        "from vqa_harness.errors import MissingBackend\n"
        "try: find_ffmpeg()\nexcept MissingBackend: print('none', end='')\n"
    )
    if elsewhere(code=("-c", code)).stdout == "none":
        pytest.skip("no ffmpeg with libvmaf")
    arguments = ["run", "-m", "vmaf", "-r", "ref.mkv", "q0.mp4", "-o", "-"]
    there = elsewhere(*arguments)
    assert there.returncode == 0, there.stderr
    folder = elsewhere(code=("-c", "import os; print(os.getcwd(), end='')")).stdout
    command = [sys.executable, "-m", "vqa_harness", *arguments]
    here = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    first, second = (json.loads(done.stdout)["frames"] for done in (there, here))
    assert first == second


def test_processes_score_without_what_linux_has(elsewhere):
    rule = ("--rule", "colorfulness.mean >= 0")
    done = elsewhere("gate", *rule, "--no-cache", "--jobs", "2", "q0.mp4", "q1.mp4", "q2.mp4")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "vqa-harness: 3 rules on 3 cases: 3 pass\n"


def test_processors_are_those_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert system.processors() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert system.processors() == 12
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert system.processors() == 1


def test_a_pool_is_no_larger_than_windows_allows(windows):
    assert [system.pool_processes(wanted) for wanted in (0, 1, 61, 62, 500)] == [1, 1, 61, 61, 61]


def test_elsewhere_a_pool_is_as_large_as_wanted(monkeypatch):
    monkeypatch.setattr(system, "sys", SimpleNamespace(platform="linux"))
    assert [system.pool_processes(wanted) for wanted in (0, 500)] == [1, 500]


@pytest.fixture
def busy(monkeypatch):
    """A file that someone has open: it can be replaced when this has counted down."""
    left, waits = [0], []
    real = os.replace

    def replace(part, target):
        if left[0]:
            left[0] -= 1
            raise PermissionError(errno.EACCES, "Access is denied", str(target))
        real(part, target)

    monkeypatch.setattr(system, "os", SimpleNamespace(replace=replace))
    monkeypatch.setattr(system.time, "sleep", waits.append)
    return left, waits


def test_windows_waits_for_a_file_that_is_open(windows, busy, tmp_path):
    left, waits = busy
    part, target = tmp_path / "part", tmp_path / "log.json"
    part.write_text("new")
    target.write_text("old")
    left[0] = 3
    system.replace(part, target)
    assert target.read_text() == "new"
    assert len(waits) == 3
    part.write_text("newer")
    left[0] = 100
    with pytest.raises(PermissionError):
        system.replace(part, target)
    assert target.read_text() == "new"
    assert sum(waits) < 2


def test_elsewhere_a_refusal_is_final(busy, monkeypatch, tmp_path):
    monkeypatch.setattr(system, "sys", SimpleNamespace(platform="darwin"))
    left, waits = busy
    left[0] = 1
    (tmp_path / "part").write_text("new")
    with pytest.raises(PermissionError):
        system.replace(tmp_path / "part", tmp_path / "log.json")
    assert not waits


@pytest.mark.parametrize(
    ("platform", "error", "left"),
    [
        ("linux", BrokenPipeError(errno.EPIPE, "Broken pipe"), True),
        ("win32", BrokenPipeError(errno.EPIPE, "Broken pipe"), True),
        ("win32", OSError(errno.EINVAL, "Invalid argument"), True),
        ("win32", OSError(errno.EINVAL, "Invalid argument", "a?b.mp4"), False),
        ("linux", OSError(errno.EINVAL, "Invalid argument"), False),
        ("win32", OSError(errno.ENOSPC, "No space left on device"), False),
    ],
)
def test_a_reader_that_left_is_told_from_other_errors(monkeypatch, platform, error, left):
    monkeypatch.setattr(system, "sys", SimpleNamespace(platform=platform))
    assert system.reader_has_left(error) is left


def test_a_reader_that_leaves_is_no_error():
    """More is written than any pipe holds, and nobody reads it."""
    code = (
        "import sys\nfrom vqa_harness.cli import app\n"
        "app.build_app = lambda *_, **__: sys.stdout.write('line\\n' * 1_000_000)\n"
        "sys.exit(app.run_cli(['metrics']))\n"
    )
    assert callable(app.build_app)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-9, "was ended by signal 9"),
        (1, "ended with exit code 1"),
        (0xC0000005, "crashed with status 0xC0000005"),
    ],
)
def test_how_a_child_ended(code, words):
    assert system.how_it_ended(code) == words


def written(monkeypatch, platform, encoding, text):
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding=encoding, newline="\r\n")
    monkeypatch.setattr(system, "sys", SimpleNamespace(platform=platform, stdout=stream))
    system.make_output_portable()
    stream.write(text)
    stream.flush()
    return buffer.getvalue()


def test_every_text_can_be_written(monkeypatch):
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    text = "smørrebrød 動画\n"
    assert written(monkeypatch, "linux", "latin-1", text) == (
        "smørrebrød \\u52d5\\u753b\r\n".encode("latin-1")
    )
    assert written(monkeypatch, "win32", "cp1252", text) == text.encode()
    monkeypatch.setenv("PYTHONIOENCODING", "utf-16-le")
    assert written(monkeypatch, "win32", "utf-16-le", "a") == b"a\0"
    monkeypatch.setattr(system, "sys", SimpleNamespace(stdout=None))  # pythonw.exe has none
    system.make_output_portable()
