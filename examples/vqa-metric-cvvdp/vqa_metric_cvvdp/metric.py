"""The metric: ColorVideoVDP of a video and of its windows.

Source: R. K. Mantiuk et al., "ColorVideoVDP: A visual difference predictor for image, video and
display distortions", ACM Transactions on Graphics 43 (4), 2024, as the package cvvdp computes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import torch

from vqa_harness import Frame, Metric, MetricError, MissingBackend, RunInfo, StreamScores
from vqa_metric_cvvdp.display import check_display, chosen_display, geometry, photometry
from vqa_metric_cvvdp.pictures import display_encoded
from vqa_metric_cvvdp.stream import CvvdpStream


class ColorVideoVdp(Metric):
    """Kind ``stream``: ``cvvdp`` of the whole video on every frame, ``cvvdp_window`` of its window.

    Args:
        display: a display model of ColorVideoVDP, or ``auto``.
        peak: its peak luminance in cd/m2; 0 for the model's.
        ppd: pixels per degree; 0 for the model's.
        window: seconds of a window, at least a frame.
        device: ``cpu``, ``cuda`` or ``auto``.

    Raises:
        MissingBackend: ``cuda`` is asked for, and there is none.
        UsageError: there is no such display.
    """

    def __init__(
        self,
        *,
        display: str = "auto",
        peak: float = 0.0,
        ppd: float = 0.0,
        window: float = 1.0,
        device: str = "auto",
    ) -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise MissingBackend("cvvdp:device=cuda: torch finds no CUDA GPU; use device=cpu")
        check_display(display)
        there = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = torch.device(there if device == "auto" else device)
        self._display, self._peak, self._ppd, self._window = display, peak, ppd, window
        self._stream: CvvdpStream | None = None
        self._facts: dict[str, Any] = {}
        self._said: list[str] = []
        self._size = (0, 0)
        self._frames = 0
        self._rate = 0.0

    def open(self, run: RunInfo) -> None:
        """Choose the display and set up the metric for it.

        Raises:
            UsageError: the display does not fit the video.
            MetricError: the video does not tell its frame rate.
        """
        video = run.distorted
        if video.rate is None and not video.still:
            raise MetricError("needs the frame rate, which the video does not tell; remux it")
        self._rate = float(video.rate or 1)
        name = chosen_display(self._display, video)
        light, space = photometry(name, self._peak), geometry(name, self._ppd)
        if not video.colour.hdr and video.colour.primaries == "bt2020":
            self._said.append("the primaries are BT.2020; they are taken for BT.709's, as of SDR")
        if self._device.type == "cpu":
            torch.set_num_threads(max(1, run.threads))
        self._size = (video.height, video.width)
        self._stream = CvvdpStream(name, light, space, self._size, self._rate, self._device)
        self._facts = {
            "display": name,
            "peak_luminance": float(light.Y_peak),
            "pixels_per_degree": round(float(space.get_ppd()), 4),
            "eotf": light.EOTF,
            "transfer": video.colour.transfer,
            "window_seconds": self._window,
            "device": self._device.type,
            "cvvdp": version("cvvdp"),
            "torch": torch.__version__,
        }
        if self._device.type == "cuda":
            self._facts["gpu"] = torch.cuda.get_device_name(self._device)

    def measure(self, frame: Frame, ref: Frame | None, /) -> None:
        """Take the next pair.

        Raises:
            ValueError: there is no reference.
            MetricError: the size changed.
        """
        assert self._stream is not None
        if ref is None:
            raise ValueError("cvvdp compares with a reference; add --reference FILE")
        if (frame.height, frame.width) != self._size:
            raise MetricError(
                f"frame {frame.index} is {frame.width}x{frame.height}, unlike the first; score the"
                " parts of the video one by one"
            )
        self._stream.add(display_encoded(frame, self._device), display_encoded(ref, self._device))
        self._frames += 1

    def close(self) -> StreamScores:
        """Pool the differences of every window, and of all frames.

        Raises:
            MetricError: there was no frame.
        """
        if self._stream is None or not self._frames:
            raise MetricError("no frame pair to score")
        self._stream.end()
        whole = self._stream.pooled(0, self._frames)
        length = max(1, round(self._window * self._rate))
        rows: list[dict[str, float | None]] = []
        for start in range(0, self._frames, length):
            stop = min(start + length, self._frames)
            quality = self._stream.pooled(start, stop)
            rows += [{"cvvdp": whole, "cvvdp_window": quality}] * (stop - start)
        self._stream = None
        return StreamScores(rows)

    def abort(self) -> None:
        """Let go of the frames."""
        self._stream = None

    def info(self) -> Mapping[str, Any]:
        """Display, device and versions."""
        return self._facts

    def warnings(self) -> list[str]:
        """Warn of primaries that are taken for others."""
        return self._said
