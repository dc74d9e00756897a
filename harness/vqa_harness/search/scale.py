"""The settings that a search may ask a coder for, from the best quality to the lowest bitrate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from vqa_harness.errors import UsageError
from vqa_harness.ladder.encode import CRF_RANGE, FRACTIONAL_CRF, EncodeGrid

STEP = 0.02
"""Part by which neighbouring bitrates differ."""
USUAL_CRF = {"libx264": 25.0, "libx265": 27.0, "libsvtav1": 36.0, "libvpx-vp9": 36.0}
"""Where a search by CRF begins: about VMAF 93 on ordinary film."""
_FEWEST = 8
"""Part of the coder's own range, as a divisor, that the second setting is away from the first."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The settings of a search in the order of falling quality.

    A search knows them by their places in this order, 0 for the best quality.

    Attributes:
        settings: CRFs, ascending; or bitrates in bit/s, descending.
        by_bitrate: whether these are bitrates.
        start: place of the setting to try first.
        stride: how many places away the second is, where nothing tells better.
    """

    settings: tuple[float, ...]
    by_bitrate: bool
    start: int
    stride: int

    def __len__(self) -> int:
        """How many settings there are."""
        return len(self.settings)

    def grid(self, grid: EncodeGrid, height: int, place: int) -> EncodeGrid:
        """The grid of the one encoding with the setting of a place."""
        value = (self.settings[place],)
        crfs, rates = ((), value) if self.by_bitrate else (value, ())
        return replace(grid, heights=(height,), crfs=crfs, bitrates=rates)

    def named(self, place: int) -> str:
        """The setting of a place in words: ``crf 28`` or ``500 kbit/s``."""
        value = self.settings[place]
        return f"{value / 1000:g} kbit/s" if self.by_bitrate else f"crf {value:g}"


def scale_of(grid: EncodeGrid, crf_step: float = 1.0) -> Scale:
    """The scale of a coder, within the bounds that its grid names.

    Args:
        grid: the coder. Two CRFs or two bitrates are the bounds of the search; without any, it goes
            over all CRFs that the coder takes.
        crf_step: distance of neighbouring CRFs.

    Raises:
        UsageError: bounds that are not two different numbers, bounds of both kinds, or a step that
            the coder does not take.
    """
    if grid.crfs and grid.bitrates:
        raise UsageError(
            f"{grid.codec}: a search goes over CRFs or bitrates; leave the bounds of one out"
        )
    if grid.bitrates:
        low, high = _bounds(grid.codec, "bitrate", grid.bitrates)
        rates = _rates(low, high)
        return Scale(rates, True, len(rates) // 2, max(1, len(rates) // _FEWEST))
    whole = CRF_RANGE[grid.codec]
    low, high = _bounds(grid.codec, "crf", grid.crfs) if grid.crfs else whole
    return _crfs(grid.codec, low, high, crf_step)


def _crfs(codec: str, low: float, high: float, step: float) -> Scale:
    if not 0.01 <= step <= high - low:
        raise UsageError(f"{codec}: a CRF step of {step:g} does not fit from {low:g} to {high:g}")
    settings = tuple(round(low + k * step, 6) for k in range(int((high - low) / step + 1e-6) + 1))
    if codec not in FRACTIONAL_CRF and any(not crf.is_integer() for crf in settings):
        raise UsageError(f"{codec}: takes whole CRFs only; use whole bounds and --crf-step 1")
    usual = USUAL_CRF[codec]
    if not low < usual < high:
        usual = (low + high) / 2
    start = min(range(len(settings)), key=lambda place: abs(settings[place] - usual))
    first, last = CRF_RANGE[codec]
    stride = max(1, round((last - first) / _FEWEST / step))
    return Scale(settings, False, start, min(stride, max(1, len(settings) // 3)))


def _bounds(codec: str, what: str, values: tuple[float, ...]) -> tuple[float, float]:
    if len(values) != 2 or values[0] == values[1]:
        shown = ", ".join(f"{value / (1000 if what == 'bitrate' else 1):g}" for value in values)
        raise UsageError(
            f"{codec}: {what} {shown}: with a target, give the two bounds of the search, LOW,HIGH"
        )
    return min(values), max(values)


def _rates(low: float, high: float) -> tuple[float, ...]:
    """Bitrates from high to low, a `STEP` apart and of three digits."""
    count = math.ceil(math.log(high / low) / math.log1p(STEP))
    rates = [_round(high * (low / high) ** (k / count)) for k in range(count + 1)]
    return tuple(sorted({high, low, *rates[1:-1]}, reverse=True))


def _round(rate: float) -> float:
    unit = 10.0 ** (math.floor(math.log10(rate)) - 2)
    return round(rate / unit) * unit
