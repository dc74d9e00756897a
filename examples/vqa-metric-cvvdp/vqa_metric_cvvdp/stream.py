"""ColorVideoVDP of a video whose frames come one after another, and whose end is not known.

pycvvdp takes a whole video, whose length it asks for first. What it makes of every frame, the
visible difference per channel and spatial band, depends on the frames before alone, over a quarter
of a second; the rest is pooling. So it is given frames as they come, and pooling is done for each
window and at the end for all. Only these few numbers a frame are kept.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import torch
from torch import Tensor

from vqa_metric_cvvdp.library import pycvvdp

SPACE = "DKLd65"
"""The colour space in which ColorVideoVDP compares."""
BLOCK = 8
"""Frames that a GPU computes at once at most."""


class CvvdpStream:
    """The visible differences of one video.

    Args:
        display: name of the display model, for pycvvdp's messages.
        photometry: how the display turns code values into light.
        geometry: how large its pixels are to the eye.
        size: rows and columns of every frame.
        rate: frames per second.
        device: where to compute.
    """

    def __init__(
        self,
        display: str,
        photometry: Any,
        geometry: Any,
        size: tuple[int, int],
        rate: float,
        device: torch.device,
    ) -> None:
        self._size, self._device = size, device
        self._metric = pycvvdp().cvvdp(
            display_name=display,
            display_photometry=photometry,
            display_geometry=geometry,
            quiet=True,
            device=device,
        )
        self._photometry, self._rate = photometry, rate
        self._waiting: deque[tuple[Tensor, Tensor]] = deque()
        self._seen = 0
        self._given = 0
        self._differences: list[Tensor] = []
        self._buffers: Any = None
        self._block = 1
        self._pyramid: Any = None

    def add(self, shown: Tensor, reference: Tensor) -> None:
        """Take the next pair: display-encoded R'G'B', [1, 3, 1, rows, columns]."""
        with torch.no_grad():
            light = [
                self._photometry.source_2_target_colorspace(picture, SPACE)
                for picture in (shown, reference)
            ]
        self._waiting.append((light[0], light[1]))
        self._seen += 1
        if self._seen == 2:
            self._begin()
        while self._seen > 1 and len(self._waiting) >= self._block:
            self._compute()

    def end(self) -> None:
        """Compute what waits for more frames."""
        if self._seen == 1:
            self._one_picture()
        while self._waiting:
            self._compute()

    def pooled(self, start: int, stop: int) -> float:
        """The quality of frames ``start`` to ``stop`` (one past the last) in JOD, 10 at most."""
        with torch.no_grad():
            part = torch.cat(self._differences[start:stop], dim=2)
            if part.shape[2] == 1 and self._seen > 1:  # one frame of a video is no still
                part = part.expand(-1, -1, 2, -1)
            return float(self._metric.do_pooling_and_jods(part))

    # What pycvvdp asks of a video:

    def get_video_size(self) -> tuple[int, int, int]:
        """Rows, columns and frames; of these only counts whether it is one."""
        return (*self._size, self._seen)

    def get_batch_size(self) -> int:
        """One video."""
        return 1

    def get_frames_per_second(self) -> float:
        """The rate."""
        return self._rate

    def get_test_frame(self, _frame: int, device: torch.device, colorspace: str) -> Tensor:
        """The next frame that is shown; pycvvdp asks for it first."""
        assert (device, colorspace) == (self._device, SPACE)
        return self._waiting[0][0]

    def get_reference_frame(self, _frame: int, device: torch.device, colorspace: str) -> Tensor:
        """The reference of the same frame, which is done with then."""
        assert (device, colorspace) == (self._device, SPACE)
        return self._waiting.popleft()[1]

    def _begin(self) -> None:
        """Set up what a video needs."""
        from pycvvdp.cvvdp_metric import cvvdp_frame_buffers

        metric = self._metric
        metric.F, _ = metric.get_temporal_filters(self._rate)
        metric.filter_len = torch.numel(metric.F[0])
        self._make_pyramid()
        self._buffers = cvvdp_frame_buffers()
        if self._device.type == "cuda":
            self._block = metric.estimate_block_N(self._size[0] * self._size[1], BLOCK)

    def _make_pyramid(self) -> None:
        from pycvvdp.lpyr_dec import weber_contrast_pyr

        metric = self._metric
        rows, columns = self._size
        self._pyramid = weber_contrast_pyr(
            columns, rows, metric.pix_per_deg, self._device, contrast=metric.contrast
        )

    def _compute(self) -> None:
        """Compute a block of frames, or the fewer that are left."""
        count = min(self._block, len(self._waiting))
        metric = self._metric
        with torch.no_grad():
            filtered = metric.read_block_of_frames(
                self, 4, self._buffers, self._block, SPACE, self._given, count
            )
            self._keep(metric.process_block_of_frames(filtered, None, 2, self._pyramid, False)[0])
        self._given += count

    def _one_picture(self) -> None:
        """Compute a still, which has no channel of motion."""
        metric = self._metric
        self._make_pyramid()
        with torch.no_grad():
            picture = metric.read_block_of_frames(self, 3, None, 1, SPACE, 0, 1)
            self._keep(metric.process_block_of_frames(picture, None, 1, self._pyramid, True)[0])

    def _keep(self, block: Tensor) -> None:
        self._differences += [block[:, :, n : n + 1] for n in range(block.shape[2])]
