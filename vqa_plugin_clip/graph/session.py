"""A graph in ONNX Runtime: a session on a device, with the weights handed over from memory."""

from __future__ import annotations

from typing import Any

import onnxruntime

from vqa_harness.errors import InputError, one_line
from vqa_plugin_clip.checkpoint.card import CheckpointCard
from vqa_plugin_clip.explain import captions_of
from vqa_plugin_clip.graph.file import INPUT, OUTPUT, GraphFile

_PROVIDERS: dict[str, list[Any]] = {
    "cpu": ["CPUExecutionProvider"],
    # TF32, which cuDNN and cuBLAS take otherwise, changes scores by a hundredth.
    "cuda": [("CUDAExecutionProvider", {"use_tf32": "0"}), "CPUExecutionProvider"],
}
_FATAL = 4
"""Severity from which on the library writes on standard error; failures are raised anyway."""


def open_session(
    graph: GraphFile, weights: bytes, card: CheckpointCard, threads: int, device: str
) -> tuple[Any, str]:
    """Make a session that runs a graph.

    Args:
        graph: The graph.
        weights: The weights file that it refers to; needed no longer than this call takes.
        card: The card, whose sizes the graph must have.
        threads: Threads that work on one window.
        device: ``cpu`` or ``cuda``.

    Returns:
        The session, and the device on which it runs: ``cpu`` where ``cuda`` does not start.

    Raises:
        InputError: ONNX Runtime refuses the graph, or its input or output has another shape.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _FATAL
    # Waiting threads sleep: others decode meanwhile, and spinning would take their time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_external_initializers_from_files_in_memory(
        [graph.location], [weights], [len(weights)]
    )
    try:
        session = onnxruntime.InferenceSession(graph.content, options, providers=_PROVIDERS[device])
    except Exception as error:  # the library has a class of its own for each kind of failure
        raise InputError(
            f"{graph.path}: ONNX Runtime refuses it: {one_line(error)[:200]}"
        ) from None
    _check_shapes(graph, session, card)
    started = "CUDAExecutionProvider" in session.get_providers()
    return session, "cuda" if started else "cpu"


def _check_shapes(graph: GraphFile, session: Any, card: CheckpointCard) -> None:
    sizes = card.architecture
    side = sizes.image_size
    texts = len(card.levels) + len(captions_of(card))
    given = [
        (node.name, node.type, list(node.shape[1:]))
        for node in (*session.get_inputs(), *session.get_outputs())
    ]
    wanted = [
        (INPUT, "tensor(uint8)", [sizes.frames, side, side, 3]),
        (OUTPUT, "tensor(float)", [texts]),
    ]
    if given != wanted:
        raise InputError(f"{graph.path}: takes and gives {given}, the card asks for {wanted}")
