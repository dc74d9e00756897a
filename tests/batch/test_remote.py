"""Videos that lie elsewhere: fetched if the user allows it, and removed again."""

import json
import tempfile

import pytest

from tests.batch.helpers import run_here, settings_of
from vqa_harness.batch import remote, run
from vqa_harness.batch.store import Store
from vqa_harness.errors import MissingBackend

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(run, "_PAUSES", (0.0,))


@pytest.fixture
def bucket(clips):
    """A store of objects that is in this process's memory."""
    store = fsspec.filesystem("memory")
    for n in range(2):
        store.pipe(f"/bucket/c{n}.mp4", (clips / f"c{n}.mp4").read_bytes())
    yield store
    store.rm("/bucket", recursive=True)


def manifest_of(tmp_path, *rows):
    path = tmp_path / "cases.csv"
    path.write_text("file,reference\n" + "".join(f"{row}\n" for row in rows))
    return path


def test_objects_are_fetched_scored_and_removed(bucket, clips, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    manifest = manifest_of(
        tmp_path, "memory://bucket/c0.mp4,memory://bucket/c0.mp4", f"memory://bucket/c1.mp4,{clips}/c1.mp4"
    )  # fmt: skip
    settings = settings_of(tmp_path / "out", "psnr", split_longer_than=0.1)
    _, tally = run_here(manifest, settings, None, allow_remote=True)
    assert (tally.done, tally.frames) == (2, 3 + 4)
    assert list((tmp_path / "temporary").iterdir()) == []
    rows = {row.file: row for row in Store(settings.out).rows()}
    row = rows["memory://bucket/c0.mp4"]
    assert row.inputs["distorted"]["size"] == (clips / "c0.mp4").stat().st_size
    assert row.undivided == "scored in one piece: it is fetched from an address by one process"
    log = json.loads(Store(settings.out).log_path(row.log).read_text())
    assert "c0.mp4" in json.dumps(log)
    assert "temporary" not in json.dumps(log)
    local = settings_of(tmp_path / "local", "psnr")
    run_here(manifest_of(tmp_path, f"{clips}/c0.mp4,{clips}/c0.mp4"), local, None)
    assert [one.log for one in Store(local.out).rows()] == [row.log]  # the key is of contents


def test_what_is_there_is_not_fetched_again_unless_it_has_changed(bucket, clips, tmp_path):
    manifest = manifest_of(tmp_path, "memory://bucket/c0.mp4,", "memory://bucket/c1.mp4,")
    settings = settings_of(tmp_path / "out")
    run_here(manifest, settings, None, allow_remote=True)
    engine, tally = run_here(manifest, settings, None, allow_remote=True)
    assert (engine.seen, tally.kept) == ([], 2)
    bucket.pipe("/bucket/c1.mp4", (clips / "c2.mp4").read_bytes())
    engine, tally = run_here(manifest, settings, None, allow_remote=True)
    assert engine.seen == [("memory://bucket/c1.mp4", 1)]
    assert tally.frames == 5


def test_objects_that_are_missing_or_too_large_are_failed_cases(bucket, tmp_path):
    manifest = manifest_of(tmp_path, "memory://bucket/gone.mp4,", "memory://bucket/c0.mp4,")
    settings = settings_of(tmp_path / "out", stage_limit=100)
    _, tally = run_here(manifest, settings, None, allow_remote=True)
    messages = {one["file"]: (one["exit_code"], one["message"]) for one in tally.failures}
    assert messages == {
        "memory://bucket/gone.mp4": (
            3,
            "memory://bucket/gone.mp4: no such object; check the address",
        ),
        "memory://bucket/c0.mp4": (
            3,
            "memory://bucket/c0.mp4: is larger than the 100 bytes of --stage-limit; raise it",
        ),
    }


@pytest.mark.parametrize("address", ["ssh://x/y.mp4", "github://a:b@/x.mp4", "zip+s3://x/y.mp4"])
def test_other_kinds_of_address_are_refused(tmp_path, cli, address):
    manifest = manifest_of(tmp_path, f"{address},")
    code, _, err = cli("batch", manifest, "-m", "siti", "-o", tmp_path / "out", "--allow-remote")
    assert code == 2
    assert f"{address}: is no address of s3, gs" in err


def test_chains_of_addresses_are_not_opened():
    assert not remote.opens("simplecache::s3://x/y.mp4")
    assert not remote.opens("https::file://x")
    assert remote.opens("https://x/y.mp4")


def test_a_store_that_fails_for_a_while_is_asked_again(bucket, tmp_path, monkeypatch):
    real, calls = type(bucket)._open, []

    def flaky(self, *arguments, **options):
        calls.append(arguments)
        if len(calls) == 1:
            raise ConnectionError("reset by peer")
        return real(self, *arguments, **options)

    monkeypatch.setattr(type(bucket), "_open", flaky)
    settings = settings_of(tmp_path / "out")
    manifest = manifest_of(tmp_path, "memory://bucket/c0.mp4,")
    engine, tally = run_here(manifest, settings, None, allow_remote=True)
    assert [attempt for _, attempt in engine.seen] == [1, 2]
    assert (tally.done, tally.retried) == (1, 1)


def test_what_a_store_refuses_is_a_failed_case(bucket, tmp_path, monkeypatch):
    class Forbidden(Exception):
        """As some stores have their own."""

    def refuse(*_, **__):
        raise Forbidden("403")

    monkeypatch.setattr(type(bucket), "_open", refuse)
    settings = settings_of(tmp_path / "out")
    manifest = manifest_of(tmp_path, "memory://bucket/c0.mp4,")
    _, tally = run_here(manifest, settings, None, allow_remote=True)
    (one,) = tally.failures
    assert (one["exit_code"], one["message"]) == (
        3,
        "memory://bucket/c0.mp4: cannot be fetched (403)",
    )


def test_addresses_of_videos_need_the_flag(tmp_path, cli):
    manifest = manifest_of(tmp_path, "https://example.com/a.mp4,")
    code, _, err = cli("batch", manifest, "-m", "siti", "-o", tmp_path / "out")
    assert code == 2
    assert "allow it with --allow-remote" in err


def test_processes_fetch_for_themselves(clips, tmp_path, cli):
    """The same through the command, with the file system that all processes share."""
    manifest = manifest_of(tmp_path, f"file://{clips}/c0.mp4,", f"file://{clips}/gone.mp4,")
    options = ("--engine", "pool", "--jobs", "1", "-q", "--allow-remote", "--json", "-")
    code, out, _ = cli("batch", manifest, "-m", "siti", "-o", tmp_path / "out", *options)
    told = json.loads(out)
    assert (code, told["done"], told["failed"]) == (7, 1, 1)
    assert "no such object" in told["failures"][0]["message"]


def test_a_kind_whose_package_is_missing_is_told(monkeypatch):
    def missing(_):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(MissingBackend, match="Install s3fs"):
        remote.object_facts("s3://b/x.mp4")
