"""Features of libvmaf as metrics: PSNR-HVS, VIF, colour difference, SpEED; banding builds on it.

Each is one row of `vqa_metrics.specs.libvmaf`. They share a pass of libvmaf with each other and
with VMAF, see `vqa_metrics.vmaf.shared_pass`, and cost nothing of VMAF where it is not asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from vqa_harness.errors import MetricError, VqaError
from vqa_harness.frames import Frame
from vqa_harness.protocols import Metric, RunInfo, StreamScores
from vqa_harness.spec import ParamValue, Scores
from vqa_metrics.neutral import coloured
from vqa_metrics.reference import reference_of
from vqa_metrics.specs.libvmaf import ROWS, FeatureRow
from vqa_metrics.vmaf.backend import Choice, choose
from vqa_metrics.vmaf.features import suffix_of
from vqa_metrics.vmaf.models import VmafModel
from vqa_metrics.vmaf.shared_pass import Place, Wish, join
from vqa_metrics.vmaf.sizes import check_feature_size

_SCALES = [f"_scale{n}" for n in range(4)]
_OF_VMAF = frozenset(f"integer_vif{scale}" for scale in _SCALES)
"""Names that VMAF's models give as well."""
_SUMS = frozenset(f"integer_vif_{part}{end}" for part in ("num", "den") for end in ("", *_SCALES))
"""What VIF gives besides its scores."""


class LibvmafMetric(Metric):
    """Kind ``stream``: what libvmaf gives for some of its feature extractors.

    Args:
        row: Which extractors, and what their values are called.
        options: Of the extractor, by libvmaf's names.
        threads: Threads of libvmaf; 0 for as many as the run may use. Scores do not depend on it.
        subsample: Score every n-th frame; the others are None.
        ffmpeg: Executable with libvmaf; empty to search for one where one is needed.
        backend: ``library`` for PyAV's libvmaf, ``program`` for that of an ffmpeg, or ``auto``.

    Attributes:
        options: As given; may be changed until `open`.
        facts: What `info` tells.
        said: What `warnings` tells.

    Raises:
        MissingBackend: There is no libvmaf, or none with these features.
        UsageError: A value cannot be used.
    """

    def __init__(
        self,
        row: FeatureRow,
        options: Mapping[str, ParamValue],
        /,
        *,
        threads: int = 0,
        subsample: int = 1,
        ffmpeg: str = "",
        backend: Choice = "auto",
    ) -> None:
        self._row, self._name = row, row.spec.name
        self.options = dict(options)
        self.facts: dict[str, Any] = {}
        self.said: list[str] = []
        self._threads, self._subsample = threads, subsample
        with self._named():
            self._engine = choose(backend, ffmpeg, [VmafModel()], self._texts())
        self._place: Place | None = None

    def open(self, run: RunInfo) -> None:
        """Take part in the run's pass of libvmaf, which starts with the first frame."""
        colour = run.distorted.colour
        if self._name == "ciede2000" and (colour.matrix != "bt709" or colour.full_range):
            self.said.append(
                "libvmaf reads every video as limited-range BT.709, and this one is"
                f" {'full' if colour.full_range else 'limited'}-range {colour.matrix}: differences"
                " of colour are somewhat off"
            )
        wish = Wish(
            self._name,
            features=tuple(self._texts()),
            threads=self._threads or run.threads,
            names=frozenset(self._names().values()) - _OF_VMAF | _SUMS,
        )
        self._place = join(run, self._engine, self._subsample, wish)

    def measure(self, frame: Frame, ref: Frame | None, /) -> None:
        """Hand the pair to libvmaf, or the frame alone where the metric takes no reference.

        Raises:
            ValueError: The frames cannot be compared, see `reference_of`.
            UsageError: libvmaf does not take frames of this kind or size.
            MetricError: The size or format changed, or libvmaf failed.
        """
        assert self._place is not None
        with self._named(), self._place.taking_part():
            other = None
            if self._row.spec.reference:
                other = coloured(reference_of(self._name, frame, ref))
            shown = self.as_libvmaf_takes(frame)
            if not self._place.shared.pairs:
                for text in self._row.extractors:
                    check_feature_size(self._name, text.partition(":")[0], shown)
            self._place.feed(shown, other)

    def as_libvmaf_takes(self, frame: Frame) -> Frame:
        """The frame with luma and chroma, of a gray one neutral."""
        return coloured(frame)

    def close(self) -> StreamScores:
        """Return the scores of every frame; None where one was not scored.

        Raises:
            MetricError: There was no frame, libvmaf failed, or it did not give all that was asked.
        """
        if self._place is None:
            raise MetricError("no frame to score")
        with self._named():
            log = self._place.close()
        self.facts["libvmaf_version"] = str(log.get("version", ""))
        scored = {int(entry["frameNum"]): entry["metrics"] for entry in log["frames"]}
        names = self._names()
        absent = [name for name in names.values() if any(name not in x for x in scored.values())]
        if absent:
            raise MetricError(f"libvmaf gave no {absent[0]}")
        rows: list[Scores] = [
            {ours: self._limited(scored[number][theirs]) for ours, theirs in names.items()}
            if number in scored
            else dict.fromkeys(names)
            for number in range(self._place.shared.pairs)
        ]
        return StreamScores(rows)

    def abort(self) -> None:
        """Leave the pass, which ends with the last metric."""
        if self._place is not None:
            self._place.leave()

    def info(self) -> Mapping[str, Any]:
        """Return libvmaf's version and whose it is, options, and who shared the pass."""
        members = self._place.shared.metrics if self._place is not None else []
        return {
            **self._engine.info(),
            **self.facts,
            **self.options,
            "subsample": self._subsample,
            "one_pass_for": members,
        }

    def warnings(self) -> list[str]:
        """Warn of colours that libvmaf takes for others, and of a libvmaf with a fault."""
        fault = self._place.shared.warning if self._place is not None else ""
        return [*self.said, fault] if fault else list(self.said)

    def _texts(self) -> list[str]:
        """What libvmaf is asked for, with the options that are not at their default."""
        defaults = {param.name: param.default for param in self._row.spec.params}
        changed = {name: x for name, x in self.options.items() if x != defaults[name]}
        if changed.get("eotf") == "bt1886":
            del changed["eotf"]
        options = "".join(f":{name}={_text(value)}" for name, value in changed.items())
        return [text + options for text in self._row.extractors]

    def _names(self) -> dict[str, str]:
        """Name in libvmaf's log of each feature."""
        suffix = suffix_of(self._texts()[0])
        features = [feature.name for feature in self._row.spec.features]
        return {name: self._row.names.get(name, name) + suffix for name in features}

    def _limited(self, value: float | None) -> float | None:
        limit = self._row.limit
        if limit is None:
            return value
        return limit if value is None else min(value, limit)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Have messages name this metric instead of VMAF."""
        try:
            yield
        except VqaError as error:
            text = str(error).removeprefix("VMAF: ").replace("vmaf:ffmpeg", f"{self._name}:ffmpeg")
            raise type(error)(text) from None


def _text(value: ParamValue) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


psnr_hvs = partial(LibvmafMetric, ROWS["psnr_hvs"], {})
vif = partial(LibvmafMetric, ROWS["vif"], {})
ciede2000 = partial(LibvmafMetric, ROWS["ciede2000"], {})
speed = partial(LibvmafMetric, ROWS["speed"], {})
