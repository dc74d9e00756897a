"""The display that pictures are judged on: a model of ColorVideoVDP, or one with another peak."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from vqa_harness import StreamInfo, UsageError
from vqa_metric_cvvdp.library import pycvvdp

_BY_TRANSFER = {"pq": "standard_hdr_pq", "hlg": "standard_hdr_hlg"}
_SDR = "standard_4k"
_EOTF = {"pq": "PQ", "hlg": "HLG"}


@lru_cache(maxsize=1)
def models() -> dict[str, dict[str, Any]]:
    """ColorVideoVDP's display models by name."""
    path = Path(pycvvdp().__file__).parent / "vvdp_data" / "display_models.json"
    found: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return found


def check_display(name: str) -> None:
    """Refuse a display that there is not.

    Raises:
        UsageError: there is no model of this name.
    """
    if name != "auto" and name not in models():
        raise UsageError(f"cvvdp:display={name}: choose auto or one of {', '.join(models())}")


def chosen_display(name: str, video: StreamInfo) -> str:
    """The name of the display model for a video.

    Args:
        name: as asked for, and checked; ``auto`` for the standard one of the video's transfer.
        video: the video.

    Raises:
        UsageError: the display does not show what the video is encoded in.
    """
    transfer = video.colour.transfer
    if name == "auto":
        return _BY_TRANSFER.get(transfer, _SDR)
    shows = photometry(name, 0.0).EOTF
    needs = _EOTF.get(transfer, "sRGB")
    if shows != needs:
        fitting = [other for other in models() if needs == photometry(other, 0.0).EOTF]
        raise UsageError(
            f"cvvdp:display={name} shows {shows}, and the video is {_named(transfer)}; choose auto"
            f" or one of {', '.join(fitting)}"
        )
    return name


def photometry(name: str, peak: float) -> Any:
    """How the display turns code values into light; ``peak`` in cd/m2 unless it is 0."""
    display = pycvvdp().vvdp_display_photometry.load(name, [])
    if peak:
        display.Y_peak = peak
    return display


def geometry(name: str, ppd: float) -> Any:
    """How large pixels are to the eye; ``ppd`` in pixels per degree unless it is 0."""
    display = pycvvdp().vvdp_display_geometry.load(name, [])
    if ppd:
        display.fixed_ppd = ppd
    return display


def _named(transfer: str) -> str:
    return transfer.upper() if transfer in _EOTF else "not HDR"
