"""What holds for the options of all commands: one meaning each, and help texts that show whole."""

import json
import re

import pytest
import typer

from vqa_harness.cli import build_app, run_cli
from vqa_harness.cli.app import keep_brackets
from vqa_harness.errors import UnknownMetric, UsageError
from vqa_harness.media.encode import encode_frames
from vqa_harness.registry import Registry
from vqa_harness.testing import moving_pattern

SHORT = {
    "--metric": "-m",
    "--reference": "-r",
    "--output": "-o",
    "--jobs": "-j",
    "--quiet": "-q",
    "--config": "-c",
    "--feature": "-f",
    "--help": "-h",
}


def commands(group=None, path=()):
    group = group or typer.main.get_command(build_app(Registry.installed()))
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands())


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("options") / "clip.mp4"
    encode_frames(path, moving_pattern(4, 64, 48))
    return path


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_letter_stands_for_one_option_everywhere(path):
    for param in COMMANDS[path].params:
        words = [w for w in param.opts if w.startswith("--")]
        letters = [w for w in param.opts if re.fullmatch(r"-\w", w)]
        for word in words:
            assert letters == ([SHORT[word]] if word in SHORT else []), (path, word)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_json_takes_a_target(path):
    for param in COMMANDS[path].params:
        if "--json" in param.opts:
            assert not param.is_flag
            assert param.metavar == "FILE"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_shows_every_text_whole(path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERMINAL_WIDTH", "400")
    assert run_cli([*path, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    command = COMMANDS[path]
    texts = [p.help for p in command.params if getattr(p, "help", None)]
    assert texts or path in {("plugins",), ("warmup",)}
    for text in texts:
        assert " ".join(text.split()) in shown
    assert command.help.split("\n")[0].strip() in shown


def test_brackets_are_escaped_once():
    command = dict(commands())[("gate",)]
    keep_brackets(command)
    once = [p.help for p in command.params if hasattr(p, "help")]
    keep_brackets(command)
    assert [p.help for p in command.params if hasattr(p, "help")] == once


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (["psnr,ssim"], ["psnr", "ssim"]),
        (["PSNR", "Ssim"], ["psnr", "ssim"]),
        ([" psnr , ssim,"], ["psnr", "ssim"]),
        (["psnr", "ssim,niqe"], ["psnr", "ssim", "niqe"]),
        (["clipvqa:window=4,hop=1,niqe"], ["clipvqa_hop_1_window_4", "niqe"]),
        (["psnr,vmaf:model=vmaf_v0.6.1neg,ssim"], ["psnr", "vmaf", "ssim"]),
    ],
)
def test_metrics_may_be_named_together_and_in_capitals(texts, labels):
    assert [r.label for r in Registry.installed().requests(texts)] == labels


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("psnr,PSNR", UsageError, "'psnr' is given twice"),
        ("psnr,smim", UnknownMetric, "did you mean"),
        ("clipvqa:window=4,hop", UsageError, "'hop' has no value"),
        ("clipvqa:window=4,hip=2", UsageError, "did you mean hop"),
        (",", UnknownMetric, "unknown metric ''"),
    ],
)
def test_what_is_wrong_in_a_list_of_metrics_is_told(text, error, message):
    with pytest.raises(error, match=message):
        Registry.installed().requests([text])


def test_json_is_not_taken_for_a_flag(clip, capsys):
    before = clip.read_bytes()
    assert run_cli(["run", "-m", "psnr", "--json", str(clip), str(clip)]) == 2
    error = capsys.readouterr().err
    assert "write --json FILE.json, or --json - for standard output" in error
    assert error.count("\n") == 1
    assert clip.read_bytes() == before


def test_json_goes_to_a_file_beside_the_table(clip, tmp_path, capsys):
    target = tmp_path / "pooled.json"
    arguments = ["run", "-m", "PSNR,ssim", "-r", str(clip), "--json", str(target), str(clip)]
    assert run_cli(arguments) == 0
    assert "psnr_y" in capsys.readouterr().out
    assert {"psnr_y", "ssim"} <= set(json.loads(target.read_text("utf-8"))[0]["pooled"])
    assert run_cli(["metrics", "psnr", "--json", str(target)]) == 0
    assert json.loads(target.read_text("utf-8"))["name"] == "psnr"


def test_align_takes_the_order_of_all_commands(clip, capsys):
    assert run_cli(["align", str(clip), "-r", str(clip), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "index"
    assert run_cli(["align", str(clip)]) == 2
    assert "--reference" in capsys.readouterr().err
