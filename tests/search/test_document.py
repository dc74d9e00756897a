"""The document of a search may be anybody's: it is checked before a report shows it."""

import copy

import pytest

from tests.report.made_ladder import ladder_of
from vqa_harness.errors import InputError
from vqa_harness.ladder.document import checked_ladder
from vqa_harness.ladder.searched import searched_head, searched_rows, tried_head, tried_rows


def searched_ladder():
    document = ladder_of([f"{k}.mp4" for k in range(6)])
    document["search"] = {"targets": ["score.mean >= 50", "score.min >= 30"]}
    tried = [
        {"setting": "crf 20", "on": "samples", "values": [60.0, 40.0], "bitrate": 1e6},
        {"setting": "crf 21", "on": "whole", "values": [55.0, 20.0], "bitrate": 9e5},
    ]
    rungs = [
        {
            "series": "x264",
            "height": 64,
            "setting": "crf 20",
            "bitrate": 1e6,
            "values": [60.0, 40.0],
            "encodes": 2,
            "notes": [],
            "tried": [one | {"holds": one["setting"] == "crf 20"} for one in tried],
        },
        {
            "series": "x265",
            "height": 64,
            "setting": None,
            "bitrate": None,
            "values": None,
            "encodes": 0,
            "notes": ["failed: of something"],
            "tried": [],
        },
    ]
    document["sources"][0]["searched"] = {"share": 0.25, "samples": [[0, 24]], "rungs": rungs}
    return document


def test_a_search_is_shown_as_rows():
    document = checked_ladder(searched_ladder(), "ladder.json")
    (source,) = document["sources"]
    assert searched_head(document)[4:6] == ["score.mean >= 50", "score.min >= 30"]
    assert searched_rows(document, source) == [
        ["x264", "64", "crf 20", "1000.0", "60.000", "40.000", "2", "-"],
        ["x265", "64", "none", "-", "-", "-", "0", "failed: of something"],
    ]
    assert len(tried_head(document)) == len(tried_rows(source)[0]) == 8
    assert [row[-1] for row in tried_rows(source)] == ["yes", "no"]


def test_a_ladder_without_search_has_no_such_rows():
    document = checked_ladder(ladder_of(["a.mp4"] * 6), "ladder.json")
    assert searched_rows(document, document["sources"][0]) == []


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("search",), None, "a source was searched, and the ladder has no targets"),
        (("search", "targets"), [], "a source was searched, and the ladder has no targets"),
        (("search", "targets"), ["one"], "a search has 2 values for 1 targets"),
        (("sources", 0, "searched", "rungs", 0, "values"), [1.0], "1 values for 2 targets"),
        (("sources", 0, "searched", "rungs", 0, "tried", 1, "values"), [], "0 values"),
        (("sources", 0, "searched", "rungs", 0, "tried", 0, "on"), "moon", "on: input should be"),
        (("sources", 0, "searched", "rungs", 0, "height"), "64", "height: input should be"),
        (("sources", 0, "searched", "share"), float("nan"), "share: input should be"),
    ],
)
def test_a_broken_search_is_told_where(place, value, words):
    document = copy.deepcopy(searched_ladder())
    node = document
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    with pytest.raises(InputError, match=words):
        checked_ladder(document, "ladder.json")
