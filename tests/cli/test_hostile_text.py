"""Names and content from outside, in all that commands show: nothing is obeyed by who reads it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vqa_harness.cli.app import run_cli
from vqa_harness.testing.synthetic import make_video

NAMES = (
    "::stop-commands::tok##[error]x",
    "  ::error file=x::y\x1b[31m\x1b]0;title\x07",
    "\u202egpj.\u2066##vso[task.complete result=Succeeded;]\udcff\udc9b31m",
    "line\n::error::x\r",
)
FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names that Windows refuses")


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    make_video(folder / "ref.mkv", 6, width=64, height=48, options={"qp": "0"})
    for number in range(3):
        make_video(
            folder / f"q{number}.mp4", 6, width=64, height=48, options={"qp": str(30 + 5 * number)}
        )
    return folder


@pytest.fixture(params=NAMES, ids=ascii)
def name(request, clips, tmp_path, monkeypatch):
    """A name that files have, which lie in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("VQA_HARNESS_CACHE", str(tmp_path / "cache"))
    shutil.copy(clips / "ref.mkv", f"{request.param}.mkv")
    for number in range(3):
        shutil.copy(clips / f"q{number}.mp4", f"{request.param}{number}.mp4")
    return request.param


def shown(capsys, *arguments):
    """What a command writes, after a check that none of it would be obeyed."""
    code = run_cli(list(arguments))
    out, err = capsys.readouterr()
    for text in (out, err):
        for line in text.split("\n"):
            ours = re.match(r"::(error|warning) (file=[^:,]*,)?title=[^:,]*::", line)
            assert ours or not line.lstrip().startswith("::"), line
            assert not re.search(r"##\w*\[", line), line
            assert all(c == "\t" or c.isprintable() for c in line), ascii(line)
    assert "unexpected" not in err
    assert "Traceback" not in err
    return code, out, err


def test_names_of_videos(name, capsys):
    reference, first = f"{name}.mkv", f"{name}0.mp4"
    assert shown(capsys, "run", "-m", "psnr", "-r", reference, "--", first)[0] == 0
    both = ("-o", "-", "-m", "psnr", "-r", reference, "--", first)
    log = shown(capsys, "run", *both)[1]
    assert json.loads(log)["vqa_harness"]["inputs"]["distorted"]["name"].endswith("0.mp4")
    for log_format in ("csv", "xml"):
        assert shown(capsys, "run", "--format", log_format, *both)[0] == 0
    out = shown(capsys, "run", "-m", "psnr", "-r", reference, "--json", "-", "--", first)[1]
    assert json.loads(out)[0]["input"] == first
    assert shown(capsys, "align", "-r", reference, "--", first)[0] == 0
    gate = ("gate", "-m", "psnr", "--rule", "psnr_y.mean > 90", "-r", reference)
    code, out, _ = shown(capsys, *gate, "--", first, f"{name}1.mp4")
    assert code == 1
    assert out.count("\n::error title=") == 2
    assert shown(capsys, *gate, "--json", "-", "--", first)[0] == 1
    rungs = [f"{name}{number}.mp4" for number in range(3)]
    assert shown(capsys, "ladder", "-m", "psnr", "-r", reference, "--", *rungs)[0] == 0


def test_names_that_are_not_there(name, capsys):
    gone = f"{name}.gone.mp4"
    for arguments in (
        ("run", "-m", "niqe", "--", gone),
        ("run", "-m", "niqe", "--", gone, f"{name}.gone2.mp4"),
        ("run", "-m", name, "--", gone),
        ("run", f"--{name}"),
        ("align", "-r", gone, "--", gone),
        ("gate", "-m", "niqe", "--rule", name, "--", gone),
        ("gate", "-m", "niqe", "--rule", "niqe.mean < 9", "--", gone),
        ("gate", "-c", f"{name}.toml"),
        ("compare", "--", gone, gone),
        ("report", "--", gone),
        ("ladder", "-m", "niqe", "--", gone),
        ("bench", "--", name),
        ("bench", "--table", gone),
        ("metrics", "--", name),
        (f"{name}x",),
        ("clipvqa", "info", "--", name),
    ):
        code, _, err = shown(capsys, *arguments)
        assert code in (2, 3, 5, 6, 7), arguments
        assert err


