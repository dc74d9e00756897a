"""Saving and loading checkpoints."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

from tests.networks import card_of, small_architecture
from vqa_harness import files
from vqa_harness.errors import InputError, MissingBackend, UsageError
from vqa_plugin_clip.checkpoint import find, weights
from vqa_plugin_clip.checkpoint.card import MAX_CARD_BYTES, read_card
from vqa_plugin_clip.checkpoint.files import load_checkpoint, save_checkpoint
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import tokens_for

SMALL = small_architecture(context_length=5, stem="efficientnet-lite0")


def card_for(architecture):
    return card_of(architecture, preprocessing={"mean": [1.5, 2.0, 3.0]}, extra={"srocc": 0.0})


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return ClipVqa(SMALL).eval()


@pytest.fixture
def saved(network, tmp_path):
    path = tmp_path / "small.safetensors"
    return path, save_checkpoint(network, card_for(SMALL), path)


def test_round_trip(network, saved, tmp_path):
    path, written = saved
    for given in (path, str(path), path.with_suffix(".json")):
        model, card = load_checkpoint(given, for_inference=False)
        assert card == written
        assert len(card.sha256) == 64
    assert all(p.requires_grad and p.dtype == torch.float32 for p in model.parameters())
    for key, value in network.state_dict().items():
        loaded = model.state_dict()[key]
        narrow = value.half().float() if value.ndim >= 2 and value.is_floating_point() else value
        assert torch.equal(loaded, narrow), key
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.json", "small.safetensors"]


@torch.no_grad()
def test_a_loaded_network_scores_like_the_saved_one(network, saved):
    path, _ = saved
    model, card = load_checkpoint(path)
    assert not model.training
    assert not any(p.requires_grad for p in model.parameters())
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in model.modules())
    video = torch.randn(1, 2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    tokens = tokens_for(card.levels, card.architecture)
    torch.testing.assert_close(
        model(video, tokens).probs, network(video, tokens).probs, rtol=0, atol=2e-3
    )


def test_float32_storage_is_exact(network, tmp_path):
    path = tmp_path / "exact.safetensors"
    save_checkpoint(network, card_for(SMALL), path, half=False)
    model, _ = load_checkpoint(path, for_inference=False)
    for key, value in network.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key


def test_values_beyond_half_precision_stay_float32(tmp_path):
    torch.manual_seed(0)
    model = ClipVqa(SMALL)
    with torch.no_grad():
        model.visual.proj[0, 0] = 1e6
    path = tmp_path / "wide.safetensors"
    save_checkpoint(model, card_for(SMALL), path)
    loaded, _ = load_checkpoint(path, for_inference=False)
    assert float(loaded.visual.proj.detach()[0, 0]) == 1e6


def test_changed_bytes_are_noticed(saved):
    path, _ = saved
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"sha256 .* is not the card's"):
        load_checkpoint(path)


def rewrite(path, **changes):
    card = path.with_suffix(".json")
    values = json.loads(card.read_text())
    for key, value in changes.items():
        values[key] = values[key] | value if isinstance(value, dict) else value
    card.write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "format 2 cannot be read"),
        ({"sha256": "abc"}, "not 64 hexadecimal digits"),
        ({"levels": ["bad"]}, "1 wordings for 6 levels"),
        ({"levels": [1] * 6}, "list of texts"),
        ({"licence": None}, "licence needs a str"),
        ({"window": 0}, "window '0' is neither seconds above 0 nor video"),
        ({"window": "long"}, "window 'long' is neither"),
        ({"window": True}, "window 'True' is neither"),
        ({"window": [2]}, "is neither seconds above 0 nor video"),
        ({"hop": 1}, "hop '1' needs seconds above 0, as does window"),
        ({"window": "video", "hop": 1}, "hop '1' needs"),
        ({"window": 2, "hop": -1}, "hop '-1' needs"),
        ({"architecture": {"frames": "2"}}, "frames='2'"),
        ({"architecture": {"depth": 1}}, "unknown key 'depth'"),
        ({"architecture": {"frames": 3}}, r"conv2\.weight is \(64, 64, 2, 1\) in the weights"),
        ({"architecture": {"vision_width": 4096}}, "in the weights"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(saved, changes, message):
    path, _ = saved
    rewrite(path, **changes)
    with pytest.raises(InputError, match=message):
        load_checkpoint(path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"[" * 100_000, b"\xff", b" " * (1 << 21)])
def test_broken_cards_are_refused(saved, content):
    path, _ = saved
    path.with_suffix(".json").write_bytes(content)
    message = "larger than" if len(content) > MAX_CARD_BYTES else "not a checkpoint card"
    with pytest.raises(InputError, match=message):
        load_checkpoint(path)


def test_weights_that_are_no_safetensors_file_are_refused(saved):
    import hashlib

    path, _ = saved
    path.write_bytes(b"\xff" * 64)
    rewrite(path, sha256=hashlib.sha256(b"\xff" * 64).hexdigest())
    with pytest.raises(InputError, match="not a safetensors file"):
        load_checkpoint(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("half", [True, False])
def test_weights_that_are_not_finite_are_refused(tmp_path, value, half):
    model = ClipVqa(SMALL)
    with torch.no_grad():
        model.visual.proj[1, 2] = value
    path = tmp_path / "astray.safetensors"
    save_checkpoint(model, card_for(SMALL), path, half=half)
    with pytest.raises(InputError, match=r"1 of the \d+ weights of 'visual\.proj' are not finite"):
        load_checkpoint(path)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_card_with_a_number_that_is_not_finite_is_refused(saved, number):
    card = saved[0].with_suffix(".json")
    card.write_text(card.read_text().replace('"srocc": 0.0', f'"srocc": {number}'))
    assert number in card.read_text()
    with pytest.raises(InputError, match=f"not a checkpoint card .*{number} is not a finite"):
        load_checkpoint(saved[0])


def test_too_large_files_are_not_read(saved, monkeypatch):
    path, _ = saved
    monkeypatch.setattr(weights, "MAX_WEIGHTS_BYTES", 10)
    with pytest.raises(InputError, match="at most 10 are read"):
        load_checkpoint(path)


def test_missing_checkpoints(saved, tmp_path, monkeypatch):
    path, _ = saved
    with pytest.raises(InputError, match=r"nowhere\.safetensors: no such file"):
        load_checkpoint(tmp_path / "nowhere.safetensors")
    with pytest.raises(InputError, match="import-checkpoint"):
        load_checkpoint(tmp_path / "x.pth")
    monkeypatch.setattr(find, "WEIGHTS_FOLDER", tmp_path)
    with pytest.raises(MissingBackend, match=r"checkpoint 'default': not in this .*\(small\)"):
        load_checkpoint()
    assert find.bundled() == ["small"]
    assert load_checkpoint("small")[1].architecture == SMALL
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        load_checkpoint("small")


def test_the_bundled_checkpoint_saved_again_is_the_same_files(tmp_path):
    """State-dict keys, their order, shapes and dtypes, and the card's JSON: byte for byte."""
    bundled = find.WEIGHTS_FOLDER / f"{find.DEFAULT_NAME}.safetensors"
    model, card = load_checkpoint(bundled, for_inference=False)
    copy = tmp_path / bundled.name
    save_checkpoint(model, card, copy)
    assert copy.read_bytes() == bundled.read_bytes()
    card_path = bundled.with_suffix(".json")
    assert copy.with_suffix(".json").read_bytes() == card_path.read_bytes()


