"""The result of scoring a video: a log, and ways to look at it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vqa_harness.api.inputs import installed
from vqa_harness.api.markup import result_html, result_text
from vqa_harness.api.table import Floats, FrameTable
from vqa_harness.errors import VqaError, nearest
from vqa_harness.logs.log import Log
from vqa_harness.logs.view import WindowEntry

if TYPE_CHECKING:
    import pandas
    import pyarrow


class Result:
    """The scores of one distorted video.

    ``result["vmaf"]`` is the mean over the frames; iterating gives the names of the features, so
    that ``dict(result)`` holds every mean. It can be made from any log, too:
    ``Result(read_log("scores.json"))``.

    Args:
        log: the scores with all there is to know about them.
        error: why there are no scores; see `vqa_harness.score_many`.
        name: the name of the video; None for the name in the log.

    Attributes:
        log: the scores as a `vqa_harness.Log`.
        error: why the video could not be scored; None if it was.
        name: the name of the distorted video.
    """

    def __init__(self, log: Log, *, error: VqaError | None = None, name: str | None = None) -> None:
        self.log, self.error = log, error
        distorted = log.view.inputs.distorted
        self.name = name or (distorted and distorted.name) or "video"

    @classmethod
    def failed(cls, error: VqaError, name: str) -> Result:
        """The result of a video that could not be scored."""
        return cls(Log(version=""), error=error, name=name)

    def __getitem__(self, feature: str) -> float:
        """The mean of a feature over all frames.

        Raises:
            KeyError: no such feature; the message names the nearest.
            VqaError: nothing was scored: it is `error`.
        """
        if self.error is not None:
            raise self.error
        mean = self.pooled.get(feature, {}).get("mean")
        if mean is None:
            raise KeyError(f"no feature {feature!r}{nearest(feature, self.pooled)}")
        return mean

    def __iter__(self) -> Iterator[str]:
        return iter(self.pooled)

    def __contains__(self, feature: object) -> bool:
        return feature in self.pooled

    def __len__(self) -> int:
        """How many features there are."""
        return len(self.pooled)

    def __bool__(self) -> bool:
        """Whether the video was scored."""
        return self.error is None

    def keys(self) -> list[str]:
        """The names of the features."""
        return list(self.pooled)

    @property
    def pooled(self) -> Mapping[str, Mapping[str, float | None]]:
        """Feature to ``min``, ``max``, ``mean`` and ``harmonic_mean``, as the log has them."""
        return self.log.pooled

    @property
    def frames(self) -> FrameTable:
        """The scores frame by frame, NaN where undefined (there the log repeats another score).

        Each frame of a window has the score of the window.

        Raises:
            VqaError: nothing was scored: it is `error`.
        """
        if self.error is not None:
            raise self.error
        undefined = self.log.view.undefined_frames
        columns = {}
        for name, column in self.log.columns.items():
            columns[name] = _floats(column)
            inside = [i for i in undefined.get(name, ()) if 0 <= i < len(column)]
            columns[name][inside] = np.nan
        numbers = np.array(self.log.frame_numbers, np.int64)
        times = self.log.view.frame_times
        known = times if len(times) == len(numbers) else [None] * len(numbers)
        return FrameTable(columns, numbers, _floats(known))

    @property
    def diagnostics(self) -> dict[str, Floats]:
        """Values frame by frame of features that describe rather than score, by name.

        ``psnr_lossless`` is one of them. NaN where undefined.
        """
        return {
            name: _floats(column)
            for entry in self.log.view.metrics.values()
            for name, column in entry.diagnostics.items()
        }

    @property
    def windows(self) -> dict[str, tuple[WindowEntry, ...]]:
        """The windows of each clip metric, in order, each with its frames and its scores."""
        return {
            label: entry.windows for label, entry in self.log.view.metrics.items() if entry.windows
        }

    @property
    def alignment(self) -> Mapping[str, Any]:
        """How frames were paired with the reference; empty where they were not.

        ``docs/log-format.md`` lists the keys.
        """
        alignment = self.log.extra.get("alignment")
        return alignment if isinstance(alignment, dict) else {}

    @property
    def warnings(self) -> list[str]:
        """What you should know about these scores, a line each."""
        view = self.log.view
        texts = list(view.warnings)
        for label, entry in view.metrics.items():
            texts += [f"{label}: {text}" for text in entry.warnings]
        return texts

    @property
    def errors(self) -> dict[str, str]:
        """The metrics that gave no scores, with the reasons; the scores of the others are valid."""
        return dict(self.log.view.errors)

    def save(self, path: str | os.PathLike[str], log_format: str | None = None) -> None:
        """Write the log to a file, which appears complete or not at all; the folder must exist.

        Args:
            path: the file; its ending chooses the format: ``.json``, ``.xml``, ``.csv``, or one of
                a plugin.
            log_format: the name of the format; None to go by the ending.

        Raises:
            UsageError: no such format, or the file cannot be written.
            VqaError: nothing was scored: it is `error`.
        """
        from vqa_harness.logs.write import write_log

        if self.error is not None:
            raise self.error
        write_log(self.log, os.fspath(path), log_format, installed().writers())

    def to_pandas(self) -> pandas.DataFrame:
        """See `FrameTable.to_pandas`."""
        return self.frames.to_pandas()

    def to_arrow(self) -> pyarrow.Table:
        """See `FrameTable.to_arrow`."""
        return self.frames.to_arrow()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """See `FrameTable`."""
        return self.frames.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return result_text(self)

    def _repr_html_(self) -> str:
        return result_html(self)

    @property
    def title(self) -> str:
        """The video, its reference and the number of frames, in a few words."""
        reference = self.log.view.inputs.reference
        against = f" against {reference.name}" if reference and reference.name else ""
        frames = len(self.log)
        return f"{self.name}{against}, {frames} {'frame' if frames == 1 else 'frames'}"


def _floats(values: Any) -> Floats:
    """The values as float64, NaN for None."""
    return np.array([np.nan if x is None else x for x in values], np.float64)
