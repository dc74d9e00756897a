"""Tables of a batch: every row and frame, with types, units and versions."""

import json
import tracemalloc

import pytest

from tests.batch.helpers import payloads, run_here, settings_of
from vqa_harness.batch import collect as module
from vqa_harness.batch import parts
from vqa_harness.batch.collect import Spool, case_columns, collect, kind_of
from vqa_harness.batch.row import Row
from vqa_harness.batch.score import score_case
from vqa_harness.batch.store import Store
from vqa_harness.errors import InputError
from vqa_harness.registry import Registry

ABOUT = {"features": {"psnr_y": {"unit": "dB"}}, "vqa_harness": "1"}


@pytest.fixture
def scored(corpus, tmp_path):
    """A batch of four cases, of which one failed."""
    manifest = corpus("a.mp4", "b.mp4", "c.mp4", "gone.mp4", crf=[18, 23, "", 28], name=[*"1abc"])
    (tmp_path / "gone.mp4").unlink()
    settings, registry = settings_of(tmp_path / "out"), Registry.installed()
    record = {"vqa_harness": "1.2", "metrics": ["siti"], "features": {"siti_si": {"unit": "u"}}}
    Store(settings.out).prepare(settings.digest, record)
    run_here(manifest, settings, lambda case: score_case(case, registry, settings))
    return settings.out


def test_parquet_has_every_case_and_every_frame(scored):
    pandas = pytest.importorskip("pandas")
    parquet = pytest.importorskip("pyarrow.parquet")
    made = collect(scored)
    assert (made.cases, made.frames, made.others) == (4, 3 + 4 + 5, 0)
    cases = pandas.read_parquet(scored / "cases").set_index("file")
    assert list(cases.loc["a.mp4", ["status", "crf", "name", "frames"]]) == ["done", 18, "1", 3]
    assert cases["crf"].isna().sum() == 1
    assert cases["status"].to_dict()["gone.mp4"] == "failed"
    frames = pandas.read_parquet(scored / "frames")
    joined = frames.merge(cases, left_on="case", right_on="key")
    means = joined.groupby("key")["siti_si"].mean()
    rows = {facts["key"]: facts for facts, _ in payloads(scored).values() if facts["log"]}
    for key, facts in rows.items():
        assert means[key] == pytest.approx(facts["pooled"]["siti_si"]["mean"], abs=1e-9)
    assert frames["siti_ti"].isna().sum() == 3  # the first frame of each has none
    schema = parquet.read_schema(next((scored / "frames").iterdir()))
    about = json.loads(schema.metadata[b"vqa_harness"])
    assert (about["scored_with"], about["metrics"]) == ("1.2", ["siti"])
    assert schema.field("siti_si").metadata == {b"unit": b"u"}
    assert schema.field("time").metadata == {b"unit": b"s"}


def test_json_lines_where_there_is_no_pyarrow(scored, monkeypatch):
    monkeypatch.setattr(parts, "find_spec", lambda _: None)
    made = collect(scored, part_rows=5)
    assert (made.cases, made.frames) == (4, 12)
    lines = [
        json.loads(line)
        for path in sorted((scored / "frames").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    assert len(lines) == 12
    assert list(lines[0]) == ["case", "frame", "time", "siti_si", "siti_ti"]
    schema = json.loads((scored / "frames" / "schema.json").read_text())
    assert schema["columns"]["time"] == {"kind": "float", "unit": "s"}


def test_tables_take_the_place_of_those_before(scored):
    collect(scored)
    next((scored / "rows").rglob("*.json")).unlink()
    assert collect(scored).cases == 3
    assert [p.name for p in scored.iterdir() if p.name.startswith(".")] == []
    store = Store(scored)
    store.log_path(next(row.log for row in store.rows() if row.log)).unlink()
    before = sorted((scored / "frames").iterdir())
    with pytest.raises(InputError, match="cannot be read; call batch again"):
        collect(scored)
    assert sorted((scored / "frames").iterdir()) == before


def test_rows_of_other_settings_are_left_out_and_counted(scored):
    store = Store(scored)
    row = next(store.rows())
    row.key, row.settings = "f" * 64, "0" * 16
    store.put_row(row)
    made = collect(scored)
    assert (made.cases, made.others) == (4, 1)


def test_what_is_no_batch_is_told(cli, tmp_path):
    code, _, err = cli("batch", "--collect", tmp_path)
    assert code == 3
    assert "is no folder of a batch" in err


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "22", ""], "int"),
        (["1", "2.5"], "float"),
        (["007", "8"], "str"),
        (["1,5"], "str"),
        (["-0.5e-3", 2], "float"),
        ([True, None], "bool"),
        ([True, 1], "str"),
        (["x", 1], "str"),
        ([None, ""], "str"),
        ([10**30], "str"),
    ],
)
def test_kinds_of_columns(tmp_path, values, kind):
    spool = Spool(tmp_path / "spool")
    with spool.path.open("w") as file:
        for n, value in enumerate(values):
            spool.add(Row(str(n), "s", "f", "", "done", {"x": value}), file)
    (column,) = [c for c in case_columns(spool, ABOUT) if c.source]
    assert (column.name, column.kind) == ("x", kind)
    assert kind_of(None) is None
    for row in spool.rows():
        module._cell(row, column)


def test_names_of_columns_do_not_collide(tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.columns = {"status": "str", "manifest_status": "int"}
    spool.features = {"psnr_y": {"mean": None}}
    columns = case_columns(spool, ABOUT)
    names = [column.name for column in columns]
    assert len(set(names)) == len(names)
    assert names[-3:] == ["manifest_status", "manifest_manifest_status", "psnr_y.mean"]
    assert columns[-1].unit == "dB"


def test_a_hundred_thousand_rows_take_no_more_memory_than_ten_thousand(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = case_columns(Spool(tmp_path), {"features": {}})[:5]

    def peak(count):
        folder = tmp_path / str(count)
        folder.mkdir()
        tracemalloc.start()
        with parts.parts_of(folder, columns, ABOUT, 20_000) as table:
            for n in range(count):
                table.add_row([f"{n:x}", f"{n}.mp4", "", "done", 0])
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most, folder

    few, _ = peak(20_000)
    many, folder = peak(100_000)
    assert many < 1.3 * few
    files = sorted(folder.iterdir())
    assert len(files) == 5
    assert [parquet.read_metadata(file).num_rows for file in files] == [20_000] * 5
