"""A batch whose processes are killed: nothing is lost, nothing is left, and no score differs."""

import importlib.util
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.batch.helpers import payloads
from tests.exam.killing import Command, leftovers

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
DASK = importlib.util.find_spec("distributed") is not None
needs_dask = pytest.mark.skipif(not DASK, reason="dask.distributed is not installed")
IN_PIECES = ("--split-longer-than", "0.2s")
"""Half of the clips are scored in two pieces."""
ENGINES = ["pool", pytest.param("dask", marks=needs_dask)]


class Batch(Command):
    """A batch under way, whose processes can be told apart."""

    def below(self, kind):
        """Processes of the batch: ``worker`` of Dask, or ``child``, which scores."""
        children = {}
        for number in self._marked():
            with suppress(OSError, IndexError):
                stat = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(stat[1]), []).append(number)
        spawned = lambda n: b"spawn_main" in Path(f"/proc/{n}/cmdline").read_bytes()  # noqa: E731
        first = [n for n in children.get(self.process.pid, []) if spawned(n)]
        second = [n for one in first for n in children.get(one, []) if spawned(n)]
        dask = "pool" not in self.arguments
        return {"worker": first, "child": second if dask else first}[kind]


@pytest.fixture
def batch(tmp_path, moody, monkeypatch, request):
    """Start ``vqa-harness batch`` in the test's folder."""
    for name, value in moody.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MOODY_FOLDER", str(tmp_path))

    def start(*arguments, seconds=0.0):
        monkeypatch.setenv("MOODY_SECONDS", str(seconds))
        words = ["batch", "cases.csv", "-m", "moody", "-q", *map(str, arguments)]
        running = Batch(words, tmp_path)
        request.addfinalizer(running.clean)
        running.start()
        return running

    return start


def ended(running, *, code=0):
    found, out, err = running.end()
    assert found == code, err
    assert "Traceback" not in err
    return out, err


def check_all_is_there(out, wanted, running):
    assert payloads(out) == wanted
    assert running.left() == []
    assert leftovers(running.folder) == []


def serial(batch, tmp_path, names):
    """What a run without any harm leaves, of one process."""
    ended(batch("-o", "serial", "--engine", "pool", "--jobs", "1"))
    rows = payloads(tmp_path / "serial")
    assert len(rows) == names
    return rows


@pytest.fixture(scope="module")
def known():
    return {}


@pytest.fixture
def six(corpus, tmp_path, known):
    """A corpus of six cases; what a run without harm leaves of it, made once."""
    corpus(*(f"{n}.mp4" for n in range(6)), crf=range(6))

    def wanted(batch):
        if not known:
            known.update(serial(batch, tmp_path, 6))
        return known

    return wanted


def kill_one(running, kind, draw):
    """Kill a process of this kind once there is one; whether there was one."""
    until = time.monotonic() + 30
    while time.monotonic() < until and running.process.poll() is None:
        numbers = [running.process.pid] if kind == "client" else running.below(kind)
        if numbers:
            with suppress(ProcessLookupError):
                os.kill(draw.choice(numbers), signal.SIGKILL)
                return True
        time.sleep(0.02)
    return False


def chaos(start, kinds, moments, draw):
    """Kill one process after another, a batch that has ended being begun again; how many fell."""
    running, kills = start(), 0
    for kind, moment in zip(kinds, moments, strict=True):
        time.sleep(moment)
        kills += kill_one(running, kind, draw)
        if kind == "client" or running.process.poll() is not None:
            _, err = running.process.communicate()
            assert running.process.returncode in (0, -signal.SIGKILL), err.decode()
            assert running.left() == []
            running = start()
    ended(running)
    return kills


@pytest.mark.parametrize("engine", ENGINES)
def test_kills_of_a_child_a_worker_and_the_client(engine, batch, six, tmp_path):
    wanted = six(batch)
    options = ("-o", "out", "--engine", engine, "--jobs", "2", *IN_PIECES)
    kinds = ["child", "worker"] if engine == "dask" else ["child", "client"]
    draw = random.Random(1)
    assert chaos(lambda: batch(*options, seconds=0.3), kinds, [0.2] * 2, draw) == len(kinds)
    running = batch(*options)
    ended(running)
    check_all_is_there(tmp_path / "out", wanted, running)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_twenty_kills_at_random(engine, batch, corpus, tmp_path):
    corpus(*(f"{n}.mp4" for n in range(40)))
    wanted = serial(batch, tmp_path, 40)
    draw = random.Random(int(os.environ.get("VQA_EXAM_SEED", "1")))
    kinds = [draw.choice(["child", "worker", "client"]) for _ in range(20)]
    moments = [draw.uniform(0.0, 2.0) for _ in range(20)]
    options = ("-o", "out", "--engine", engine, "--jobs", "2", "--retries", "50", *IN_PIECES)
    seconds = 1.5 if engine == "dask" else 2.5
    assert chaos(lambda: batch(*options, seconds=seconds), kinds, moments, draw) >= 15
    running = batch(*options)
    ended(running)
    check_all_is_there(tmp_path / "out", wanted, running)


