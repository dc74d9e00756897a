"""Graphs are untrusted: what belongs to other weights, or does more than it should, is refused."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.clip.onnx_bytes import entry, model, node, number, part, tensor
from vqa_harness.errors import InputError
from vqa_plugin_clip.backend.onnx_runtime import OnnxNetwork
from vqa_plugin_clip.checkpoint.card import read_card
from vqa_plugin_clip.checkpoint.find import WEIGHTS_FOLDER, bundled, find_checkpoint
from vqa_plugin_clip.explain import captions_of
from vqa_plugin_clip.graph import file as graph_file
from vqa_plugin_clip.graph.contents import read_contents
from vqa_plugin_clip.graph.fields import fields
from vqa_plugin_clip.graph.file import graph_path, read_graph

CARD = read_card(find_checkpoint("default"))


@pytest.fixture
def copied(tmp_path):
    """A copy of the bundled checkpoint, as ``mine``; the path of its card."""
    for path in WEIGHTS_FOLDER.glob("clipvqa-small.*"):
        shutil.copy(path, tmp_path / f"mine{path.suffix}")
    return tmp_path / "mine.json"


@pytest.mark.parametrize("name", bundled())
def test_every_bundled_graph_belongs_to_its_weights(name):
    card_path = find_checkpoint(name)
    card = read_card(card_path)
    weights = card_path.with_suffix(".safetensors").read_bytes()
    graph = read_graph(graph_path(card_path), card)
    assert hashlib.sha256(weights).hexdigest() == card.sha256
    assert graph.location == f"{name}.safetensors"
    assert graph.end <= len(weights)
    together = len(weights) + len(graph.content)
    assert together <= 32_000_000, f"weights and graph take {together} bytes in the wheel"


def test_a_renamed_checkpoint_still_scores(copied):
    network = OnnxNetwork(copied, read_card(copied), "cpu")
    sizes = CARD.architecture
    pictures = np.zeros((1, sizes.frames, sizes.image_size, sizes.image_size, 3), np.uint8)
    same = OnnxNetwork(find_checkpoint("default"), CARD, "cpu").logits(pictures)
    np.testing.assert_array_equal(network.logits(pictures), same)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no graph"),
        (b"\xff" * 64, "no end"),
        (b"not a graph at all", "kind"),
        (model(tensor())[:-3], "cut off"),
        (number(7, 1), "a number stands where a part should"),
        (model(tensor()) * 2, "no graph, or several"),
        (model(tensor(), node(domain="com.microsoft")), "domain 'com.microsoft'"),
        (model(tensor(), more=part(8, part(1, "my.ops"))), "domain 'my.ops'"),
        (model(tensor(), more=part(25, b"")), "functions"),
        (model(tensor(), node(part(6, b""))), "graph of its own"),
        (model(tensor(), node(part(11, b""))), "graph of its own"),
        (model(tensor(), node(part(5, tensor()[2:]))), "attribute refers to data in another file"),
        (model(tensor(), node(part(22, b""))), "sparse"),
        (model(tensor(), part(15, b"")), "sparse"),
        (model(tensor("/etc/passwd")), "'/etc/passwd', which is not a file beside it"),
        (model(tensor("../x.safetensors")), "not a file beside it"),
        (model(tensor("..\\x.safetensors")), "not a file beside it"),
        (model(tensor("..")), "not a file beside it"),
        (model(tensor("")), "not a file beside it"),
        (model(tensor(offset="-1")), "offset is '-1'"),
        (model(tensor(length="")), "length is ''"),
        (model(part(5, entry(13, "location", "x") * 2)), "its location twice"),
        (model(part(5, number(14, 1))), "not a file beside it"),
    ],
)
def test_files_that_do_more_than_they_should_are_refused(tmp_path, content, words):
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.onnx: not a graph that can be used") as caught:
        read_graph(path, CARD)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "vqa-harness clipvqa export" in str(caught.value)


def test_bytes_that_are_taken_apart():
    message = number(1, 300) + part(2, "two") + b"\x1d\0\0\0\0" + b"\x21" + bytes(8)
    assert [(n, v if isinstance(v, int) else bytes(v)) for n, v in fields(memoryview(message))] == [
        (1, 300), (2, b"two"), (3, bytes(4)), (4, bytes(8)),
    ]  # fmt: skip
    contents = read_contents(model(tensor(offset="8"), tensor("y", "2", "3"), extra="said"))
    assert contents.locations == {"x.safetensors", "y"}
    assert contents.end == 16
    assert contents.metadata["extra"] == "said"


def graph_with(card, *parts, **changes):
    said = graph_file.metadata_for(card) | changes
    return model(*(parts or (tensor(),)), **said)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (model(tensor()), "made from weights with sha256 000000000000..., the card's are"),
        (graph_with(CARD, **{graph_file.FORMAT_KEY: "2"}), "format is '2', only 1 is read"),
        (part(7, tensor()), "format is none"),
        (graph_with(CARD, **{graph_file.FACTS_KEY: "[" * 100_000}), "for another architecture"),
        (graph_with(CARD, **{graph_file.FACTS_KEY: "[]"}), "for another architecture"),
        (graph_with(replace(CARD, levels=CARD.levels[::-1])), "for another wording"),
        (graph_with(replace(CARD, preprocessing={"mean": [1, 2, 3]})), "for another mean"),
        (graph_with(CARD, node()), "refers to 0 weights files"),
        (graph_with(CARD, tensor("x"), tensor("y")), "refers to 2 weights files"),
    ],
)
def test_graphs_of_another_checkpoint_are_refused(tmp_path, content, words):
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_graph(path, CARD)
    assert words in str(caught.value)


def test_an_architecture_that_has_gained_a_key_since_is_the_same(tmp_path):
    facts = json.loads(graph_file.metadata_for(CARD)[graph_file.FACTS_KEY])
    del facts["architecture"]["sat_layers"]  # at its default in the card
    path = tmp_path / "x.onnx"
    path.write_bytes(graph_with(CARD, **{graph_file.FACTS_KEY: json.dumps(facts)}))
    assert read_graph(path, CARD).location == "x.safetensors"


def test_too_large_and_missing_files(tmp_path, monkeypatch):
    path = tmp_path / "x.onnx"
    with pytest.raises(InputError, match="cannot be read"):
        read_graph(path, CARD)
    path.write_bytes(graph_with(CARD))
    monkeypatch.setattr(graph_file, "MAX_GRAPH_BYTES", 10)
    with pytest.raises(InputError, match="larger than 10 bytes"):
        read_graph(path, CARD)


def test_a_graph_that_reaches_behind_the_weights(copied):
    graph_path(copied).write_bytes(graph_with(CARD, tensor(offset=str(10**9))))
    with pytest.raises(InputError, match=r"byte 1000000008 of the weights, which are \d+ long"):
        OnnxNetwork(copied, CARD, "cpu")


def test_weights_that_are_damaged(copied):
    weights = copied.with_suffix(".safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(InputError, match=r"sha256 .* is not the card's"):
        OnnxNetwork(copied, CARD, "cpu")


def test_what_onnx_runtime_refuses_is_one_line(copied, capfd):
    graph_path(copied).write_bytes(graph_with(CARD))
    network = OnnxNetwork(copied, CARD, "cpu")
    with pytest.raises(InputError, match=r"mine\.onnx: ONNX Runtime refuses it: ") as caught:
        network.use_threads(1)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_graph_with_other_sizes_than_the_card_is_refused(copied):
    """Facts can be copied from one graph to another; what it takes and gives cannot."""
    content = graph_path(copied).read_bytes()
    fewer = captions_of(CARD)[1:]
    card = replace(CARD, extra={**CARD.extra, "captions": list(fewer)})
    old, new = (graph_file.metadata_for(c)[graph_file.FACTS_KEY] for c in (CARD, card))
    assert content.count(old.encode()) == 1
    content += entry(14, graph_file.FACTS_KEY, new)  # of two, the last counts
    graph_path(copied).write_bytes(content)
    network = OnnxNetwork(copied, card, "cpu")
    with pytest.raises(InputError, match=r"takes and gives .*\[25\].* the card asks for .*\[24\]"):
        network.use_threads(1)
