"""Graphs of checkpoints of one's own: made, compared, run without torch, refused when they age."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")
pytest.importorskip("onnxscript", reason="needs the extra train (onnx, onnxscript)")

import torch
from typer.testing import CliRunner

from tests.networks import card_of, random_checkpoint, small_architecture
from vqa_harness.errors import MetricError
from vqa_plugin_clip.cli import app
from vqa_plugin_clip.graph import export
from vqa_plugin_clip.graph.export import export_graph
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.metric import ClipVqaMetric, load
from vqa_plugin_clip.network.tokens import LABELS
from vqa_plugin_clip.plugin import CLIPVQA
from vqa_plugin_clip.svr import SvrDecoder

WORDS = ("clean", "blurred")
REGRESSOR = SvrDecoder(np.eye(6), np.linspace(-1, 1, 6), 2.5, 1.0)
PUBLISHED = {"attend_over_tokens": False, "select_class_tokens": False, "permute_conv2": False}
NETWORKS = {
    "stem, words, regressor": {"stem": "efficientnet-lite0", "words": WORDS, "half": True},
    "patches, published, float32": {**PUBLISHED, "activation": "gelu", "half": False},
}


@pytest.fixture(scope="module", params=NETWORKS)
def checkpoint(request, tmp_path_factory):
    """Weights of a random network, and its graph, by the command."""
    changes = dict(NETWORKS[request.param])
    words, half = changes.pop("words", ()), changes.pop("half")
    sizes = small_architecture((*LABELS, *words), image_size=64, frames=3, **changes)
    extra = {"captions": list(words), "svr": REGRESSOR.to_dict()}
    card = card_of(sizes, preprocessing=Preprocessing(size=64, grid=4).to_dict(), extra=extra)
    folder = tmp_path_factory.mktemp("own")
    path = random_checkpoint(folder / "own.safetensors", card, seed=5, half=half)
    done = CliRunner().invoke(app, ["export", str(path)], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.output.startswith("own.onnx: 0.")
    assert "beside own.safetensors; scores differ from torch's by" in done.output
    assert (folder / "own.onnx").exists()
    return path


def metric(checkpoint, **params):
    defaults = {p.name: p.default for p in CLIPVQA.params} | {"device": "cpu"}
    return ClipVqaMetric(**defaults | {"checkpoint": str(checkpoint)} | params)


def pictures(windows):
    return np.random.default_rng(1).integers(0, 256, (windows, 3, 64, 64, 3), np.uint8)


@pytest.mark.parametrize("decode", ["level", "svr"])
def test_both_back_ends_agree(checkpoint, decode):
    by_auto, by_torch = (
        metric(checkpoint, decode=decode, backend=backend) for backend in ("auto", "torch")
    )
    assert by_auto.info()["backend"] == "onnx"
    for shown in pictures(3)[:, None]:  # the published network mixes videos of a batch
        scores = [m.scores(m.probabilities(shown))[0] for m in (by_auto, by_torch)]
        assert abs(scores[0] - scores[1]) < 1e-4
        np.testing.assert_allclose(by_auto.fits(shown)[1], by_torch.fits(shown)[1], atol=1e-6)


def test_a_graph_is_small_and_has_no_weights(checkpoint):
    weights = checkpoint.stat().st_size
    assert checkpoint.with_suffix(".onnx").stat().st_size < min(200_000, weights / 3)


def test_it_runs_in_onnx_runtime_alone(checkpoint):
    """Nothing of this project is needed: the library finds the weights beside the graph."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        checkpoint.with_suffix(".onnx"), providers=["CPUExecutionProvider"]
    )
    (logits,) = session.run(["logits"], {"pictures": pictures(1)})
    ours = metric(checkpoint).loaded.network.logits(pictures(1))
    np.testing.assert_allclose(logits, ours, rtol=0, atol=1e-5)


def test_a_graph_of_other_weights_is_refused(checkpoint, tmp_path, cli, video):
    path = tmp_path / "own.safetensors"
    card = load(str(checkpoint), "torch", "cpu").card
    random_checkpoint(path, replace(card, sha256=""), seed=6)
    (tmp_path / "own.onnx").write_bytes(checkpoint.with_suffix(".onnx").read_bytes())
    code, _, err = cli("run", "-m", f"clipvqa:checkpoint={path}", video)
    assert (code, err.count("\n")) == (3, 1)
    assert "own.onnx: made from weights with sha256" in err
    assert "make it again (vqa-harness clipvqa export" in err
    assert cli("run", "-m", f"clipvqa:checkpoint={path},backend=torch", video)[0] == 0


@pytest.fixture
def made_before(checkpoint, monkeypatch):
    """Take the graph that there is instead of making it anew, which takes seconds."""
    content = checkpoint.with_suffix(".onnx").read_bytes()
    monkeypatch.setattr(export, "_graph_of", lambda *_: content)


def test_the_graph_goes_where_it_is_asked_for(checkpoint, made_before, tmp_path, cli):
    out = tmp_path / "new" / "own.onnx"
    code, told, err = cli("clipvqa", "export", checkpoint, "-o", out)
    assert (code, err) == (0, "")
    assert "own.onnx" in told
    assert out.read_bytes() == checkpoint.with_suffix(".onnx").read_bytes()
    code, _, err = cli("clipvqa", "export", checkpoint, "-o", tmp_path / "own.txt")
    assert (code, err.count("\n")) == (2, 1)
    assert "own.txt: a graph's name ends in .onnx" in err


def test_a_graph_that_differs_from_torch_is_not_written(
    checkpoint, made_before, tmp_path, monkeypatch
):
    out = tmp_path / "own.onnx"
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    with pytest.raises(MetricError, match=r"own\.onnx: the graph's scores differ by .* from those"):
        export_graph(checkpoint, out)
    monkeypatch.setattr(export, "MAX_GRAPH_BYTES", 100)
    with pytest.raises(MetricError, match="score this checkpoint with clipvqa:backend=torch"):
        export_graph(checkpoint, out)
    assert not out.exists()


def test_a_network_that_cannot_be_exported_is_one_line(checkpoint, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise torch.onnx.OnnxExporterError("pages\nof advice")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(MetricError, match="cannot export this network: pages of advice") as caught:
        export_graph(checkpoint, tmp_path / "own.onnx")
    assert "\n" not in str(caught.value)


def test_the_log_of_a_run(checkpoint, tmp_path, cli, video):
    log = tmp_path / "log.json"
    assert cli("run", "-m", f"clipvqa:checkpoint={checkpoint}", video, "-o", log)[0] == 0
    (entry,) = json.loads(log.read_text())["vqa_harness"]["metrics"].values()
    assert entry["info"]["backend"] == "onnx"
    assert entry["info"]["checkpoint"] == "own.safetensors"