@pytest.mark.slow
@needs_dask
def test_a_scheduler_that_is_killed_is_told_and_another_goes_on(
    dask_cluster, batch, corpus, tmp_path
):
    corpus(*(f"{n}.mp4" for n in range(12)))
    wanted = serial(batch, tmp_path, 12)
    os.environ["MOODY_SECONDS"] = "0.5"  # put back by the fixture
    file, scheduler, _ = dask_cluster()
    running = batch("-o", "out", "--scheduler-file", file, seconds=0.5)
    until = time.monotonic() + 60
    while len(list((tmp_path / "out").glob("rows/*/*.json"))) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    scheduler.kill()
    _, err = ended(running, code=6)
    assert err.strip().endswith("the same command goes on from there")
    assert len(err.strip().splitlines()) == 1
    assert 2 <= len(list((tmp_path / "out").glob("rows/*/*.json"))) < 12
    file, _, _ = dask_cluster()
    running = batch("-o", "out", "--scheduler-file", file)
    ended(running)
    assert payloads(tmp_path / "out") == wanted
    assert leftovers(tmp_path) == []


def test_two_clients_on_one_folder(batch, six, tmp_path):
    wanted = six(batch)
    both = [batch("-o", "out", "--engine", "pool", "--jobs", "1", seconds=0.1) for _ in range(2)]
    for running in both:
        ended(running)
    for running in both:
        check_all_is_there(tmp_path / "out", wanted, running)


def test_a_poison_clip_costs_itself_and_nothing_else(batch, corpus, tmp_path):
    names = ["a.mp4", "crash.mp4", "once.mp4", "slow.mp4", "broken.mp4", "large.mp4", "z.mp4"]
    corpus(*names)
    running = batch(
        *("-o", "out", "--engine", "pool", "--jobs", "2", "--retries", "1", "--timeout", "8"),
        *("--memory", "700M"),
    )
    _, err = ended(running, code=7)
    assert running.left() == []
    rows = {facts["file"]: facts for facts, _ in payloads(tmp_path / "out").values()}
    assert sorted(rows) == sorted(names)
    assert {name for name, row in rows.items() if row["status"] == "done"} == {
        *("a.mp4", "once.mp4", "z.mp4")
    }
    codes = {name: row["exit_code"] for name, row in rows.items()}
    assert codes == {
        "a.mp4": 0,
        "once.mp4": 0,
        "z.mp4": 0,
        "crash.mp4": 5,
        "slow.mp4": 3,
        "broken.mp4": 5,
        "large.mp4": 3,
    }
    assert "signal 11" in rows["crash.mp4"]["message"]
    assert "--timeout" in rows["slow.mp4"]["message"]
    assert "--memory" in rows["large.mp4"]["message"]
    assert "no mood" in rows["broken.mp4"]["message"]
    assert "4 of 7 cases failed" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_half_written(number, batch, corpus, tmp_path):
    corpus(*(f"{n}.mp4" for n in range(6)))
    engine = "dask" if DASK and number == signal.SIGINT else "pool"
    running = batch("-o", "out", "--engine", engine, "--jobs", "2", seconds=0.5)
    until = time.monotonic() + 60
    while not list((tmp_path / "out").glob("rows/*/*.json")):
        assert time.monotonic() < until
        time.sleep(0.02)
    running.send(number)
    _, err = ended(running, code=128 + number)
    assert len(err.strip().splitlines()) == 1
    assert running.left() == []
    assert leftovers(tmp_path) == []
    assert all(facts["status"] == "done" for facts, _ in payloads(tmp_path / "out").values())


def test_a_full_disk_ends_it_with_a_line_and_the_rest_is_done_later(batch, corpus, tmp_path):
    place = tmp_path / "full"
    place.mkdir()
    size = ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(place)]
    if subprocess.run(size, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        corpus(*(f"{n}.mp4" for n in range(8)))
        options = ("-o", "full/out", "--engine", "pool", "--jobs", "1")
        running = batch(*options)
        _, err = ended(running, code=2)
        assert "No space left" in err
        assert len(err.strip().splitlines()) == 1
        assert leftovers(tmp_path) == []
        some = len(payloads(place / "out"))
        assert some < 8
        subprocess.run(["mount", "-o", "remount,size=8m", str(place)], check=True)
        ended(batch(*options))
        assert len(payloads(place / "out")) == 8
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
