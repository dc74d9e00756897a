"""Results in a store of objects: those of a folder, each complete or not there."""

import json

import pytest

from tests.batch.helpers import TIMES, payloads, run_here, settings_of
from vqa_harness.batch import bucket, run
from vqa_harness.batch.case import Case
from vqa_harness.batch.collect import collect
from vqa_harness.batch.row import Row
from vqa_harness.batch.store import Store
from vqa_harness.errors import InputError

fsspec = pytest.importorskip("fsspec")

OUT = "memory://results/out"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(run, "_PAUSES", (0.0,))
    monkeypatch.setattr(bucket, "PAUSES", (0.0, 0.0))


@pytest.fixture
def store():
    """The store of objects, in this process's memory."""
    found = fsspec.filesystem("memory")
    yield found
    if found.exists("/results"):
        found.rm("/results", recursive=True)


@pytest.fixture
def puts(store, monkeypatch):
    """The names of what is put, in order; what ``puts.fail`` gives for a name is raised once."""

    class Puts(list):
        def fail(self, name):
            """By default nothing fails."""

    seen, real = Puts(), type(store).pipe_file

    def pipe_file(self, path, value, **options):
        name = path.removeprefix("/results/out/")
        if error := seen.fail(name):
            raise error
        seen.append(name)
        real(self, path, value, **options)

    monkeypatch.setattr(type(store), "pipe_file", pipe_file)
    return seen


def content_of(objects):
    """Of each object what does not depend on when and where it was made."""
    found = {}
    for name, content in objects.items():
        document = json.loads(content)
        if name.startswith("rows/"):
            document = {n: x for n, x in document.items() if n not in TIMES}
        if name.startswith("logs/"):
            document = document["frames"], document["pooled_metrics"]
        found[name] = document
    return found


def objects_of(store):
    names = [name for name in store.find("/results/out") if not name.endswith("progress.json")]
    return {name.removeprefix("/results/out/"): store.cat_file(name) for name in names}


def test_a_store_gets_the_objects_that_a_folder_gets(corpus, tmp_path, store):
    manifest = corpus("a.mp4", "b.mp4", "c.mp4", crf=["1", "2", "3"])
    run_here(manifest, settings_of(OUT), None)
    local = tmp_path / "out"
    run_here(manifest, settings_of(local), None)
    files = {
        path.relative_to(local).as_posix(): path.read_bytes()
        for kind in ("rows", "logs")
        for path in (local / kind).rglob("*.json")
    }
    assert len(files) == 6
    assert content_of(objects_of(store)) == content_of(files)
    assert payloads(OUT) == payloads(local)
    assert json.loads(store.cat_file("/results/out/progress.json"))["state"] == "finished"


def test_the_log_is_put_before_the_row(corpus, puts):
    run_here(corpus("a.mp4"), settings_of(OUT), None)
    assert [name.split("/")[0] for name in puts if "progress" not in name] == ["logs", "rows"]


def test_what_is_there_is_taken_with_few_requests(corpus, store, monkeypatch):
    names = [f"c{n}.mp4" for n in range(6)]
    run_here(corpus(*names), settings_of(OUT), None)
    asked = []

    def counted(name):
        real = getattr(type(store), name)

        def ask(self, path, *arguments, **options):
            asked.append((name, path.removeprefix("/results/out/").split("/")[0]))
            return real(self, path, *arguments, **options)

        monkeypatch.setattr(type(store), name, ask)

    for name in ("_open", "ls", "info"):
        counted(name)
    engine, tally = run_here(corpus(*names), settings_of(OUT), None)
    assert (engine.seen, tally.kept) == ([], 6)
    assert asked.count(("_open", "rows")) == 6
    assert asked.count(("ls", "rows")) <= 6  # once a folder of rows, not once a row
    assert ("info", "logs") not in asked
    assert ("_open", "logs") not in asked


def test_of_new_cases_no_row_is_asked_for(store, tmp_path):
    asked = []
    found = Store(OUT, many=True)
    found.place.read = lambda name, *_: asked.append(name)
    cases = [Case(f"{n:02x}" * 32, "a.mp4", "", tmp_path, None) for n in range(40)]
    assert list(found.with_rows(cases)) == [(case, None) for case in cases]
    assert asked == []


