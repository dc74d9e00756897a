"""Importing checkpoints of the published training code."""

import pickle
import sys

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch
from safetensors.torch import save_file

from tests.networks import small_architecture
from tests.plugins import module_with
from vqa_harness.errors import InputError, MissingBackend, UsageError
from vqa_plugin_clip.checkpoint.backbone import is_clip_key
from vqa_plugin_clip.checkpoint.card import read_card
from vqa_plugin_clip.checkpoint.files import load_checkpoint
from vqa_plugin_clip.checkpoint.published import import_published
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import CLIP_VOCABULARY, LABELS, LABELS_1, LABELS_LONG


class CfgNode(dict):
    """Like the configuration object in published files: a dict with attributes."""

    def __init__(self, values=()):
        super().__init__(values)
        self.__dict__["__immutable__"] = False
        self.__dict__["__deprecated_keys__"] = set()
        self.__dict__["__renamed_keys__"] = {}


def write_published(path, state, label_list, monkeypatch):
    """Write a file in the published layout, while a module ``yacs`` exists."""
    monkeypatch.setattr(CfgNode, "__module__", "yacs.config")
    with monkeypatch.context() as patch:
        module_with(patch, "yacs")
        module_with(patch, "yacs.config", CfgNode)
        data = CfgNode({"LABEL_LIST": label_list, "NUM_CLASSES": 6})
        config = CfgNode({"DATA": data, "MODEL": CfgNode({"ARCH": "ViT-B/16"}), "AUG": [(1, 2.5)]})
        content = {
            "model": state,
            "optimizer": {
                "state": {0: {"exp_avg": torch.zeros(3)}},
                "param_groups": [{"lr": 1e-6}],
            },
            "lr_scheduler": {"t_initial": 4000, "base_values": [8e-6]},
            "max_accuracy": np.float64(0.85),
            "epoch": 39,
            "config": config,
        }
        torch.save(content, path)
    assert "yacs" not in sys.modules
    return path


@pytest.fixture
def published(golden, tmp_path, monkeypatch):
    return write_published(tmp_path / "best.pth", golden.state, "labels/labels.csv", monkeypatch)


@torch.no_grad()
def test_import_of_a_published_checkpoint(golden, published, tmp_path):
    out = tmp_path / "out.safetensors"
    card = import_published(published, out, training_data="LSVQ")
    assert card.architecture == golden.architecture()
    assert card.preprocessing["mean"] == [123.675, 116.28, 103.53]
    assert card.levels == LABELS
    assert card.window == "video"
    model, loaded = load_checkpoint(out)
    assert loaded == card
    probs = model(golden.video, golden.tokens).probs.numpy()
    np.testing.assert_allclose(probs, golden.arrays["b2/probs"], rtol=0, atol=1e-5)


def test_import_of_a_bare_state_dict(golden, tmp_path):
    path, out = tmp_path / "model.pth", tmp_path / "out.safetensors"
    torch.save(golden.state, path)
    card = import_published(path, out, levels="labels")
    assert card.architecture.behaviour == "published"
    save_file(golden.state, path.with_suffix(".safetensors"))
    again = import_published(path.with_suffix(".safetensors"), out, levels="labels")
    assert again == card


@pytest.mark.parametrize(
    ("named", "levels"),
    [
        ("labels/labels.csv", LABELS),
        ("labels_1.csv", LABELS_1),
        ("D:\\code\\CLIPVQA\\labels\\labels_long.csv", LABELS_LONG),
    ],
)
def test_the_configuration_in_the_file_tells_the_wording(
    golden_a, tmp_path, monkeypatch, named, levels
):
    path = write_published(tmp_path / "best.pth", golden_a.state, named, monkeypatch)
    card = import_published(path, tmp_path / "out.safetensors")
    assert card.levels == levels
    assert read_card(tmp_path / "out.json") == card
    assert card.extra["activation_from"] == "the published code, whose activation is fixed"
    origin = card.extra["levels_from"]
    assert origin.startswith("the file's configuration names the published list labels")
    assert "D:" not in origin


