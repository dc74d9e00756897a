"""The whole way from tables of opinion scores to checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vqa_harness import __version__
from vqa_harness.errors import UsageError
from vqa_harness.files import make_folder
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.svr import SvrDecoder
from vqa_plugin_clip.train.clips import Clips, View
from vqa_plugin_clip.train.curve import check_matplotlib
from vqa_plugin_clip.train.dataset import Ratings, Tables, ratings
from vqa_plugin_clip.train.engine import Engine, make_accelerator
from vqa_plugin_clip.train.fit import Fit
from vqa_plugin_clip.train.frame_store import FrameStore
from vqa_plugin_clip.train.initial_network import Start, network, start
from vqa_plugin_clip.train.interrupt import watched
from vqa_plugin_clip.train.loading import Loading
from vqa_plugin_clip.train.random_state import restore_random_state, seed_all
from vqa_plugin_clip.train.recipe import Recipe
from vqa_plugin_clip.train.results import BEST, Origin, Results
from vqa_plugin_clip.train.state_file import Position, State, load_state, save_state

STATE = "state.safetensors"


@dataclass(frozen=True, slots=True)
class Job:
    """A training: what decides its result (``tables``, ``recipe``), and everything else.

    Attributes:
        tables: opinion scores.
        recipe: how to train.
        out: folder for everything that is written.
        resume: go on from the state in ``out``, where there is one.
        fit_svr: fit the paper's decoder too.
        cache: folder for decoded frames; None to decode in every epoch.
        cache_bytes: how large it may become.
        workers: processes that decode; 0 to decode in the one that trains.
        threads: of torch and the decoder in this process; 0 for as many as there are.
        device: of torch.
        save_every: updates between saved states; 0 for epochs only.
        origin: words for the card.
    """

    tables: Tables
    recipe: Recipe
    out: Path
    resume: bool = False
    fit_svr: bool = False
    cache: Path | None = None
    cache_bytes: int = 20 << 30
    workers: int = 0
    threads: int = 0
    device: str = "auto"
    save_every: int = 500
    origin: Origin = field(default_factory=Origin)


@dataclass(frozen=True, slots=True)
class Watcher:
    """Told what goes on; in one process only.

    Attributes:
        looked: files looked at, and files in all.
        begun: what is trained on, where it begins, and the network.
        step: epoch (from 1), passes done and to be done in it, mean loss.
        epoch: the new row of the curve (epoch 0: before training), and whether it is the best.
    """

    looked: Callable[[int, int], None]
    begun: Callable[[Ratings, Position, Start], None]
    step: Callable[[int, int, int, float], None]
    epoch: Callable[[dict[str, float | None], bool], None]


SILENT = Watcher(*(lambda *_: None for _ in range(4)))


def train(job: Job, watcher: Watcher = SILENT) -> Position:
    """Train, and write checkpoints, curve, split and state into the job's folder.

    Args:
        job: what to do.
        watcher: told what goes on.

    Returns:
        where training stands: at its end.

    Raises:
        UsageError: settings or tables do not fit, or the folder holds another training.
        InputError: weights or a file cannot be read.
        MissingBackend: a package, a device or weights are not there.
        KeyboardInterrupt: it was interrupted; the state was saved.
    """
    check_matplotlib()
    accelerator = make_accelerator(job.device, job.recipe.precision)
    watcher = watcher if accelerator.is_main_process else SILENT
    if job.threads:
        torch.set_num_threads(job.threads)
    kept = _kept(job)
    make_folder(job.out)
    with accelerator.main_process_first():  # the others find the facts of the files written down
        found = ratings(
            job.tables,
            job.recipe.seed,
            job.recipe.batch * accelerator.num_processes,
            job.out,
            max(job.workers, job.threads, 1),
            watcher.looked,
        )
    seed_all(job.recipe.seed)
    begin = start(job.recipe) if kept is None else _restored(kept)
    facts = _facts(job.recipe, found, begin, accelerator.num_processes)
    if kept is not None:
        _check_same(job, kept.facts, facts)
    engine = Engine(begin, job.recipe, accelerator, kept)
    svr = _regressor(found, len(begin.levels)) if job.fit_svr else None
    recipe = {key: value for key, value in job.recipe.to_dict().items() if key != "init"}
    origin = replace(job.origin, facts=recipe)
    results = Results(job.out, begin, found, origin, svr)
    loading = Loading(_clips(job, found, begin), job.workers)
    return _fit(job, engine, loading, results, facts, kept, watcher)


def _fit(
    job: Job,
    engine: Engine,
    loading: Loading,
    results: Results,
    facts: dict[str, Any],
    kept: State | None,
    watcher: Watcher,
) -> Position:
    position = Position() if kept is None else kept.position
    accelerator = engine.accelerator
    watcher.begun(results.ratings, position, results.start)

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
        fit = Fit(
            engine, loading, position, stop, job.save_every, save, on_step, on_start, on_epoch
        )
        if kept is not None:
            restore_random_state(kept.tensors["random"], kept.random)
            fit.random = (kept.tensors["random"], kept.random)
        try:
            fit.run()
        finally:
            loading.close()
            if accelerator.num_processes > 1:
                accelerator.end_training()
    return position


def _kept(job: Job) -> State | None:
    """The state to go on from.

    Raises:
        UsageError: there is a training in the folder and none is to be resumed.
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


def _restored(kept: State) -> Start:
    """The network of a state, with its weights."""
    facts = kept.facts
    model = network(Architecture.from_dict(facts["architecture"]))
    model.load_state_dict(kept.tensors["model"], strict=True, assign=True)
    model.requires_grad_(True)
    return Start(
        model,
        tuple(facts["levels"]),
        Preprocessing.from_dict(facts["preprocessing"]),
        dict(facts["init"]),
    )


def _facts(recipe: Recipe, found: Ratings, begin: Start, processes: int) -> dict[str, Any]:
    """What must be the same for a training to go on."""
    return {
        "version": __version__,
        "recipe": recipe.to_dict(),
        "files": found.fingerprint(),
        "processes": processes,
        "architecture": begin.model.architecture.to_dict(),
        "levels": list(begin.levels),
        "preprocessing": asdict(begin.preprocessing),
        "init": begin.origin,
    }


def _check_same(job: Job, was: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to go on with something else.

    Raises:
        UsageError: a setting, the files or the number of processes changed.
    """
    difference = job.recipe.difference(was.get("recipe", {}))
    if not difference and was.get("files") != now["files"]:
        difference = "the tables, their files or the split changed"
    if not difference and was.get("processes") != now["processes"]:
        difference = f"{now['processes']} processes, and there were {was.get('processes')}"
    if difference:
        raise UsageError(f"--resume: {difference}; undo that, or begin anew in another folder")


def _clips(job: Job, found: Ratings, begin: Start) -> Clips:
    recipe = job.recipe
    view = View(
        begin.model.architecture.frames,
        begin.preprocessing,
        recipe.augmentation(begin.preprocessing.kind),
        recipe.candidates,
        recipe.seed,
    )
    store = FrameStore(job.cache, job.cache_bytes)
    threads = 1 if job.workers else job.threads
    return Clips(found.training, found.validation, view, store, threads)


def _regressor(found: Ratings, levels: int) -> SvrDecoder:
    """The paper's decoder, fitted on the training scores."""
    return SvrDecoder.fit([file.share * (levels - 1) for file in found.training], levels)
