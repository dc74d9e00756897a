"""VMAF of frame pairs by the libvmaf that PyAV brings, inside this process.

PyAV 19 (Python 3.12 and later) has FFmpeg's filter ``libvmaf``. It is fed with the pictures as the
decoder left them: no program, no pipe, no copy but the one that libvmaf makes of every picture.
Its log equals that of a program with the same libvmaf. What would end a child process would end
this one, so sizes are checked first, and options with which libvmaf crashes are not taken here.

Source: Z. Li et al., "Toward a practical perceptual video quality metric", Netflix, 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from vqa_harness.errors import MetricError
from vqa_harness.frames import Frame
from vqa_harness.leftovers import remove_folder, temporary_folder
from vqa_harness.media.pair_filter import FilterFailed, PairFilter
from vqa_metrics.vmaf.features import names_asked
from vqa_metrics.vmaf.log_file import LOG_NAME, read_log, scored
from vqa_metrics.vmaf.models import VmafModel
from vqa_metrics.vmaf.options import RawFormat, check_options, how_to_compute, what_to_compute
from vqa_metrics.vmaf.scalar import LOW, NARROW, plain_code, plain_code_is_there
from vqa_metrics.vmaf.sizes import check_sizes


class VmafLibrary:
    """One libvmaf run over frame pairs; end it by ``close`` for the log, or by ``abort``.

    Args:
        layout: Size and sample format, the same for every frame of both sides.
        models: What to score with; their names must differ.
        features: Further libvmaf features, as ``name`` or ``name:option=value``.
        n_threads: Worker threads of libvmaf; 0 for none. Scores do not depend on it.
        n_subsample: Score every n-th pair only; motion still sees every pair.

    Raises:
        UsageError: A model, feature or format cannot be used.
        MetricError: libvmaf does not start.
    """

    def __init__(
        self,
        layout: RawFormat,
        models: Sequence[VmafModel] = (VmafModel(),),
        *,
        features: Sequence[str] = (),
        n_threads: int = 0,
        n_subsample: int = 1,
    ) -> None:
        check_options(models, features, n_threads, n_subsample)
        check_sizes(layout, models, features)
        self.layout = layout
        self.pairs = 0
        self._names = names_asked(models, features)
        self._n_subsample = n_subsample
        self._plain = layout.width < NARROW or layout.height < LOW
        if self._plain:
            n_threads = 0  # so that the features are set up with the first pair, see `plain_code`
        self._filter: PairFilter | None = None
        self._folder = temporary_folder()
        try:
            copies = [self._folder / model.file_name(index) for index, model in enumerate(models)]
            for index, model in enumerate(models):
                model.put(self._folder, index)
            options = what_to_compute(models, features, [str(copy) for copy in copies])
            options |= how_to_compute(str(self._folder / LOG_NAME), n_threads, n_subsample)
            self._filter = PairFilter(
                "libvmaf",
                options,
                size=(layout.width, layout.height),
                chroma=layout.chroma,
                depth=layout.depth,
                full_range=layout.full_range,
            )
        except FilterFailed as error:
            self.abort()
            raise MetricError(f"VMAF: {error}") from None
        except BaseException:
            self.abort()
            raise

    def feed(self, reference: Frame, distorted: Frame) -> None:
        """Score one more pair.

        Raises:
            MetricError: The run is over, or libvmaf failed.
        """
        if self._filter is None:
            raise MetricError("VMAF: the run is over, no further frame can be scored")
        try:
            with plain_code() if self._plain and not self.pairs else nullcontext():
                self._filter.push(distorted, reference)
        except FilterFailed as error:
            raise MetricError(f"VMAF: libvmaf failed after {self.pairs} pairs: {error}") from None
        self.pairs += 1

    @property
    def warning(self) -> str:
        """What the user should know of this libvmaf's scores; empty for nothing."""
        if not self._plain or plain_code_is_there():
            return ""
        return (
            f"libvmaf 3.2.0 may be off by up to a point on frames of less than {NARROW} columns, "
            "and whether this one is cannot be told; vmaf:backend=program is not"
        )

    def close(self) -> dict[str, Any]:
        """End the run and read what libvmaf wrote; as `VmafPipe.close`.

        Raises:
            MetricError: No pair was fed, libvmaf failed, or its log is missing, cannot be read, or
                does not hold every frame, model and feature.
        """
        if self._filter is None:
            raise MetricError("VMAF: the run is over already")
        try:
            if self.pairs == 0:
                raise MetricError("VMAF: no frame pair to score; the clips have no common frames")
            self._filter.end()
            expected = scored(self.pairs, self._n_subsample)
            path = self._folder / LOG_NAME
            return dict(read_log(path, expected, self._names, who="libvmaf", said=""))
        except FilterFailed as error:
            raise MetricError(f"VMAF: libvmaf failed after {self.pairs} pairs: {error}") from None
        finally:
            self.abort()

    def abort(self) -> None:
        """Free the filter and remove its files; does nothing after the end."""
        if self._filter is not None:
            self._filter.free()
            self._filter = None
        remove_folder(self._folder)
