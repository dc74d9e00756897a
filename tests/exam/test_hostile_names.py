"""Files with hostile names, in every command: none is obeyed, none is taken for an option."""

import os
import shutil
import sys

import pytest

from tests.exam.examiner import Examiner
from vqa_harness.testing.synthetic import make_video

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]
NAMES = {
    "escape": b"\x1b[2J\x1b]0;owned\x07",
    "c1": "\x9b31m\x85".encode(),
    "newline": b"a\n::error::owned\n",
    "return": b"a\r\tb",
    "bidi": "\u202egpj.\u2066\u200e".encode(),
    "stop": b"::stop-commands::tok",
    "spaces": b"  ::add-mask::e",
    "hashes": b"##[error]##vso[task.complete]",
    "dash": b"-q",
    "option": b"--output=owned",
    "percent": b"%0A::error::%s%n%d%%",
    "long": b"x" * 240,
    "bytes": b"\xff\xfe\x9b\xc3",
    "wide": "\U0001f3ac\u0301\u3000\u00ad".encode(),
    "shell": b"$(touch owned)`touch owned`;|&",
    "markup": b"<script>alert(1)<|[bold]|`\"'",
    "glob": b"[a]{b,c}*?",
    "protocol": b"concat:a|b",
}
ALL = {0, 1, 2, 3, 4, 5, 6, 7}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A reference and two encodings of it."""
    folder = tmp_path_factory.mktemp("clips")
    for number, quantiser in enumerate(("0", "30", "40")):
        options = {"preset": "ultrafast", "qp": quantiser}
        make_video(folder / f"{number}.mp4", 6, width=96, height=80, options=options)
    return folder


@pytest.fixture(params=NAMES)
def place(request, clips, tmp_path):
    """The name, a folder in which files have it, and what runs commands there."""
    name = os.fsdecode(NAMES[request.param])
    for number in range(3):
        shutil.copy(clips / f"{number}.mp4", tmp_path / f"{name}{number}.mp4")
    examiner = Examiner(tmp_path, GITHUB_ACTIONS="true", VQA_HARNESS_CACHE=str(tmp_path / "cache"))
    yield name, tmp_path, examiner
    examiner.close()


def test_names_of_files_that_are_there(place):
    name, folder, examiner = place
    reference, one, two = (f"{name}{number}.mp4" for number in range(3))
    logs = [f"{name}{number}.json" for number in (1, 2)]
    pair = ["-m", "psnr", "-r", reference]
    table = f"{name}.csv"
    quoted = name.replace('"', '""')
    rows = "".join(f'"{quoted}{number}.mp4",{number}\n' for number in range(3))
    (folder / table).write_bytes(os.fsencode(f"file,score\n{rows}"))
    commands = [
        ["run", *pair, "-o", logs[0], "--", one],
        ["run", *pair, "-o", logs[1], "--", two],
        ["run", *pair, "--json", "-", "--", one, two],
        *(
            ["run", *pair, "--format", kind, "-o", "-", "--", one]
            for kind in ("json", "csv", "xml")
        ),
        ["align", "-r", reference, "--json", f"{name}.align.json", "--", one],
        ["gate", *pair, "--rule", "psnr_y.mean > 99", "--markdown", "-", "--", one, two],
        ["gate", *pair, "--rule", "psnr_y.mean > 1", "--junit", f"{name}.xml", "--", one, two],
        ["gate", "--rule", "psnr_y.mean max_drop 1", "--baseline", logs[0], "--log", logs[1]],
        ["ladder", *pair, "-o", f"{name}.out", "--report", "--", one, two],
        ["compare", "--", *logs],
        ["report", "-o", f"{name}.html", "--", *logs],
        ["bench", "--table", table, "-m", "brisque", "--bootstrap", "0"],
    ]
    findings = [one for command in commands for one in faults(examiner, command, ALL - {5, 6})]
    assert findings == []
    assert (folder / logs[0]).exists()
    assert (folder / f"{name}.html").exists()
    assert not list(folder.glob("owned*")), "a name was obeyed"
    for page in (folder / f"{name}.html", folder / f"{name}.out" / "report.html"):
        assert "<script>alert(1)<" not in page.read_text("utf-8")


def test_names_of_what_is_not_there(place):
    name, _, examiner = place
    gone = f"{name}.gone"
    commands = [
        ["run", "-m", "siti", "--", gone],
        ["run", "-m", "siti", "-r", gone, "--", gone],
        ["run", "-m", gone, "--", gone],
        ["run", f"--{gone}", "x"],
        ["align", "-r", gone, "--", gone],
        ["gate", "-m", "siti", "--rule", gone, "--", gone],
        ["gate", "-m", "siti", "--rule", "siti_si.mean > 1", "--", gone],
        ["gate", "-c", gone],
        ["gate", "--log", gone, "--rule", "psnr_y.mean > 1"],
        ["compare", "--", gone, gone],
        ["report", "--", gone],
        ["ladder", "-m", "siti", "--", gone],
        ["ladder", "-c", gone],
        ["bench", "--table", gone, "-m", "niqe"],
        ["bench", "-m", "niqe", "--", gone],
        ["metrics", "--", gone],
        ["plugins", "--", gone],
        ["warmup", "--", gone],
        ["clipvqa", "info", "--", gone],
        [gone],
    ]
    findings = [one for command in commands for one in faults(examiner, command, ALL - {0, 1})]
    assert findings == []


def faults(examiner, command, allowed):
    """What is wrong with how a command ended, with the command before it."""
    ending = examiner.run(*command)
    found = ending.faults(allowed) + ending.obeyed()
    return [f"{' '.join(command[:3])}: {one}" for one in found]
