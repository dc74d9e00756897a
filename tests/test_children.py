"""Nothing outlives a command: signals, kills, and what is swept afterwards."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import pytest

from vqa_harness import leftovers
from vqa_harness.media.writer import copy_packets
from vqa_harness.testing.synthetic import make_video

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Clips that take long to score, and a source that takes long to encode."""
    folder = tmp_path_factory.mktemp("long")
    make_video(folder / "short.mp4", 50, width=320, height=240, options={"preset": "ultrafast"})
    copy_packets(str(folder / "short.mp4"), str(folder / "ref.mp4"), repeat=120)
    for name in ("a.mp4", "b.mp4"):
        shutil.copyfile(folder / "ref.mp4", folder / name)
    table = "file,score\n" + "".join(f"{name}.mp4,{mos}\n" for mos, name in enumerate("ab"))
    (folder / "table.csv").write_text(table)
    return folder


COMMANDS = {
    "run": ["run", "-m", "niqe", "a.mp4", "-o", "out/log.json"],
    "vmaf": ["run", "-m", "vmaf:backend=program", "-r", "ref.mp4", "a.mp4", "-o", "out/log.json"],
    "gate": ["gate", "--rule", "niqe.mean <= 99", "--jobs", "2", "a.mp4", "b.mp4", "--no-cache"],
    "gate vmaf": [
        *("gate", "--rule", "vmaf.mean >= 0", "-m", "vmaf:backend=program", "-r", "ref.mp4"),
        *("--jobs", "2", "a.mp4", "b.mp4", "--no-cache", "--json", "out/gate.json"),
    ],
    "bench": [
        *("bench", "--table", "table.csv", "--root", ".", "-m", "niqe"),
        *("--jobs", "2", "--no-cache"),
    ],
    "ladder": [
        *("ladder", "-r", "ref.mp4", "--encode", "libx264:preset=placebo", "--crf", "10,11"),
        *("--jobs", "2", "-o", "out"),
    ],
}
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGKILL: -9}
TEXTS = {signal.SIGINT: "interrupted", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}


