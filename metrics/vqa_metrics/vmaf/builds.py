"""What a build of libvmaf has: asked of the library in this process, or of an ffmpeg program.

libvmaf neither lists its models nor tells which of several it does not know, so each that may be
meant is tried. An option that a feature does not have it takes without a word and ignores; that
shows when the option is given a value that cannot be: an option that is there refuses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from vqa_harness.errors import MissingBackend, UsageError, VqaError
from vqa_metrics.vmaf.features import EXTRACTORS
from vqa_metrics.vmaf.ffmpeg import how_to_get, libvmaf_starts
from vqa_metrics.vmaf.model_file import model_dictionary
from vqa_metrics.vmaf.models import PUBLISHED, VmafModel
from vqa_metrics.vmaf.options import what_to_compute

_TEXTS = {"cambi_eotf", "eotf", "heatmaps_path", "speed_prescale_method"}
"""Options that take any text."""
_CRASHES = {"speed_kernelscale", "speed_prescale", "speed_prescale_method"}
"""Options with which libvmaf 3.2.0 reads outside of its memory for many of their values."""


class Build(Protocol):
    """A libvmaf that can be asked."""

    name: str
    """What messages call it."""

    def starts(self, models: Sequence[VmafModel], features: Sequence[str]) -> bool:
        """Whether it knows all of these models and features."""

    def risk(self, models: Sequence[VmafModel], features: Sequence[str]) -> str:
        """In words, what it must not be asked for; empty for nothing."""


class LibraryBuild:
    """The libvmaf of PyAV's own FFmpeg."""

    name = "PyAV's libvmaf"

    def starts(self, models: Sequence[VmafModel], features: Sequence[str]) -> bool:
        """See `Build`."""
        # here, as listing the metrics asks a program and need not load PyAV
        from vqa_harness.media.pair_filter import filter_starts

        files = [str(model.path) for model in models]
        return filter_starts("libvmaf", what_to_compute(models, features, files))

    def risk(self, models: Sequence[VmafModel], features: Sequence[str]) -> str:
        """See `Build`."""
        asked = {option for text in features for option, _ in _options(text)}
        for model in models:
            if model.path is not None:
                for options in model_dictionary(model.path).get("feature_opts_dicts") or ():
                    asked |= set(options)
        crashes = sorted(asked & _CRASHES)
        return f"may crash with the option {crashes[0]}" if crashes else ""


class ProgramBuild:
    """The libvmaf of an ffmpeg program."""

    def __init__(self, executable: Path) -> None:
        self.executable = executable
        self.name = f"the libvmaf of {executable.name}"

    def starts(self, models: Sequence[VmafModel], features: Sequence[str]) -> bool:
        """See `Build`."""
        built_in = [model for model in models if model.path is None]
        wanted = what_to_compute(built_in or [VmafModel()], features)
        return libvmaf_starts(self.executable, wanted)

    def risk(self, models: Sequence[VmafModel], features: Sequence[str]) -> str:
        """See `Build`."""
        return ""


def fault(build: Build, models: Sequence[VmafModel], features: Sequence[str]) -> VqaError | None:
    """What this build of libvmaf cannot do of what was asked for.

    Args:
        build: The build to ask.
        models: The models.
        features: Further features, each ``name`` or ``name:option=value``.

    Returns:
        `UsageError` for what no libvmaf knows, `MissingBackend` for what another one may know, with
        a message that lists what there is; None if there is no fault.
    """
    risk = build.risk(models, features)
    if risk:
        return MissingBackend(f"VMAF: {build.name} {risk}, so it takes an ffmpeg; {how_to_get()}")
    if not build.starts(models, features):
        return _unknown(build, models, features)
    for text in features:
        for option, _ in _options(text):
            feature = text.partition(":")[0]
            if _ignores(build, feature, option):
                return UsageError(f"VMAF: feature {feature} of {build.name} has no option {option}")
    return None


def _unknown(build: Build, models: Sequence[VmafModel], features: Sequence[str]) -> VqaError:
    """Find out which of what was asked for the build does not know."""
    for model in models:
        if not build.starts([model], []):
            if model.path is not None:
                return UsageError(f"VMAF: {build.name} does not take the model file {model.path}")
            there = [name for name in PUBLISHED if build.starts([VmafModel(name)], [])]
            return _absent("model", model.version, PUBLISHED, there, build.name)
    for text in features:
        name = text.partition(":")[0]
        if not build.starts([VmafModel()], [name]):
            there = [one for one in EXTRACTORS if build.starts([VmafModel()], [one])]
            return _absent("feature", name, EXTRACTORS, there, build.name)
        if not build.starts([VmafModel()], [text]):
            return UsageError(f"VMAF: {build.name} does not take the feature {text}")
    return UsageError(f"VMAF: {build.name} does not take all of what was asked for at once")


def _absent(what: str, name: str, published: Iterable[str], there: list[str], who: str) -> VqaError:
    listed = f"it has {', '.join(there)}" if there else "it has none that is known here"
    if name in published:
        return MissingBackend(f"VMAF: {who} has no {what} {name}; {listed}; {how_to_get()}")
    return UsageError(f"VMAF: {who} has no {what} {name}; {listed}")


def _ignores(build: Build, feature: str, option: str) -> bool:
    return option not in _TEXTS and build.starts([VmafModel()], [f"{feature}:{option}=nonsense"])


def _options(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(":")[1:]:
        option, _, value = part.partition("=")
        yield option, value
