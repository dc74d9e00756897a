"""``vqa-harness clipvqa distill``; what it needs is imported when it runs."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vqa_plugin_clip.distill.recipe import DistillRecipe

_CLIPS, _NETWORK, _TRAINING, _RUN = "Clips", "Network", "Training", "Run"


def distill_command(
    content: Annotated[
        Path,
        typer.Option(help="Folder of pristine stills and videos, or a text file that names them."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Checkpoint to write (.safetensors).")
    ],
    cache: Annotated[
        Path,
        typer.Option(
            help="Folder for labelled clips (0.9 MB each, 2 MB with more than 4 frames), kept for"
            " the next time."
        ),
    ],
    more_content: Annotated[
        Path | None,
        typer.Option(help="Further contents, good but not flawless, that are only trained on."),
    ] = None,
    mos: Annotated[
        Path | None, typer.Option(help="CSV with columns file,score: stills with opinion scores.")
    ] = None,
    clips: Annotated[
        int, typer.Option(help="Number of training clips.", rich_help_panel=_CLIPS)
    ] = 24_000,
    varied: Annotated[
        bool,
        typer.Option(
            "--varied",
            help="Train on more: further coders, uneven ladders, two generations, stalls, kinds of"
            " noise, tone and focus, other moments.",
            rich_help_panel=_CLIPS,
        ),
    ] = False,
    clean: Annotated[
        float | None,
        typer.Option(
            help="Share of undamaged clips outside ladders, with --varied; 0.02 if not given.",
            rich_help_panel=_CLIPS,
        ),
    ] = None,
    motion: Annotated[
        float,
        typer.Option(
            help="Share of videos among the training contents; they are repeated for it.",
            rich_help_panel=_CLIPS,
        ),
    ] = 0.0,
    validation: Annotated[
        float,
        typer.Option(
            help="Share of training contents kept to choose the best weights by; 0 for the last.",
            rich_help_panel=_CLIPS,
        ),
    ] = 0.08,
    hold_out: Annotated[
        str,
        typer.Option(
            help="Coders and kinds of damage that are only measured on, separated by commas.",
            rich_help_panel=_CLIPS,
        ),
    ] = "av1-svt,freeze",
    init: Annotated[
        Path | None,
        typer.Option(
            help="Checkpoint to go on from; without one, a new network is made.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    frames: Annotated[
        int, typer.Option(help="Frames per window, at most 10.", rich_help_panel=_NETWORK)
    ] = 4,
    width: Annotated[
        int, typer.Option(help="Channels of a new network.", rich_help_panel=_NETWORK)
    ] = 192,
    layers: Annotated[
        int, typer.Option(help="Blocks of a new network.", rich_help_panel=_NETWORK)
    ] = 3,
    frozen_blocks: Annotated[
        int,
        typer.Option(help="How many of the stem's 11 blocks stay.", rich_help_panel=_NETWORK),
    ] = 2,
    epochs: Annotated[
        int,
        typer.Option(
            help="Passes over single frames of the clips; 0 for whole clips from the first step.",
            rich_help_panel=_TRAINING,
        ),
    ] = 8,
    clip_epochs: Annotated[
        int, typer.Option(help="Passes over whole clips after those.", rich_help_panel=_TRAINING)
    ] = 1,
    minutes: Annotated[
        float,
        typer.Option(
            help="Train on whole clips for so long, instead of --clip-epochs.",
            rich_help_panel=_TRAINING,
        ),
    ] = 0.0,
    checks: Annotated[
        int, typer.Option(help="How often to measure in --minutes.", rich_help_panel=_TRAINING)
    ] = 10,
    batch: Annotated[int, typer.Option(help="Clips per step.", rich_help_panel=_TRAINING)] = 24,
    opinion_batch: Annotated[
        int, typer.Option(help="Stills of --mos per step.", rich_help_panel=_TRAINING)
    ] = 10,
    rate: Annotated[
        float,
        typer.Option(
            help="Highest learning rate; the stem has half of it.", rich_help_panel=_TRAINING
        ),
    ] = 6e-4,
    decay: Annotated[
        float, typer.Option(help="Weight decay of matrices.", rich_help_panel=_TRAINING)
    ] = 0.01,
    rank: Annotated[
        float,
        typer.Option(
            help="Weight of the loss for the order inside groups.", rich_help_panel=_TRAINING
        ),
    ] = 0.2,
    seed: Annotated[
        int, typer.Option(help="Number that everything random follows from.", rich_help_panel=_RUN)
    ] = 1,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs",
            "-j",
            min=0,
            help="Processes and threads; 0 for as many as there are cores.",
            rich_help_panel=_RUN,
        ),
    ] = 0,
    device: Annotated[
        str,
        typer.Option(help="Where to compute: auto, cpu, cuda or mps.", rich_help_panel=_RUN),
    ] = "auto",
    half: Annotated[
        bool,
        typer.Option(
            "--half",
            help="Compute the frame tower in bfloat16, where there is that.",
            rich_help_panel=_RUN,
        ),
    ] = False,
    resident: Annotated[
        bool | None,
        typer.Option(
            "--resident/--no-resident",
            help="Keep clips in the device's memory; if not given, on a GPU where they fit.",
            rich_help_panel=_RUN,
        ),
    ] = None,
    weights_version: Annotated[
        str, typer.Option(help="Version of the weights, for the card.", rich_help_panel=_RUN)
    ] = "1",
) -> None:
    """Train a small network to predict VMAF without a reference.

    Stills become moving clips, videos short ones; they are coded, scaled or damaged otherwise and
    scored by VMAF; no opinion scores are needed. Needs the extras train and vmaf.
    """
    from vqa_plugin_clip.libraries import MAKING, TORCH, require

    require("clipvqa distill", TORCH, MAKING)
    import os

    from vqa_harness.console import show, stage_bar, warn
    from vqa_harness.errors import UsageError
    from vqa_plugin_clip.backend.pytorch import choose_device
    from vqa_plugin_clip.distill.recipe import DistillRecipe
    from vqa_plugin_clip.distill.run import distill
    from vqa_plugin_clip.distill.varied import Varied

    if clean is not None and not varied:
        raise UsageError("--clean: needs --varied")
    recipe = DistillRecipe(
        content=content,
        more_content=more_content,
        mos=mos,
        init=init,
        clips=clips,
        varied=(Varied() if clean is None else Varied(clean)) if varied else None,
        motion=motion,
        validation=validation,
        epochs=epochs,
        clip_epochs=clip_epochs,
        minutes=minutes,
        checks=checks,
        frames=frames,
        width=width,
        layers=layers,
        batch=batch,
        opinion_batch=opinion_batch,
        rate=rate,
        decay=decay,
        rank=rank,
        frozen_blocks=frozen_blocks,
        held_out=names(hold_out),
        seed=seed,
        workers=jobs or os.cpu_count() or 1,
        device=choose_device(device),
        half=half,
        resident=resident,
        version=weights_version,
    )
    recipe = replace(recipe, command=_command(recipe))
    with stage_bar() as progress:
        card = distill(recipe, output, cache, progress, warn)
    show(f"{output.name}: {_verdict(card.extra['quality'])}")


def names(text: str) -> tuple[str, ...]:
    """Split names that are separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


