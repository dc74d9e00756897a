"""The smallest frames that libvmaf's features and models take.

On smaller ones libvmaf either refuses the pair, or leaves the feature out of its log without a
word, or reads outside of its memory, which ends the process. All was measured with libvmaf 3.2.0 at
8 and 10 bits in 4:2:0, 4:2:2 and 4:4:4: at the sizes given here everything is scored, with one row
or column less it is not. Below 17 rows or columns libvmaf ends the process whatever is asked, and
up to 32 builds disagree on the score, so 33 are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vqa_harness.errors import UsageError
from vqa_metrics.vmaf.model_file import model_dictionary
from vqa_metrics.vmaf.models import DEFAULT, VmafModel
from vqa_metrics.vmaf.options import RawFormat

if TYPE_CHECKING:
    from vqa_harness.frames import Frame

SMALLEST = 33
"""Rows and columns that every pair needs."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a feature needs.

    Attributes:
        luma: Rows and columns of luma, each.
        chroma: Rows and columns of the chroma planes, each.
        longer: Rows or columns of luma, whichever are more.
    """

    luma: int = 0
    chroma: int = 0
    longer: int = 0

    def unmet(self, layout: RawFormat) -> str:
        """In words, the size that is needed and that ``layout`` has not; empty if it has."""
        # of an odd size libvmaf leaves the last sample of chroma out, where FFmpeg has one more
        across, down = layout.factors
        columns, rows = (max(self.luma, factor * self.chroma) for factor in (across, down))
        if layout.width < columns or layout.height < rows:
            return f"at least {columns}x{rows}"
        enough = max(layout.width, layout.height) >= self.longer
        return "" if enough else f"at least {self.longer} rows or columns"


FEATURES = {
    "cambi": Need(longer=216),
    "float_ms_ssim": Need(luma=176),
    "speed_chroma": Need(chroma=80),
    "speed_temporal": Need(luma=80),
}
"""What extractors need that need more than `SMALLEST`."""
MODELS = {
    "5d0h": Need(chroma=133, longer=216),
    "3d0h_2160": Need(chroma=159, longer=216),
    "3d0h": Need(chroma=80, longer=216),
    "1d5h_2160": Need(chroma=80, longer=216),
}
"""What the v1 models need, by the end of their names: their SpEED scales chroma differently."""


def check_feature_size(metric: str, extractor: str, frame: Frame) -> None:
    """Refuse a frame that is too small for a metric that is a feature of libvmaf.

    Args:
        metric: The metric's name, for the message.
        extractor: libvmaf's name of what computes it.
        frame: The frame, with luma and chroma.

    Raises:
        UsageError: It is too small; the message names the smallest size.
    """
    layout = RawFormat(frame.width, frame.height, frame.depth, frame.chroma)
    for need in (Need(luma=SMALLEST), FEATURES.get(extractor, Need())):
        size = need.unmet(layout)
        if size:
            raise UsageError(
                f"{metric} needs frames of {size}, not {frame.width}x{frame.height}; leave it"
                " out, or scale the video"
            )


def check_sizes(layout: RawFormat, models: Sequence[VmafModel], features: Sequence[str]) -> None:
    """Refuse frames that are too small for what is asked for.

    Args:
        layout: Size and sample format of the frames.
        models: The models.
        features: Further features, each ``name`` or ``name:option=value``.

    Raises:
        UsageError: They are; the message names the model or feature and the smallest size.
    """
    wanted = [("it", "scale both videos", Need(luma=SMALLEST))]
    for model in models:
        if model.path is not None:
            wanted.append((f"model file {model.path.name}", f"use {DEFAULT}", _of_file(model)))
        else:
            need = next((MODELS[end] for end in MODELS if model.version.endswith(end)), Need())
            wanted.append((f"model {model.version}", f"use {DEFAULT}", need))
    for text in features:
        name = text.partition(":")[0]
        wanted.append((f"feature {name}", "leave it out", FEATURES.get(name, Need())))
    for what, advice, need in wanted:
        size = need.unmet(layout)
        if size:
            has = f"{layout.width}x{layout.height}"
            raise UsageError(f"VMAF: {what} needs frames of {size}, not {has}; {advice}")


def _of_file(model: VmafModel) -> Need:
    """What the features need that a model file is computed from."""
    assert model.path is not None
    names = " ".join(model_dictionary(model.path)["feature_names"]).lower()
    needs = [need for feature, need in FEATURES.items() if f"feature_{feature}" in names]
    luma, chroma, longer = (
        max((getattr(need, side) for need in needs), default=0)
        for side in ("luma", "chroma", "longer")
    )
    return Need(luma, chroma, longer)
