"""A metric with its parameters, as asked for: its names in a log, and the class behind it."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from vqa_harness.errors import MetricError, MissingBackend, VqaError, one_line
from vqa_harness.installation import pip_install
from vqa_harness.protocols import Metric
from vqa_harness.spec import Backend, Feature, MetricSpec, ParamValue


@dataclass(frozen=True, slots=True)
class Request:
    """A metric with its parameters, as asked for: ``niqe`` or ``clipvqa:window=4,hop=2``."""

    spec: MetricSpec
    params: dict[str, ParamValue]

    @property
    def suffix(self) -> str:
        """The end of feature names: the score-changing parameters that are not at their default."""
        parts = [
            f"_{p.name}_{_word(self.params[p.name])}"
            for p in sorted(self.spec.params, key=lambda p: p.name)
            if p.changes_score and self.params[p.name] != p.default
        ]
        return "".join(parts)

    @property
    def label(self) -> str:
        """Unique name of this request within a run."""
        return self.spec.name + self.suffix

    @property
    def declared(self) -> tuple[Feature, ...]:
        """What the metric gives with these parameters, under the names that ``measure`` uses.

        The metric's class is imported only if a parameter that changes its features is not at its
        default; otherwise the spec tells.

        Raises:
            UsageError: the metric cannot take a value.
            MissingBackend: a module that the metric needs is missing.
            MetricError: the plugin is broken.
        """
        changed = any(
            p.changes_features and self.params[p.name] != p.default for p in self.spec.params
        )
        return (changed and _asked_features(self)) or self.spec.features

    @property
    def features(self) -> tuple[Feature, ...]:
        """What the metric gives with these parameters, under the names in the log.

        Diagnostic features are among them; the first that is none is the one a comparison looks at.

        Raises:
            VqaError: as `declared`.
        """
        return tuple(replace(f, name=f.name + self.suffix) for f in self.declared)


def load_factory(spec: MetricSpec) -> Callable[..., Any]:
    """Import the class behind a spec.

    Raises:
        MissingBackend: a module of its extra is missing.
        MetricError: the plugin is broken.
    """
    module_name, _, attribute = spec.factory.partition(":")
    absent = missing_modules(spec)
    if absent:
        raise MissingBackend(f"metric {spec.name!r} needs {', '.join(absent)}; {how_to_get(spec)}")
    try:
        factory: Callable[..., Any] = getattr(importlib.import_module(module_name), attribute)
    except ModuleNotFoundError as error:
        raise MissingBackend(
            f"metric {spec.name!r} needs {error.name}; {how_to_get(spec)}"
        ) from error
    except (Exception, SystemExit) as error:
        kind = "" if isinstance(error, ImportError) else f"{type(error).__name__}: "
        raise MetricError(f"metric {spec.name!r} did not load: {kind}{one_line(error)}") from error
    return factory


def _asked_features(request: Request) -> tuple[Feature, ...]:
    """The features that the metric's class declares; empty where it declares none."""
    name = request.spec.name
    tell = getattr(load_factory(request.spec), "features", Metric.features)
    try:
        features = tuple(tell(dict(request.params)))
    except VqaError:
        raise
    except (Exception, SystemExit) as error:
        raise MetricError(f"metric {name!r} failed in features: {one_line(error)}") from error
    if not all(isinstance(feature, Feature) for feature in features):
        raise MetricError(f"metric {name!r}: its features() must return Feature objects only")
    return features


def missing_modules(spec: MetricSpec) -> list[str]:
    """The modules of ``spec.requires`` that are not installed; nothing is imported."""
    return [name for name in spec.requires if importlib.util.find_spec(name) is None]


def backend_of(request: Request) -> Backend:
    """What computes the metric beside its modules; an empty `Backend` for most metrics."""
    module, _, function = request.spec.backend.partition(":")
    if not module:
        return Backend()
    found: Backend = getattr(importlib.import_module(module), function)(dict(request.params))
    return found


def missing_parts(spec: MetricSpec) -> str:
    """What a metric with its default parameters lacks here, and how to get it; empty for nothing.

    Modules are looked for, and a program or library that is no module.
    """
    if missing_modules(spec):
        return how_to_get(spec)
    return backend_of(Request(spec, {p.name: p.default for p in spec.params})).missing


def how_to_get(spec: MetricSpec) -> str:
    """The command that installs the packages a metric lacks, for the end of a message."""
    return pip_install(spec.extra) if spec.extra else "reinstall the package that provides it"


def _word(value: ParamValue) -> str:
    """A parameter's value as part of a name in the log; of a path only the file's stem."""
    text = re.split(r"[/\\]", str(value))[-1].removesuffix(".safetensors")
    return re.sub(r"[^A-Za-z0-9.]+", "_", text).lower()
