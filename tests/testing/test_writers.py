"""The page on log formats, run as it stands there, and the check that packages run."""

import importlib
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.paths import docs_page
from vqa_harness import Result, WriterSpec, read_log, write_log
from vqa_harness.errors import MetricError, UsageError
from vqa_harness.logs.write import BUILTIN
from vqa_harness.testing import check_contract, check_writer, sample_log

PAGE = docs_page("writing-a-writer.md")
MODULE, TEST = re.findall(r"```python\n(.*?)```", PAGE, re.S)
(PROJECT,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The package of the page as an installer would leave it, or another module in its place."""

    def install(module=MODULE):
        folder = tmp_path / "site-packages"
        folder.mkdir()
        (folder / "vqa_log_jsonl.py").write_text(module, "utf-8")
        project = tomllib.loads(PROJECT)["project"]
        facts = folder / f"vqa_log_jsonl-{project['version']}.dist-info"
        facts.mkdir()
        about = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        (facts / "METADATA").write_text(about)
        points = project["entry-points"]["vqa_harness"]
        lines = ["[vqa_harness]", *(f"{name} = {value}" for name, value in points.items())]
        (facts / "entry_points.txt").write_text("\n".join(lines))
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, "vqa_log_jsonl", raising=False)
        importlib.invalidate_caches()

    monkeypatch.chdir(tmp_path)
    yield install
    sys.modules.pop("vqa_log_jsonl", None)


def test_the_package_of_the_page_writes_logs(installed, video, cli):
    installed()
    code, out, _ = cli("plugins")
    assert code == 0
    assert "jsonl\tvqa-log-jsonl 0.1.0\t-\tjsonl\n" in out
    run = ("run", "-q", "-m", "siti", video)
    assert cli(*run, "-o", "scores.jsonl")[0] == 0
    lines = [json.loads(line) for line in Path("scores.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(12))
    assert all(isinstance(line["siti_si"], float) for line in lines)
    code, out, _ = cli(*run, "-o", "-", "--format", "jsonl")
    assert code == 0
    assert out == Path("scores.jsonl").read_text()
    assert cli(*run, "-o", "logs/", "--format", "jsonl")[0] == 0
    assert Path("logs/clip.jsonl").is_file()
    code, _, err = cli(*run, "-o", "scores.txt")
    assert code == 2
    assert "choose one of json, csv, xml, jsonl" in err


def test_the_package_of_the_page_is_found_from_python(installed):
    installed()
    write_log(sample_log(), "a.jsonl")
    write_log(sample_log(), "b.txt", "jsonl")
    assert Path("a.jsonl").read_text() == Path("b.txt").read_text()
    with pytest.raises(UsageError, match="choose one of json, csv, xml, jsonl"):
        write_log(sample_log(), "c.txt")


def test_the_test_of_the_page_passes(installed):
    installed()
    names: dict[str, object] = {}
    exec(compile(TEST, "page", "exec"), names)
    names["test_writes_any_log"]()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (("for number", "raise KeyError('x')\n    for number"), "KeyError: 'x'"),
        (("for number", "file.close()\n    for number"), "ValueError: I/O operation on closed"),
        (('+ "\\n"', '+ "\\udcff"'), "UnicodeEncodeError: 'utf-8' codec can't encode"),
    ],
)
def test_a_format_that_fails_is_one_line_and_leaves_no_file(installed, video, cli, change, error):
    assert change[0] in MODULE
    installed(MODULE.replace(*change))
    code, _, err = cli("run", "-q", "-m", "siti", video, "-o", "scores.jsonl")
    last = err.splitlines()[-1]
    assert code == MetricError.exit_code
    assert last.startswith(f"vqa-harness: error: log format 'jsonl' failed: {error}")
    assert not Path("scores.jsonl").exists()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (('"jsonl", (', '"json", ('), "'json' of plugin 'jsonl' is left out: plugin 'writers' has"),
        (('"jsonl", (', '"JSON-L", ('), "left out: its name is not lower-case letters"),
        (('(".jsonl",)', "()"), "is left out: it has no file ending"),
        (('(".jsonl",)', '("jsonl",)'), "is left out: 'jsonl' is not a file ending such as .json"),
        (
            ("[WriterSpec(", "[3, WriterSpec("),
            "format of plugin 'jsonl' is left out: 3 is no WriterSpec",
        ),
    ],
)
def test_a_malformed_format_is_a_warning_and_the_rest_works(installed, video, cli, change, fault):
    assert change[0] in MODULE
    installed(MODULE.replace(*change))
    code, _, err = cli("run", "-q", "-m", "siti", video, "-o", "scores.json")
    assert code == 0
    assert fault in err
    assert read_log(Path("scores.json")).columns["siti_si"]


def test_the_sample_is_a_log_that_keeps_every_rule():
    assert check_contract(sample_log()) == []


@pytest.mark.parametrize("writer", BUILTIN, ids=lambda writer: writer.name)
def test_our_own_formats_pass(writer):
    check_writer(writer)


WRITERS = {
    "nothing": (lambda log, file: None, "it writes nothing for a plain log"),
    "closes": (lambda log, file: file.close(), "it closes the file"),
    "changes": (lambda log, file: file.write(str(log.columns.popitem())), "it changes the log"),
    "raises": (
        lambda log, file: file.write(f"{log.size[0]} {log.frames()}"),
        "a log without frames: TypeError",
    ),
    "twice": (lambda log, file: file.write(str(id(file))), "the same log gives a different text"),
    "raw": (lambda log, file: file.write(f"-{_name(log)}"), "'\\udcff' cannot be written"),
}


def _name(log):
    return log.extra.get("inputs", {}).get("distorted", {}).get("name")


@pytest.mark.parametrize("name", WRITERS)
def test_the_check_finds_what_is_wrong(name, monkeypatch):
    write, fault = WRITERS[name]
    kept = []  # so that no two files have one address

    def keep(log, file):
        kept.append(file)
        write(log, file)

    spec = WriterSpec(name, (".x",), "nowhere:f")
    monkeypatch.setattr(WriterSpec, "load", lambda self: keep)
    with pytest.raises(AssertionError, match=f"log format '{name}': .*") as caught:
        check_writer(spec)
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        (WriterSpec("Mine", (".x",), "json:dump"), "its name is not lower-case"),
        (WriterSpec("mine", (), "json:dump"), "it has no file ending"),
        (WriterSpec("xml", (".x",), "json:dump"), "its name is that of a format of vqa-harness"),
    ],
)
def test_the_check_finds_what_is_wrong_with_a_spec(spec, fault):
    with pytest.raises(AssertionError) as caught:
        check_writer(spec)
    assert fault in str(caught.value)


def test_a_result_is_saved_in_the_format_of_a_plugin(installed):
    from vqa_harness.api import inputs

    installed()
    inputs.installed.cache_clear()
    try:
        Result(sample_log()).save("r.jsonl")
    finally:
        inputs.installed.cache_clear()
    assert len(Path("r.jsonl").read_text().splitlines()) == 3
