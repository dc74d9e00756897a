"""The curve of a training: one row per epoch, as CSV and as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vqa_harness.errors import MissingBackend
from vqa_harness.files import write_bytes, write_text
from vqa_harness.installation import pip_install
from vqa_plugin_clip.libraries import MAKING
from vqa_plugin_clip.train.dataset import as_csv

COLUMNS = ("epoch", "updates", "rate", "loss", "srocc", "plcc", "rmse", "seconds")
Row = dict[str, float | None]


def check_matplotlib() -> None:
    """Import matplotlib, so that a training fails at its beginning if it is missing.

    Raises:
        MissingBackend: Matplotlib is not installed.
    """
    _figure()


def write_curve(rows: Sequence[Row], folder: Path) -> None:
    """Write ``curve.csv``; epoch 0 is the network before training."""
    table = [[_shown(row.get(column)) for column in COLUMNS] for row in rows]
    write_text(folder / "curve.csv", as_csv(COLUMNS, table))


def draw_curve(rows: Sequence[Row], folder: Path) -> None:
    """Write ``curve.svg`` and ``curve.png``: training loss above, correlations below."""
    figure = _figure()(figsize=(7.0, 5.5))
    figure.subplots_adjust(left=0.11, right=0.98, top=0.97, bottom=0.1, hspace=0.08)
    upper, lower = figure.subplots(2, sharex=True)
    for axes, name, colour in (
        (upper, "loss", "tab:gray"),
        (lower, "srocc", "tab:blue"),
        (lower, "plcc", "tab:orange"),
    ):
        points = [(row["epoch"], row[name]) for row in rows if row[name] is not None]
        if points:
            axes.plot(*zip(*points, strict=True), marker=".", color=colour, label=name.upper())
    upper.set_ylabel("training loss")
    lower.set_ylabel("validation")
    lower.set_xlabel("epoch")
    lower.xaxis.get_major_locator().set_params(integer=True)
    if lower.lines:
        lower.legend()
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    for kind, options in (("svg", {"metadata": {"Date": None}}), ("png", {"dpi": 120})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, **options)
        write_bytes(folder / f"curve.{kind}", buffer.getvalue())


def _figure() -> Any:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingBackend(
            f"training: matplotlib is not installed; run: {pip_install(MAKING)}"
        ) from None
    mpl.rcParams["svg.hashsalt"] = "vqa-harness"  # otherwise every run writes another file
    return Figure


def _shown(value: float | None) -> object:
    if value is None or value == int(value):
        return None if value is None else int(value)
    return f"{value:.6g}"
