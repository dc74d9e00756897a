"""What holds for the options of all commands: one meaning each, and help texts that show whole."""

import json
import re

import pytest
import typer

from vqa_harness.cli import build_app
from vqa_harness.cli.app import keep_brackets
from vqa_harness.errors import UnknownMetric, UsageError
from vqa_harness.registry import Registry

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
def test_help_shows_every_text_whole(path, cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERMINAL_WIDTH", "400")
    code, out, _ = cli(*path, "--help")
    assert code == 0
    shown = " ".join(out.split())
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


def test_json_is_not_taken_for_a_flag(video, cli):
    before = video.read_bytes()
    code, _, error = cli("run", "-m", "psnr", "--json", video, video)
    assert code == 2
    assert "write --json FILE.json, or --json - for standard output" in error
    assert error.count("\n") == 1
    assert video.read_bytes() == before


def test_json_goes_to_a_file_beside_the_table(video, tmp_path, cli):
    target = tmp_path / "pooled.json"
    code, out, _ = cli("run", "-m", "PSNR,ssim", "-r", video, "--json", target, video)
    assert code == 0
    assert "psnr_y" in out
    assert {"psnr_y", "ssim"} <= set(json.loads(target.read_text("utf-8"))[0]["pooled"])
    assert cli("metrics", "psnr", "--json", target)[0] == 0
    assert json.loads(target.read_text("utf-8"))["name"] == "psnr"


def test_align_takes_the_order_of_all_commands(video, cli):
    code, out, _ = cli("align", video, "-r", video, "--json", "-")
    assert code == 0
    assert json.loads(out)["model"] == "index"
    code, _, err = cli("align", video)
    assert code == 2
    assert "--reference" in err
