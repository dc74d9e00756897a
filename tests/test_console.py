import ast
import io
import json
import re
import sys

import pytest

from tests.paths import ROOT
from vqa_harness.console import (
    clean,
    command_line,
    fail,
    files_bar,
    markdown,
    markdown_table,
    note,
    print_table,
    progress_bar,
    put_commands,
    put_document,
    show,
    stage_bar,
    warn,
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("/a/b c/mos.csv", "mos.csv"),
        ("-r", "-r"),
        ("logs/", "logs"),
        ("C:\\clips\\a.mp4", "a.mp4"),
        (
            "clipvqa:checkpoint=/a/b.safetensors,window=2",
            "clipvqa:checkpoint=b.safetensors,window=2",
        ),
        ("vmaf:model=/a/x.json+vmaf_v0.6.1+b/y.json", "vmaf:model=x.json+vmaf_v0.6.1+y.json"),
        ("psnr,vmaf:model=/a/x.json,ssim", "psnr,vmaf:model=x.json,ssim"),
        ("--reference=/a/b.mp4", "--reference=b.mp4"),
        ("--metric=vmaf:model=/a/x.json", "--metric=vmaf:model=x.json"),
        ("open_clip:ViT-B-16/openai", "open_clip:ViT-B-16/openai"),
        ("open_clip:ViT-B-16//b/w.safetensors", "open_clip:ViT-B-16/w.safetensors"),
        ("vmaf.mean >= 93", "'vmaf.mean >= 93'"),
    ],
)
def test_the_command_line_is_told_without_folders(monkeypatch, typed, shown):
    assert command_line(["run", typed]) == f"vqa-harness run {shown}"
    monkeypatch.setattr(sys, "argv", ["/bin/vqa-harness", "run", typed])
    assert command_line() == f"vqa-harness run {shown}"


def test_text_is_no_markup_in_markdown():
    assert markdown("a|b\n<img> [x](y) @you \x1b") == (
        "a\\|b &lt;img&gt; \\[x\\](y) &#64;you \N{REPLACEMENT CHARACTER}"
    )
    assert markdown_table(["a", "b|c"], [["1", "<"]]) == [
        "| a | b\\|c |",
        "| --- | --- |",
        "| 1 | &lt; |",
    ]


def test_bars_are_shown_on_a_terminal_alone(monkeypatch):
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stderr", plain)
    _show_bars()
    assert plain.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", Terminal())
    _show_bars(quiet=True)
    assert "clip" not in sys.stderr.getvalue()
    monkeypatch.setattr(sys, "stderr", Terminal())
    _show_bars()
    shown = sys.stderr.getvalue()
    for text in ("clip[1].mp4", "8/16 frames", "fps", "2/2", "files", "[b]training", "loss [0]"):
        assert text in shown


def _show_bars(quiet=False):
    with progress_bar("clip[1].mp4", quiet=quiet) as advance:
        if advance is not None:
            advance(8, 16)
    with files_bar("set", 2, quiet=quiet) as done:
        done()
        done()
    if not quiet:
        with stage_bar() as stage:
            stage("[b]training", 1, 2, "loss [0]")


