"""CLIP weights as a starting point, with checkpoints that open_clip itself writes."""

import logging
import re
import warnings

import pytest

from vqa_harness.installation import pip_install

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch
from safetensors.torch import save_file

from vqa_harness.errors import InputError, MissingBackend, UsageError
from vqa_plugin_clip.checkpoint import backbone
from vqa_plugin_clip.network.model import ClipVqa

open_clip = pytest.importorskip("open_clip", reason="needs the extra clip (open_clip)")

TINY = {
    "embed_dim": 64,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8},
    "text_cfg": {"context_length": 12, "vocab_size": 50, "width": 64, "heads": 1, "layers": 2},
}


def tiny(quick_gelu=True, **vision):
    torch.manual_seed(0)
    vision_cfg = TINY["vision_cfg"] | vision
    return open_clip.model.CLIP(64, vision_cfg, TINY["text_cfg"], quick_gelu=quick_gelu).eval()


@pytest.fixture
def named_tiny(monkeypatch):
    monkeypatch.setattr(
        open_clip, "get_model_config", lambda name: TINY if name == "tiny" else None
    )


def assert_same_towers(model, clip, tokens, size):
    images = torch.randn(3, 3, size, size)
    torch.testing.assert_close(model.encode_text(tokens), clip.encode_text(tokens))
    before, after = list(model.visual.steps(images, 3))[:2]
    block = clip.visual.transformer.resblocks[0]
    torch.testing.assert_close(after[:, : before.shape[1]], block(before), rtol=1e-4, atol=1e-4)
    clip.visual.output_tokens = False
    torch.testing.assert_close(clip_last(clip, before), clip.visual(images), rtol=1e-4, atol=1e-4)


def clip_last(clip, tokens):
    """open_clip's own blocks and read-out on our input tokens."""
    visual = clip.visual
    return visual.ln_post(visual.transformer(tokens)[:, 0]) @ visual.proj


@pytest.mark.parametrize("quick_gelu", [True, False])
@torch.no_grad()
def test_towers_equal_those_of_open_clip(quick_gelu):
    clip = tiny(quick_gelu)
    activation = "quick_gelu" if quick_gelu else "gelu"
    model = backbone.from_clip_state(clip.state_dict(), frames=3, activation=activation).eval()
    tokens = torch.tensor([[48, 3, 49, 0, 0, 0, 0, 0, 0, 0, 0, 0], [48, 9, 7, 49, *[0] * 8]])
    assert_same_towers(model, clip, tokens, 32)
    assert model(torch.randn(1, 3, 3, 32, 32), tokens).probs.shape == (1, 2)


def test_mapping_is_the_identity():
    clip, model = tiny(), backbone.from_clip_state(tiny().state_dict(), frames=3)
    ours = {key: value for key, value in model.state_dict().items() if backbone.is_clip_key(key)}
    assert set(ours) == set(clip.state_dict())
    for key, value in clip.state_dict().items():
        torch.testing.assert_close(ours[key], value, rtol=0, atol=0)
    assert model.architecture.behaviour == "corrected"
    assert model.architecture.frames == 3


@torch.no_grad()
def test_new_weights_are_drawn_as_published():
    torch.manual_seed(0)
    model = backbone.from_clip_state(tiny().state_dict(), frames=3)
    assert float(model.prompts_visual_proj.std()) == pytest.approx(1.0, abs=0.05)
    assert torch.equal(model.mit.alpha, torch.ones(64))
    assert torch.equal(model.prompts_generator.alpha, torch.full((64,), 0.1))
    assert float(model.mit.resblocks[0].mlp.c_fc.weight.std()) == pytest.approx(0.02, abs=0.002)
    assert float(model.mit.positional_embedding.abs().max()) < 0.1
    assert float(model.conv2.weight.abs().max()) <= (64 * 3) ** -0.5
    assert not model.mit.resblocks[0].attn.in_proj_bias.any()


@pytest.mark.parametrize("form", ["safetensors", "plain", "trained"])
def test_local_files(named_tiny, tmp_path, form):
    state = tiny().state_dict()
    if form == "safetensors":
        path = tmp_path / "clip.safetensors"
        save_file(state, path)
    else:
        path = tmp_path / "clip.pt"
        wrapped = {"state_dict": {f"module.{k}": v for k, v in state.items()}, "epoch": 3}
        extra = {"context_length": torch.tensor(12)}
        torch.save(wrapped if form == "trained" else state | extra, path)
    model = backbone.load_clip("tiny", path, frames=2, behaviour="published").model
    assert model.architecture.behaviour == "published"
    assert model.architecture.activation == "quick_gelu"
    assert torch.equal(model.visual.conv1.weight, state["visual.conv1.weight"])


