import io
import json
import math
import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.paths import VMAF_LOGS
from vqa_harness.errors import UsageError
from vqa_harness.hookspecs import NAME
from vqa_harness.logs.log import Log
from vqa_harness.logs.read import parse_log, read_log
from vqa_harness.logs.values import number
from vqa_harness.logs.vmaf_csv import write_csv
from vqa_harness.logs.vmaf_json import write_json
from vqa_harness.logs.vmaf_xml import write_xml
from vqa_harness.logs.write import BUILTIN, choose, suffix_of, vqa_register_writers, write_log
from vqa_harness.spec import WriterSpec
from vqa_harness.stats.pooling import pool

WRITE = {".json": write_json, ".csv": write_csv, ".xml": write_xml}


def text_of(write, log):
    file = io.StringIO()
    write(log, file)
    return file.getvalue()


def make(columns, **more):
    frames = len(next(iter(columns.values())))
    pooled = {name: pool(column) for name, column in columns.items()}
    return Log("x", 1.0, list(range(frames)), columns, pooled, **more)


LIBVMAF = sorted(p for s in WRITE for p in VMAF_LOGS.glob(f"*{s}") if "null_inf" not in p.name)


@pytest.mark.parametrize("path", LIBVMAF, ids=lambda p: p.name)
def test_a_log_of_libvmaf_is_written_byte_for_byte(path):
    assert text_of(WRITE[path.suffix], read_log(path)) == path.read_text("utf-8")


def test_undefined_values_differ_from_libvmaf_only_in_the_line_break_it_forgets():
    path = VMAF_LOGS / "sparks10bit_5f_identical_null_inf.json"
    wanted, count = re.subn(r"null,(?=  )", "null,\n", path.read_text("utf-8"))
    assert count == 25
    assert text_of(write_json, read_log(path)) == wanted


def test_undefined_values_are_nan_in_csv():
    path = VMAF_LOGS / "sparks10bit_5f_identical_null_inf.csv"
    wanted = path.read_text("utf-8").replace(",inf", ",nan")
    assert text_of(write_csv, read_log(path)) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0.0, "0.000000"),
        (97.428308, "97.428308"),
        (1.000002, "1.000002"),
        (1.0000008377401715, "1.0000008377401715"),
        (-3.5, "-3.500000"),
        (1e-7, "0.0000001000000000"),
        (1e-6, "0.000001"),
        (1e15, "1000000000000000.000000"),
        (None, "null"),
        (math.nan, "null"),
        (-math.inf, "null"),
    ],
)
def test_numbers_are_written_as_libvmaf_does(value, wanted):
    assert number(value) == wanted


def test_extra_is_the_last_key_with_one_key_per_line():
    text = text_of(write_json, make({"m": [1.0]}, extra={"a": {"b": [1, 2]}, "c": {}}))
    assert text.endswith(
        '  "aggregate_metrics": {\n  },\n'
        '  "vqa_harness": {\n    "a": {\n      "b": [1, 2]\n    },\n    "c": {}\n  }\n}\n'
    )


def test_a_log_without_features_is_json():
    log = Log("x", None, [0, 1])
    written = json.loads(text_of(write_json, log))
    assert written["frames"] == [{"frameNum": 0, "metrics": {}}, {"frameNum": 1, "metrics": {}}]
    assert written["fps"] is None


def test_frames_need_not_start_at_zero_nor_be_contiguous():
    log = Log("x", 1.0, [3, 7], {"m": [1.0, None]})
    assert [f["frameNum"] for f in json.loads(text_of(write_json, log))["frames"]] == [3, 7]
    assert parse_log(text_of(write_xml, log)).columns == {"m": [1.0, None]}


@pytest.mark.parametrize("hole", [None, math.nan, math.inf])
def test_json_never_holds_a_number_json_has_not(hole):
    log = Log("x", hole, [0], {"m": [hole]}, {"m": {"min": hole}})

    def refuse(name):
        raise AssertionError(name)

    document = json.loads(text_of(write_json, log), parse_constant=refuse)
    assert document["fps"] is document["frames"][0]["metrics"]["m"] is None


def test_no_line_of_xml_metadata_looks_like_an_attribute():
    log = make({"vmaf": [1.0]}, extra={"metrics": {"vmaf": {"note": "<a> & ]]> \x00 é"}}})
    text = text_of(write_xml, log)
    assert sum('vmaf="' in line for line in text.splitlines()) == 1
    assert text.isascii()
    assert parse_log(text).extra == log.extra


@pytest.mark.parametrize("write", [write_csv, write_xml])
@pytest.mark.parametrize("name", ["a,b", 'a"b', "3d", "name", "frameNum", "Frame", "", "é"])
def test_a_name_that_would_break_the_layout_is_refused(write, name):
    with pytest.raises(UsageError, match="write json instead"):
        text_of(write, make({name: [1.0]}))


names = st.from_regex(r"[a-z][a-z0-9_.]{0,12}", fullmatch=True).filter(lambda n: n != "name")
values = st.floats(-1e9, 1e9)


