import json

import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

from tests.networks import small_architecture
from vqa_plugin_clip.checkpoint.files import load_checkpoint
from vqa_plugin_clip.network.model import ClipVqa

TINY = small_architecture(
    vocabulary=(), vocab_size=512, context_length=77, vat_layers=1
).with_behaviour("published")


@pytest.fixture
def published(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "best.pth"
    torch.save({"model": ClipVqa(TINY).state_dict(), "epoch": 3}, path)
    return path


def test_import_checkpoint_converts(published, tmp_path, cli):
    out = tmp_path / "mine.safetensors"
    arguments = ("clipvqa", "import-checkpoint", published, "-o", out)
    more = ("--training-data", "KoNViD-1k", "--licence", "MIT", "--levels", "labels_1")
    code, told, _ = cli(*arguments, *more)
    assert code == 0
    assert "worst first: very bad, poor, normal, good, great, perfect (given by --levels)" in told
    model, card = load_checkpoint(out)
    assert model.architecture == TINY
    assert (card.training_data, card.licence) == ("KoNViD-1k", "MIT")
    assert card.sha256 in told
    code, told, _ = cli("clipvqa", "info", out)
    assert code == 0
    assert json.loads(told)["sha256"] == card.sha256


def test_import_checkpoint_asks_for_the_wording(published, tmp_path, cli):
    arguments = ("clipvqa", "import-checkpoint", published, "-o", tmp_path / "mine.safetensors")
    code, _, error = cli(*arguments, "--training-data", "-")
    assert (code, error.count("\n")) == (2, 1)
    assert "give the published list, labels (bad, poor," in error
    code, _, error = cli(*arguments, "--training-data", "-", "--levels", "bad,good")
    assert (code, error.count("\n")) == (2, 1)
    assert "2 wordings; the published network has 6 levels" in error
    assert [path.name for path in tmp_path.iterdir()] == ["best.pth"]


def test_import_checkpoint_of_something_else_is_one_line(tmp_path, cli):
    text = tmp_path / "notes.pth"
    text.write_text("no checkpoint")
    out = tmp_path / "mine.safetensors"
    arguments = ("clipvqa", "import-checkpoint", text, "-o", out)
    code, _, error = cli(*arguments, "--training-data", "-")
    assert (code, error.count("\n")) == (3, 1)
    assert "notes.pth" in error
    assert not out.exists()


def test_info_of_the_bundled_checkpoint(cli):
    code, told, _ = cli("clipvqa", "info")
    assert code == 0
    card = json.loads(told)
    assert card["licence"] == "Apache-2.0"
    assert card["extra"]["quality"]["heldout"]["all"]["clips"] == 600