def below(number):
    """The processes that this one started, and those started by them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == number and fields[0] != "Z":
                child = int(path.parent.name)
                found += [child, *below(child)]
    return found


def alive(numbers):
    states = {}
    for number in numbers:
        with contextlib.suppress(OSError):
            states[number] = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    return [number for number, state in states.items() if state != "Z"]


def begun(what, child, folder, temporary):
    if what == "ladder":
        return len(list((folder / "out" / "rungs").glob(".*.part"))) >= 2
    if "vmaf" in what:
        ours = {str(number) for number in (child.pid, *below(child.pid))}
        made = [path for path in temporary.iterdir() if path.name.split("-")[3] in ours]
        return len(made) >= (2 if "gate" in what else 1)
    return len(below(child.pid)) >= 3 if what != "run" else (folder / "out").exists()


def kill(what, number, folder, tmp_path, *, moment=0.5):
    """Send a signal to a command that is at work: its exit code, what it wrote, who was below."""
    for path in (folder / "out").rglob("*") if (folder / "out").exists() else ():
        assert path.is_dir() or path.unlink() is None
    temporary = tmp_path / "temporary"
    temporary.mkdir(exist_ok=True)
    child = subprocess.Popen(
        [sys.executable, "-m", "vqa_harness", *COMMANDS[what]],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    try:
        until = time.monotonic() + 90
        while not begun(what, child, folder, temporary):
            assert time.monotonic() < until
            assert child.poll() is None, child.communicate()
            time.sleep(0.02)
        time.sleep(moment)
        under = below(child.pid)
        child.send_signal(number)
        out, err = child.communicate(timeout=30)  # which waits for all that hold its output
    finally:
        child.kill()
        child.communicate()
    until = time.monotonic() + 15
    while (left := alive(under)) and time.monotonic() < until:
        time.sleep(0.05)
    return child.returncode, out, err, left, temporary


def check(what, number, folder, tmp_path, moment=0.5):
    code, out, err, left, temporary = kill(what, number, folder, tmp_path, moment=moment)
    assert (code, out, left) == (CODES[number], "", [])
    if number != signal.SIGKILL:
        assert len(err.strip().splitlines()) == 1
        assert TEXTS[number] in err
        assert list(temporary.iterdir()) == []
        files = [path for path in (folder / "out").rglob("*") if path.is_file()]
        assert [path for path in files if path.suffix != ".mp4"] == []
    else:
        assert err == ""


CELLS = [
    ("gate", signal.SIGTERM),
    ("bench", signal.SIGKILL),
    ("ladder", signal.SIGTERM),
    ("ladder", signal.SIGKILL),
    ("run", signal.SIGHUP),
]


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize(("what", "number"), CELLS)
def test_everything_ends_with_the_command(what, number, folder, tmp_path):
    check(what, number, folder, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_programs_end_and_their_folders_go(folder, tmp_path, ffmpeg):
    check("gate vmaf", signal.SIGTERM, folder, tmp_path)
    check("vmaf", signal.SIGKILL, folder, tmp_path)
    assert len(list((tmp_path / "temporary").iterdir())) == 1  # nobody was left to remove it
    check("vmaf", signal.SIGINT, folder, tmp_path)  # removes that one as well


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("moment", [0.0, 0.3, 1.5])
@pytest.mark.parametrize("number", list(CODES))
@pytest.mark.parametrize("what", list(COMMANDS))
def test_the_whole_matrix(what, number, moment, folder, tmp_path, ffmpeg):
    check(what, number, folder, tmp_path, moment)


def signalled(number, delay, *arguments):
    child = subprocess.Popen(
        [sys.executable, "-c", "from vqa_harness.__main__ import main; main()", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(delay)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    return child.returncode, err


def test_the_first_moments_are_one_line_too():
    """The signal comes with the import of each module that a command loads."""
    code = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == sys.argv[-1]: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from vqa_harness.__main__ import main\n"
        "wanted = sys.argv.pop()\n"
        "sys.argv.append(wanted)\n"
        "main()\n"
    )
    for module in ("vqa_harness.cli.app", "vqa_harness.registry", "typer"):
        command = [sys.executable, "-c", code, "metrics", module]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "\ninterrupted\n"), module


@pytest.mark.slow
@pytest.mark.parametrize("step", range(24))
def test_any_moment_of_clipvqa_is_one_line(step, folder):
    pytest.importorskip("onnxruntime")
    code, err = signalled(signal.SIGINT, 0.2 + step / 6, "run", str(folder / "short.mp4"))
    assert (code, err) in ((130, "\ninterrupted\n"), (0, "")), err


def test_an_ignored_signal_stays_ignored(folder):
    """As ``nohup`` starts a command, and a shell a job in the background."""
    command = f"{sys.executable} -m vqa_harness run -m psnr -r short.mp4 short.mp4"
    child = subprocess.Popen(
        ["sh", "-c", f"trap '' HUP INT TERM; exec {command}"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    for number in [signal.SIGHUP, signal.SIGINT, signal.SIGTERM] * 7:
        time.sleep(0.02)
        child.send_signal(number)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    assert b"psnr_y" in out


def test_what_dead_processes_left_is_swept_and_nothing_else(tmp_path, monkeypatch):
    place, number, start = leftovers.owner().split("-")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    gone = [
        f"vqa-harness-{place}-{dead.pid}-5-abc",
        f"vqa-harness-{place}-{number}-{int(start) + 1}-abc",  # its number is another's now
        f".log.json.{place}-{dead.pid}-5.abcdef01.part",
    ]
    kept = [
        f"vqa-harness-{place}-{number}-{start}-abc",
        f"vqa-harness-{'0' * 8}-{dead.pid}-5-abc",  # of another machine, or container
        "vqa-harness-mine",
        f"other-{place}-{dead.pid}-5-abc",
        f".log.json.{place}-{dead.pid}-5.abcdef01.json",
        ".log.json.part",
    ]
    for name in [*gone, *kept]:
        (tmp_path / name).mkdir() if name.startswith("vqa") else (tmp_path / name).touch()
    monkeypatch.setattr(leftovers.system, "is_own", lambda _: False)
    leftovers.sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == len(gone) + len(kept)  # all are someone else's
    monkeypatch.undo()
    leftovers._swept.discard(str(tmp_path))
    leftovers.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_temporary_folders_name_their_process():
    made = leftovers.temporary_folder()
    try:
        assert made.parent == Path(tempfile.gettempdir())
        assert made.name.startswith(f"vqa-harness-{leftovers.owner()}-")
    finally:
        leftovers.remove_folder(made)
    assert not made.exists()


def vqa_harness(*arguments, folder, **environment):
    return subprocess.run(
        [sys.executable, "-m", "vqa_harness", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )


CRASHING = {
    "reader": """
import os, signal
from vqa_harness.media import reader

real = reader.VideoReader.__iter__

def crash(self):
    if "crash" in self.info.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "slow" in self.info.name:
        import ctypes
        ctypes.CDLL(None).sleep(100)  # as a decoder does: without Python, but others may go on
    return real(self)

reader.VideoReader.__iter__ = crash
""",
    "container": """
import os, signal
from vqa_harness.media import container

real = container.open_container

def crash(source, raw=None):
    if "opened" in str(source):
        os.kill(os.getpid(), signal.SIGSEGV)
    return real(source, raw)

container.open_container = crash
""",
    "packets": """
