"""What tests of several folders share: command line, small video, ffmpeg program, Dask cluster."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from vqa_harness.system import keep_blas_to_one_thread, processors

# Workers of pytest-xdist share the processors: each, and every program that it starts, has its part
# of them. OpenMP and OpenBLAS read it when they are loaded, so this stands before all else.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, processors() // workers)))
    keep_blas_to_one_thread()

import pytest

from vqa_harness.cli.app import run_cli
from vqa_harness.errors import MissingBackend
from vqa_harness.testing.synthetic import make_video

# What starts the tests in the background may have these ignored, and so would all that they start;
# tests of interrupts send them.
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) == signal.SIG_IGN:
        usual = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
        signal.signal(number, usual)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """A worker for each processor, 8 at most: with PyTorch each takes up to 2.5 GB of memory."""
    return min(8, processors())


@pytest.fixture
def cli(capsys):
    """Run ``vqa-harness`` with these arguments: (exit code, stdout, stderr)."""

    def call(*arguments):
        code = run_cli([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Results are kept in this folder of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("VQA_HARNESS_CACHE", str(folder))
    return folder


@pytest.fixture
def gate(cli, own_cache, tmp_path, monkeypatch):
    """Run ``vqa-harness gate`` in an empty folder, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return lambda *arguments: cli("gate", *arguments)


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """``clip.mp4``, which no test may change: 12 frames of 64x48, H.264."""
    path = tmp_path_factory.mktemp("videos") / "clip.mp4"
    make_video(path, 12, width=64, height=48)
    return path


@pytest.fixture(scope="session")
def ffmpeg():
    """The ffmpeg program with libvmaf; without one the test is skipped."""
    from vqa_metrics.vmaf.ffmpeg import find_ffmpeg

    try:
        return find_ffmpeg()
    except MissingBackend as error:
        pytest.skip(f"no ffmpeg program: {error}")


@pytest.fixture
def dask_cluster(tmp_path, request):
    """Start a scheduler and two workers; the file that leads to it, and their processes."""
    clusters = []

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def start():
        file = tmp_path / f"scheduler-{len(clusters)}.json"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        env = {**os.environ, "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}
        dask = [sys.executable, "-m", "dask"]
        address = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        place = ["--scheduler-file", str(file)]
        scheduler = subprocess.Popen([*dask, "scheduler", *address, *place], env=env, **quiet)
        workers = subprocess.Popen(
            [
                *(*dask, "worker", *place, "--nworkers", "2", "--nthreads", "1"),
                *("--no-dashboard", "--death-timeout", "20"),
                *("--local-directory", str(tmp_path / "scratch")),
            ],
            cwd=elsewhere,
            env=env,
            **quiet,
        )
        clusters.append((scheduler, workers))
        until = time.monotonic() + 60
        while not file.exists() and time.monotonic() < until:
            time.sleep(0.05)
        return file, scheduler, workers

    yield start
    for both in clusters:
        for one in reversed(both):
            one.terminate()
        for one in both:
            with suppress(subprocess.TimeoutExpired):
                one.wait(20)
            one.kill()
            one.wait()
