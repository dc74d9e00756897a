"""``vqa-harness batch`` as a user calls it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.batch.helpers import payloads
from vqa_harness.engine import cluster, places
from vqa_harness.engine.places import Places
from vqa_harness.errors import MissingBackend

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="makes symbolic links")
POOL = ("--engine", "pool", "--jobs", "1", "-q")


def test_json_tells_all_and_a_second_call_takes_all_from_the_disk(cli, corpus, tmp_path):
    manifest = corpus("a.mp4", "b.mp4", "gone.mp4")
    (tmp_path / "gone.mp4").unlink()
    arguments = ("batch", manifest, "-m", "siti", "-o", tmp_path / "out", *POOL, "--json", "-")
    code, out, err = cli(*arguments)
    assert code == 7
    told = json.loads(out)
    assert (told["total"], told["done"], told["failed"], told["kept"]) == (3, 2, 1, 0)
    assert [one["file"] for one in told["failures"]] == ["gone.mp4"]
    assert "1 of 3 cases failed; --failed-only tries them again" in err
    progress = json.loads((tmp_path / "out" / "progress.json").read_text())
    assert (progress["state"], progress["done"], progress["running"]) == ("finished", 2, 0)
    assert (tmp_path / "out" / "cases").is_dir()
    before = payloads(tmp_path / "out")
    code, out, _ = cli(*arguments)
    assert (code, json.loads(out)["kept"]) == (7, 2)
    assert payloads(tmp_path / "out") == before


def test_parts_are_collected_later(cli, corpus, tmp_path):
    manifest = corpus(*(f"{n}.mp4" for n in range(4)))
    out = tmp_path / "out"
    done = 0
    for part in (1, 2):
        code, text, _ = cli(
            *("batch", manifest, "-m", "siti", "-o", out, *POOL),
            *("--shard", f"{part}/2", "--json", "-"),
        )
        assert code == 0
        done += json.loads(text)["done"]
        assert (out / f"progress-{part}-of-2.json").is_file()
    assert done == 4
    assert not (out / "cases").exists()
    code, text, err = cli("batch", "--collect", out)
    assert (code, text) == (0, "")
    assert "4 cases" in err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--shard", "3/2"], "--shard 3/2: write I/N"),
        (["--shard", "x"], "--shard x: write I/N"),
        (["--split-longer-than", "soon"], "--split-longer-than soon: is no duration"),
        (["--split-longer-than", "0m"], "--split-longer-than 0m: is no duration"),
        (["--memory", "lots"], "--memory=lots: is no size"),
        (["--memory", "1M"], "is too little"),
        (["--engine", "slurm"], "slurm"),
        (["--scheduler", "tcp://x:1", "--scheduler-file", "y"], "each; give one"),
        (["--scheduler", "tcp://x:1", "--engine", "pool"], "leave the scheduler out"),
        (["--scheduler", "tcp://x:1", "--jobs", "2"], "--jobs is of this machine"),
        (["--scheduler-file", "none.json"], "none.json: no such file"),
        (["-m", "psnr"], "metric 'psnr' compares with a reference; add a column 'reference'"),
        (["-m", "nosuch"], "nosuch"),
        (["--size", "64x48"], "no input is raw video"),
        (["--json", "cases.csv"], "names no .json file"),
        (["-o", "cases.csv"], "cases.csv"),
    ],
)
def test_what_cannot_be_is_one_line(cli, corpus, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    corpus("a.mp4")
    output = [] if "-o" in options else ["-o", "out"]
    code, out, err = cli("batch", "cases.csv", *output, *options)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out" / "rows").exists()


def test_a_folder_for_results_is_needed(cli, corpus):
    code, _, err = cli("batch", corpus("a.mp4"))
    assert (code, "-o FOLDER" in err) == (2, True)


def test_cases_without_a_reference_are_told_and_fail(cli, corpus, tmp_path):
    manifest = corpus("a.mp4", "b.mp4", reference=["a.mp4", ""])
    code, _, err = cli("batch", manifest, "-m", "psnr", "-o", tmp_path / "out", *POOL)
    assert code == 7
    assert "1 of 2 cases have no reference" in err
    assert "1 of 2 cases failed" in err


def test_without_dask_the_default_is_plain_processes(monkeypatch):
    monkeypatch.setattr(cluster, "installed", lambda: False)
    opened = []
    monkeypatch.setattr(places, "pool_engine", lambda jobs: opened.append(jobs) or Here())
    with Places(jobs=3).open():
        assert opened == [3]
    with pytest.raises(MissingBackend, match="a cluster needs dask"):
        Places("dask").check()


class Here:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


@pytest.mark.slow
def test_both_engines_leave_the_same(corpus, tmp_path, moody, monkeypatch):
    pytest.importorskip("distributed")
    for name, value in moody.items():
        monkeypatch.setenv(name, value)
    corpus("a.mp4", "b.mp4", "crash.mp4", *"cdefg")
    left = []
    for engine in ("pool", "dask"):
        words = ["batch", "cases.csv", "-m", "moody", "-o", engine, "--engine", engine]
        words += ["--split-longer-than", "0.1s"] if engine == "dask" else []
        done = subprocess.run(
            [sys.executable, "-m", "vqa_harness", *words, "--jobs", "2", "--retries", "0"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 7, done.stderr
        pairs = [line for line in done.stderr.splitlines() if "pieces" in line]
        assert len(pairs) == (8 if engine == "dask" else 0)
        assert len(done.stderr.splitlines()) == 3 + len(pairs)  # tables, the crash, the sum
        left.append(payloads(tmp_path / engine))
    assert left[0] == left[1]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_a_terminal_shows_how_far_it_is(corpus, tmp_path, moody):
    corpus("a.mp4", "b.mp4", "c.mp4")
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "vqa_harness", "batch", "cases.csv", "-m", "moody"),
            *("-o", "out", "--engine", "pool", "--jobs", "1"),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, **moody, "MOODY_SECONDS": "0.4", "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown, until = b"", time.monotonic() + 60
    while time.monotonic() < until:
        try:
            some = os.read(ours, 65536)
        except OSError:  # Linux's word for the other end being closed
            break
        if not some:
            break
        shown += some
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    assert out.decode().splitlines()[0].split("\t")[:2] == ["total", "done"]
    text = shown.decode()
    assert "of 3, 0 from before" in text
    assert "cases/s" in text
    assert "time left" in text
    assert Path(tmp_path / "out" / "progress.json").is_file()
