"""The whole way from tables of opinion scores to checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vqa_harness import __version__
from vqa_harness.destinations import refuse_overwriting
from vqa_harness.errors import UsageError
from vqa_harness.files import try_folder
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.labels import labels_of, vectorised_label
from vqa_plugin_clip.svr import SvrDecoder
from vqa_plugin_clip.train.clips import Clips, ClipView
from vqa_plugin_clip.train.curve import check_matplotlib
from vqa_plugin_clip.train.dataset import (
    BAD_ROWS_FILE,
    FACTS_FILE,
    SPLIT_FILE,
    Ratings,
    Tables,
    read_ratings,
)
from vqa_plugin_clip.train.engine import Engine, make_accelerator
from vqa_plugin_clip.train.fit import EpochLoop
from vqa_plugin_clip.train.frame_store import FrameStore
from vqa_plugin_clip.train.initial_network import InitialNetwork, make_initial_network, network
from vqa_plugin_clip.train.interrupt import watched
from vqa_plugin_clip.train.loading import ClipLoader
from vqa_plugin_clip.train.random_state import restore_random_state, seed_all
from vqa_plugin_clip.train.recipe import TrainRecipe
from vqa_plugin_clip.train.results import BEST, LAST, PREDICTIONS, Results, TrainOrigin
from vqa_plugin_clip.train.state_file import Position, State, load_state, save_state, taken_up

STATE = "state.safetensors"


@dataclass(frozen=True, slots=True)
class TrainJob:
    """A training: what decides its result (``tables`` and ``recipe``), and everything else.

    Attributes:
        tables: Where the opinion scores are.
        recipe: How to train.
        out: Folder for everything that is written.
        resume: Whether to go on from the state in ``out``, if there is one.
        fit_svr: Whether to fit the paper's decoder, too.
        cache: Folder for decoded frames; None to decode in every epoch.
        cache_bytes: How large that folder may become.
        workers: Processes that decode; 0 to decode in the one that trains.
        threads: Threads of torch and the decoder in this process; 0 for torch's default.
        device: Where to compute: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        save_every: Updates from one saved state to the next; 0 to save after epochs only.
        origin: What the card says about the training.
    """

    tables: Tables
    recipe: TrainRecipe
    out: Path
    resume: bool = False
    fit_svr: bool = False
    cache: Path | None = None
    cache_bytes: int = 20 << 30
    workers: int = 0
    threads: int = 0
    device: str = "auto"
    save_every: int = 500
    origin: TrainOrigin = field(default_factory=TrainOrigin)


@dataclass(frozen=True, slots=True)
class Watcher:
    """Functions that are called as training goes on; in the main process only.

    Attributes:
        looked: Called with the number of files looked at, and of files in all.
        begun: Called with what is trained on, where training begins, and the network.
        step: Called with the epoch (from 1), the forward passes done and to be done in it, and the
            mean loss.
        epoch: Called with the new row of the curve (epoch 0 is before training), and whether it is
            the best.
    """

    looked: Callable[[int, int], None]
    begun: Callable[[Ratings, Position, InitialNetwork], None]
    step: Callable[[int, int, int, float], None]
    epoch: Callable[[dict[str, float | None], bool], None]


SILENT = Watcher(*(lambda *_: None for _ in range(4)))
"""A watcher that does nothing."""


def train(job: TrainJob, watcher: Watcher = SILENT) -> Position:
    """Train, and write checkpoints, curve, split and state into the job's folder.

    Args:
        job: What to do.
        watcher: Called as training goes on.

    Returns:
        The position at the end of the training.

    Raises:
        UsageError: Settings or tables do not fit, or the folder holds another training.
        InputError: Weights or a file cannot be read.
        MissingBackend: A package, a device or weights are missing.
        KeyboardInterrupt: Training was interrupted; its state was saved.
    """
    check_matplotlib()
    accelerator = make_accelerator(job.device, job.recipe.precision)
    watcher = watcher if accelerator.is_main_process else SILENT
    if job.threads:
        torch.set_num_threads(job.threads)
    saved = _saved_state(job)
    written = (BEST, LAST, PREDICTIONS, SPLIT_FILE, BAD_ROWS_FILE, FACTS_FILE, STATE)
    tables = (job.tables.table, job.tables.validation, Path(job.recipe.init))
    refuse_overwriting([job.out / name for name in written], tables)
    try_folder(job.out)
    # Looking at every file takes long. The main process does it and writes the facts into the
    # folder; the others wait, and then find them there.
    with accelerator.main_process_first():
        ratings = read_ratings(
            job.tables,
            job.recipe.seed,
            job.recipe.batch * accelerator.num_processes,
            job.out,
            max(job.workers, job.threads, 1),
            watcher.looked,
        )
    seed_all(job.recipe.seed)
    if saved is None:
        initial = make_initial_network(job.recipe)
    else:
        with taken_up(job.out / STATE):
            initial = _restored(saved)
    facts = _facts(job.recipe, ratings, initial, accelerator.num_processes)
    if saved is not None:
        _check_same(job, saved.facts, facts)
    engine = Engine(initial, job.recipe, accelerator)
    if saved is not None:
        with taken_up(job.out / STATE):
            engine.restore(saved)
    svr = _regressor(ratings, initial) if job.fit_svr else None
    recipe = {key: value for key, value in job.recipe.to_dict().items() if key != "init"}
    origin = replace(job.origin, facts=recipe)
    results = Results(job.out, initial, ratings, origin, svr)
    loading = ClipLoader(_clips(job, ratings, initial), job.workers)
    return _fit(job, engine, loading, results, facts, saved, watcher)


def _fit(
    job: TrainJob,
    engine: Engine,
    loading: ClipLoader,
    results: Results,
    facts: dict[str, Any],
    saved: State | None,
    watcher: Watcher,
) -> Position:
    position = Position() if saved is None else saved.position
    accelerator = engine.accelerator
    watcher.begun(results.ratings, position, results.initial)

    # Every process has the same weights, so one writes. The others wait, so that none is ahead by
    # the time of a large file when gradients are exchanged next, which would time out.
    def save() -> None:
        if accelerator.is_main_process:
            tensors, numbers = fit.random
            state = State(
                position, facts, numbers, engine.scaler, engine.tensors | {"random": tensors}
            )
            save_state(job.out / STATE, state)
        accelerator.wait_for_everyone()

    def on_step(done: int, steps: int, loss: float) -> None:
        watcher.step(position.epoch + 1, done, steps, loss)

    def on_start(probabilities: np.ndarray) -> None:
        results.begin(engine, position, probabilities)
        watcher.epoch(position.rows[-1], False)

    def on_epoch(probabilities: np.ndarray) -> None:
        if accelerator.is_main_process:
            best = results.epoch(engine, position, probabilities)
            watcher.epoch(position.rows[-1], best)
        accelerator.wait_for_everyone()

    with watched() as stop:
        fit = EpochLoop(
            engine, loading, position, stop, job.save_every, save, on_step, on_start, on_epoch
        )
        if saved is not None:
            with taken_up(job.out / STATE):
                restore_random_state(saved.tensors["random"], saved.random)
            # An interruption before the first update must save this state, not that of the start.
            fit.random = (saved.tensors["random"], saved.random)
        try:
            fit.run()
        finally:
            loading.close()
            if accelerator.num_processes > 1:
                accelerator.end_training()
    return position


def _saved_state(job: TrainJob) -> State | None:
    """Read the state to go on from; None for a new training.

    Raises:
        UsageError: There is a training in the folder, and it is not to be resumed.
    """
    path = job.out / STATE
    if not job.resume:
        for name in (STATE, BEST):
            if (job.out / name).exists():
                raise UsageError(
                    f"--output {job.out.name}: holds a training already ({name});"
                    " go on with --resume, or name another folder"
                )
        return None
    return load_state(path) if path.is_file() else None


def _restored(saved: State) -> InitialNetwork:
    """Make the network of a saved state, with its weights."""
    facts = saved.facts
    model = network(Architecture.from_dict(facts["architecture"]))
    model.load_state_dict(saved.tensors["model"], strict=True, assign=True)
    model.requires_grad_(True)
    return InitialNetwork(
        model,
        tuple(facts["levels"]),
        Preprocessing.from_dict(facts["preprocessing"]),
        dict(facts["init"]),
    )


def _facts(
    recipe: TrainRecipe, ratings: Ratings, initial: InitialNetwork, processes: int
) -> dict[str, Any]:
    """Collect what must be the same for a training to go on."""
    return {
        "version": __version__,
        "recipe": recipe.to_dict(),
        "files": ratings.fingerprint(),
        "processes": processes,
        "architecture": initial.model.architecture.to_dict(),
        "levels": list(initial.levels),
        "preprocessing": asdict(initial.preprocessing),
        "init": initial.origin,
        "label": labels_of(initial.model.architecture.behaviour).__name__,
    }


def _check_same(job: TrainJob, was: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to go on with something else.

    Raises:
        UsageError: A setting, the files, the label or the number of processes changed.
    """
    difference = job.recipe.difference(was.get("recipe", {}))
    if not difference and was.get("files") != now["files"]:
        difference = "the tables, their files or the split changed"
    if not difference and was.get("label", vectorised_label.__name__) != now["label"]:
        difference = "it was begun by a version that trains another label"
    if not difference and was.get("processes") != now["processes"]:
        difference = f"the number of processes is {now['processes']} and was {was.get('processes')}"
    if difference:
        raise UsageError(f"--resume: {difference}; undo that, or start again in another folder")


def _clips(job: TrainJob, ratings: Ratings, initial: InitialNetwork) -> Clips:
    recipe = job.recipe
    view = ClipView(
        initial.model.architecture.frames,
        initial.preprocessing,
        recipe.augmentation(initial.preprocessing.kind),
        recipe.candidates,
        recipe.seed,
    )
    store = FrameStore(job.cache, job.cache_bytes)
    threads = 1 if job.workers else job.threads
    return Clips(ratings.training, ratings.validation, view, store, threads)


def _regressor(ratings: Ratings, initial: InitialNetwork) -> SvrDecoder:
    """Fit the paper's decoder on the training scores, by the label that the network learns."""
    levels = len(initial.levels)
    scores = [file.share * (levels - 1) for file in ratings.training]
    return SvrDecoder.fit(scores, levels, labels_of(initial.model.architecture.behaviour))
