"""Mutated logs, ladders, configurations, baselines, tables and cards: one line, exit 2 or 3."""

import shutil
import sys
from pathlib import Path

import pytest

import vqa_plugin_clip
from tests.exam.configurations import GATE, LADDER
from tests.exam.examiner import Examiner
from tests.exam.hostile import broken, hostile_cells, hostile_json, hostile_toml
from vqa_harness.testing.synthetic import make_video

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]
MUTANTS = 40
"""Of every document."""
ALLOWED = {0, 1, 2, 3, 4, 6, 7}
WEIGHTS = Path(vqa_plugin_clip.__file__).parent / "weights" / "clipvqa-small.safetensors"
PAIR = ["-m", "psnr", "-r", "0.mp4"]
RULE = ["--rule", "psnr_y.mean >= 1"]
OF_A_LOG = [
    ["compare", "{}", "good.json"],
    ["compare", "good.json", "{}"],
    ["gate", *RULE, "--log", "{}"],
    ["gate", "--rule", "psnr_y.mean max_drop 1", "--log", "good.json", "--baseline", "{}"],
    ["report", "{}", "-o", "page.html"],
]
DOCUMENTS = {
    "log.json": (hostile_json, OF_A_LOG),
    "log.csv": (hostile_cells, OF_A_LOG),
    "log.xml": (hostile_cells, OF_A_LOG),
    "out/ladder.json": (hostile_json, [["report", "{}", "-o", "page.html"]]),
    "baseline.json": (hostile_json, [["gate", "--baseline", "{}"]]),
    "gate.toml": (hostile_toml, [["gate", "-c", "{}", "--dry-run"], ["gate", "-c", "{}"]]),
    "ladder.toml": (hostile_toml, [["ladder", "-c", "{}", "-o", "ladder"]]),
    "table.csv": (hostile_cells, [["bench", "--table", "{}", "-m", "brisque", "--bootstrap", "0"]]),
    "card.json": (hostile_json, [["clipvqa", "info", "card.safetensors"]]),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with every document as it should be, and what runs commands there."""
    folder = tmp_path_factory.mktemp("documents")
    for number, quantiser in enumerate(("0", "30", "40")):
        options = {"preset": "ultrafast", "qp": quantiser}
        make_video(folder / f"{number}.mp4", 6, width=96, height=80, options=options)
    (folder / "vqa-harness.toml").write_text(GATE)
    (folder / "gate.toml").write_text(GATE)
    (folder / "ladder.toml").write_text(LADDER)
    (folder / "table.csv").write_text("file,score\n0.mp4,3\n1.mp4,2\n2.mp4,1\n")
    shutil.copy(WEIGHTS, folder / "card.safetensors")
    shutil.copy(WEIGHTS.with_suffix(".json"), folder / "card.json")
    examiner = Examiner(folder, GITHUB_ACTIONS="true", VQA_HARNESS_CACHE=str(folder / "cache"))
    for ending in ("json", "csv", "xml"):
        assert examiner.run("run", *PAIR, "1.mp4", "-o", f"log.{ending}").code == 0
    shutil.copy(folder / "log.json", folder / "good.json")
    assert examiner.run("gate", "--update-baseline").code == 0
    assert examiner.run("ladder", *PAIR, "1.mp4", "2.mp4", "-o", "out").code == 0
    yield folder, examiner
    examiner.close()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_document_is_read_or_refused_in_one_line(name, place):
    folder, examiner = place
    change, commands = DOCUMENTS[name]
    whole = (folder / name).read_text("utf-8")
    findings = []
    for number in range(MUTANTS):
        mutate = broken if number % 4 == 0 else change
        mutant = folder / name
        if name != "card.json":  # which has to lie beside the weights under its own name
            mutant = mutant.with_name(f"mutant-{mutant.name}")
        text = mutate(whole, f"{name} {number}")
        mutant.write_bytes(text.encode("utf-8", "surrogatepass"))
        for command in commands:
            ending = examiner.run(*(word.format(mutant.relative_to(folder)) for word in command))
            found = ending.faults(ALLOWED) + ending.obeyed()
            lines = [line for line in ending.err.splitlines() if "error: " in line]
            if ending.code in (2, 3) and len(lines) != 1:
                found.append(f"not one line: {ending.err[-300:]!r}")
            findings += [f"{name} {number}, {command[0]}: {one}" for one in found]
    (folder / name).write_text(whole, "utf-8")
    assert findings == []
