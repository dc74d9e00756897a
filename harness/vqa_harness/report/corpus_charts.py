"""Draws the charts of a corpus as SVG that needs no script: distributions, and one against another.

Only numbers and escaped text come in; colours are those of the page, light or dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 520, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 30
BINS = 40
_TICKS = 5


def histogram(values: Sequence[float], label: str) -> str:
    """How values are distributed, as an SVG element.

    Args:
        values: at least one, finite.
        label: what they are, for those who do not see the chart.
    """
    low, high = _range(values)
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, int((value - low) / (high - low) * BINS))] += 1
    top = max(counts)
    step = (WIDTH - LEFT - RIGHT) / BINS
    bars = []
    for number, count in enumerate(counts):
        if not count:
            continue
        height = (HEIGHT - TOP - BOTTOM) * count / top
        start, end = (low + (high - low) * (number + k) / BINS for k in (0, 1))
        text = f"{_number(start, high - low)} to {_number(end, high - low)}: {count:,}"
        bars.append(
            f'<rect class="bar" x="{LEFT + number * step:.1f}" '
            f'y="{HEIGHT - BOTTOM - height:.1f}" width="{step - 1:.1f}" '
            f'height="{height:.1f}"><title>{escape(text)}</title></rect>'
        )
    scale = _scale((low, high), (0, top))
    return _svg("".join([*scale, *bars]), f"distribution of {label} over {len(values)} cases")


def scatter(points: Sequence[tuple[float, float, str]], label: str) -> str:
    """One value against another, a point for each case, as an SVG element.

    Args:
        points: (x, y, name), at least one.
        label: what they are, for those who do not see the chart.
    """
    across, up = _range([x for x, _, _ in points]), _range([y for _, y, _ in points])
    dots = []
    for x, y, name in points:
        left = LEFT + (x - across[0]) / (across[1] - across[0]) * (WIDTH - LEFT - RIGHT)
        top = HEIGHT - BOTTOM - (y - up[0]) / (up[1] - up[0]) * (HEIGHT - TOP - BOTTOM)
        text = f"{name}: {_number(x, 1)}, {_number(y, 1)}"
        dots.append(
            f'<circle class="dot" cx="{left:.1f}" cy="{top:.1f}" r="3">'
            f"<title>{escape(text)}</title></circle>"
        )
    return _svg("".join([*_scale(across, up), *dots]), label)


def _svg(content: str, label: str) -> str:
    return (
        f'<svg class="still" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">{content}</svg>'
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if high - low < 1e-9 * max(1.0, abs(high)):
        return low - 0.5, low + 0.5
    return low, high


def _scale(across: tuple[float, float], up: tuple[float, float]) -> list[str]:
    """The lines and numbers of both axes."""
    parts = []
    for value in _ticks(*up):
        y = HEIGHT - BOTTOM - (value - up[0]) / (up[1] - up[0]) * (HEIGHT - TOP - BOTTOM)
        parts.append(
            f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        text = _number(value, up[1] - up[0])
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for value in _ticks(*across):
        x = LEFT + (value - across[0]) / (across[1] - across[0]) * (WIDTH - LEFT - RIGHT)
        text = _number(value, across[1] - across[0])
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{text}</text>')
    return parts


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two, about `_TICKS` of them."""
    rough = (high - low) / _TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * k for k in (1, 2, 5, 10) if size * k >= rough)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _number(value: float, span: float) -> str:
    """A number with as many places as a range of this span needs."""
    places = max(0, 2 - math.floor(math.log10(span))) if span < 100 else 0
    text = f"{value:,.{min(places, 6)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "\N{MINUS SIGN}") if text != "-0" else "0"