OBEYED = re.compile(r"[^\n\t -~\N{REPLACEMENT CHARACTER}]|^\s*::|##\w*\[", re.MULTILINE)
"""What may not stand in output that shows text from outside, where that text is ASCII."""
HOSTILE = (
    "::stop-commands::token",
    " \t::error::x",
    "a##[error]b",
    "###[group]x",
    "##vso[task.setvariable variable=x]y",
    "##teamcity[publishArtifacts 'x']",
    "\x1b[0Ksection_start:1:x[collapsed=true]\r\x1b[0Kx",
    "\x1b]0;title\x07red\x9b31m",
    "gpj.\u202emp4\u2066x\u2069",
    "line\n::error::two\u2028three\x85four\rfive",
    "raw bytes \udcff\udc1b",
    "\ufeff\u200b::error::x\U000e0001",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_shown_is_obeyed(capsys, monkeypatch, text):
    assert not OBEYED.search(clean(text))
    warn(text)
    note(text)
    fail(text)
    show(text, f"\t{text}")
    print_table([text, "b"], [["", text], [text, "1"], ["#", f"#{text}"]], title=text)
    put_document(f"{text}\n{text}")
    put_commands([f"::error title=x::{'#'}#[x]"])
    written = capsys.readouterr()
    shown = written.out.replace("::error title=x::\N{REPLACEMENT CHARACTER}#[x]\n", "")
    assert shown != written.out
    assert not OBEYED.search(shown + written.err.replace("\r", "\n"))
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(sys, "stderr", Terminal())
    print_table([text, "b"], [[text, "1"]], title=text)
    with progress_bar(text), files_bar(text, 1), stage_bar() as stage:
        stage(text, 1, 2, text)
    for drawn in (sys.stdout.getvalue(), sys.stderr.getvalue()):
        assert not OBEYED.search(
            re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[\u2500-\u257f\r\u2026]", ".", drawn)
        )


@pytest.mark.parametrize("text", ["clip.mp4", "smørrebrød 動画.mp4", "#1 [a]: b :: c", "a::b", ""])
def test_harmless_text_is_shown_as_it_is(text):
    assert clean(text) == text


@pytest.mark.parametrize("text", [*HOSTILE, "\\##[x]\\", "\x7f"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_is_guarded_without_a_change_of_what_it_means(capsys, text, ascii_only):
    document = {text: [text, {"x": text * 2}], "##[": "::"}
    put_document(json.dumps(document, indent="\t", ensure_ascii=ascii_only) + "\n", json=True)
    out = capsys.readouterr().out
    assert json.loads(out) == document
    assert not OBEYED.search(out)


def test_a_document_keeps_what_is_harmless(capsys):
    text = "Frame,vmaf ü\r\n0,1\r\n\ta::b\n# x\n"
    put_document(text)
    assert capsys.readouterr().out == text


def test_one_file_writes_to_the_terminal():
    """Everything from outside is cleaned in console.py, so nothing else may write.

    interruption.py writes its one line by itself: it must not wait for anything.
    """
    writers = [ROOT / "harness/vqa_harness" / name for name in ("console.py", "interruption.py")]
    found = []
    for package in ("harness/vqa_harness", "metrics/vqa_metrics", "vqa_plugin_clip"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path not in writers:
                name = path.relative_to(ROOT)
                found += [f"{name}:{line}" for line in _writes(ast.parse(path.read_text("utf-8")))]
    assert not found


def test_writing_is_found():
    lines = (
        *("import sys; sys.stdout.write('x')", "from sys import stderr", "print('x')"),
        *("typer.echo('x')", "click.secho('x')", "write(sys.stdout)", "sys.__stderr__.write('x')"),
        *("from rich.console import Console", "import rich.console", "os.write(2, b'x')"),
        *("from typer import echo", "out = sys.stdout.buffer", "traceback.print_exc()"),
    )
    for line in lines:
        assert list(_writes(ast.parse(line))), line
    assert not list(_writes(ast.parse("sys.stdout.isatty(); sys.stderr.flush(); bar.print_x()")))


_STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
_ASKS = {"isatty", "flush", "fileno", "reconfigure", "stdout, 'reconfigure')"}
_WRITERS = {"echo", "secho", "print_exc", "print_exception", "print_tb"}


def _writes(tree):
    """Lines of a module that write to a standard stream, or hand one on."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    return [n.lineno for n in ast.walk(tree) if _imports(n) or _names(n, parents.get(n))]


def _names(node, above):
    match node:
        case ast.Attribute(value=ast.Name(id="sys"), attr=attr) if attr in _STREAMS:
            return ast.unparse(above).rpartition(".")[2] not in _ASKS
        case ast.Call(func=ast.Name(id="print")):
            return True
        case ast.Attribute(value=ast.Name(id="os"), attr="write"):
            return True
        case ast.Attribute(attr=attr):
            return attr in _WRITERS
    return False


def _imports(node):
    match node:
        case ast.ImportFrom(module="sys" | "typer" | "click" | "rich" | "rich.console"):
            return bool({n.name for n in node.names} & (_STREAMS | _WRITERS | {"print", "Console"}))
        case ast.Import():
            return any(name.name == "rich.console" for name in node.names)
    return False
