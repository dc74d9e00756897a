"""Notes beside a log: read as they were written, and refused where they are something else."""

import json

import pytest

from vqa_harness.errors import InputError
from vqa_harness.logs.notes import MOST_TEXT, Note, notes_path, read_notes, write_notes


def test_there_and_back(tmp_path):
    path = notes_path(tmp_path / "scores.json")
    assert path.name == "scores.notes.json"
    assert notes_path(tmp_path / "clip.mp4", log=False).name == "clip.mp4.notes.json"
    assert read_notes(path) == []
    notes = [Note(3, "marked", "blocks ☃"), Note(7, "accepted"), Note(9, "", "\udcff")]
    write_notes(path, notes)
    assert read_notes(path) == notes
    assert [one.name for one in tmp_path.iterdir()] == ["scores.notes.json"]


def note(**changes):
    return {"schema": 1, "notes": [{"frame": 1, "mark": "", "text": "", **changes}]}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("[]", "no file of notes"),
        ("{", "Expecting"),
        (json.dumps({"schema": 2, "notes": []}), "of this version"),
        (json.dumps({"schema": 1, "notes": {}}), "needs a list"),
        (json.dumps({"schema": 1, "notes": [{"frame": 0}] * 6000}), "at most 5000"),
        (json.dumps({"schema": 1, "notes": [4]}), "no object"),
        (json.dumps(note(frame=-1)), "on frame '-1'"),
        (json.dumps(note(frame=True)), "on frame 'True'"),
        (json.dumps(note(mark="bad")), "marked neither"),
        (json.dumps(note(text="x" * (MOST_TEXT + 1))), "at most 2000 characters"),
        ("[" * 100_000, "move it away"),
    ],
)
def test_what_is_refused(tmp_path, document, why):
    path = tmp_path / "a.notes.json"
    path.write_text(document)
    with pytest.raises(InputError, match=why):
        read_notes(path)


def test_the_report_lists_them(tmp_path):
    from tests.report.made_ladder import NASTY, log_of
    from vqa_harness.report.write import write_report

    (tmp_path / "a.json").write_text(json.dumps(log_of("a.mp4", 1)))
    write_notes(tmp_path / "a.notes.json", [Note(7, "marked", f"soft {NASTY}")])
    page = write_report([tmp_path / "a.json"], tmp_path / "a.html").read_text("utf-8")
    assert "<td>marked</td><td>soft &lt;/script&gt;" in page
    (tmp_path / "a.notes.json").write_text("{")
    page = write_report([tmp_path / "a.json"], tmp_path / "a.html").read_text("utf-8")
    assert "a.notes.json: Expecting" in page
