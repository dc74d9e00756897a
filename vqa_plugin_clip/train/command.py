"""``vqa-harness clipvqa train``; what it needs is imported when it runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

_DATA, _START = "Opinion scores", "Start"
_RECIPE, _VARY = "Recipe (defaults: the paper's)", "Augmentation (defaults: the paper's)"
_RUN = "Run"


def train_command(
    table: Annotated[Path, typer.Argument(help="CSV table with a header: files and their scores.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for everything that is written.")
    ],
    scale: Annotated[
        tuple[float, float],
        typer.Option(
            metavar="MIN MAX",
            help="Worst and best score of the scale, such as 1 5 or 0 100.",
            rich_help_panel=_DATA,
        ),
    ],
    root: Annotated[
        Path | None,
        typer.Option(
            help="Folder that file names start from; without it, the table's.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    file_column: Annotated[
        str, typer.Option(help="Column with the file names.", rich_help_panel=_DATA)
    ] = "file",
    score_column: Annotated[
        str, typer.Option(help="Column with the opinion scores.", rich_help_panel=_DATA)
    ] = "score",
    suffix: Annotated[
        str, typer.Option(help="Added to every file name, such as .mp4.", rich_help_panel=_DATA)
    ] = "",
    validation: Annotated[
        Path | None,
        typer.Option(
            help="Table of validation files, with the same columns.", rich_help_panel=_DATA
        ),
    ] = None,
    val_share: Annotated[
        float,
        typer.Option(
            help="Without such a table: share of rows to split off.", rich_help_panel=_DATA
        ),
    ] = 0.2,
    split_by: Annotated[
        str,
        typer.Option(
            help="What tells contents apart, which are never split: a column,"
            " name (the file name up to _ or .) or name:REGEX.",
            rich_help_panel=_DATA,
        ),
    ] = "",
    min_frames: Annotated[
        int, typer.Option(help="Videos with fewer frames are left out.", rich_help_panel=_DATA)
    ] = 2,
    init: Annotated[
        str,
        typer.Option(
            help="Weights to start from: open_clip:MODEL/TAG, open_clip:MODEL/FILE, the name of a"
            " bundled checkpoint, or the path of one.",
            rich_help_panel=_START,
        ),
    ] = "clipvqa-small",
    behaviour: Annotated[
        str,
        typer.Option(
            help="Behaviour of the network: published or corrected; without it, the start's.",
            rich_help_panel=_START,
        ),
    ] = "",
    frames: Annotated[
        int,
        typer.Option(
            help="Frames per clip; 0 for the start's, which is 32 for CLIP.", rich_help_panel=_START
        ),
    ] = 0,
    view: Annotated[
        str,
        typer.Option(
            help="How frames are cut: resize (the paper's) or fragments.", rich_help_panel=_START
        ),
    ] = "",
    levels: Annotated[
        str,
        typer.Option(
            help="Wording of the levels, worst first, such as bad,poor,fair; or labels, labels_1 or"
            " labels_long, the published lists.",
            rich_help_panel=_START,
        ),
    ] = "",
    epochs: Annotated[
        int, typer.Option(help="Passes over the training files.", rich_help_panel=_RECIPE)
    ] = 40,
    warmup_epochs: Annotated[
        int, typer.Option(help="Epochs in which the rate rises.", rich_help_panel=_RECIPE)
    ] = 5,
    rate: Annotated[
        float, typer.Option(help="Learning rate of the vision tower.", rich_help_panel=_RECIPE)
    ] = 8e-6,
    min_rate: Annotated[
        float, typer.Option(help="Learning rate of all parts at the end.", rich_help_panel=_RECIPE)
    ] = 8e-8,
    new_parts: Annotated[
        float,
        typer.Option(
            help="Factor on --rate for the parts that CLIP lacks.", rich_help_panel=_RECIPE
        ),
    ] = 10.0,
    weight_decay: Annotated[
        float, typer.Option(help="Weight decay of matrices.", rich_help_panel=_RECIPE)
    ] = 0.001,
    betas: Annotated[
        tuple[float, float],
        typer.Option(metavar="B1 B2", help="The two betas of AdamW.", rich_help_panel=_RECIPE),
    ] = (0.9, 0.98),
    batch: Annotated[
        int, typer.Option(help="Videos per forward pass and device.", rich_help_panel=_RECIPE)
    ] = 2,
    accumulate: Annotated[
        int, typer.Option(help="Forward passes per update of the weights.", rich_help_panel=_RECIPE)
    ] = 8,
    clip_norm: Annotated[
        float, typer.Option(help="Longest gradient; 0 for no limit.", rich_help_panel=_RECIPE)
    ] = 0.0,
    train_conv2: Annotated[
        bool | None,
        typer.Option(
            "--train-conv2/--freeze-conv2",
            help="Whether the temporal convolution learns; without it, only if corrected.",
            rich_help_panel=_RECIPE,
        ),
    ] = None,
    train_text: Annotated[
        bool,
        typer.Option("--train-text", help="Train the text tower, too.", rich_help_panel=_RECIPE),
    ] = False,
    candidates: Annotated[
        int,
        typer.Option(
            help="How many frames of each part of a video may be drawn; 0 for all.",
            rich_help_panel=_RECIPE,
        ),
    ] = 0,
    seed: Annotated[
        int,
        typer.Option(help="Number that everything random follows from.", rich_help_panel=_RECIPE),
    ] = 1024,
    fit_svr: Annotated[
        bool,
        typer.Option("--fit-svr", help="Fit the paper's decoder, too.", rich_help_panel=_RECIPE),
    ] = False,
    crops: Annotated[
        bool | None,
        typer.Option(
            "--crops/--no-crops", help="Crop or cut at random places.", rich_help_panel=_VARY
        ),
    ] = None,
    mirror: Annotated[
        float | None,
        typer.Option(
            help="Share of clips that are mirrored; 0.5 if not given.", rich_help_panel=_VARY
        ),
    ] = None,
    jitter: Annotated[
        float | None,
        typer.Option(
            help="Share of clips whose colours are changed; if not given, 0.8, or 0 for fragments.",
            rich_help_panel=_VARY,
        ),
    ] = None,
    jitter_amounts: Annotated[
        tuple[float, float, float, float] | None,
        typer.Option(
            metavar="B C S H",
            help="How far brightness, contrast, saturation and hue are changed;"
            " 0.4 0.4 0.2 0.1 if not given.",
            rich_help_panel=_VARY,
        ),
    ] = None,
    jitter_each: Annotated[
        str | None,
        typer.Option(
            help="Draw the change for each frame (the paper's) or clip.", rich_help_panel=_VARY
        ),
    ] = None,
    grey: Annotated[
        float | None,
        typer.Option(
            help="Share of clips that lose their colours; if not given, 0.2, or 0 for fragments.",
            rich_help_panel=_VARY,
        ),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="Mixed precision: no, bf16 or fp16.", rich_help_panel=_RUN)
    ] = "no",
    checkpointing: Annotated[
        bool,
        typer.Option(
            "--checkpointing", help="Take less memory and more time.", rich_help_panel=_RUN
        ),
    ] = False,
    device: Annotated[
        str, typer.Option(help="Where to train: auto, cpu, cuda or mps.", rich_help_panel=_RUN)
    ] = "auto",
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", help="Processes that decode; 0 for none but this.", rich_help_panel=_RUN
        ),
    ] = 0,
    threads: Annotated[
        int, typer.Option(help="Threads of torch; 0 for all cores.", rich_help_panel=_RUN)
    ] = 0,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps decoded frames.", rich_help_panel=_RUN)
    ] = None,
    cache_gb: Annotated[
        float, typer.Option(help="Largest size of that folder in GiB.", rich_help_panel=_RUN)
    ] = 20.0,
    save_every: Annotated[
        int,
        typer.Option(
            help="Updates from one saved state to the next; 0 for epochs only.",
            rich_help_panel=_RUN,
        ),
    ] = 500,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on from the state in --output.", rich_help_panel=_RUN),
    ] = False,
    training_data: Annotated[
        str, typer.Option(help="Name of the training data, for the card.", rich_help_panel=_RUN)
    ] = "",
    licence: Annotated[
        str, typer.Option(help="Licence of the weights, for the card.", rich_help_panel=_RUN)
    ] = "not stated",
) -> None:
    """Train a checkpoint on opinion scores, with the paper's recipe.

    Needs the extras clip and train. Several GPUs: accelerate launch -m vqa_harness clipvqa train.
    """
    from vqa_harness.console import command_line
    from vqa_harness.errors import UsageError
    from vqa_plugin_clip.checkpoint.wordings import read_levels
    from vqa_plugin_clip.libraries import MAKING, TORCH, require

    require("clipvqa train", TORCH, MAKING)
    from vqa_plugin_clip.train.console import report
    from vqa_plugin_clip.train.dataset import Tables
    from vqa_plugin_clip.train.opinion_table import TableForm
    from vqa_plugin_clip.train.recipe import TrainRecipe
    from vqa_plugin_clip.train.results import TrainOrigin
    from vqa_plugin_clip.train.run import TrainJob, train

    if min(jobs, threads, save_every, min_frames, cache_gb) < 0:
        raise UsageError(
            "--jobs, --threads, --save-every, --min-frames, --cache-gb: must not be below 0"
        )
    form = TableForm(file_column, score_column, scale, root, suffix)
    varied = {
        "crops": crops,
        "mirror": mirror,
        "jitter": jitter,
        "amounts": jitter_amounts,
        "each": jitter_each,
        "grey": grey,
    }
    recipe = TrainRecipe(
        init=init,
        behaviour=behaviour,  # type: ignore[arg-type]
        frames=frames,
        view=view,  # type: ignore[arg-type]
        levels=read_levels(levels) if levels else (),
        epochs=epochs,
        warmup_epochs=warmup_epochs,
        rate=rate,
        min_rate=min_rate,
        new_parts=new_parts,
        weight_decay=weight_decay,
        betas=betas,
        batch=batch,
        accumulate=accumulate,
        clip_norm=clip_norm,
        train_conv2=train_conv2,
        train_text=train_text,
        varied={key: value for key, value in varied.items() if value is not None},
        candidates=candidates,
        precision=precision,  # type: ignore[arg-type]
        checkpointing=checkpointing,
        seed=seed,
    )
    job = TrainJob(
        tables=Tables(table, form, validation, val_share, split_by, min_frames),
        recipe=recipe,
        out=output,
        resume=resume,
        fit_svr=fit_svr,
        cache=cache,
        cache_bytes=int(cache_gb * 2**30),
        workers=jobs,
        threads=threads or os.cpu_count() or 1,
        device=device,
        save_every=save_every,
        origin=TrainOrigin(training_data, table.name, licence, command_line()),
    )
    with report(output) as watcher:
        train(job, watcher)