import os, signal
from vqa_harness.media import packets

real = packets.packet_sizes

def crash(source):
    if "packets" in source:
        os.kill(os.getpid(), signal.SIGSEGV)
    return real(source)

packets.packet_sizes = crash
""",
    "encode": """
import os, signal
from vqa_harness.media import encode

real = encode.encode_frames

def crash(*arguments, **settings):
    if settings.get("options", {}).get("crf") == "31":
        os.kill(os.getpid(), signal.SIGSEGV)
    return real(*arguments, **settings)

encode.encode_frames = crash
""",
}


@pytest.fixture(scope="module")
def crashing(tmp_path_factory):
    """Clips of which one ends its process with a signal when it is read, and one takes for ever."""
    folder = tmp_path_factory.mktemp("crash")
    make_video(folder / "a.mp4", 6, width=320, height=240)
    for name in ("crash", "slow", "z", "opened", "packets"):
        shutil.copyfile(folder / "a.mp4", folder / f"{name}.mp4")
    (folder / "sitecustomize.py").write_text(
        f"CRASHING = {CRASHING!r}\n"
        "import importlib.abc, importlib.util, sys\n"
        "class Finder(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        package, _, last = name.rpartition('.')\n"
        "        if package != 'vqa_harness.media' or last not in CRASHING: return None\n"
        "        code = CRASHING.pop(last)\n"
        "        spec = importlib.util.find_spec(name)\n"
        "        run = spec.loader.exec_module\n"
        "        def execute(module):\n"
        "            run(module)\n"
        "            sys.modules[name] = module\n"
        "            exec(code, {})\n"
        "        spec.loader.exec_module = execute\n"
        "        return spec\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    (folder / "table.csv").write_text("file,score\na.mp4,1\ncrash.mp4,2\nslow.mp4,3\nz.mp4,4\n")

    def call(*arguments):
        path = os.pathsep.join(p for p in (str(folder), os.environ.get("PYTHONPATH")) if p)
        return vqa_harness(*arguments, folder=folder, PYTHONPATH=path)

    call.folder = folder
    return call


def test_a_crash_and_a_deadline_cost_one_case_of_a_gate(crashing):
    clips = ("a.mp4", "crash.mp4", "slow.mp4", "z.mp4")
    bounds = ("--no-cache", "--timeout", "12")
    done = crashing("gate", "--rule", "psnr_y.mean >= 0", "-r", "a.mp4", *bounds, *clips)
    lines = done.stdout.splitlines()
    assert [line.split("\t")[0] for line in lines[1:]] == ["pass", "ERROR", "ERROR", "pass"]
    assert "signal 11" in done.stdout
    assert "took longer than the 12 seconds" in done.stdout
    assert done.returncode not in (0, 1), done.stderr


def test_a_crash_costs_one_rung_of_a_ladder(crashing):
    rungs = ("a.mp4", "crash.mp4", "z.mp4")
    done = crashing("ladder", "-r", "a.mp4", "-m", "psnr", *rungs)
    assert "crash.mp4: the process that scored it died: it was ended by signal 11" in done.stderr
    assert len(done.stdout.splitlines()) == 3  # a head, and the two others


def test_a_rung_that_cannot_even_be_opened_or_whose_packets_crash_costs_itself(crashing):
    """Codecs are looked up, and bitrates measured, apart from the command as well."""
    rungs = ("a.mp4", "opened.mp4", "packets.mp4", "z.mp4")
    done = crashing("ladder", "-r", "a.mp4", "-m", "psnr", *rungs)
    assert done.returncode == 7, done.stderr
    for name in ("opened.mp4", "packets.mp4"):
        how = "the process that scored it died: it was ended by signal 11"
        assert f"{name}: {how}" in done.stderr
        assert f"{name}: {name}" not in done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_a_crash_costs_one_of_several_sources(crashing):
    sources = "".join(
        f'[[source]]\nname = "{name}"\nreference = "a.mp4"\n'
        f'[[source.series]]\nname = "x264"\nrungs = ["{name}.mp4"]\n'
        for name in ("crash", "z")
    )
    config = crashing.folder / "ladder.toml"
    config.write_text(sources)
    done = crashing("ladder", "--config", "ladder.toml", "-m", "psnr")
    assert done.returncode == 7, done.stderr
    assert "crash.mp4: the process that scored it died" in done.stderr


def test_a_crash_costs_one_encoding_of_a_ladder(crashing, tmp_path):
    grid = ("--encode", "libx264:preset=ultrafast", "--crf", "30,31,32")
    out = tmp_path / "out"
    done = crashing("ladder", "-r", "a.mp4", "-m", "psnr", *grid, "-o", str(out))
    assert done.returncode == 7, done.stderr
    assert "-crf31-" in done.stderr
    assert "ended by signal 11" in done.stderr
    assert len(list((out / "rungs").iterdir())) == 2
    done = crashing("ladder", "-r", "opened.mp4", "-m", "psnr", *grid, "-o", str(out))
    assert done.returncode == 5
    assert done.stderr.strip().splitlines()[-1].startswith("vqa-harness: error: opened.mp4: the p")


def test_a_video_that_crashes_costs_its_pictures_in_a_report(crashing, tmp_path):
    log = tmp_path / "log.json"
    assert crashing("run", "-r", "a.mp4", "-m", "psnr", "z.mp4", "-o", str(log)).returncode == 0
    log.write_text(log.read_text().replace("z.mp4", "crash.mp4"))
    page = tmp_path / "page.html"
    done = crashing("report", str(log), "--distorted", "crash.mp4", "-o", str(page))
    assert done.returncode == 0, done.stderr
    assert "no thumbnails: crash.mp4: the process that scored it died" in page.read_text()


LIMITS = [
    ("-v 300000", "memory is short"),
    ("-v 600000", ""),
    ("-n 5", "too many open files for the limit of this process; raise it"),
    ("-n 7", "which is 7; raise it (ulimit -n)"),
    ("-n 12", ""),
]


@pytest.mark.skipif(sys.platform != "linux", reason="where these limits hold")
@pytest.mark.parametrize(("limit", "text"), LIMITS)
def test_where_the_system_gives_little_there_is_one_line_or_a_result(limit, text, folder):
    command = f"ulimit {limit}; exec {sys.executable} -m vqa_harness run -m psnr"
    done = subprocess.run(
        ["bash", "-c", f"{command} -r short.mp4 short.mp4"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode == 0 and not done.stderr:
        assert "psnr_y" in done.stdout
    else:
        assert done.returncode == 3, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert text in done.stderr.lower()


def test_memory_is_held_to_and_told(tmp_path):
    """A small file of large pictures: refused before it is read, or ended while it is."""
    large = tmp_path / "large.png"
    picture = av.VideoFrame.from_ndarray(np.zeros((6000, 8000, 3), np.uint8), "rgb24")
    with av.open(str(large), "w", format="image2") as container:
        stream = container.add_stream("png", options={"compression_level": "1"})
        stream.width, stream.height, stream.pix_fmt = 8000, 6000, "rgb24"
        container.mux(stream.encode(picture))
        container.mux(stream.encode())
    for size, code in (("512M", 3), ("lots", 2), ("1M", 2)):  # siti: no kernels to compile
        arguments = ("run", "-m", "siti", "large.png", "--memory", size, "-o", "log.json")
        done = vqa_harness(*arguments, folder=tmp_path)
        assert done.returncode == code, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert "--memory" in done.stderr
        assert not (tmp_path / "log.json").exists()


def test_what_grows_beyond_its_bound_is_ended():
    code = (
        "import time; from vqa_harness import interruption, memory\n"
        "interruption.take_over(); memory.bound(300 << 20)\n"
        "held = b'x' * (600 << 20); time.sleep(30)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=25)
    assert done.returncode == 3
    assert "more memory is needed than the 300 MiB of --memory" in done.stderr


def test_a_log_is_bounded_and_the_bound_can_be_raised(tmp_path):
    frames = ",".join(f'{{"frameNum":{n},"metrics":{{"vmaf":90.5}}}}' for n in range(20))
    log = f'{{"version":"3.0.0","frames":[{frames}],"pooled_metrics":{{"vmaf":{{"mean":90.5}}}}}}'
    (tmp_path / "log.json").write_text(log)
    arguments = ("gate", "--rule", "vmaf.mean >= 80", "--log", "log.json")
    done = vqa_harness(*arguments, folder=tmp_path, VQA_HARNESS_LOG_SIZE="500")
    assert done.returncode == 3
    assert "VQA_HARNESS_LOG_SIZE=SIZE raises it" in done.stdout + done.stderr
    done = vqa_harness(*arguments, folder=tmp_path, VQA_HARNESS_LOG_SIZE="1M")
    assert done.returncode == 0, done.stderr


def test_a_deadline_is_one_line_exit_3_also_inside_native_code(crashing):
    for command in (
        ("run", "-m", "niqe", "slow.mp4", "-o", "log.json"),
        ("align", "slow.mp4", "-r", "a.mp4"),
        ("gate", "--rule", "niqe.mean <= 999", "--no-cache", "slow.mp4"),
    ):
        begin = time.monotonic()
        done = crashing(*command, "--timeout", "2")
        assert time.monotonic() - begin < 60
        assert done.returncode == 3, done.stderr
        assert "took longer than the 2 seconds of --timeout" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
