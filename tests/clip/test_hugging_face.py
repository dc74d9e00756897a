"""CLIP weights in the layout of Hugging Face's transformers."""

import json

import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch
from safetensors.torch import save_file

from vqa_harness.errors import InputError
from vqa_plugin_clip.checkpoint import backbone
from vqa_plugin_clip.checkpoint.activation import declared_activation
from vqa_plugin_clip.checkpoint.hugging_face import (
    from_hugging_face,
    is_hugging_face,
)

open_clip = pytest.importorskip("open_clip", reason="needs the extra clip (open_clip)")

CONFIG = {
    "embed_dim": 128,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8},
    "text_cfg": {"context_length": 12, "vocab_size": 50, "width": 192, "heads": 3, "layers": 1},
}

NAMES = (
    ("visual.transformer.resblocks.", "vision_model.encoder.layers."),
    ("transformer.resblocks.", "text_model.encoder.layers."),
    ("visual.ln_pre.", "vision_model.pre_layrnorm."),
    ("visual.ln_post.", "vision_model.post_layernorm."),
    ("visual.class_embedding", "vision_model.embeddings.class_embedding"),
    ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
    ("visual.conv1.", "vision_model.embeddings.patch_embedding."),
    ("visual.proj", "visual_projection.weight"),
    ("positional_embedding", "text_model.embeddings.position_embedding.weight"),
    ("token_embedding.", "text_model.embeddings.token_embedding."),
    ("ln_final.", "text_model.final_layer_norm."),
    ("text_projection", "text_projection.weight"),
)
INSIDE = (
    (".attn.out_proj.", ".self_attn.out_proj."),
    (".ln_1.", ".layer_norm1."),
    (".ln_2.", ".layer_norm2."),
    (".mlp.c_fc.", ".mlp.fc1."),
    (".mlp.c_proj.", ".mlp.fc2."),
)


@pytest.fixture
def clip(monkeypatch):
    """State dict of a tiny CLIP as open_clip writes it, named ``tiny`` or ``tiny-quickgelu``."""
    known = {
        "tiny": CONFIG | {"quick_gelu": False},
        "tiny-quickgelu": CONFIG | {"quick_gelu": True},
    }
    monkeypatch.setattr(open_clip, "get_model_config", known.get)
    torch.manual_seed(0)
    model = open_clip.model.CLIP(128, CONFIG["vision_cfg"], CONFIG["text_cfg"], quick_gelu=True)
    return {key: torch.randn(value.shape) for key, value in model.state_dict().items()}


def renamed(state):
    """The same weights as transformers stores them."""
    out = {}
    for key, value in state.items():
        ours, theirs = next(((a, b) for a, b in NAMES if key.startswith(a)), ("", ""))
        name = theirs + key.removeprefix(ours)
        for a, b in INSIDE:
            name = name.replace(a, b)
        if "in_proj_" in name:
            for part, third in zip("qkv", value.chunk(3), strict=True):
                out[name.replace("attn.in_proj_", f"self_attn.{part}_proj.")] = third.clone()
        else:
            out[name] = value.T.contiguous() if "projection.weight" in name else value.clone()
    return out | {"text_model.embeddings.position_ids": torch.arange(12)[None]}


def test_every_tensor_finds_its_place(clip):
    theirs = renamed(clip)
    assert is_hugging_face(theirs)
    assert not is_hugging_face(clip)
    assert len(theirs) == len(clip) + 2 * 2 * 3 + 1
    assert "vision_model.encoder.layers.1.self_attn.k_proj.bias" in theirs
    back = from_hugging_face(theirs)
    assert back.keys() == clip.keys()
    for key, value in clip.items():
        assert torch.equal(back[key], value), key


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_file_of_transformers_is_a_start(clip, tmp_path, name):
    path = tmp_path / name
    (save_file if path.suffix == ".safetensors" else torch.save)(renamed(clip), path)
    model = backbone.load_clip("tiny-quickgelu", path, frames=2).model
    assert model.architecture.activation == "quick_gelu"
    for key, value in clip.items():
        assert torch.equal(model.state_dict()[key], value), key


def test_the_activation_of_the_configuration_is_held(clip, tmp_path):
    path, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    save_file(renamed(clip), path)

    def names(text):
        config.write_text(text)
        return declared_activation(path)

    assert declared_activation(path) == ""
    assert names('{"model_type": "bert"}') == names("[]") == ""
    assert names('{"model_type": "clip", "vision_config": {"hidden_act": "gelu"}}') == "gelu"
    assert names('{"model_type": "clip", "vision_config": {"hidden_act": 3}}') == "quick_gelu"
    assert names(json.dumps({"model_type": "clip"})) == "quick_gelu"
    backbone.load_clip("tiny-quickgelu", path, frames=2)
    wrong = r"names the activation quick_gelu, and tiny has gelu; .* open_clip:tiny-quickgelu/FILE"
    with pytest.raises(InputError, match=wrong) as caught:
        backbone.load_clip("tiny", path, frames=2)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"config\.json: not JSON"):
        names("{")


def test_files_that_cannot_be_mapped_are_named(clip, tmp_path):
    path, theirs = tmp_path / "model.safetensors", renamed(clip)
    vision = {key: value for key, value in theirs.items() if not key.startswith("text_model.")}
    lone = {key.removeprefix("vision_model."): v for key, v in vision.items()}
    key = "vision_model.encoder.layers.0.self_attn.q_proj.weight"
    lacking = {name: value for name, value in theirs.items() if name != key}
    cases = [
        (vision, r"layout of Hugging Face without text_model; take the file of the whole CLIPM"),
        (lone, r"layout of Hugging Face without vision_model; take the file"),
        (theirs | {"vision_model.head.bias": torch.ones(1)}, "has 'vision_model.head.bias'"),
        (lacking, r"three parts of visual\.transformer\.resblocks\.0\.attn\.in_proj_weight do not"),
        (theirs | {key: torch.ones(2)}, "three parts"),
        (theirs | {"visual_projection.weight": torch.ones(3)}, "projection.weight is no matrix"),
    ]
    for state, message in cases:
        save_file(state, path)
        with pytest.raises(InputError, match=message) as caught:
            backbone.load_clip("tiny-quickgelu", path, frames=2)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)
    save_file({k: v for k, v in theirs.items() if k != "logit_scale"}, path)
    with pytest.raises(InputError, match="logit_scale is on one side only"):
        backbone.load_clip("tiny-quickgelu", path, frames=2)