STORED_CARD = """{
  "format": 1,
  "version": "1",
  "licence": "Apache-2.0",
  "sha256": "",
  "behaviour": "published",
  "frames": 2,
  "levels": [
    "bad",
    "poor",
    "fair",
    "good",
    "great",
    "excellent"
  ],
  "architecture": {
    "image_size": 32,
    "patch_size": 16,
    "vision_width": 64,
    "vision_layers": 1,
    "embed_dim": 64,
    "frames": 2,
    "text_width": 64,
    "text_layers": 1,
    "context_length": 5,
    "vocab_size": 9,
    "sat_layers": 1,
    "vat_layers": 2,
    "levels": 6,
    "head_width": 64,
    "attend_over_tokens": false,
    "select_class_tokens": false,
    "permute_conv2": false,
    "stem": "efficientnet-lite0",
    "activation": "quick_gelu",
    "vocabulary": [
      "bad",
      "excellent",
      "fair",
      "good",
      "great",
      "poor"
    ]
  },
  "preprocessing": {
    "mean": [
      1.5,
      2.0,
      3.0
    ]
  },
  "training_data": "none: random weights",
  "extra": {
    "srocc": 0.0
  }
}
"""


def test_the_stored_card_is_read_and_written_as_ever(tmp_path):
    path = tmp_path / "card.json"
    path.write_text(STORED_CARD, encoding="utf-8")
    card = read_card(path)
    assert card == card_for(SMALL.with_behaviour("published"))
    assert json.dumps(card.to_dict(), indent=2) + "\n" == STORED_CARD


def test_cards_that_call_the_published_behaviour_by_its_former_name_are_read(tmp_path):
    path = tmp_path / "card.json"
    path.write_text(STORED_CARD.replace('"published"', '"authors"'), encoding="utf-8")
    card = read_card(path)
    assert card == card_for(SMALL.with_behaviour("published"))
    assert card.to_dict()["behaviour"] == "published"


def test_what_cannot_be_saved(network, tmp_path):
    card = card_for(SMALL)
    with pytest.raises(UsageError, match=r"ends in \.safetensors"):
        save_checkpoint(network, card, tmp_path / "x.pt")
    path = tmp_path / "x.safetensors"
    with pytest.raises(UsageError, match="another architecture"):
        save_checkpoint(network, replace(card, architecture=replace(SMALL, frames=3)), path)
    folded = ClipVqa(SMALL)
    folded.fold_batch_norm()
    with pytest.raises(UsageError, match="before folding"):
        save_checkpoint(folded, card, path)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_nothing(network, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(UsageError, match="disk full"):
        save_checkpoint(network, card_for(SMALL), tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())
