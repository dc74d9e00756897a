"""CLIPVQA as a plugin: its metric and its commands, as data; neither imports what runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vqa_harness.hookspecs import hookimpl
from vqa_harness.spec import Feature, MetricSpec, Param

if TYPE_CHECKING:
    import typer

CLIPVQA = MetricSpec(
    name="clipvqa",
    factory="vqa_plugin_clip.metric:ClipVqaMetric",
    kind="clip",
    context=(0, 0),
    features=(
        Feature("clipvqa", lo=0.0, hi=100.0, help="expected quality level, times 20; 100 is best"),
    ),
    params=(
        Param(
            "checkpoint",
            "default",
            "name of a bundled checkpoint, or a .safetensors file with its card",
        ),
        Param(
            "window",
            "card",
            "seconds per window, video for one window over the whole video, or card for what the"
            " checkpoint's card says: 2 seconds for the bundled one",
        ),
        Param(
            "hop",
            "",
            "seconds from one window's start to the next; empty for the card's, or the window's"
            " length",
        ),
        Param(
            "decode",
            "level",
            "level for the expected quality level, svr for the paper's support-vector regressor",
            choices=("level", "svr"),
        ),
        Param(
            "backend",
            "auto",
            "what runs the network; auto takes onnx for a checkpoint that has a graph beside its"
            " weights, torch for others and for a GPU that onnx does not have",
            choices=("auto", "onnx", "torch"),
            changes_score=False,
        ),
        Param(
            "device",
            "auto",
            "where the network runs; auto takes the best that the back-end finds",
            choices=("auto", "cpu", "cuda", "mps"),
            changes_score=False,
        ),
        Param(
            "explain",
            False,
            "true to report, in the log's info, which words for damage fit each window best",
            changes_score=False,
        ),
        Param(
            "speed",
            "exact",
            "fast to sample, of the frames near those planned, some that cost less to decode",
            choices=("exact", "fast"),
        ),
        Param("batch", 8, "windows scored at once", lo=1, hi=256, changes_score=False),
    ),
    version="3",
    summary="No-reference video quality from a CLIP-style transformer with language supervision",
    sdr_only=True,
    needs_detail=True,
    smallest=32,
    paper="Xing et al., CLIPVQA: Video Quality Assessment via CLIP, arXiv 2407.04928",
)


@hookimpl
def vqa_register_metrics() -> list[MetricSpec]:
    """The one metric of this package."""
    return [CLIPVQA]


@hookimpl
def vqa_add_commands(app: typer.Typer) -> None:
    """``vqa-harness clipvqa ...``: make, train and convert checkpoints."""
    from vqa_plugin_clip.cli import app as commands

    app.add_typer(commands, name="clipvqa", help="Make, convert and inspect CLIPVQA checkpoints.")
