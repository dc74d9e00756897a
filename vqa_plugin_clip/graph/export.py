"""A checkpoint's network as an ONNX graph, made by torch's exporter and compared before it is kept.

The graph takes pictures as they are cut from frames and gives logits: normalisation is inside, and
the features of the wordings are constants. The weights stay in the weights file.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx_ir as ir
import onnxscript.optimizer
import torch
from numpy.typing import NDArray
from onnx_ir.passes import common
from torch import Tensor, nn

from vqa_harness.errors import InputError, MetricError, UsageError, one_line
from vqa_harness.files import try_file, write_bytes
from vqa_plugin_clip.checkpoint.card import CheckpointCard, read_card
from vqa_plugin_clip.checkpoint.files import load_checkpoint
from vqa_plugin_clip.checkpoint.find import find_checkpoint
from vqa_plugin_clip.checkpoint.weights import read_weights
from vqa_plugin_clip.explain import captions_of
from vqa_plugin_clip.graph.file import (
    INPUT,
    MAX_GRAPH_BYTES,
    OUTPUT,
    graph_path,
    judge_graph,
    metadata_for,
)
from vqa_plugin_clip.graph.session import open_session
from vqa_plugin_clip.graph.shared_weights import share_weights
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.network.labels import score, softmax
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import tokens_for

TOLERANCE = 1e-3
"""Most that a score on 0 to 100 may differ between torch and the graph."""

_OPSET = 18
"""Version of ONNX's operators; 17 was the first with layer norms."""
_EXAMPLE_WINDOWS = 2
_COMPARED_WINDOWS = (1, 3)
"""Windows per call that torch and the graph are compared on; not those of the example."""


class Export(NamedTuple):
    """What `export_graph` made.

    Attributes:
        path: The graph.
        weights_name: Name of the weights file that it refers to.
        size: Its size in bytes.
        difference: The largest difference of a score, 0 to 100, between torch and the graph.
    """

    path: Path
    weights_name: str
    size: int
    difference: float


def export_graph(checkpoint: str | Path, output: Path | None = None) -> Export:
    """Make the graph of a checkpoint.

    Args:
        checkpoint: A bundled name, or the path of weights or card.
        output: Where the graph goes, a name that ends in ``.onnx``; None for beside the weights,
            which is where a run looks for it.

    Raises:
        MissingBackend: No checkpoint of that name is bundled, or open_clip is needed for the
            wording and is not installed.
        InputError: The checkpoint is damaged.
        MetricError: The network cannot be exported, or the graph gives other scores than torch.
        UsageError: The graph's name has another ending, or it cannot be written.
    """
    if output is not None and output.suffix != ".onnx":
        raise UsageError(f"{output}: a graph's name ends in .onnx")
    card_path = find_checkpoint(checkpoint)
    path = output or graph_path(card_path)
    try_file(path)
    card = read_card(card_path)
    model, _ = load_checkpoint(card_path, for_inference=False)
    weights_path = card_path.with_suffix(".safetensors")
    weights = read_weights(weights_path, card)
    whole = _WholeNetwork(model, card).eval().requires_grad_(False)
    content = _graph_of(whole, card, weights, weights_path)
    if len(content) > MAX_GRAPH_BYTES:
        raise MetricError(
            f"{path.name}: would take {len(content)} bytes, and at most {MAX_GRAPH_BYTES} are read;"
            " score this checkpoint with clipvqa:backend=torch"
        )
    difference = _compare(whole, card, path, content, weights)
    write_bytes(path, content)
    return Export(path, weights_path.name, len(content), difference)


