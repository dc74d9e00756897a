"""``vqa-harness clipvqa``: make checkpoints. What a command needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqa_harness.cli.options import Json, put_json
from vqa_harness.console import put_document, show, stage_bar
from vqa_harness.destinations import STDOUT, Writing, check_destinations, refuse_overwriting
from vqa_plugin_clip.distill.command import distill_command, names
from vqa_plugin_clip.libraries import MAKING, SCORING, TORCH, require
from vqa_plugin_clip.train.command import train_command

app = typer.Typer(no_args_is_help=True)
app.command("train")(train_command)
app.command("distill")(distill_command)


@app.callback()
def main() -> None:
    """Make CLIPVQA checkpoints."""


@app.command()
def evaluate(
    checkpoint: Annotated[
        str, typer.Argument(help="Name of a bundled checkpoint, or path of one.")
    ],
    content: Annotated[
        Path,
        typer.Option(
            help="Folder of pristine stills, as for distill; only held-out ones are used."
        ),
    ],
    cache: Annotated[Path, typer.Option(help="Folder for labelled clips, kept for the next time.")],
    mos: Annotated[
        Path | None,
        typer.Option(help="CSV with columns file,score; every fifth block of 20 rows is used."),
    ] = None,
    hold_out: Annotated[
        str,
        typer.Option(
            help="Coders and kinds of damage with sets of their own, separated by commas."
        ),
    ] = "av1-svt,freeze",
    seed: Annotated[int, typer.Option(help="Number that the choice of clips follows from.")] = 1,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=0, help="Processes and threads; 0 for as many as there are cores."
        ),
    ] = 0,
    json_target: Json = None,
) -> None:
    """Compare a checkpoint, NIQE and BRISQUE on contents that no clip was trained on.

    Prints a Markdown table of SROCC / PLCC with VMAF (with the opinion scores for photographs); for
    rate ladders the mean SROCC inside a ladder, and how many neighbouring rungs are swapped.
    """
    require("clipvqa evaluate", TORCH, MAKING)
    import os

    from vqa_plugin_clip.distill.compare import compare, markdown
    from vqa_plugin_clip.distill.recipe import DistillRecipe

    check_destinations([json_target], [content, mos, Path(checkpoint)])
    workers = jobs or os.cpu_count() or 1
    recipe = DistillRecipe(content, mos=mos, held_out=names(hold_out), seed=seed, workers=workers)
    with stage_bar() as progress:
        results = compare(checkpoint, recipe, cache, progress)
    writing = Writing()
    if json_target is not None:
        with writing.trying():
            put_json(json_target, results)
    if json_target != STDOUT:
        put_document(markdown(results))
    writing.conclude()


@app.command("import-checkpoint")
def import_checkpoint(
    published: Annotated[Path, typer.Argument(help="A .pth file of the published training code.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Checkpoint to write (.safetensors).")
    ],
    training_data: Annotated[
        str, typer.Option(help="What the checkpoint was trained on, for its card.")
    ],
    licence: Annotated[
        str, typer.Option(help="Licence of the weights, for the card.")
    ] = "not stated",
    levels: Annotated[
        str,
        typer.Option(
            help="Wordings of the levels that it was trained with: labels, labels_1 or labels_long"
            " (the published lists), or six by commas, worst first. Needed where the file's own"
            " configuration names none of the lists.",
        ),
    ] = "",
) -> None:
    """Convert a checkpoint of the published method; tensors only, nothing in it is executed."""
    require("clipvqa import-checkpoint", TORCH, SCORING)
    from vqa_plugin_clip.checkpoint.published import import_published

    refuse_overwriting([output, output.with_suffix(".json")], [published])
    card = import_published(
        published, output, levels=levels, training_data=training_data, licence=licence
    )
    show(
        f"{output.name}: {card.architecture.frames} frames, sha256 {card.sha256}",
        f"levels, worst first: {', '.join(card.levels)} ({card.extra['levels_from']})",
        f"activation: {card.architecture.activation}, by {card.extra['activation_from']}",
        "window: the whole video, as published",
    )


@app.command("export")
def export(
    checkpoint: Annotated[
        str, typer.Argument(help="Name of a bundled checkpoint, or path of one.")
    ] = "default",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Graph to write (.onnx); by default beside the weights."
        ),
    ] = None,
) -> None:
    """Make a checkpoint's ONNX graph, with which it is scored without torch.

    The graph refers to the weights file, so the two belong side by side, under one name. Needs the
    extras clip and train.
    """
    require("clipvqa export", (*TORCH, "onnx", "onnxscript"), MAKING)
    from vqa_plugin_clip.graph.export import export_graph

    made = export_graph(checkpoint, output)
    show(
        f"{made.path.name}: {made.size / 1e6:.2f} MB beside {made.weights_name};"
        f" scores differ from torch's by {made.difference:.1g} at most"
    )


@app.command("info")
def info(
    checkpoint: Annotated[
        str, typer.Argument(help="Name of a bundled checkpoint, or path of one.")
    ] = "default",
) -> None:
    """Print a checkpoint's card: what it is, what it was trained on, what was measured."""
    from vqa_plugin_clip.checkpoint.card import read_card
    from vqa_plugin_clip.checkpoint.find import find_checkpoint

    path = find_checkpoint(checkpoint)
    read_card(path)  # which says in one line what is wrong with it
    put_document(path.read_text("utf-8"), json=True)
