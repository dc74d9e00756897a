"""VMAF by libvmaf: each pair of frames goes to the library or to one ffmpeg process.

`vqa_metrics.vmaf.backend` says which; `VmafLibrary` and `VmafPipe` do it.

Source: Z. Li et al., "Toward a practical perceptual video quality metric", Netflix, 2016. Nothing
is scaled: v0.6.1 is meant for 1080p, the 4k models for 2160p.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from vqa_harness.errors import MetricError, UsageError
from vqa_harness.files import file_sha256
from vqa_harness.frames import Frame
from vqa_harness.protocols import Metric, RunInfo, StreamScores
from vqa_harness.spec import Feature, ParamValue, Scores
from vqa_metrics.neutral import coloured
from vqa_metrics.reference import reference_of
from vqa_metrics.specs.libvmaf import METRIC_OF
from vqa_metrics.vmaf import bootstrap
from vqa_metrics.vmaf.backend import Choice, choose, parts
from vqa_metrics.vmaf.features import features_of
from vqa_metrics.vmaf.models import DEFAULT, VmafModel, is_file, model_name, model_of
from vqa_metrics.vmaf.shared_pass import Place, Wish, join, layout_of
from vqa_metrics.vmaf.sizes import check_sizes


class Vmaf(Metric):
    """Kind ``stream``: scores, and all features behind them, as libvmaf names them.

    Args:
        model: Models as `model_of` takes them, joined by ``+``.
        features: Further libvmaf features, each ``name`` or ``name:option=value``, joined by ``+``.
        threads: Threads of libvmaf; 0 for as many as the run may use. Scores do not depend on it.
        subsample: Score every n-th pair; the others are None.
        ffmpeg: Executable with libvmaf; empty to search for one where one is needed.
        backend: ``library`` for PyAV's libvmaf, ``program`` for that of an ffmpeg, or ``auto``.
        confidence: Whether the interval of the bootstrap model is told, see
            `vqa_metrics.vmaf.bootstrap`.

    Raises:
        MissingBackend: There is no libvmaf, or none with these models and features.
        UsageError: A model or feature cannot be used.
    """

    def __init__(
        self,
        *,
        model: str = DEFAULT,
        features: str = "",
        threads: int = 0,
        subsample: int = 1,
        ffmpeg: str = "",
        backend: Choice = "auto",
        confidence: bool = False,
    ) -> None:
        self._models = [model_of(part) for part in parts(model)]
        names = [m.name for m in self._models]
        if len(set(names)) < len(names):
            raise UsageError(f"VMAF: models {model} would share a name in the log; name one")
        self._features = [part for part in parts(features) if part]
        self._threads, self._subsample = threads, subsample
        self._engine = choose(backend, ffmpeg, self._models, self._features)
        if confidence:
            bootstrap.check_models([m.version for m in self._models if m.built_in])
        self._confidence = confidence
        self._place: Place | None = None
        self._version = ""

    @classmethod
    def features(cls, params: Mapping[str, ParamValue]) -> tuple[Feature, ...]:
        """Return the models' scores in the order asked for, then what ``features`` asks for.

        What the models are computed from (``integer_adm2`` and so on) is not among them: it stands
        in the log without direction.

        Raises:
            UsageError: A name cannot be that of a model.
        """
        models = parts(str(params["model"]))
        declared = [_score_of(model) for model in models]
        if params["confidence"]:
            declared += bootstrap.FEATURES
        for part in filter(None, parts(str(params["features"]))):
            declared += features_of(part)
        return tuple({feature.name: feature for feature in reversed(declared)}.values())[::-1]

    def open(self, run: RunInfo) -> None:
        """Take part in the run's pass of libvmaf, which starts with the first frame.

        Raises:
            UsageError: Another metric of the run gives a feature of the same name.
        """
        self._threads = self._threads or run.threads
        for feature in self._features:
            extractor = feature.partition(":")[0]
            metric = METRIC_OF.get(extractor, extractor)
            if metric in run.metrics:
                raise UsageError(
                    f"VMAF: {feature} is a metric of this run already, {metric}; leave one out"
                )
        more = bootstrap.bootstrap_models() if self._confidence else ()
        wish = Wish("vmaf", (*self._models, *more), tuple(self._features), self._threads)
        self._place = join(run, self._engine, self._subsample, wish)

    def measure(self, frame: Frame, ref: Frame | None, /) -> None:
        """Hand the pair to libvmaf, gray frames with neutral chroma: it looks at luma alone.

        Raises:
            ValueError: The frames cannot be compared, see `reference_of`.
            UsageError: libvmaf does not take frames of this kind or size.
            MetricError: The size or format changed, or libvmaf failed.
        """
        assert self._place is not None
        with self._place.taking_part(), _named():
            other = coloured(reference_of("vmaf", frame, ref))
            shown = coloured(frame)
            if not self._place.shared.pairs:
                check_sizes(layout_of(shown), self._models, self._features)
            self._place.feed(shown, other)

    def close(self) -> StreamScores:
        """Return the scores of every pair; all features are None where a pair was not scored.

        Raises:
            MetricError: There was no pair, libvmaf failed, or it did not give all it was asked for.
        """
        if self._place is None:
            raise MetricError("VMAF: no frame pair to score")
        with _named():
            log = self._place.close()
        self._version = str(log.get("version", ""))
        scored = {int(entry["frameNum"]): dict(entry["metrics"]) for entry in log["frames"]}
        if self._confidence:
            scored = {number: _with_interval(metrics) for number, metrics in scored.items()}
        ours = {model.name for model in self._models}
        # libvmaf's own order depends on which of its threads is first
        names = sorted({name for metrics in scored.values() for name in metrics} - ours)
        order = names + [m.name for m in self._models]
        rows: list[Scores] = [
            {name: scored.get(number, {}).get(name) for name in order}
            for number in range(self._place.shared.pairs)
        ]
        whole = log.get("aggregate_metrics") or {}
        return StreamScores(rows, {k: v for k, v in whole.items() if isinstance(v, int | float)})

    def abort(self) -> None:
        """Leave the pass; with its last metric libvmaf ends, and its files are removed."""
        if self._place is not None:
            self._place.leave()

    def info(self) -> Mapping[str, Any]:
        """Return libvmaf's version and whose it is, models (files with their hash) and options."""
        shared = self._place.shared.metrics if self._place is not None else []
        return {
            **self._engine.info(),
            "libvmaf_version": self._version,
            "models": {model.name: _describe(model) for model in self._models},
            **({"bootstrap_model": bootstrap.VERSION} if self._confidence else {}),
            "n_threads": self._threads,
            "subsample": self._subsample,
            **({"one_pass_for": shared} if len(shared) > 1 else {}),
        }

    def warnings(self) -> list[str]:
        """Warn of a libvmaf with a fault."""
        warning = self._place.shared.warning if self._place is not None else ""
        return [warning] if warning else []


def _score_of(model: str) -> Feature:
    """Declare the score of a model; the range of a model file's score is not known."""
    if is_file(model):
        return Feature(model_name(model), help="score of a model file")
    return Feature(
        model_name(model),
        lo=0,
        hi=100,
        help=f"score of model {model}; other models have names of their own",
    )


def _with_interval(metrics: dict[str, float]) -> dict[str, float]:
    """A frame's scores with the interval in place of the scores that it is made of."""
    kept = {name: x for name, x in metrics.items() if not bootstrap.is_of_bootstrap(name)}
    return kept | bootstrap.interval(metrics)


@contextmanager
def _named() -> Iterator[None]:
    """Have messages of the pass name VMAF."""
    try:
        yield
    except (UsageError, MetricError) as error:
        raise type(error)("VMAF: " + str(error).removeprefix("VMAF: ")) from None


def _describe(model: VmafModel) -> dict[str, str]:
    if model.path is None:
        return {"version": model.version}
    return {"file": model.path.name, "sha256": file_sha256(model.path)}