@st.composite
def logs(draw):
    frames = draw(st.integers(1, 8))
    column = st.lists(values | st.none(), min_size=frames, max_size=frames)
    columns = draw(st.dictionaries(names, column, min_size=1, max_size=5))
    numbers = sorted(draw(st.sets(st.integers(0, 1000), min_size=frames, max_size=frames)))
    text = st.text(max_size=8).filter(lambda t: t.isprintable())
    extra = draw(st.dictionaries(text, st.lists(values | text | st.none(), max_size=3), max_size=3))
    complete = {n: c for n, c in columns.items() if None not in c}
    pooled = {n: pool(c) for n, c in complete.items()}
    fps = draw(st.none() | st.floats(0, 1e4).map(lambda x: round(x, 2)))
    return Log("vqa-harness 1", fps, numbers, columns, pooled, {}, extra)


def close(found, wanted):
    if wanted is None or found is None:
        return found is wanted
    return found == pytest.approx(wanted, abs=5.01e-7, rel=1e-12)


@settings(deadline=None, max_examples=60)
@given(logs())
def test_what_is_written_is_read(log):
    for write in (write_json, write_xml, write_csv):
        found = parse_log(text_of(write, log))
        assert found.frame_numbers == log.frame_numbers
        assert list(found.columns) == list(log.columns)
        for name, column in log.columns.items():
            assert all(map(close, found.columns[name], column))
        assert set(found.pooled) == set(log.pooled)
        if write is not write_csv:
            assert (found.version, found.fps, found.extra) == (log.version, log.fps, log.extra)


def test_ten_thousand_frames_take_a_fraction_of_a_second():
    column = [0.1 + i * 1e-3 for i in range(10_000)]
    log = make({f"feature_{i}": column for i in range(20)})
    start = time.process_time()
    assert len(text_of(write_json, log)) > 5_000_000
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize("suffix", [".json", ".csv", ".xml"])
def test_the_ending_chooses_the_format(tmp_path, suffix):
    log = make({"m": [1.0, 2.0]})
    target = tmp_path / f"log{suffix.upper()}"
    write_log(log, target)
    assert target.read_text("utf-8") == text_of(WRITE[suffix], log)
    assert list(tmp_path.iterdir()) == [target]


def test_a_format_by_name_and_a_target_without_ending(tmp_path):
    log = make({"m": [1.0]})
    write_log(log, tmp_path / "a.txt", "csv")
    assert (tmp_path / "a.txt").read_text("utf-8").startswith("Frame,m,\n")
    write_log(log, str(tmp_path / "plain"))
    assert (tmp_path / "plain").read_text("utf-8").startswith("{\n")


def test_a_dash_is_standard_output(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = make({"m": [1.0]})
    write_log(log, "-", "xml")
    assert capsys.readouterr().out == text_of(write_xml, log)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="making a link needs rights on Windows")
def test_an_existing_log_is_replaced_and_a_link_kept(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    link.symlink_to(real)
    write_log(make({"m": [1.0]}), link)
    assert link.is_symlink()
    assert read_log(real).columns == {"m": [1.0]}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no device files")
def test_a_device_is_written_to_and_not_replaced():
    write_log(make({"m": [1.0]}), Path(os.devnull), "json")
    assert not Path(os.devnull).is_file()


def test_a_failed_write_leaves_the_old_log_and_nothing_else(tmp_path):
    target = tmp_path / "log.csv"
    target.write_text("old")
    with pytest.raises(UsageError, match="write json instead"):
        write_log(make({"a,b": [1.0]}), target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_target_that_cannot_be_written_is_one_line(tmp_path):
    log = make({"m": [1.0]})
    for target in (tmp_path / "missing" / "a.json", tmp_path):
        with pytest.raises(UsageError, match=r"cannot write .*: \w") as caught:
            write_log(log, target, "json")
        assert "\n" not in str(caught.value)


def test_an_unknown_format_or_ending_names_the_known_ones():
    with pytest.raises(UsageError, match="choose one of json, csv, xml"):
        choose("yaml", None)
    with pytest.raises(UsageError, match=r"a\.txt: \.txt is not a log format"):
        choose(None, Path("a.txt"))
    assert [suffix_of(None, None), suffix_of("xml", None), suffix_of(None, Path("-"))] == [
        ".json",
        ".xml",
        ".json",
    ]


def test_a_writer_that_cannot_be_loaded_is_one_line():
    for factory in ("vqa_harness.no_such:f", "vqa_harness.logs.log:no_such", ""):
        with pytest.raises(UsageError, match="log format 'mine': cannot load it"):
            WriterSpec("mine", (".x",), factory).load()


def test_writers_of_plugins_are_used(tmp_path):
    mine = WriterSpec("lines", (".lines",), "json:dump")
    assert choose(None, Path("a.lines"), (*BUILTIN, mine)) is mine


def test_the_formats_are_registered_through_the_hook():
    assert vqa_register_writers() == BUILTIN
    assert getattr(vqa_register_writers, f"{NAME}_impl") is not None
    assert all(callable(writer.load()) for writer in BUILTIN)