def test_a_log_that_is_gone_is_made_again(corpus, store):
    run_here(corpus("a.mp4", "b.mp4"), settings_of(OUT), None)
    gone = store.find("/results/out/logs")[0]
    store.rm(gone)
    engine, tally = run_here(corpus("a.mp4", "b.mp4"), settings_of(OUT), None)
    assert (len(engine.seen), tally.kept, tally.done) == (1, 1, 1)
    assert store.exists(gone)


@pytest.mark.parametrize("kind", ["rows", "logs"])
def test_a_put_that_is_refused_leaves_no_row_and_ends_the_batch(corpus, store, puts, kind):
    puts.fail = lambda name: PermissionError("403") if name.startswith(kind) else None
    with pytest.raises(InputError, match=rf"{OUT}/{kind}/.*\.json: cannot be written \(403\)$"):
        run_here(corpus("a.mp4", "b.mp4"), settings_of(OUT), None)
    assert list(Store(OUT).rows()) == []
    puts.fail = lambda _: None
    _, tally = run_here(corpus("a.mp4", "b.mp4"), settings_of(OUT), None)
    assert (tally.done, tally.failed) == (2, 0)


def test_a_row_that_may_not_be_read_ends_the_batch(corpus, store, monkeypatch):
    real = type(store)._open

    def refuse(self, path, mode="rb", *arguments, **options):
        if mode == "rb":
            raise PermissionError("403")
        return real(self, path, mode, *arguments, **options)

    monkeypatch.setattr(type(store), "_open", refuse)
    with pytest.raises(InputError, match=r"/rows/../.*\.json: cannot be read \(403\)$"):
        run_here(corpus("a.mp4"), settings_of(OUT), None)


def test_a_put_that_breaks_is_made_again(corpus, store, puts):
    errors = [ConnectionError("reset by peer"), TimeoutError("no answer")]
    puts.fail = lambda name: errors.pop() if errors and name.startswith("logs") else None
    engine, tally = run_here(corpus("a.mp4"), settings_of(OUT), None)
    assert (errors, tally.done) == ([], 1)
    assert [attempt for _, attempt in engine.seen] == [1]  # it is not scored again for that


