"""Every command that takes long, ended by every signal at every moment: nothing is left behind."""

import signal
import sys
import time
from dataclasses import dataclass

import pytest

from tests.exam.killing import Command, leftovers
from vqa_harness.cli.app import run_cli
from vqa_harness.media.writer import copy_packets
from vqa_harness.testing.synthetic import make_video

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]
CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129, "SIGKILL": -signal.SIGKILL}
MOMENTS = {"first": 0.0, "loading": 0.1, "middle": 0.5, "late": 0.85}
"""Shares of the time that the command takes undisturbed, from when it listens to signals."""
CASES = "".join(
    f"[[case]]\nname = 'c{n}'\ndistorted = 'clips/{n}.mp4'\nreference = 'half.mp4'\n"
    for n in range(4)
)
COMMANDS = {
    "run": "run -q -m niqe long.mp4 -o out/log.json",
    "run-vmaf": "run -q -m vmaf:backend=program -r ref.mp4 long.mp4",
    "run-clipvqa": "run -q -m clipvqa long.mp4 -o out/log.json",
    "align": "align -q -r ref.mp4 long.mp4 --json out/align.json",
    "gate": "gate -q -c gate.toml --cache-dir cache --jobs 2 --json out/gate.json"
    " --junit out/gate.xml",
    "ladder": "ladder -q -r short.mp4 --encode libx264:preset=veryslow --crf 20,26,32,38 --jobs 2"
    " -m psnr -o out",
    "bench": "bench -q --table table.csv --root clips -m niqe -j 2 --bootstrap 0"
    " --cache-dir cache --json out/bench.json",
}
KILLS = [
    (signal_name, moment)
    for signal_name in CODES
    for moment in (["middle"] if signal_name == "SIGHUP" else MOMENTS)
]


@dataclass(frozen=True)
class Undisturbed:
    """A command that ran to its end.

    Attributes:
        seconds: from its first moment to its end.
        lines: what it wrote to standard error.
    """

    seconds: float
    lines: frozenset[str]


@pytest.fixture(autouse=True)
def listening():
    """Commands get Ctrl-C, also in the background of a shell, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with videos, a configuration and a table of opinions."""
    assert run_cli(["warmup"]) == 0  # what is compiled once per machine would be in every time
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "clips").mkdir()
    make(folder / "short.mp4", 20)
    make(folder / "worse.mp4", 40)
    copy_packets(str(folder / "short.mp4"), str(folder / "ref.mp4"), repeat=4)
    copy_packets(str(folder / "worse.mp4"), str(folder / "long.mp4"), repeat=4)
    copy_packets(str(folder / "short.mp4"), str(folder / "half.mp4"), repeat=2)
    for n in range(4):
        make(folder / "clip.mp4", 20 + 6 * n)
        copy_packets(str(folder / "clip.mp4"), str(folder / "clips" / f"{n}.mp4"), repeat=2)
    rows = "".join(f"{n}.mp4,{4 - n}\n" for n in range(4))
    (folder / "table.csv").write_text(f"file,score\n{rows}")
    (folder / "gate.toml").write_text(f"rules = ['psnr_y.mean >= 1', 'ssim.mean >= 0']\n{CASES}")
    return folder


@pytest.fixture(scope="module")
def undisturbed(inputs, tmp_path_factory):
    """How long each command takes, found out when it is first asked for."""
    known = {}

    def ask(name):
        if name not in known:
            folder = tmp_path_factory.mktemp("undisturbed")
            known[name] = complete(COMMANDS[name].split(), prepared(inputs, folder / "here"))
        return known[name]

    return ask


def make(path, crf):
    """50 frames in a fast encoding."""
    options = {"preset": "ultrafast", "crf": str(crf)}
    make_video(path, 50, width=320, height=240, options=options)


def prepared(inputs, folder):
    """A folder of a command's own, with the inputs."""
    folder.mkdir()
    for path in inputs.iterdir():
        (folder / path.name).symlink_to(path)
    return folder


def complete(arguments, folder):
    """Run a command to its end, which has to be a good one."""
    command = Command(arguments, folder)
    began = command.start()
    code, _, err = command.end(patience=600)
    assert code == 0, err
    assert command.left() == []
    assert leftovers(folder) == []
    return Undisturbed(time.monotonic() - began, frozenset(err.splitlines()))


def killed(command, name, seconds):
    """Send a command a signal after some seconds; how it ended, None where it was faster."""
    began = command.start()
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    if command.process.poll() is not None:
        command.process.communicate()
        return None
    command.send(signal.Signals[name])
    ending = command.end()
    return None if ending[0] == 0 else ending


@pytest.mark.parametrize(("name", "moment"), KILLS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_signal_ends_everything(command, name, moment, inputs, undisturbed, tmp_path, request):
    if command == "run-vmaf":
        request.getfixturevalue("ffmpeg")
    usual = undisturbed(command)
    share, ending = MOMENTS[moment], None
    for attempt in range(6):
        folder = prepared(inputs, tmp_path / str(attempt))
        running = Command(COMMANDS[command].split(), folder)
        request.addfinalizer(running.clean)
        ending = killed(running, name, share * usual.seconds)
        if ending is not None:
            break
        share *= 0.8  # the machine is less busy than it was
    assert ending is not None, "it always ended before"
    code, _, err = ending
    said = [line for line in err.splitlines() if line.strip() and line not in usual.lines]
    assert code == CODES[name], err
    assert "Traceback" not in err
    assert len(said) == (0 if name == "SIGKILL" else 1), err
    assert running.left() == []
    if name == "SIGKILL":
        complete(COMMANDS[command].split(), folder)  # sweeps what the killed one could not
    assert leftovers(folder) == []
