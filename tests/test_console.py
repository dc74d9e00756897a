import io
import sys

import pytest

from vqa_harness.console import (
    command_line,
    files_bar,
    markdown,
    markdown_table,
    progress_bar,
    stage_bar,
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
