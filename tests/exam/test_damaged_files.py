"""530 damaged videos: each is scored, or refused in one line; nothing lost is kept silent."""

import json
import math
import sys

import pytest

from tests.exam.damage import KINDS, damaged
from tests.exam.examiner import Examiner
from tests.exam.seeds import PAIRS, seed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]
ALLOWED = {0, 3, 4, 5, 7}
NOT_REPEATABLE = "other pictures in every reading"
"""What the reader says of a decoder whose pictures of damaged packets are not the same twice."""


@pytest.fixture(scope="module")
def examiner():
    found = Examiner()
    yield found
    found.close()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_damage_is_scored_or_told(pair, tmp_path, examiner, record_property):
    whole = seed(pair, tmp_path)
    sure = [name for name, n in promised(examiner, whole).items() if n == pair.frames]
    findings, scored = [], 0
    assert examine(examiner, whole, pair.frames, sure) == ([], True)
    for kind in KINDS:
        path = tmp_path / f"{kind}.{pair.ending}"
        path.write_bytes(damaged(whole.read_bytes(), kind, pair.name))
        found, read = examine(examiner, path, pair.frames, sure)
        findings += [f"{pair.name} {kind}: {one}" for one in found]
        scored += read
    record_property("mutants", len(KINDS))
    record_property("scored", scored)
    record_property("findings", len(findings))
    assert findings == []


def examine(examiner, path, frames, sure):
    """What is wrong with how a file is scored, and whether it was scored at all.

    Args:
        examiner: runs the commands.
        path: the file.
        frames: how many frames were encoded.
        sure: which of the file's promises were right before it was damaged.
    """
    log = path.with_suffix(".json")
    alone = examiner.run("run", "-m", "siti", path, "-o", log)
    findings = alone.faults(ALLOWED)
    if alone.code == 0:
        findings += silent_loss(examiner, path, alone, json.loads(log.read_text()), frames, sure)
    itself = examiner.run("run", "-m", "psnr", "-r", path, path, "-o", log)
    findings += [f"against itself: {one}" for one in itself.faults(ALLOWED)]
    if itself.code == 0 and NOT_REPEATABLE not in itself.err:
        values = [frame["metrics"]["psnr_y"] for frame in json.loads(log.read_text())["frames"]]
        worst = min((value for value in values if value is not None), default=math.nan)
        if worst < 60:  # what two equal frames have
            findings.append(f"{worst:.1f} dB against itself: {itself.err.strip()[-300:]!r}")
    return findings, alone.code == 0


def silent_loss(examiner, path, ending, log, frames, sure):
    """The finding that frames are missing, that the file tells so, and that nobody was told."""
    report = log["vqa_harness"]["reading"]["distorted"]
    read = report["frames"]
    if read >= frames or "warning" in ending.err:
        return []
    if report["discarded_packets"] or any("edit list" in note for note in report["notes"]):
        return []  # the file asks for it, and the log says so
    more = {name: n for name, n in promised(examiner, path).items() if name in sure and n > read}
    return [f"{read} of {frames} frames, promised {more}, nothing told"] if more else []


def promised(examiner, path):
    """How many frames a file promises, by the source of the promise."""
    ending = examiner.run("promises", path)
    return json.loads(ending.out) if ending.code == 0 else {}
