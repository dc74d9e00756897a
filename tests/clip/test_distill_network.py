"""The small network of ``clipvqa distill``: its start, frames and words, and what of it learns."""

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

from vqa_harness.errors import UsageError
from vqa_plugin_clip.distill.average import WeightAverage
from vqa_plugin_clip.distill.forward import logits_of
from vqa_plugin_clip.distill.network import (
    check_trainable,
    narrow,
    optimiser,
    refit,
    small_architecture,
    stem_of,
    widen,
    with_words,
)
from vqa_plugin_clip.distill.places import PATCH, SIDE
from vqa_plugin_clip.distill.training_stem import fast_stem
from vqa_plugin_clip.network.captions import CAPTIONS
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import LABELS, tokens_for


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return ClipVqa(small_architecture(1))


@pytest.mark.parametrize("frozen", [0, 3, 11])
def test_fast_stem_computes_the_same(network, frozen):
    images = torch.randn(1, 3, SIDE, SIDE)
    network.eval()
    stem = network.visual.stem
    wanted = stem(images)
    with fast_stem(network, frozen):
        found = network.visual.stem(images)
    assert network.visual.stem is stem
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-3)


def test_fast_stem_learns_the_same(network):
    images = torch.randn(1, 3, SIDE, SIDE)
    optimiser(network, 9)
    parts = [p for p in stem_of(network).parameters() if p.requires_grad]
    gradients = []
    for fast in (False, True):
        network.zero_grad()
        if fast:
            with fast_stem(network, 9):
                network.visual.stem(images).square().mean().backward()
        else:
            network.visual.stem(images).square().mean().backward()
        gradients.append([part.grad.clone() for part in parts])
    network.zero_grad()
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(other, one, atol=1e-5, rtol=1e-3)


def test_half_precision_is_for_the_tower_alone(network):
    video = torch.randn(1, 1, 3, SIDE, SIDE)
    text = tokens_for(LABELS, network.architecture)
    network.eval()
    seen = []
    hooks = [
        part.register_forward_hook(lambda _, __, out: seen.append(out.dtype))
        for part in (network.visual.conv1, network.conv2)
    ]
    try:
        with torch.inference_mode():
            wanted = logits_of(network, video, text, half=False)
            found = logits_of(network, video, text, half=True)
    finally:
        for hook in hooks:
            hook.remove()
    assert seen == [torch.float32, torch.float32, torch.bfloat16, torch.float32]
    assert found.dtype == torch.float32
    torch.testing.assert_close(wanted, network(video, text).logits, atol=1e-4, rtol=1e-4)
    assert (found - wanted).abs().max() < 0.5


def test_widened_network_scores_a_clip_without_motion_alike(network):
    video = torch.randn(2, 1, 3, SIDE, SIDE)
    text = tokens_for(LABELS, network.architecture)
    wide = widen(network, 4).eval()
    assert wide.architecture == replace(network.architecture, frames=4)
    with torch.inference_mode():
        narrow = network.eval()(video, text).probs
        found = wide(video.expand(-1, 4, -1, -1, -1), text).probs
    torch.testing.assert_close(found, narrow, atol=1e-4, rtol=1e-3)
    with pytest.raises(UsageError, match="multiple of 4"):
        widen(wide, 6)


def test_narrow_undoes_widen(network):
    again = narrow(widen(network, 4)).state_dict()
    for key, value in network.state_dict().items():
        torch.testing.assert_close(again[key], value)


def test_networks_are_fitted_to_frames(network):
    assert refit(network, 1) is network
    eight = refit(refit(network, 4), 8)
    assert eight.architecture.frames == 8
    assert refit(eight, 3).architecture.frames == 3


def test_only_networks_of_this_kind_are_gone_on_from():
    check_trainable(small_architecture(4, 256, 5), "x.safetensors")
    for changes, message in (
        ({"stem": "patch"}, "its stem is patch, only efficientnet-lite0"),
        ({"levels": 5}, "its levels is 5, only 6"),
        ({"image_size": 112}, "its image_size is 112, only 224"),
    ):
        with pytest.raises(UsageError, match=f"--init x: {message}"):
            check_trainable(replace(small_architecture(4), **changes), "x")
    with pytest.raises(UsageError, match="its behaviour is published"):
        check_trainable(small_architecture(4).with_behaviour("published"), "x")


def test_new_words_leave_the_others_as_they_are(network):
    vocabulary = tuple(sorted((*network.architecture.vocabulary, "aaa", "zzz")))
    larger = with_words(network, vocabulary)
    texts = (*LABELS, CAPTIONS[3])
    with torch.inference_mode():
        wanted = network.encode_text(tokens_for(texts, network.architecture))
        found = larger.encode_text(tokens_for(texts, larger.architecture))
    torch.testing.assert_close(found, wanted)
    tokens_for(["aaa zzz"], larger.architecture)
    with pytest.raises(UsageError, match="lacks 'bad'"):
        with_words(network, ("good",))


def test_a_band_is_a_part_of_the_frame(network):
    video = torch.randn(1, 1, 3, SIDE, SIDE)
    text = tokens_for(LABELS, network.architecture)
    network.eval()
    with torch.inference_mode():
        whole = network(video, text).probs
        torch.testing.assert_close(network(video, text, band=0).probs, whole)
        upper = network(video[..., : 4 * PATCH, :], text, band=0).probs
        moved = network(video[..., : 4 * PATCH, :], text, band=6).probs
        images = video[:, 0, :, 3 * PATCH :]
        tokens, every = network.visual.tokens(images, 6), network.visual.positional_embedding
    assert upper.shape == whole.shape
    assert not torch.equal(upper, moved)
    assert tokens.shape == (1, 1 + 8 * 14, every.shape[1])
    with pytest.raises(UsageError, match="band=8: 128 rows from there leave the frame"):
        network(video[..., : 4 * PATCH, :], text, band=8)
    with pytest.raises(UsageError, match="video of shape"):
        network(video[..., :100, :], text, band=0)


def test_the_average_follows_the_weights():
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(0.0)
    average = WeightAverage(layer)
    for value in (1.0, 2.0, 3.0):
        layer.weight.data.fill_(value)
        average.update()
    with average.swapped():
        inside = layer.weight.item()
    assert layer.weight.item() == 3.0
    assert 0 < inside < 3
    average.apply()
    assert layer.weight.item() == pytest.approx(inside)


def test_early_stem_is_frozen_and_nothing_else(network):
    optim = optimiser(network, 3)
    trained = {id(p) for group in optim.param_groups for p in group["params"]}
    frozen = [name for name, p in network.named_parameters() if id(p) not in trained]
    assert all(name.startswith(("visual.stem.first", "visual.stem.blocks.")) for name in frozen)
    assert {name.split(".")[3] for name in frozen if "blocks" in name} == set("012")
    rates = {group["lr"] for group in optim.param_groups}
    assert rates == {6e-4, 3e-4}


def test_the_whole_stem_can_be_frozen(network):
    optim = optimiser(network, 11, rate=1e-3, decay=0.03)
    assert {group["lr"] for group in optim.param_groups} == {1e-3}
    assert {group["weight_decay"] for group in optim.param_groups} == {0.03, 0.0}
    assert not any(p.requires_grad for p in stem_of(network).parameters())
