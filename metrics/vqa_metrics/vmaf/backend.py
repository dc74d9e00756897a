"""Which libvmaf computes VMAF: that of PyAV in this process, or that of an ffmpeg program."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from vqa_harness.errors import MissingBackend, UsageError, VqaError
from vqa_harness.spec import Backend, ParamValue
from vqa_metrics.presence import library_files, library_is_there
from vqa_metrics.vmaf.ffmpeg import VARIABLE, find_ffmpeg
from vqa_metrics.vmaf.models import DEFAULT, VmafModel, model_of
from vqa_metrics.vmaf.options import RawFormat, check_options

if TYPE_CHECKING:  # this module is imported when metrics are listed
    from vqa_harness.frames import Frame

Choice = Literal["auto", "library", "program"]
NEWER = "av 19, for Python 3.12 and later, brings one"
"""What brings the library."""


class Run(Protocol):
    """A libvmaf run over frame pairs: `VmafLibrary` or `VmafPipe`."""

    layout: RawFormat
    pairs: int

    @property
    def warning(self) -> str:
        """What the user should know of its scores; empty for nothing."""

    def feed(self, reference: Frame, distorted: Frame) -> None:
        """Score one more pair."""

    def close(self) -> dict[str, Any]:
        """End the run, and return libvmaf's log."""

    def abort(self) -> None:
        """End the run without a result; does nothing after the end."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The libvmaf that was chosen.

    Attributes:
        executable: The ffmpeg program; None for the library.
    """

    executable: Path | None = None

    def start(
        self,
        layout: RawFormat,
        models: Sequence[VmafModel],
        features: Sequence[str],
        *,
        alone: bool = False,
        **counts: int,
    ) -> Run:
        """Start a run; ``counts`` are ``n_threads`` and ``n_subsample``.

        Args:
            layout: Size and sample format of every frame.
            models: The models.
            features: Further features, each ``name`` or ``name:option=value``.
            alone: Whether every frame is its own reference.
            counts: See above.

        Raises:
            UsageError: libvmaf does not take frames of this kind or size.
            MetricError: It does not start.
        """
        if self.executable is None:
            from vqa_metrics.vmaf.library import VmafLibrary

            return VmafLibrary(layout, models, features=features, **counts)
        from vqa_metrics.vmaf.pipe import VmafPipe

        return VmafPipe(
            layout, models, features=features, ffmpeg=self.executable, alone=alone, **counts
        )

    def info(self) -> dict[str, str]:
        """What the log tells of it: the library's package, or the program's name."""
        if self.executable is None:
            return {"backend": "library", "av": version("av")}
        return {"backend": "program", "program": self.executable.name}


def choose(
    backend: Choice, ffmpeg: str, models: Sequence[VmafModel], features: Sequence[str]
) -> Engine:
    """Choose the libvmaf that computes what is asked for.

    A program that the user names is taken. Otherwise it is the library if it is there and has the
    models and features, and then a program that is found and has them.

    Args:
        backend: ``library`` and ``program`` leave no choice.
        ffmpeg: The program, as `find_ffmpeg` takes it; empty if none is named.
        models: The models.
        features: Further features, each ``name`` or ``name:option=value``.

    Raises:
        UsageError: What is asked for contradicts itself, or no libvmaf knows it.
        MissingBackend: There is neither library nor program, or none with what is asked for.
    """
    check_options(models, features, 0, 1)
    if backend == "library" and ffmpeg:
        raise UsageError(f"VMAF: backend=library uses no ffmpeg={ffmpeg}; leave one out")
    named = ffmpeg or (backend == "auto" and os.environ.get(VARIABLE))
    if named or backend == "program":
        return _program(ffmpeg, models, features)
    if not library_is_there():
        if backend == "library":
            raise MissingBackend(f"VMAF: av {version('av')} has no libvmaf; {NEWER}")
        return _program(ffmpeg, models, features)
    fault = _fault_of_library(models, features)
    if fault is None:
        return Engine()
    if backend == "auto":
        try:
            executable = find_ffmpeg()
        except MissingBackend:
            raise fault from None
        return _checked(executable, models, features)
    raise fault


def _program(ffmpeg: str, models: Sequence[VmafModel], features: Sequence[str]) -> Engine:
    return _checked(find_ffmpeg(ffmpeg or None), models, features)


def _checked(executable: Path, models: Sequence[VmafModel], features: Sequence[str]) -> Engine:
    """The program, if it has what is asked for.

    Raises:
        VqaError: It has not.
    """
    if features or any(model.path is None and model.version != DEFAULT for model in models):
        from vqa_metrics.vmaf.builds import ProgramBuild, fault

        found = fault(ProgramBuild(executable), models, features)
        if found is not None:
            raise found
    return Engine(executable)


def _fault_of_library(models: Sequence[VmafModel], features: Sequence[str]) -> VqaError | None:
    if not features and all(m.path is None and m.version == DEFAULT for m in models):
        return None
    from vqa_metrics.vmaf.builds import LibraryBuild, fault

    return fault(LibraryBuild(), models, features)


def backend_of(params: Mapping[str, ParamValue]) -> Backend:
    """What computes VMAF with these parameters, for listings and for the key of cached scores."""
    given = {"model": DEFAULT, **params}
    texts = {name: str(given[name]) for name in ("backend", "ffmpeg", "model", "features")}
    try:
        models = [model_of(part) for part in parts(texts["model"])]
        features = [part for part in parts(texts["features"]) if part]
        engine = choose(cast(Choice, texts["backend"]), texts["ffmpeg"], models, features)
    except VqaError as error:
        return Backend(missing=str(error).removeprefix("VMAF: "))
    if engine.executable is not None:
        return Backend("program", files=(engine.executable,))
    return Backend("library", files=library_files())


def parts(text: str) -> list[str]:
    """What a parameter joins by ``+``."""
    return [part.strip() for part in text.split("+")]
