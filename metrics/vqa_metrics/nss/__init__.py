"""The kernels under NIQE and BRISQUE: natural scene statistics of a frame in one pass."""

from __future__ import annotations

from vqa_metrics.nss.sums import NssSums, nss_sums

__all__ = ["NssSums", "nss_sums"]
