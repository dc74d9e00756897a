"""How a training reports to people: lines on standard output, a bar on standard error."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vqa_harness.bench.bad_rows import how_many, summary
from vqa_harness.console import flush, note, show, stage_bar, warn
from vqa_plugin_clip.train.dataset import BAD_ROWS_FILE, Ratings
from vqa_plugin_clip.train.figures import rank
from vqa_plugin_clip.train.initial_network import InitialNetwork
from vqa_plugin_clip.train.results import BEST
from vqa_plugin_clip.train.run import Watcher
from vqa_plugin_clip.train.state_file import Position


@contextmanager
def report(out: Path) -> Iterator[Watcher]:
    """Make a watcher that reports to people; it has a bar only if standard error is a terminal.

    Args:
        out: Folder of the training.
    """
    rows: list[dict[str, float | None]] = []
    with stage_bar() as bar:

        def begun(ratings: Ratings, position: Position, initial: InitialNetwork) -> None:
            rows.extend(position.rows)
            _tell_begin(ratings, position, initial)

        def step(epoch: int, done: int, steps: int, loss: float) -> None:
            bar(f"epoch {epoch}", done, steps, "" if math.isnan(loss) else f"loss {loss:.4f}")

        def epoch(row: dict[str, float | None], best: bool) -> None:
            rows.append(row)
            mark = "  best so far" if best else ""
            show(f"{_epoch_line(row)}{mark}")
            flush()

        def looked(done: int, files: int) -> None:
            bar("looking at files", done, files, "")

        try:
            yield Watcher(looked, begun, step, epoch)
        except KeyboardInterrupt:
            if rows or (out / "state.safetensors").exists():
                note("the state was saved; the same command with --resume goes on")
            raise
    trained = [row for row in rows if row["epoch"]]
    if trained:
        top = max(trained, key=rank)
        if rank(top) <= rank(rows[0]):
            warn("no epoch ranks the validation files better than the network did before training")
        show(
            f"best: epoch {top['epoch']:.0f}, {_figures(top)}",
            f"score with: vqa-harness run -m clipvqa:checkpoint={out / BEST}",
        )


def _tell_begin(ratings: Ratings, position: Position, initial: InitialNetwork) -> None:
    if ratings.bad:
        warn(f"{how_many(ratings.bad)} left out, see {BAD_ROWS_FILE}: {summary(ratings.bad)}")
    sizes, kind = initial.model.architecture, initial.preprocessing.kind
    millions = sum(p.numel() for p in initial.model.parameters()) / 1e6
    text = [
        f"training: {_described(ratings.training)}; validation: {_described(ratings.validation)}",
        f"network: {millions:.1f} million parameters, {sizes.frames} frames of"
        f" {sizes.image_size}x{sizes.image_size} ({kind}), {sizes.behaviour} behaviour",
    ]
    if "activation_from" in initial.origin:
        origin = initial.origin["activation_from"]
        text.append(f"activation: {sizes.activation}, by {origin}")
    if position.epoch or position.step:
        text.append(f"going on in epoch {position.epoch + 1}, after {position.updates} updates")
    show(*text)
    flush()


def _described(files: Any) -> str:
    return f"{len(files)} files of {len({file.group for file in files})} contents"


def _epoch_line(row: dict[str, float | None]) -> str:
    if not row["epoch"]:
        return f"before training         {_figures(row)}"
    loss = f"epoch {row['epoch']:3.0f}  loss {row['loss']:.4f}"
    return f"{loss}  {_figures(row)}  {row['seconds']:.0f} s"


def _figures(row: dict[str, float | None]) -> str:
    values = {name: row[name] for name in ("srocc", "plcc", "rmse")}
    return "  ".join(
        f"{name.upper()} {'-' if value is None else format(value, '.4f')}"
        for name, value in values.items()
    )