class _WholeNetwork(nn.Module):
    """Pictures to logits: normalisation, network and the features of all wordings."""

    def __init__(self, model: ClipVqa, card: CheckpointCard) -> None:
        super().__init__()
        preprocessing = Preprocessing.from_dict(card.preprocessing)
        tokens = tokens_for((*card.levels, *captions_of(card)), card.architecture)
        self.network = model
        with torch.no_grad():
            self.text = nn.Buffer(model.encode_text(tokens))
        self.mean = nn.Buffer(torch.tensor(preprocessing.mean))
        self.deviation = nn.Buffer(torch.tensor(preprocessing.std))

    def forward(self, pictures: Tensor) -> Tensor:
        """Turn pictures [B, T, size, size, 3] uint8 into logits [B, K + C]."""
        video = ((pictures.to(torch.float32) - self.mean) / self.deviation).movedim(-1, -3)
        logits: Tensor = self.network(video, self.text).logits
        return logits


def _graph_of(
    whole: _WholeNetwork, card: CheckpointCard, weights: bytes, weights_path: Path
) -> bytes:
    windows = torch.export.Dim("windows", min=1, max=1024)
    with _quiet():
        try:
            program = torch.onnx.export(
                whole,
                (torch.from_numpy(_pictures(card, _EXAMPLE_WINDOWS)),),
                dynamo=True,
                opset_version=_OPSET,
                dynamic_shapes=({0: windows},),
                input_names=[INPUT],
                output_names=[OUTPUT],
                optimize=False,
                verbose=False,
            )
        except Exception as error:  # the exporter fails in many ways, with pages of advice
            raise MetricError(
                f"{weights_path}: torch {torch.__version__} cannot export this network:"
                f" {one_line(error)[:200]}"
            ) from None
        if program is None:
            raise MetricError(f"{weights_path}: torch {torch.__version__} exported nothing")
        model = program.model
        _tidy(model)
        share_weights(model, weights, weights_path.name)
        common.NameFixPass()(model)
    model.metadata_props.clear()
    model.metadata_props.update(metadata_for(card))
    content: bytes = ir.to_proto(model).SerializeToString(deterministic=True)
    return content


def _tidy(model: ir.Model) -> None:
    """Fold what is constant, but leave batch norms alone, whose weights would be new ones then."""
    onnxscript.optimizer.inline(model)
    onnxscript.optimizer.fold_constants_ir(model)
    onnxscript.optimizer.remove_unused_nodes(model)
    for tidy in (
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        common.DeduplicateInitializersPass(),
        common.CommonSubexpressionEliminationPass(),
        common.RemoveUnusedOpsetsPass(),
        common.ClearMetadataAndDocStringPass(),
    ):
        tidy(model)


def _compare(
    whole: _WholeNetwork, card: CheckpointCard, path: Path, content: bytes, weights: bytes
) -> float:
    """Score random pictures with torch and with the graph, read as a run reads it.

    Raises:
        MetricError: A score differs by more than `TOLERANCE`.
    """
    try:
        graph = judge_graph(path, content, card)
        session, _ = open_session(graph, weights, card, 1, "cpu")
    except InputError as error:
        raise MetricError(f"the graph that was made is not one that a run takes: {error}") from None
    largest = 0.0
    for windows in _COMPARED_WINDOWS:
        pictures = _pictures(card, windows)
        with torch.inference_mode():
            wanted = _scores(whole(torch.from_numpy(pictures)).numpy(), card)
        given = _scores(session.run([OUTPUT], {INPUT: pictures})[0], card)
        largest = max(largest, float(np.abs(given - wanted).max()))
    if not largest <= TOLERANCE:
        raise MetricError(
            f"{path.name}: the graph's scores differ by {largest:.2g} from those of torch"
            f" {torch.__version__}, at most {TOLERANCE:g} is accepted; nothing was written"
        )
    return largest


def _scores(logits: NDArray[np.float32], card: CheckpointCard) -> NDArray[np.float64]:
    return score(softmax(logits[:, : len(card.levels)].astype(np.float64)))


def _pictures(card: CheckpointCard, windows: int) -> NDArray[np.uint8]:
    sizes = card.architecture
    shape = (windows, sizes.frames, sizes.image_size, sizes.image_size, 3)
    return np.random.default_rng(windows).integers(0, 256, shape, np.uint8)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's warnings, of its own insides, off the terminal."""
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