def test_a_file_that_is_half_written_does_not_appear(corpus, tmp_path, monkeypatch):
    from fsspec.implementations.local import LocalFileSystem

    real = LocalFileSystem.pipe_file

    def killed(self, path, value, **_):
        real(self, path, value[: len(value) // 2])
        if "/rows/" in path:
            raise KeyboardInterrupt
        real(self, path, value)

    monkeypatch.setattr(LocalFileSystem, "pipe_file", killed)
    out = f"file://{tmp_path}/out"
    with pytest.raises(KeyboardInterrupt):
        run_here(corpus("a.mp4"), settings_of(out), None)
    assert list(Store(out).rows()) == []
    assert [path for path in (tmp_path / "out" / "rows").rglob("*") if path.is_file()] == []
    assert len(list((tmp_path / "out" / "logs").rglob("*.json"))) == 1


def test_a_store_that_cannot_be_listed_is_told(corpus, store, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError("Access Denied")

    monkeypatch.setattr(type(store), "ls", refuse)
    with pytest.raises(InputError, match=r"/rows/..: cannot be listed \(Access Denied\)$"):
        run_here(corpus("a.mp4"), settings_of(OUT), None)


def test_progress_that_cannot_be_put_stops_nothing(corpus, store, puts):
    puts.fail = lambda name: ConnectionError("reset") if "progress" in name else None
    with pytest.raises(InputError, match=r"progress\.json: cannot be written"):  # at the end
        run_here(corpus("a.mp4"), settings_of(OUT), None)
    assert [row.status for row in Store(OUT).rows()] == ["done"]


def test_objects_that_are_no_rows_or_too_large_are_told(store):
    store.pipe("/results/out/rows/ab/abc.json", b"{")
    assert Store(OUT).row("abc") is None
    with pytest.raises(InputError, match=r"memory://results/out/rows/ab/abc\.json: is no row"):
        list(Store(OUT).rows())
    with pytest.raises(InputError, match=r"abc\.json: is larger than 0 bytes, the limit for a row"):
        Store(OUT).place.read("rows/ab/abc.json", 0, "a row")


def record(settings):
    features = {"si": {"metric": "siti", "unit": "", "higher_is_better": None, "help": ""}}
    return {"vqa_harness": "1", "metrics": ["siti"], "features": features, "facts": {}}


def test_tables_are_those_of_a_folder_and_replace_older_parts(corpus, tmp_path, store):
    parquet = pytest.importorskip("pyarrow.parquet")
    manifest = corpus("a.mp4", "b.mp4", "c.mp4", crf=["1", "2", "3"])
    for out in (OUT, tmp_path / "out"):
        settings = settings_of(out)
        Store(out).prepare(settings.digest, record(settings))
        run_here(manifest, settings, None)
        made = collect(out, part_rows=1)
        assert (made.cases, made.frames) == (3, 3 + 4 + 5)
    assert len(store.ls("/results/out/cases", False)) == 3
    assert collect(OUT).cases == 3
    assert store.ls("/results/out/cases", False) == ["/results/out/cases/part-00000.parquet"]
    collect(tmp_path / "out")
    for kind in ("cases", "frames"):
        with store.open(f"/results/out/{kind}/part-00000.parquet") as file:
            there = parquet.read_table(file)
        here = parquet.read_table(tmp_path / "out" / kind / "part-00000.parquet")
        keep = [name for name in here.column_names if name not in TIMES]
        assert there.select(keep).equals(here.select(keep))


def test_tables_of_what_is_no_batch_are_refused(store):
    with pytest.raises(InputError, match=f"{OUT} is no folder of a batch"):
        collect(OUT)


@pytest.mark.parametrize(
    ("out", "allow", "said"),
    [
        ("s3://b/out", [], "s3://b/out: is an address; allow it with --allow-remote"),
        ("https://x.example/out", ["--allow-remote"], "results are put to s3, gs"),
        ("ssh://x.example/out", ["--allow-remote"], "results are put to s3, gs"),
        ("simplecache::s3://b/out", ["--allow-remote"], "results are put to s3, gs"),
        (OUT, ["--allow-remote"], "is gone when the command ends"),
    ],
)
def test_what_cannot_be_put_to_is_refused(corpus, cli, out, allow, said):
    code, _, err = cli("batch", corpus("a.mp4"), "-m", "siti", "-o", out, *allow)
    assert code == 2
    assert said in err
    code, _, err = cli("batch", "--collect", out, *allow)
    assert code == 2
    assert said in err


def test_processes_put_for_themselves(corpus, tmp_path, cli):
    """The same through the command, with the file system that all processes share."""
    manifest, out = corpus("a.mp4", "gone.mp4", "b.mp4"), f"file://{tmp_path}/out"
    (tmp_path / "gone.mp4").unlink()
    options = ("--engine", "pool", "--jobs", "1", "-q", "--allow-remote", "--json", "-")
    code, told, err = cli("batch", manifest, "-m", "siti", "-o", out, *options)
    counts = json.loads(told)
    assert (code, counts["done"], counts["failed"]) == (7, 2, 1)
    assert f"3 cases and 8 frames in {out}/cases and frames/" in err
    rows = [Row.of_text(path.read_bytes()) for path in (tmp_path / "out" / "rows").rglob("*.json")]
    assert sorted(row.status for row in rows) == ["done", "done", "failed"]
    code, told, _ = cli("batch", manifest, "-m", "siti", "-o", out, *options)
    counts = json.loads(told)
    assert (code, counts["done"], counts["kept"], counts["failed"]) == (7, 0, 2, 1)
    assert json.loads((tmp_path / "out" / "progress.json").read_text())["state"] == "finished"
    code, _, err = cli("batch", "--collect", out, "--allow-remote")
    assert code == 0
    assert "3 cases" in err
