import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.paths import VMAF_LOGS
from vqa_harness.errors import InputError
from vqa_harness.logs.read import parse_log, read_log
from vqa_harness.stats.pooling import pool

FILES = sorted(p for p in VMAF_LOGS.iterdir() if p.suffix != ".md")

VERSION_1 = """{
    "version": "1.5.1", "params": {"model": "", "scaledWidth": 480, "subsample": 1},
    "metrics": ["adm2", "vmaf"],
    "frames": [
        {"frameNum": 0, "metrics": {"adm2": 0.96, "vmaf": 80.5, "psnr": nan}},
        {"frameNum": 1, "metrics": {"adm2": 0.97, "vmaf": 81.5, "psnr": -inf}}
    ],
    "VMAF score": 81.0, "ExecFps": 12.5
}"""


def json_log(**changes):
    frames = [{"frameNum": 0, "metrics": {"m": 1.0}}]
    return json.dumps({"version": "x", "frames": frames} | changes)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_log_of_libvmaf_is_read(path):
    log = read_log(path)
    assert len(log) == {"carphone8bit_30f_psnr_ssim": 30, "sparks10bit_5f_subsample2": 3}.get(
        path.stem, 5
    )
    assert list(log.columns)[-1].startswith("vmaf")
    assert all(len(column) == len(log) for column in log.columns.values())


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_pooled_values_follow_from_the_frames(path):
    log = read_log(path)
    for name, entry in log.pooled.items():
        if None in entry.values():
            assert set(log.columns[name]) == {None}
            continue
        assert entry == pytest.approx(pool(log.columns[name]), abs=3e-6)


def test_the_four_layouts_hold_the_same():
    stem = "sparks10bit_5f_psnr_ssim"
    logs = {s: read_log(VMAF_LOGS / f"{stem}.{s}") for s in ("json", "xml", "csv", "sub")}
    for log in logs.values():
        assert log.columns == logs["json"].columns
        assert log.frame_numbers == [0, 1, 2, 3, 4]
        assert log.pooled["vmaf"] == pytest.approx(logs["json"].pooled["vmaf"], abs=3e-6)
    assert (logs["xml"].version, logs["xml"].size) == ("86da14d", (480, 270))
    assert (logs["json"].fps, logs["csv"].fps) == (pytest.approx(105.04), None)


def test_undefined_values_are_none():
    for suffix in ("json", "csv"):
        log = read_log(VMAF_LOGS / f"sparks10bit_5f_identical_null_inf.{suffix}")
        assert log.columns["psnr_hvs"] == [None] * 5
        assert log.columns["psnr_y"] == [72.0] * 5


def test_aggregate_values_are_kept():
    log = read_log(VMAF_LOGS / "sparks10bit_5f_apsnr_aggregate.json")
    assert log.aggregate == {"apsnr_y": 48.753675, "apsnr_cb": 50.284727, "apsnr_cr": 49.730009}


def test_the_layout_of_version_1():
    log = parse_log(VERSION_1)
    assert log.columns == {"adm2": [0.96, 0.97], "vmaf": [80.5, 81.5], "psnr": [None, None]}
    assert (log.version, log.fps) == ("1.5.1", 12.5)
    assert log.pooled["vmaf"] == pool([80.5, 81.5])
    assert "psnr" not in log.pooled


@pytest.mark.parametrize(
    "entry",
    [
        {"metric": "m", "min": 1, "mean": 2.0},
        {"metric": "m", "pooling_methods": {"min": 1, "mean": 2.0}},
    ],
)
def test_pooled_values_as_an_array(entry):
    assert parse_log(json_log(pooled_metrics=[entry])).pooled == {"m": {"min": 1.0, "mean": 2.0}}


def test_version_1_csv_and_xml():
    csv = "Frame,Width,Height,adm2,vmaf,\n0,480,270, 0.9600, 80.5000,\n1,480,270,0.97,81.5,\n"
    assert parse_log(csv).columns == {"adm2": [0.96, 0.97], "vmaf": [80.5, 81.5]}
    xml = (
        '<?xml version="1.0"?>\n<VMAF version="1.3.9"><params model="m" scaledWidth="480" />'
        '<fyi numOfFrames="1" aggregateVMAF="80.5" execFps="9.5" />'
        '<frames><frame frameNum="0" adm2="-nan" vmaf="80.5" /></frames></VMAF>'
    )
    log = parse_log(xml)
    assert log.columns == {"adm2": [None], "vmaf": [80.5]}
    assert (log.fps, log.size) == (9.5, None)
    assert log.pooled == {"vmaf": pool([80.5])}


def test_a_sparse_first_frame():
    frames = [
        {"frameNum": 0, "metrics": {"b": 1.0}},
        {"frameNum": 1, "metrics": {"a": 2.0, "b": 3.0}},
    ]
    log = parse_log(json_log(frames=frames))
    assert log.columns == {"b": [1.0, 3.0], "a": [None, 2.0]}
    assert list(log.pooled) == ["b"]


