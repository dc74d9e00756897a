"""The frame tower in parts: the same numbers, with fewer frames in memory at once."""

import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

from tests.networks import card_of, random_checkpoint, small_architecture
from vqa_plugin_clip.backend.pytorch import TorchNetwork
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.network import vision
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.labels import score
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.vision import FrameTower

SIZES = {"image_size": 64, "vision_layers": 3, "frames": 5}


@pytest.mark.parametrize("changes", [{}, {"stem": "efficientnet-lite0"}])
@pytest.mark.parametrize("behaviour", ["published", "corrected"])
@torch.inference_mode()
def test_parts_give_the_same_scores(changes, behaviour):
    torch.manual_seed(0)
    sizes = small_architecture(**SIZES | changes).with_behaviour(behaviour)
    model = ClipVqa(sizes).eval()
    if sizes.stem != "patch":  # of which hardly anything is left behind a stem of random weights
        model.visual.conv1.weight.mul_(1e5)
    video, text = torch.randn(2, 5, 3, 64, 64), torch.randn(6, 64)
    whole = model(video, text).probs
    tokens = model.visual(video.flatten(0, 1), 5)
    assert float((tokens[0][:5] - tokens[0][5:]).abs().max()) > 1e-3  # the clips differ
    for count in (1, 3, 4, 10):  # parts within a clip, and across two
        model.visual.frames_at_once = count
        parts = model(video, text).probs
        torch.testing.assert_close(parts, whole, rtol=0, atol=1e-6)
        assert score(parts) == pytest.approx(score(whole), abs=1e-4)
        for ours, all_at_once in zip(model.visual(video.flatten(0, 1), 5), tokens, strict=True):
            torch.testing.assert_close(ours, all_at_once, rtol=1e-5, atol=1e-5)
        band = model(video[:, :, :, 16:48], text, 1).probs
        model.visual.frames_at_once = None
        torch.testing.assert_close(band, model(video[:, :, :, 16:48], text, 1).probs)


@torch.no_grad()
def test_the_golden_numbers_in_parts(golden):
    model = golden.model()
    model.visual.frames_at_once = 2
    probs = model(golden.video, golden.tokens).probs.numpy()
    assert probs == pytest.approx(golden.arrays["b2/probs"], abs=1e-5)


def widths(model):
    """How many frames each forward pass sends through the stem or patches, and each MLP."""
    seen = []
    for module in (model.visual.conv1, *(b.mlp for b in model.visual.transformer.resblocks)):
        module.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    return seen


def test_no_more_frames_than_that_pass_at_once():
    model = ClipVqa(small_architecture(**SIZES)).eval()
    seen, video, text = widths(model), torch.randn(2, 5, 3, 64, 64), torch.randn(6, 64)
    model.visual.frames_at_once = 4
    with torch.inference_mode():
        model(video, text)
    assert seen == [4, 4, 2] * 4
    seen.clear()
    model(video, text).probs.sum().backward()  # training keeps everything anyway
    assert seen == [10] * 4
    assert model.visual.conv1.weight.grad is not None


def test_the_bound_follows_from_the_sizes():
    def bound(**sizes):
        with torch.device("meta"):
            tower = FrameTower(Architecture(**sizes))
        tower.bound_memory()
        return tower.frames_at_once

    large = {"patch_size": 14, "vision_width": 1024, "vision_layers": 24, "embed_dim": 768}
    assert bound(**large) == 14
    assert bound(**large, image_size=336) == 6
    assert bound() == 26
    assert bound(image_size=2240, **{k: v for k, v in large.items() if k != "image_size"}) == 1


def test_checkpoints_are_scored_within_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(vision, "PART_BYTES", 3 * 17 * 4 * 64 * 4)  # just short of three frames
    sizes = small_architecture(image_size=64)
    card = card_of(sizes, preprocessing=Preprocessing(size=64, grid=4).to_dict())
    path = random_checkpoint(tmp_path / "small.safetensors", card)
    assert TorchNetwork(path.with_suffix(".json"), "cpu")._model.visual.frames_at_once == 2
