"""No input is ever overwritten, and what cannot be written keeps no other result from it."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.gate.test_command import config
from vqa_harness import files
from vqa_harness.destinations import Writing, check_destinations, refuse_overwriting
from vqa_harness.errors import GateFailed, InputError, UsageError


@pytest.fixture
def folder(tmp_path, monkeypatch, own_cache):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return tmp_path


@pytest.fixture
def some(folder, video):
    """A video, a log and a configuration that commands read, and their contents."""
    shutil.copy(video, "a.mp4")
    shutil.copy(video, "ref.json")  # a video by its content, whatever it is called
    shutil.copy(video, "b.json")
    config(Path(), "rules = ['psnr_y.mean >= 20']", cases=("b.json",), reference="ref.json")
    Path("base.json").write_text('{"schema": 1, "cases": {}}')
    Path("table.csv").write_text("file,score\na.mp4,3\n")
    return {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}


def spelled(name, how):
    """Another path of the same file."""
    path = Path(name)
    if how == "plain":
        return path
    if how == "dots":
        return Path("sub") / ".." / path
    if how == "absolute":
        return path.absolute()
    other = Path(f"other{path.suffix}")
    if how == "symbolic":
        other.symlink_to(path)
    else:
        os.link(path, other)
    return other


@pytest.mark.parametrize("how", ["plain", "dots", "absolute", "symbolic", "hard"])
def test_a_target_that_is_an_input_is_refused_however_it_is_spelled(folder, how):
    Path("sub").mkdir()
    Path("in.json").write_text("mine")
    target = spelled("in.json", how)
    with pytest.raises(UsageError, match=r"it is the input in\.json; name another file"):
        check_destinations([None, "-", target], [None, Path("in.json")])
    assert Path("in.json").read_text() == "mine"
    check_destinations([Path("out.json")], [Path("in.json")])


def test_two_results_need_two_files(folder):
    with pytest.raises(UsageError, match=r"out\.json and \./out\.json|they are one file"):
        check_destinations(["out.json", Path("sub/../out.json").absolute()], [])
    with pytest.raises(UsageError, match="only one result can go to standard output"):
        check_destinations(["-", "-"], [])
    if Path(os.devnull).exists():
        refuse_overwriting([Path(os.devnull), Path(os.devnull)], [Path(os.devnull)])


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "-m", "psnr", "-r", "ref.json", "a.mp4", "-o", "ref.json"),
        ("run", "-m", "psnr", "-r", "ref.json", "a.mp4", "--json", "ref.json"),
        ("run", "-m", "colorfulness", "b.json", "--json", "b.json"),
        ("run", "-m", "colorfulness", "a.mp4", "--format", "json", "-o", "./a.mp4"),
        ("align", "-r", "ref.json", "b.json", "--json", "b.json"),
        ("align", "-r", "ref.json", "b.json", "--json", "ref.json"),
        ("compare", "ref.json", "b.json", "--json", "ref.json"),
        ("compare", "ref.json", "b.json", "--json", "b.json"),
        ("report", "b.json", "-o", "b.json"),
        ("report", "b.json", "--reference", "ref.json", "-o", "ref.json"),
        ("report", "b.json", "--distorted", "a.mp4", "-o", "a.mp4"),
        ("ladder", "-m", "psnr", "-r", "ref.json", "a.mp4", "--json", "ref.json"),
        ("ladder", "-m", "psnr", "-r", "ref.json", "b.json", "--json", "b.json"),
        ("bench", "--table", "table.csv", "-m", "colorfulness", "--markdown", "table.csv"),
        ("bench", "--table", "table.csv", "-m", "colorfulness", "--markdown", "a.mp4"),
        ("gate", "--json", "b.json"),
        ("gate", "--junit", "ref.json"),
        ("gate", "--markdown", "vqa-harness.toml"),
        ("gate", "--junit", "base.json", "--baseline", "base.json"),
        ("gate", "--update-baseline", "--baseline", "ref.json"),
        ("gate", "--update-baseline", "--baseline", "base.json", "--json", "base.json"),
        ("gate", "--dry-run", "--json", "b.json"),
    ],
)
def test_no_command_overwrites_what_it_reads(cli, some, arguments):
    code, _, err = cli(*arguments)
    assert code in (2, 3), err
    assert (
        "it is the input" in err
        or "they are one file" in err
        or ("neither a baseline nor a log" in err)
    )
    assert {path: path.read_bytes() for path in some} == some


def test_the_logs_of_a_ladder_do_not_overwrite_its_rungs(cli, some):
    Path("out/logs").mkdir(parents=True)
    shutil.copy("b.json", "out/logs/b.json")
    before = Path("out/logs/b.json").read_bytes()
    code, _, err = cli("ladder", "-m", "psnr", "-r", "ref.json", "out/logs/b.json", "-o", "out")
    assert (code, "it is the input" in err) == (2, True)
    assert Path("out/logs/b.json").read_bytes() == before


def test_writing_goes_on_and_ends_with_the_first_error(capsys):
    writing, done = Writing(), []
    for name in ("a", "b", "c"):
        with writing.trying():
            if name != "c":
                raise UsageError(f"cannot write {name}")
            done.append(name)
    assert done == ["c"]
    with pytest.raises(UsageError, match="cannot write a"):
        writing.conclude()
    assert capsys.readouterr().err == "vqa-harness: warning: cannot write b\n"
    with pytest.raises(GateFailed):
        writing.conclude(GateFailed("no"))
    assert capsys.readouterr().err.count("cannot write") == 2
    Writing().conclude()
    with pytest.raises(InputError):
        Writing().conclude(InputError("x"))


@pytest.fixture
def full(monkeypatch):
    """A disk that is full for files whose name holds one of these words."""

    def fill(*words):
        real = files.write_bytes

        def write(path, content):
            if any(word in str(path) for word in words):
                raise UsageError(f"cannot write {path}: No space left on device")
            real(path, content)

        monkeypatch.setattr(files, "write_bytes", write)

    return fill


def test_a_full_disk_under_the_cache_costs_no_verdict(cli, some, full):
    full("cache")
    code, out, err = cli("gate", "--junit", "j.xml", "--cache-dir", "cache")
    assert code == 0
    assert out.splitlines()[1].startswith("pass\tb\t")
    assert Path("j.xml").read_text().startswith("<?xml")
    assert err.count("No space left on device; nothing is kept for the next gate") == 1


def test_a_cache_that_is_no_folder_costs_no_verdict(cli, some):
    Path("file").write_text("")
    code, out, err = cli("gate", "--cache-dir", "file")
    assert (code, "pass\tb" in out) == (0, True)
    assert "warning: cannot make the cache file: " in err
    code, out, err = cli(
        "bench", "--table", "table.csv", "-m", "colorfulness", "--cache-dir", "file", "-q"
    )
    assert "are scored again the next time" in err
    assert "colorfulness" in out


def test_a_cache_that_can_only_be_read_is_read(cli, some, monkeypatch):
    assert cli("gate")[0] == 0

    def refuse(*_, **__):
        raise PermissionError("read-only")

    monkeypatch.setattr("vqa_harness.logs.cache.os.utime", refuse)
    assert "(1 from the cache)" in cli("gate")[2]


def test_one_output_that_cannot_be_written_keeps_no_other(cli, some, full):
    full("j.xml")
    targets = ("--junit", "j.xml", "--markdown", "m.md", "--json", "v.json")
    code, out, err = cli("gate", *targets)
    assert code == 2
    assert out.splitlines()[1].startswith("pass\tb\t")
    assert Path("m.md").exists()
    assert json.loads(Path("v.json").read_text())["passed"]
    assert err.splitlines()[-1] == (
        "vqa-harness: error: cannot write j.xml: No space left on device"
    )
    code, _, err = cli("gate", *targets, "--rule", "align.pairs <= 0")
    assert code == 1  # the verdict wins
    assert "warning: cannot write j.xml" in err


def test_a_run_that_cannot_write_a_log_prints_its_scores(cli, some, full):
    full("a.json")
    code, out, err = cli("run", "-m", "colorfulness", "a.mp4", "ref.json", "-o", "logs/", "-q")
    assert code == 2
    assert [line.split("\t")[0] for line in out.splitlines()] == ["input", "a.mp4", "ref.json"]
    assert Path("logs/ref.json").exists()
    assert "cannot write logs/a.json: No space left" in err.replace("\\", "/")


def test_a_ladder_that_cannot_write_prints_its_scores(cli, some, full):
    full("ladder.csv", "logs")
    code, out, err = cli("ladder", "-m", "psnr", "-r", "ref.json", "a.mp4", "-o", "out", "-q")
    assert code == 2
    assert "psnr_y" in out
    assert Path("out/ladder.json").exists()
    assert Path("out/ladder.md").exists()
    assert "a.mp4 is scored again the next time" in err
    assert "cannot write out/ladder.csv: No space left" in err.replace("\\", "/")