def test_the_comma_libvmaf_writes_before_a_first_frame_that_is_not_0():
    text = '{"version": "x", "frames": [,\n {"frameNum": 5, "metrics": {"m": 1.5}}\n]}'
    assert parse_log(text).frame_numbers == [5]


@pytest.mark.parametrize(
    "bare", ["NaN", "-Infinity", "nan", "-nan(ind)", "inf", "1.#QNAN", "1e999"]
)
def test_numbers_json_has_not_are_undefined(bare):
    text = f'{{"version": "x", "frames": [{{"frameNum": 0, "metrics": {{"m": {bare}}}}}]}}'
    assert parse_log(text).columns == {"m": [None]}


def test_a_byte_order_mark_is_skipped(tmp_path):
    path = tmp_path / "log.json"
    path.write_bytes(b"\xef\xbb\xbf" + json_log().encode())
    assert read_log(path).columns == {"m": [1.0]}


BAD = {
    "": "is empty",
    "hello": "is not a VMAF log",
    "[]": "the top level is not an object",
    "{": "Expecting",
    "{}": "no array 'frames'",
    json_log(frames=[]): "has no frames",
    json_log(frames=[1]): "frame 0 has no frameNum",
    json_log(frames=[{"frameNum": -1, "metrics": {}}]): "frame 0 has no frameNum",
    json_log(frames=[{"frameNum": True, "metrics": {}}]): "frame 0 has no frameNum",
    json_log(frames=[{"frameNum": 0, "metrics": []}]): "frame 0 has no object 'metrics'",
    json_log(frames=[{"frameNum": 0, "metrics": {"m": "9"}}]): "'m' has a value that is not",
    json_log(frames=[{"frameNum": 0, "metrics": {"m": 10**400}}]): "too large",
    json_log(pooled_metrics=[1]): "an entry without the name",
    json_log(pooled_metrics=[{"metric": "m", "pooling_methods": 1}]): "'pooling_methods'",
    json_log(pooled_metrics=3): "'pooled_metrics' is not an object",
    json_log(pooled_metrics={"m": 3}): "'pooled_metrics.m' is not an object",
    json_log(aggregate_metrics=[]): "'aggregate_metrics' is not an object",
    json_log(vqa_harness=1): "'vqa_harness' is not an object",
    json_log(vqa_harness={"x": 1}).replace("1}}", "1e999}}"): "not JSON compliant",
    json_log(executorId="VMAF_V0.6.1"): "result of the Python package of VMAF",
    '{"frames": ' + "[" * 200_000: "nested too deeply",
    "<html></html>": "begins with <html>",
    '<!DOCTYPE VMAF [<!ENTITY a "b">]><VMAF version="&a;"/>': "has a document type",
    '<VMAF version="1">': "no element found",
    '<VMAF><frames><frame frameNum="x"/></frames></VMAF>': "not a whole number from 0",
    '<VMAF><frame frameNum="0" m="one"/></VMAF>': "'one' is not a number",
    '<VMAF><frame frameNum="0"/><vqa_harness>[1]</vqa_harness></VMAF>': "is not an object",
    "Frame,a,b,\n0,1.0,\n": "line 2 has 2 values for 3 columns",
    "Frame,a,a,\n0,1.0,2.0,\n": "two columns have the same name",
    "Frame,a,\n-1,1.0,\n": "not a whole number from 0",
    "Frame,a,\n": "has no frames",
    "{0}{1}frame: 0|a: 1.0|\n{1}{2}oops\n": "line 2 is not as libvmaf writes it",
    "{0}{1}frame: 0|a|\n": "'' is not a number",
}


@pytest.mark.parametrize("text", BAD, ids=lambda t: t[:30])
def test_a_bad_file_is_one_line_that_names_it(tmp_path, text):
    path = tmp_path / "bad.log"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        read_log(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert BAD[text] in message
    assert "\n" not in message
    assert len(message) < 400


def test_what_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(InputError, match="cannot be read: "):
        read_log(tmp_path / "missing.json")
    with pytest.raises(InputError, match="cannot be read: "):
        read_log(tmp_path)
    binary = tmp_path / "a.mp4"
    binary.write_bytes(b"\x00\xff\xfe")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read_log(binary)


def test_a_file_over_the_limit_is_refused(tmp_path):
    path = tmp_path / "log.json"
    path.write_text(json_log(), "utf-8")
    size = path.stat().st_size
    assert len(read_log(path, max_bytes=size)) == 1
    with pytest.raises(InputError, match=f"is larger than {size - 1} bytes"):
        read_log(path, max_bytes=size - 1)


@settings(deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_a_damaged_log_is_read_or_refused_in_one_line(tmp_path_factory, path, data):
    text = path.read_text("utf-8")
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 50)))
    damaged = tmp_path_factory.mktemp("damaged") / path.name
    damaged.write_text(text[:start] + data.draw(st.text(max_size=3)) + text[stop:], "utf-8")
    try:
        frames, message = len(read_log(damaged)), ""
    except InputError as error:
        frames, message = 0, str(error)
    assert frames > 0 or message.startswith(f"{damaged}: ")
    assert "\n" not in message