def test_foreign_files_are_refused(named_tiny, tmp_path):
    path = tmp_path / "clip.pt"
    with pytest.raises(InputError, match="cannot be read"):
        backbone.load_clip("tiny", path)
    path.write_bytes(b"no weights")
    with pytest.raises(InputError, match="not a plain state dict"):
        backbone.load_clip("tiny", path)
    torch.save([1, 2], path)
    with pytest.raises(InputError, match="not a state dict"):
        backbone.load_clip("tiny", path)
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="not the weights of a CLIP"):
        backbone.load_clip("tiny", path)
    state = tiny().state_dict()
    torch.save({key: v for key, v in state.items() if key != "logit_scale"}, path)
    with pytest.raises(InputError, match="logit_scale is on one side only"):
        backbone.load_clip("tiny", path)
    torch.save(tiny(layers=3).state_dict(), path)
    with pytest.raises(InputError, match="give the weights of that model"):
        backbone.load_clip("tiny", path)
    path.with_suffix(".safetensors").write_bytes(b"x" * 99)
    with pytest.raises(InputError, match="cannot be read"):
        backbone.load_clip("tiny", path.with_suffix(".safetensors"))


def test_unknown_models_and_tags_are_refused():
    with pytest.raises(UsageError, match="no model of that name"):
        backbone.load_clip("no-such-model", "openai")
    with pytest.raises(
        UsageError, match=r"neither a file nor a tag of ViT-B-32-quickgelu \(.*openai"
    ):
        backbone.load_clip("ViT-B-32-quickgelu", "no-such-tag")
    with pytest.raises(UsageError, match="not a plain vision transformer"):
        backbone.load_clip("RN50", "openai")
    with pytest.raises(UsageError, match="64 channels"):
        backbone.load_clip("ViT-H-14", "laion2b_s32b_b79k")


def test_a_tag_that_cannot_be_downloaded_says_how_to_get_the_file(monkeypatch):
    def offline(_config):
        logging.getLogger("huggingface_hub").warning("a line per attempt")
        raise FileNotFoundError("no network")

    monkeypatch.setattr(open_clip, "download_pretrained", offline)
    right = r"vit_base_patch32_clip_224\.openai .* give its path as open_clip:ViT-B-32-quickgelu/PA"
    for name in ("ViT-B-32", "ViT-B-32-quickgelu"):
        with pytest.raises(MissingBackend, match=right) as caught:
            backbone.load_clip(name, "openai")
    with pytest.raises(MissingBackend, match="give its path as open_clip:ViT-B-32/PATH"):
        backbone.load_clip("ViT-B-32", "laion2b_s34b_b79k")
    assert caught.value.exit_code == 6
    assert "\n" not in str(caught.value)


def test_a_tag_decides_the_activation(monkeypatch, named_tiny, tmp_path):
    path = tmp_path / "clip.safetensors"
    save_file(tiny().state_dict(), path)
    monkeypatch.setattr(open_clip, "download_pretrained", lambda _config: str(path))
    for quick, activation in ((True, "quick_gelu"), (False, "gelu")):
        config = {"quick_gelu": quick, "hf_hub": "somewhere/"}
        monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_, config=config: config)
        model = backbone.load_clip("tiny", "tag", frames=2).model
        assert model.architecture.activation == activation


def test_without_open_clip_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "open_clip", None)
    with pytest.raises(MissingBackend, match=re.escape(pip_install("vqa-harness[clip]"))):
        backbone.load_clip("ViT-B-16-quickgelu", "openai")


@pytest.mark.slow
@torch.no_grad()
def test_vit_b_32_from_open_clip(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # open_clip warns that the weights are random
        clip = open_clip.create_model("ViT-B-32-quickgelu", pretrained=None).eval()
    path = tmp_path / "clip.safetensors"
    save_file(clip.state_dict(), path)
    model = backbone.load_clip("ViT-B-32-quickgelu", path, frames=8).model.eval()
    assert isinstance(model, ClipVqa)
    assert len(clip.state_dict()) == 302
    assert len(model.state_dict()) == 445
    assert sum(p.numel() for p in model.parameters()) == 198_683_393
    tokens = open_clip.get_tokenizer("ViT-B-32-quickgelu")(["bad", "good picture"])
    assert_same_towers(model, clip, tokens, 224)


def test_the_golden_keys_of_clip_are_recognised(golden):
    clip = {key for key in golden.state if backbone.is_clip_key(key)}
    layers = golden.config["vision_layers"] + golden.config["transformer_layers"]
    assert len(clip) == 14 + 12 * layers
    assert not any("message_" in key for key in clip)
