"""A process whose parent is killed ends without a word, whatever it was doing at that moment."""

import os
import signal
import subprocess
import sys

import pytest

from vqa_harness import spawning

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
BEFORE_IT_IS_TOLD = """
import os, signal, time
from multiprocessing import util
usual = util.spawnv_passfds
def start_and_die(path, command, handed):
    number = usual(path, command, handed)
    if "spawn_main" in str(command):
        os.kill(os.getpid(), signal.SIGKILL)
    return number
util.spawnv_passfds = start_and_die
"""
IN_AN_IMPORT = """
import os, signal, sys, time
class Finder:
    def find_spec(self, name, *_):
        if name == os.environ["AT"] and "--multiprocessing-fork" in sys.orig_argv:
            parent = int(os.environ["PARENT"])
            if os.getppid() == parent:
                os.kill(parent, signal.SIGKILL)
            while os.getppid() == parent: time.sleep(0.005)
sys.meta_path.insert(0, Finder())
"""
POOL = """
from vqa_harness.processes import as_they_finish
import os, time
os.environ["PARENT"] = str(os.getpid())
list(as_they_finish(time.sleep, [60.0, 60.0], 2))
"""


def killed(program, folder, **environment):
    """What a program wrote that is killed, and its children, once all of them have ended."""
    path = os.pathsep.join(p for p in (str(folder), os.environ.get("PYTHONPATH")) if p)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )
    assert done.returncode == -signal.SIGKILL
    return done.stdout + done.stderr


def test_before_it_is_told_what_to_do(tmp_path):
    assert killed(BEFORE_IT_IS_TOLD + POOL, tmp_path) == ""


@pytest.mark.parametrize(
    "module", ["multiprocessing.spawn", "vqa_harness.worker", "vqa_harness.memory", "_ctypes"]
)
def test_while_it_loads(module, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(IN_AN_IMPORT)
    assert killed(POOL, tmp_path, AT=module) == ""


@pytest.mark.slow
def test_processes_of_training_too(tmp_path):
    """Python's own process that counts semaphores then says how many it removes, and no more."""
    pytest.importorskip("torch")
    program = """
from vqa_plugin_clip.train.loading import ClipLoader
list(ClipLoader(list(range(4)), 1).batches([[0], [1]]))
"""
    assert "Traceback" not in killed(BEFORE_IT_IS_TOLD + program, tmp_path)


def test_an_error_of_a_start_is_told_while_the_parent_lives():
    command = [sys.executable, "-c", "raise EOFError('at the start')", "--multiprocessing-fork"]
    done = subprocess.run(spawning._quiet(command), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "EOFError: at the start" in done.stderr
    assert spawning._quiet(["frozen", "--multiprocessing-fork"])[0] == "frozen"
