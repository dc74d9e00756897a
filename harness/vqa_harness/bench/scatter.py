"""Scatter plots of scores against opinions, one PNG file per metric and dataset."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np

from vqa_harness.bench.evaluate import BenchmarkResult, MetricOutcome
from vqa_harness.bench.output import TITLES, where
from vqa_harness.errors import MissingBackend
from vqa_harness.files import make_folder, write_bytes
from vqa_harness.installation import pip_install


def check_matplotlib() -> None:
    """Import matplotlib now, so that its absence shows before hours of scoring.

    Raises:
        MissingBackend: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise MissingBackend(
            f"--scatter needs matplotlib; {pip_install('vqa-harness[bench]')}"
        ) from None


def write_scatter(folder: Path, outcome: BenchmarkResult) -> list[Path]:
    """Draw every metric that has statistics.

    Args:
        folder: the folder for the plots; made if it is not there.
        outcome: the results.

    Returns:
        The files written: ``DATASET-SPLIT-METRIC.png``.

    Raises:
        UsageError: the files cannot be written.
    """
    written = []
    for metric in outcome.metrics:
        if metric.statistics:
            path = plot_path(folder, outcome, metric.label)
            make_folder(folder)
            write_bytes(path, _draw(outcome, metric))
            written.append(path)
    return written


def plot_path(folder: Path, outcome: BenchmarkResult, label: str) -> Path:
    """The file of the plot of a metric with this label."""
    name = re.sub(r"[^\w.-]+", "-", f"{where(outcome)}-{label}")
    return folder / f"{name[:150]}.png"


def _draw(outcome: BenchmarkResult, metric: MetricOutcome) -> bytes:
    from matplotlib.figure import Figure

    opinions = {item.name: item.score for item in outcome.part.items}
    x = np.array(list(metric.scores.values()), np.float64)
    y = np.array([opinions[name] for name in metric.scores], np.float64)
    figure = Figure(figsize=(5, 4.2), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.scatter(x, y, s=9, alpha=0.6, linewidths=0)
    if metric.curve is not None:
        grid = np.linspace(x.min(), x.max(), 200)
        axes.plot(grid, metric.curve(grid), color="black", linewidth=1, label=metric.curve.kind)
        axes.legend(frameon=False)
    axes.set_xlabel(metric.label)
    axes.set_ylabel(outcome.collection.scale.kind)
    numbers = [f"{TITLES[name]} {metric.statistics[name]:.3f}" for name in ("srocc", "plcc")]
    axes.set_title(f"{where(outcome)}, {len(x)} files: {', '.join(numbers)}", fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