def test_a_wording_that_is_given_counts_and_a_contradiction_is_told(published, tmp_path):
    out = tmp_path / "out.safetensors"
    card = import_published(published, out, levels="labels_1")
    assert card.levels == LABELS_1
    wanted = "given by --levels; the file's own configuration names 'labels.csv'"
    assert card.extra["levels_from"] == wanted
    same = import_published(published, out, levels=",".join(LABELS))
    assert (same.levels, same.extra["levels_from"]) == (LABELS, "given by --levels")


def test_a_wording_that_nobody_names_is_asked_for(golden_a, tmp_path, monkeypatch):
    path, out = tmp_path / "model.pth", tmp_path / "out.safetensors"
    torch.save({"model": golden_a.state, "config": ["no", "dict"]}, path)
    with pytest.raises(UsageError, match=r"does not say which wordings.*labels_1 \(very bad,"):
        import_published(path, out)
    write_published(path, golden_a.state, "labels/mine.csv", monkeypatch)
    with pytest.raises(UsageError, match=r"names 'mine\.csv', none of the published lists"):
        import_published(path, out)
    assert not out.exists()
    card = import_published(path, out, levels="1, 2, 3, 4, 5, 6")
    assert card.levels == ("1", "2", "3", "4", "5", "6")
    assert card.extra["levels_from"].endswith("names 'mine.csv'")


def test_words_that_have_no_ids_are_noticed_at_the_import(tmp_path, monkeypatch):
    sizes = small_architecture(vocabulary=(), vocab_size=CLIP_VOCABULARY, context_length=77)
    path, out = tmp_path / "model.pth", tmp_path / "out.safetensors"
    torch.save(ClipVqa(sizes).state_dict(), path)
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(MissingBackend, match="open_clip is not installed"):
        import_published(path, out, levels="a,b,c,d,e,f")
    assert not out.exists()
    assert import_published(path, out, levels="labels_long").levels == LABELS_LONG


@pytest.mark.parametrize("layout", ["open_clip", "transformers"])
def test_a_plain_clip_is_told_from_clipvqa(golden_a, tmp_path, layout):
    clip = {key: v for key, v in golden_a.state.items() if is_clip_key(key)}
    if layout == "transformers":
        clip = {"vision_model.embeddings.class_embedding": torch.zeros(64)}
    path = tmp_path / "clip.safetensors"
    save_file(clip, path)
    with pytest.raises(InputError, match=r"plain CLIP.*clipvqa train --init open_clip") as caught:
        import_published(path, tmp_path / "out.safetensors", levels="labels")
    assert ("Hugging Face" in str(caught.value)) == (layout == "transformers")


class Harm:
    def __reduce__(self):
        return (print, ("executed",))


def test_nothing_in_a_file_is_executed(golden, tmp_path, capsys):
    path, out = tmp_path / "bad.pth", tmp_path / "out.safetensors"
    torch.save({"model": golden.state, "config": Harm()}, path)
    with pytest.raises(InputError, match="weights_only=False") as caught:
        import_published(path, out)
    assert "\n" not in str(caught.value)
    path.write_bytes(pickle.dumps(Harm()))
    with pytest.raises(InputError, match="holds more than tensors"):
        import_published(path, out)
    assert "executed" not in capsys.readouterr().out
    assert not out.exists()


def test_other_files_are_refused(golden, tmp_path, monkeypatch):
    path, out = tmp_path / "bad.pth", tmp_path / "out.safetensors"
    with pytest.raises(InputError, match="no such file"):
        import_published(path, out)
    torch.save({"model": [1, 2]}, path)
    with pytest.raises(InputError, match="no state dict of tensors"):
        import_published(path, out)
    torch.save({key: v for key, v in golden.state.items() if "mit." not in key}, path)
    with pytest.raises(InputError, match=r"no mit\.positional_embedding"):
        import_published(path, out)
    torch.save(golden.state | {"more": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="not the weights of a CLIPVQA network"):
        import_published(path, out)
    monkeypatch.setattr("vqa_plugin_clip.checkpoint.published.MAX_WEIGHTS_BYTES", 10)
    with pytest.raises(InputError, match="at most 10 bytes"):
        import_published(path, out)
