import json

import pytest
import torch

from vqa_harness.cli.app import run_cli
from vqa_plugin_clip.checkpoint.files import load_checkpoint
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.model import ClipVqa

TINY = Architecture(
    image_size=32,
    vision_width=64,
    vision_layers=1,
    embed_dim=64,
    frames=2,
    text_width=64,
    text_layers=1,
    vocab_size=512,
    vat_layers=1,
).with_behaviour("published")


@pytest.fixture
def published(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "best.pth"
    torch.save({"model": ClipVqa(TINY).state_dict(), "epoch": 3}, path)
    return path


def test_import_checkpoint_converts(published, tmp_path, capsys):
    out = tmp_path / "mine.safetensors"
    arguments = ["clipvqa", "import-checkpoint", str(published), "-o", str(out)]
    assert run_cli([*arguments, "--training-data", "KoNViD-1k", "--licence", "MIT"]) == 0
    model, card = load_checkpoint(out)
    assert model.architecture == TINY
    assert (card.training_data, card.licence) == ("KoNViD-1k", "MIT")
    assert card.sha256 in capsys.readouterr().out
    assert run_cli(["clipvqa", "info", str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["sha256"] == card.sha256


def test_import_checkpoint_of_something_else_is_one_line(tmp_path, capsys):
    text = tmp_path / "notes.pth"
    text.write_text("no checkpoint")
    out = tmp_path / "mine.safetensors"
    code = run_cli(
        ["clipvqa", "import-checkpoint", str(text), "-o", str(out), "--training-data", "-"]
    )
    error = capsys.readouterr().err
    assert (code, error.count("\n")) == (3, 1)
    assert "notes.pth" in error
    assert not out.exists()


def test_info_of_the_bundled_checkpoint(capsys):
    assert run_cli(["clipvqa", "info"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["licence"] == "Apache-2.0"
    assert card["extra"]["command"].startswith("vqa-harness clipvqa distill ")
