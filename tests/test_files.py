import os
import sys
from pathlib import Path

import pytest

from vqa_harness.errors import UsageError
from vqa_harness.files import (
    cache_folder,
    make_folder,
    replacing,
    try_file,
    try_folder,
    write_bytes,
    write_text,
)


def test_a_file_is_replaced_when_the_block_ends_well(tmp_path):
    target = tmp_path / "a.bin"
    with replacing(target) as part:
        part.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    with pytest.raises(ZeroDivisionError):
        _fail_halfway(target)
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]
    assert target.read_bytes() == b"new"


def _fail_halfway(target):
    with replacing(target) as part:
        part.write_bytes(b"half")
        raise ZeroDivisionError


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_keeps_pointing_where_it_does(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_bytes(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"x"


def test_names_that_are_no_utf8_are_written_as_escapes(tmp_path):
    write_text(tmp_path / "a.csv", os.fsdecode(b"caf\xc3\xa9 \xff.mp4"))
    assert (tmp_path / "a.csv").read_text("utf-8") == "caf\xe9 \\udcff.mp4"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"^cannot make the folder .*file.logs: \w.*$"):
        make_folder(tmp_path / "file" / "logs")
    with pytest.raises(UsageError, match=r"^cannot make the cache .*; use another$"):
        make_folder(tmp_path / "file" / "x", what="cache", hint="; use another")


@pytest.mark.skipif(sys.platform != "linux", reason="where it has always been on Linux")
def test_the_cache_stays_where_it_was(monkeypatch, tmp_path):
    monkeypatch.delenv("VQA_HARNESS_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "vqa-harness"
    assert not (tmp_path / ".cache").exists()


def test_paths_are_tried_and_left_as_they_are(tmp_path):
    (tmp_path / "old.json").write_text("old")
    try_file(tmp_path / "old.json")
    try_file(tmp_path / "new" / "a.json")
    try_folder(tmp_path / "results")
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert found == ["new", "old.json", "results"]
    assert (tmp_path / "old.json").read_text() == "old"
    for wrong in (try_file, try_folder):
        with pytest.raises(UsageError, match=r"^cannot make the folder .*old.json"):
            wrong(tmp_path / "old.json" / "x" / "y")
    with pytest.raises(UsageError, match=r"new: it is a folder; name a file$"):
        try_file(tmp_path / "new")


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that nobody can write into")
def test_a_folder_that_takes_no_file_is_one_line():
    with pytest.raises(UsageError, match=r"^cannot write /proc/results.json: \w.*$"):
        try_file(Path("/proc/results.json"))
    with pytest.raises(UsageError, match=r"^cannot write /proc: \w.*$"):
        try_folder(Path("/proc"))
