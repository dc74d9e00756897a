"""The activation of CLIP weights, with checkpoints that open_clip writes at random weights."""

import json
import re
import warnings

import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch
from safetensors.torch import save_file

from vqa_harness.errors import InputError
from vqa_plugin_clip.checkpoint import backbone
from vqa_plugin_clip.train.initial_network import make_initial_network
from vqa_plugin_clip.train.recipe import TrainRecipe

open_clip = pytest.importorskip("open_clip", reason="needs the extra clip (open_clip)")

SIZES = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1},
}
NUMBERS = {"input_resolution": 32, "context_length": 77, "vocab_size": 49408}


@pytest.fixture(scope="module")
def state():
    """State dict of a small CLIP as open_clip makes it, at random weights."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clip = open_clip.model.CLIP(64, SIZES["vision_cfg"], SIZES["text_cfg"], quick_gelu=True)
    return clip.state_dict()


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Let open_clip's own names stand for a small model; its lists of tags stay as they are."""
    known = {
        "ViT-B-32": SIZES,
        "ViT-B-32-quickgelu": SIZES | {"quick_gelu": True},
    }
    monkeypatch.setattr(open_clip, "get_model_config", known.get)


def refused(name, path, match):
    with pytest.raises(InputError, match=match) as caught:
        backbone.load_clip(name, path, frames=2)
    assert "\n" not in str(caught.value)


def test_the_place_of_openai_weights_tells_quick_gelu(state, tmp_path):
    folder = tmp_path / "models--timm--vit_base_patch32_clip_224.openai" / "snapshots" / "0"
    folder.mkdir(parents=True)
    path = folder / "open_clip_model.safetensors"
    save_file(state, path)
    refused(
        "ViT-B-32",
        path,
        r"place of the tag openai, which has quick_gelu, and ViT-B-32 has gelu;"
        r" give it as open_clip:ViT-B-32-quickgelu/FILE$",
    )
    loaded = backbone.load_clip("ViT-B-32-quickgelu", path, frames=2)
    assert loaded.model.architecture.activation == "quick_gelu"
    assert loaded.activation_from == (
        "the name ViT-B-32-quickgelu and models--timm--vit_base_patch32_clip_224.openai in the"
        " file's path, the place of the tag openai"
    )


def test_weights_with_gelu_refuse_the_other_name(state, tmp_path):
    folder = tmp_path / "CLIP-ViT-B-32-laion2B-s34B-b79K"
    folder.mkdir()
    path = folder / "open_clip_model.safetensors"
    save_file(state, path)
    refused("ViT-B-32-quickgelu", path, r"has quick_gelu; give it as open_clip:ViT-B-32/FILE$")
    assert backbone.load_clip("ViT-B-32", path, frames=2).model.architecture.activation == "gelu"


def test_the_configuration_that_open_clip_writes_is_held(state, tmp_path):
    path, config = tmp_path / "clip.safetensors", tmp_path / "open_clip_config.json"
    save_file(state, path)
    config.write_text(json.dumps({"model_cfg": SIZES | {"quick_gelu": True}}))
    refused("ViT-B-32", path, r"open_clip_config\.json beside it names the activation quick_gelu")
    config.write_text(json.dumps({"model_cfg": SIZES}))
    refused("ViT-B-32-quickgelu", path, r"names the activation gelu, and ViT-B-32-quickgelu has q")
    config.write_text("[")
    refused("ViT-B-32", path, r"open_clip_config\.json: not JSON")


def test_the_keys_of_openai_tell_quick_gelu(state, tmp_path):
    path = tmp_path / "clip.pt"
    torch.save(state | {key: torch.tensor(value) for key, value in NUMBERS.items()}, path)
    refused("ViT-B-32", path, "has the keys of OpenAI's own files, whose weights have quick_gelu")
    loaded = backbone.load_clip("ViT-B-32-quickgelu", path, frames=2)
    assert loaded.activation_from.endswith("and the keys of OpenAI's own files")


@pytest.mark.parametrize(
    ("name", "activation"), [("ViT-B-32", "gelu"), ("ViT-B-32-quickgelu", "quick_gelu")]
)
def test_the_start_says_which_activation_and_why(state, tmp_path, name, activation):
    path = tmp_path / "clip.safetensors"
    save_file(state, path)
    start = make_initial_network(TrainRecipe(init=f"open_clip:{name}/{path}", frames=2))
    assert start.model.architecture.activation == activation
    assert start.origin["activation"] == activation
    assert start.origin["activation_from"] == f"the name {name} alone"


def test_a_tag_says_so(state, tmp_path, monkeypatch):
    path = tmp_path / "clip.safetensors"
    save_file(state, path)
    monkeypatch.setattr(open_clip, "download_pretrained", lambda _entry: str(path))
    for tag, activation in (("openai", "quick_gelu"), ("laion2b_s34b_b79k", "gelu")):
        start = make_initial_network(TrainRecipe(init=f"open_clip:ViT-B-32/{tag}", frames=2))
        assert start.model.architecture.activation == activation
        assert re.fullmatch(f"open_clip's list, by the tag {tag}", start.origin["activation_from"])
