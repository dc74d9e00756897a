"""``vqa-harness clipvqa``: make checkpoints. What a command needs is imported when it runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqa_harness.cli.options import STDOUT, Json, put_json
from vqa_harness.console import stage_bar
from vqa_plugin_clip.train.command import train_command

if TYPE_CHECKING:
    from vqa_plugin_clip.distill.recipe import DistillRecipe

app = typer.Typer(no_args_is_help=True)
app.command("train")(train_command)


@app.callback()
def main() -> None:
    """Make CLIPVQA checkpoints."""


@app.command()
def distill(
    content: Annotated[
        Path,
        typer.Option(help="Folder of pristine stills and videos, or a text file that names them."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Checkpoint to write (.safetensors).")
    ],
    cache: Annotated[
        Path,
        typer.Option(help="Folder for labelled clips (0.9 MB each), kept for the next time."),
    ],
    more_content: Annotated[
        Path | None,
        typer.Option(help="Further stills, good but not flawless, that are only trained on."),
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(help="Checkpoint to go on from; without one, a new network is made."),
    ] = None,
    mos: Annotated[
        Path | None, typer.Option(help="CSV with columns file,score: stills with opinion scores.")
    ] = None,
    clips: Annotated[int, typer.Option(help="Number of training clips.")] = 24_000,
    epochs: Annotated[int, typer.Option(help="Passes over single frames of the clips.")] = 8,
    clip_epochs: Annotated[int, typer.Option(help="Passes over whole clips after those.")] = 1,
    hold_out: Annotated[
        str,
        typer.Option(
            help="Coders and kinds of damage that are only measured on, separated by commas."
        ),
    ] = "av1-svt,freeze",
    seed: Annotated[int, typer.Option(help="Number that everything random follows from.")] = 1,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=0, help="Processes and threads; 0 for as many as there are cores."
        ),
    ] = 0,
    device: Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda or mps.")] = "auto",
    half: Annotated[
        bool, typer.Option(help="Compute in bfloat16, on processors and GPUs that have it.")
    ] = False,
) -> None:
    """Train a small network to predict VMAF without a reference.

    Stills become moving clips, videos short ones; they are coded, scaled or damaged otherwise and
    scored by VMAF; no opinion scores are needed. Needs the extras train and vmaf.
    """
    import os

    from vqa_plugin_clip.distill.recipe import DistillRecipe
    from vqa_plugin_clip.distill.run import distill
    from vqa_plugin_clip.metric import choose_device

    recipe = DistillRecipe(
        content=content,
        more_content=more_content,
        mos=mos,
        init=init,
        clips=clips,
        epochs=epochs,
        clip_epochs=clip_epochs,
        held_out=_names(hold_out),
        seed=seed,
        workers=jobs or os.cpu_count() or 1,
        device=choose_device(device),
        half=half,
    )
    recipe = replace(recipe, command=_command(recipe))
    with stage_bar() as progress:
        card = distill(recipe, output, cache, progress)
    typer.echo(f"{output.name}: {_verdict(card.extra['quality'])}")


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
    import os

    from vqa_plugin_clip.distill.compare import compare, markdown
    from vqa_plugin_clip.distill.recipe import DistillRecipe

    workers = jobs or os.cpu_count() or 1
    recipe = DistillRecipe(content, mos=mos, held_out=_names(hold_out), seed=seed, workers=workers)
    with stage_bar() as progress:
        results = compare(checkpoint, recipe, cache, progress)
    if json_target is not None:
        put_json(json_target, results)
    if json_target != STDOUT:
        typer.echo(markdown(results), nl=False)


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
) -> None:
    """Convert a checkpoint of the published method; tensors only, nothing in it is executed."""
    from vqa_plugin_clip.checkpoint.published import import_published

    card = import_published(published, output, training_data=training_data, licence=licence)
    typer.echo(f"{output.name}: {card.architecture.frames} frames, sha256 {card.sha256}")


@app.command("info")
def info(
    checkpoint: Annotated[
        str, typer.Argument(help="Name of a bundled checkpoint, or path of one.")
    ] = "default",
) -> None:
    """Print a checkpoint's card: what it is, what it was trained on, what was measured."""
    from vqa_plugin_clip.checkpoint.files import find_checkpoint

    typer.echo(find_checkpoint(checkpoint).read_text("utf-8"), nl=False)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _command(recipe: DistillRecipe) -> str:
    """Write the command line for the card, with only the last part of each path."""
    words = ["vqa-harness clipvqa distill", f"--content {recipe.content.name}"]
    words += [f"--more-content {recipe.more_content.name}"] if recipe.more_content else []
    words += [f"--mos {recipe.mos.name}"] if recipe.mos else []
    words += [f"--init {recipe.init.name}"] if recipe.init else []
    words += [f"--clips {recipe.clips} --epochs {recipe.epochs}"]
    words += [f"--clip-epochs {recipe.clip_epochs} --hold-out {','.join(recipe.held_out)}"]
    words += [f"--seed {recipe.seed}"]
    words += ["--half"] if recipe.half else []
    return " ".join(words)


def _verdict(quality: dict[str, dict[str, dict[str, float]]]) -> str:
    parts = []
    for name, figures in quality.items():
        srocc = figures.get("all", figures).get("srocc")
        if isinstance(srocc, float):
            parts.append(f"{name} SROCC {srocc:.3f}")
    return ", ".join(parts) or "too few evaluation clips for a correlation"
