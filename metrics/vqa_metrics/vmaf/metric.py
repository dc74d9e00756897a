"""VMAF by libvmaf: each pair of frames goes to one ffmpeg process, see `VmafPipe`.

Source: Z. Li et al., "Toward a practical perceptual video quality metric", Netflix, 2016. Nothing
is scaled: v0.6.1 is meant for 1080p, the 4k models for 2160p.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from vqa_harness.errors import MetricError, UsageError
from vqa_harness.files import file_sha256
from vqa_harness.frames import Frame
from vqa_harness.protocols import Metric, RunInfo, StreamScores
from vqa_harness.spec import Feature, ParamValue, Scores
from vqa_metrics.reference import reference_of
from vqa_metrics.vmaf.features import features_of
from vqa_metrics.vmaf.ffmpeg import find_ffmpeg
from vqa_metrics.vmaf.options import RawFormat, VmafModel
from vqa_metrics.vmaf.pipe import VmafPipe


def model_of(text: str) -> VmafModel:
    """Interpret what a user wrote as a model.

    Args:
        text: libvmaf's name of a built-in model, such as ``vmaf_v0.6.1neg``, or the path of a model
            file, which ends in ``.json``.

    Returns:
        The model under the name its score has in the log, see `model_name`; a file's begins with
        ``vmaf_file_``.

    Raises:
        UsageError: The file does not exist, or the name cannot be one of libvmaf's.
    """
    if _is_file(text):
        return VmafModel(name=model_name(text), path=Path(text))
    return VmafModel(text, model_name(text))


def model_name(version: str) -> str:
    """Return what the score of a model is called in the log.

    Such names are ``vmaf``, ``vmaf_neg``, ``vmaf_4k``, ``vmaf_4k_neg`` and ``vmaf_v1_3d0h``:
    v0.6.1 goes without saying; of v1.0.16 only the first number is kept, then the viewing distance.
    A file ``my_model.json`` is called ``vmaf_file_my_model``; it need not exist.

    Args:
        version: libvmaf's name, such as ``vmaf_4k_v0.6.1``, or the path of a model file.

    Raises:
        UsageError: The text is not the path of a model file, and does not begin with ``vmaf_``.
    """
    if _is_file(version):
        stem = re.sub(r"[^a-z0-9]+", "_", Path(version).stem.lower()).strip("_")
        return f"vmaf_file_{stem.removeprefix('vmaf_')}"
    if not version.startswith("vmaf_"):
        raise UsageError(
            f"VMAF model {version!r}: give a built-in name such as vmaf_v0.6.1, or a file"
        )
    name = re.sub(r"_?v0\.6\.1(neg)?$", lambda m: "_neg" if m[1] else "", version[4:])
    name = re.sub(r"^_v1\.[0-9]+\.[0-9]+", "_v1", name)
    return "vmaf" + re.sub(r"[^a-z0-9]+", "_", name.lower())


def _is_file(model: str) -> bool:
    return model.lower().endswith(".json")


def _parts(text: str) -> list[str]:
    """What a parameter joins by ``+``."""
    return [part.strip() for part in text.split("+")]


class Vmaf(Metric):
    """Kind ``stream``: scores, and all features behind them, as libvmaf names them.

    Args:
        model: Models as `model_of` takes them, joined by ``+``.
        features: Further libvmaf features, each ``name`` or ``name:option=value``, joined by ``+``.
        threads: Threads of libvmaf; 0 for as many as the run may use. Scores do not depend on it.
        subsample: Score every n-th pair; the others are None.
        ffmpeg: Executable with libvmaf; empty to search for one.

    Raises:
        MissingBackend: There is no ffmpeg with libvmaf.
        UsageError: A model cannot be used.
    """

    def __init__(
        self,
        *,
        model: str = "vmaf_v0.6.1",
        features: str = "",
        threads: int = 0,
        subsample: int = 1,
        ffmpeg: str = "",
    ) -> None:
        self._models = [model_of(part) for part in _parts(model)]
        names = [m.name for m in self._models]
        if len(set(names)) < len(names):
            raise UsageError(f"VMAF: models {model} would share a name in the log; name one")
        self._features = [part for part in _parts(features) if part]
        declared = self.features({"model": model, "features": features})
        self._declared = [feature.name for feature in declared]
        self._absent: list[str] = []
        self._threads, self._subsample = threads, subsample
        self._ffmpeg = find_ffmpeg(ffmpeg or None)
        self._pipe: VmafPipe | None = None
        self._version = ""
        self._hdr = ""

    @classmethod
    def features(cls, params: Mapping[str, ParamValue]) -> tuple[Feature, ...]:
        """Return the models' scores in the order asked for, then what ``features`` asks for.

        What the models are computed from (``integer_adm2`` and so on) is not among them: it stands
        in the log without direction.

        Raises:
            UsageError: A name cannot be that of a model.
        """
        models = _parts(str(params["model"]))
        declared = [_score_of(model) for model in models]
        for part in filter(None, _parts(str(params["features"]))):
            declared += features_of(part)
        return tuple({feature.name: feature for feature in reversed(declared)}.values())[::-1]

    def open(self, run: RunInfo) -> None:
        """Note the number of threads; the process starts with the first frame.

        Raises:
            UsageError: Another metric of the run gives a feature of the same name.
        """
        self._threads = self._threads or run.threads
        twice = [f for f in self._features if f.partition(":")[0] in run.metrics]
        if twice:
            raise UsageError(f"VMAF: {twice[0]} is a metric of this run already; leave one out")

    def measure(self, frame: Frame, ref: Frame | None, /) -> None:
        """Hand the pair to libvmaf.

        Raises:
            ValueError: The frames cannot be compared, see `reference_of`.
            UsageError: libvmaf does not take frames of this kind or size.
            MetricError: The size or format changed, or ffmpeg failed.
        """
        ref = reference_of("vmaf", frame, ref)
        layout = _layout(frame)
        if self._pipe is None:
            self._hdr = frame.colour.transfer if frame.colour.hdr else ""
            self._pipe = VmafPipe(
                layout,
                self._models,
                features=self._features,
                n_threads=self._threads,
                n_subsample=self._subsample,
                ffmpeg=self._ffmpeg,
            )
        elif layout != self._pipe.layout:
            raise MetricError(
                f"VMAF: frame {frame.index} is {frame.width}x{frame.height} {layout.pix_fmt}, "
                f"unlike the first; score the parts of the video one by one"
            )
        self._pipe.write(ref.planes, frame.planes)

    def close(self) -> StreamScores:
        """Return the scores of every pair; all features are None where a pair was not scored.

        Raises:
            MetricError: There was no pair, or ffmpeg failed.
        """
        if self._pipe is None:
            raise MetricError("VMAF: no frame pair to score")
        log = self._pipe.close()
        self._version = str(log.get("version", ""))
        scored = {int(entry["frameNum"]): dict(entry["metrics"]) for entry in log["frames"]}
        ours = {model.name for model in self._models}
        names = dict.fromkeys(name for metrics in scored.values() for name in metrics)
        order = [name for name in names if name not in ours] + [m.name for m in self._models]
        self._absent = [name for name in self._declared if name not in order]
        rows: list[Scores] = [
            {name: scored.get(number, {}).get(name) for name in order}
            for number in range(self._pipe.pairs)
        ]
        whole = log.get("aggregate_metrics") or {}
        return StreamScores(rows, {k: v for k, v in whole.items() if isinstance(v, int | float)})

    def abort(self) -> None:
        """End the child process and remove its files."""
        if self._pipe is not None:
            self._pipe.abort()

    def info(self) -> Mapping[str, Any]:
        """Return libvmaf's version, the models (files with their hash), threads and subsampling."""
        return {
            "libvmaf_version": self._version,
            "models": {model.name: _describe(model) for model in self._models},
            "n_threads": self._threads,
            "subsample": self._subsample,
        }

    def warnings(self) -> list[str]:
        """Warn of a video that the models were not made for, and of features that are missing."""
        lines = []
        if self._hdr:
            lines.append(f"vmaf: the video is HDR ({self._hdr}); VMAF's models were trained on SDR")
        if self._absent:
            lines.append(
                f"vmaf: libvmaf was asked for {', '.join(self._absent)} and gave nothing of that"
                " name; cambi needs 216 rows or columns, and without it the features after it are"
                " left out, too"
            )
        return lines


def _score_of(model: str) -> Feature:
    """Declare the score of a model; the range of a model file's score is not known."""
    if _is_file(model):
        return Feature(model_name(model), help="score of a model file")
    return Feature(
        model_name(model),
        lo=0,
        hi=100,
        help=f"score of model {model}; other models have names of their own",
    )


def _layout(frame: Frame) -> RawFormat:
    if frame.chroma == "gray":
        raise UsageError("VMAF: gray frames have no chroma for ffmpeg's filter; convert to 4:2:0")
    return _raw(frame.width, frame.height, frame.depth, frame.chroma, frame.colour.full_range)


@lru_cache(maxsize=8)
def _raw(width: int, height: int, depth: int, chroma: str, full_range: bool) -> RawFormat:
    return RawFormat(width, height, depth, chroma, full_range)


def _describe(model: VmafModel) -> dict[str, str]:
    if model.path is None:
        return {"version": model.version}
    return {"file": model.path.name, "sha256": file_sha256(model.path)}