_OWN_FLAGS = {"held_out": "--hold-out", "version": "--weights-version"}
_NOT_TOLD = ("workers", "device", "command", "resident")
"""Settings that do not decide what a checkpoint is."""


def _command(recipe: DistillRecipe) -> str:
    """Write the command line for the card: only the last part of each path, and no default."""
    import shlex

    words = ["vqa-harness", "clipvqa", "distill"]
    for field in fields(recipe):
        value = getattr(recipe, field.name)
        if field.name in _NOT_TOLD or (field.default is not MISSING and value == field.default):
            continue
        flag = _OWN_FLAGS.get(field.name, f"--{field.name.replace('_', '-')}")
        if field.name == "varied":
            words += [flag, "--clean", f"{value.clean:g}"]
        elif isinstance(value, bool):
            words.append(flag)
        elif isinstance(value, Path):
            words += [flag, value.name]
        else:
            words += [flag, ",".join(value) if isinstance(value, tuple) else str(value)]
    return shlex.join(words)


def _verdict(quality: dict[str, dict[str, dict[str, float]]]) -> str:
    parts = []
    for name, figures in quality.items():
        srocc = figures.get("all", figures).get("srocc")
        if isinstance(srocc, float):
            parts.append(f"{name} SROCC {srocc:.3f}")
    return ", ".join(parts) or "too few evaluation clips for a correlation"