def test_content_of_documents(name, capsys, tmp_path):
    text = name.encode("utf-8", "replace").decode()
    log = {
        "version": text,
        "frames": [{"frameNum": n, "metrics": {text: 1.0 + n}} for n in range(3)],
        "vqa_harness": {"metrics": {text: {"provider": text}}, "warnings": [text]},
    }
    (tmp_path / "a.json").write_text(json.dumps(log))
    log["version"] += "2"
    (tmp_path / "b.json").write_text(json.dumps(log))
    assert shown(capsys, "compare", "a.json", "b.json")[0] == 0
    assert shown(capsys, "compare", "--json", "-", "a.json", "b.json")[0] == 0
    assert shown(capsys, "gate", "--log", "a.json", "--rule", "x.mean > 1")[0] in (1, 2, 3)
    quoted = json.dumps(text)
    for content in (
        f"{quoted} = 1",
        f"rules = [{quoted}]",
        f"[[case]]\nname = {quoted}\nlog = 'a.json'\n[[rule]]\nvalue = {quoted}\nmin = 1",
        f"[[case]]\nname = {quoted}\ndistorted = {quoted}\nmetrics = [{quoted}]",
        "x = \x1b",
    ):
        (tmp_path / "g.toml").write_text(content)
        assert shown(capsys, "gate", "-c", "g.toml")[0] in (2, 3)
    rows = [text.replace('"', '""').replace("\x00", ""), "ok"]
    (tmp_path / "t.csv").write_text("file,score\n" + "".join(f'"{row}",1\n' for row in rows))
    assert shown(capsys, "bench", "--table", "t.csv", "-m", "niqe")[0] in (2, 3, 5, 7)


def started(*arguments, **streams):
    settings = {k: v for k, v in os.environ.items() if k != "PYTHONIOENCODING"}
    command = [sys.executable, "-m", "vqa_harness", *arguments]
    return subprocess.run(command, env=settings, stderr=subprocess.PIPE, text=True, **streams)


def failing_gate(clips):
    """A gate that ends with exit code 1."""
    scored = ("-r", str(clips / "ref.mkv"), str(clips / "q0.mp4"), "--no-cache")
    return ("gate", "-m", "psnr", "--rule", "psnr_y.mean > 90", *scored)


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has such a device")
@pytest.mark.parametrize("arguments", [("metrics",), ("metrics", "--json", "-"), ("--help",)])
def test_a_full_standard_output_is_told(arguments):
    with FULL.open("w") as full:
        done = started(*arguments, stdout=full)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("vqa-harness: error: cannot write")
    assert "No space left on device" in line


def test_files_are_written_though_standard_output_takes_nothing(clips, tmp_path):
    if not FULL.exists():
        pytest.skip("only Linux has such a device")
    with FULL.open("w") as full:
        done = started(*failing_gate(clips), "--junit", str(tmp_path / "j.xml"), stdout=full)
    assert done.returncode == 1
    assert "cannot write to standard output: No space left" in done.stderr
    assert (tmp_path / "j.xml").stat().st_size > 100


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_is_no_crash(closed, tmp_path):
    code = f"import os, sys; os.close({closed}); os.execv(sys.executable, sys.argv[1:])"
    command = [sys.executable, "-c", code, sys.executable, "-m", "vqa_harness", "metrics"]
    command += ["--json", str(tmp_path / "m.json")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "m.json").read_text())
    if closed == 1:
        assert done.returncode == 2
        assert "cannot write to standard output: Bad file descriptor" in done.stderr
    else:
        assert (done.returncode, done.stderr) == (0, "")
        assert "psnr" in done.stdout


def test_who_leaves_early_does_not_change_the_verdict(clips):
    reading, writing = os.pipe()
    os.close(reading)
    done = started(*failing_gate(clips), stdout=writing)
    os.close(writing)
    assert done.returncode == 1
    assert "write" not in done.stderr
