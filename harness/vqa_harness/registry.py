"""Which metrics there are: load plugins, list specs, look one up, make it.

A plugin that does not load, or whose hook raises, is a warning that names it; the rest works.
``VQA_HARNESS_BLOCK=a,b`` leaves plugins out, ``VQA_HARNESS_ONLY=a,b`` takes only those named.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import pluggy

from vqa_harness import hookspecs
from vqa_harness.errors import (
    MetricError,
    UnknownMetric,
    UsageError,
    VqaError,
    nearest,
    one_line,
    refuse_twice,
)
from vqa_harness.offers import Item, Offers, collect
from vqa_harness.request import Request, load_factory
from vqa_harness.spec import MetricSpec, ParamValue, WriterSpec

DISTRIBUTION = "vqa-harness"
"""Our own distribution, whose log formats come before those of others."""
DEFAULT_METRIC = "clipvqa"
"""The metric of commands where none is named."""


class PluginWarning(UserWarning):
    """A plugin is broken; it is left out and the rest works."""


@dataclass(frozen=True, slots=True)
class Provider:
    """The origin of a plugin: entry-point name, distribution and version."""

    plugin: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip()


class Registry:
    """The plugins of this installation, or those registered by hand."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager(hookspecs.NAME)
        self.manager.add_hookspecs(hookspecs)
        self.providers: dict[str, Provider] = {}
        self._offered: Offers[MetricSpec] | None = None
        self._offered_formats: Offers[WriterSpec] | None = None

    @classmethod
    def installed(cls) -> Registry:
        """A registry with every plugin that is installed and not blocked."""
        registry = cls()
        blocked, only = _names("VQA_HARNESS_BLOCK"), _names("VQA_HARNESS_ONLY")
        entries = list(entry_points(group=hookspecs.NAME))
        _warn_of_strangers(blocked, only, [entry.name for entry in entries])
        for entry in entries:
            if entry.name not in blocked and (not only or entry.name in only):
                registry._load(entry)
        return registry

    def _load(self, entry: EntryPoint) -> None:
        try:
            module = entry.load()
            dist = entry.dist
            provider = Provider(entry.name, dist.name if dist else "", dist.version if dist else "")
            self.register(module, entry.name, provider)
        except (Exception, SystemExit) as error:
            _warn(f"plugin {entry.name!r} ({entry.value}) did not load and is left out: {error!r}")

    def register(
        self, plugin: ModuleType | object, name: str, provider: Provider | None = None
    ) -> None:
        """Add a plugin by hand.

        Raises:
            ValueError: the plugin is there already, or implements a hook that does not exist.
        """
        self.manager.register(plugin, name)
        try:
            self.manager.check_pending()
        except pluggy.PluginValidationError:
            self.manager.unregister(plugin)
            raise
        self.providers[name] = provider or Provider(name, name, "")
        self._offered = self._offered_formats = None

    def call(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """Call a hook plugin by plugin, and yield (plugin name, result) of each.

        A plugin that raises is left out with a warning.
        """
        for impl in getattr(self.manager.hook, hook).get_hookimpls():
            try:
                taken = {name: arguments[name] for name in impl.argnames}
                result = impl.function(**taken)
                if isinstance(result, Iterable) and not isinstance(result, dict | str | bytes):
                    result = list(result)
            except (Exception, SystemExit) as error:
                _warn(f"plugin {impl.plugin_name!r} failed in {hook}: {error!r}")
                continue
            yield impl.plugin_name, result

    def specs(self) -> dict[str, MetricSpec]:
        """Every metric by name, sorted."""
        return {name: spec for name, (spec, _) in sorted(self._metrics().items.items())}

    def provider(self, metric: str) -> Provider:
        """The distribution that provides a metric."""
        return self.providers[self._metrics().items[metric][1]]

    def _metrics(self) -> Offers[MetricSpec]:
        if self._offered is None:
            self._offered = self._collect("vqa_register_metrics", MetricSpec, "metric")
        return self._offered

    def _collect(self, hook: str, kind: type[Item], noun: str) -> Offers[Item]:
        """What a hook's plugins offer; what is left out is a warning that names its plugin."""
        offers = collect(self.call(hook), kind, noun, self._is_ours)
        for text in offers.left_out:
            _warn(text)
        return offers

    def _is_ours(self, plugin: str) -> bool:
        return self.providers[plugin].distribution == DISTRIBUTION

    def writers(self) -> list[WriterSpec]:
        """Every log format: ours, ``json`` first, then those of plugins.

        One that is malformed, or has a name that is taken, is a warning that names its plugin.
        """
        writers = [(plugin, writer) for writer, plugin in self._formats().items.values()]
        writers.sort(key=lambda pair: (not self._is_ours(pair[0]), pair[1].name != "json"))
        return [writer for _, writer in writers]

    def formats(self, plugin: str) -> list[str]:
        """Names of the log formats of a plugin."""
        return [name for name, (_, provider) in self._formats().items.items() if provider == plugin]

    def _formats(self) -> Offers[WriterSpec]:
        if self._offered_formats is None:
            self._offered_formats = self._collect("vqa_register_writers", WriterSpec, "log format")
        return self._offered_formats

    def spec(self, name: str) -> MetricSpec:
        """The metric of that name, in capitals or not.

        Raises:
            UnknownMetric: there is none; the message names the nearest.
            UsageError: several plugins offer it; the message names them.
        """
        if name.lower() in self._metrics().contested:
            raise UsageError(self._metrics().contest("metric", name.lower()))
        specs = self.specs()
        if name.lower() in specs:
            return specs[name.lower()]
        hint = nearest(name.lower(), specs, "vqa-harness metrics lists them", most=3)
        raise UnknownMetric(f"unknown metric {name!r}{hint}")

    def requests(self, texts: Iterable[str]) -> list[Request]:
        """Read metrics as they are named on a command line; commas join several in one text.

        A comma also stands between parameters, so what follows one is a further metric where it
        is the name of a metric and not of a parameter: ``psnr,vmaf:model=vmaf_v0.6.1neg,ssim``.

        Raises:
            UnknownMetric: no such metric.
            UsageError: no such parameter, a value it does not take, or a metric named twice.
        """
        requests = [self.request(one) for text in texts for one in self._split(text)]
        refuse_twice("metric", (request.label for request in requests))
        return requests

    def _split(self, text: str) -> list[str]:
        parts: list[str] = []
        for piece in text.split(","):
            name = piece.partition(":")[0].strip()
            inside = bool(parts) and ":" in parts[-1] and "=" not in parts[-1].partition(":")[0]
            if inside and ("=" in name or not self._offers(name.lower())):
                parts[-1] += f",{piece}"
            elif name or not parts:
                parts.append(piece.strip())
        return parts

    def _offers(self, name: str) -> bool:
        return name in self._metrics().items or name in self._metrics().contested

    def request(self, text: str) -> Request:
        """Read ``NAME`` or ``NAME:param=value,param=value``.

        Raises:
            UnknownMetric: no such metric.
            UsageError: no such parameter, or a value it does not take.
        """
        name, _, rest = text.partition(":")
        spec = self.spec(name.strip())
        params: dict[str, ParamValue] = {p.name: p.default for p in spec.params}
        for item in filter(None, rest.split(",")):
            key, equals, value = item.partition("=")
            param = spec.param(key.strip())
            if param is None:
                known = [p.name for p in spec.params]
                hint = nearest(key.strip(), known, f"it has {', '.join(known) or 'none'}")
                raise UsageError(f"metric {spec.name!r} has no parameter {key.strip()!r}{hint}")
            if not equals:
                raise UsageError(f"metric {name!r}: {item!r} has no value; write {key}=VALUE")
            try:
                params[param.name] = param.parse(value.strip())
            except UsageError as error:
                raise UsageError(f"metric {name!r}: {error}") from None
        return Request(spec, params)

    def with_needed(self, requests: Sequence[Request]) -> list[Request]:
        """The requests, and after them the metrics that they need and that are not among them.

        Raises:
            MetricError: a metric names one that is not there, that needs others in turn, or that
                compares with a reference while it says that it needs none.
        """
        result = {request.label: request for request in requests}
        for request in requests:
            for needed in self.needed(request):
                result.setdefault(needed.label, needed)
        return list(result.values())

    def needed(self, request: Request) -> list[Request]:
        """The metrics whose scores a metric takes.

        Raises:
            MetricError: as `with_needed`.
        """
        name = request.spec.name
        try:
            found = self.requests(request.spec.needs)
        except VqaError as error:
            raise MetricError(f"metric {name!r} needs another: {one_line(error)}") from None
        for one in found:
            if one.spec.needs:
                raise MetricError(f"metric {name!r} needs {one.label!r}, which needs others itself")
            if one.spec.reference and not request.spec.reference:
                raise MetricError(
                    f"metric {name!r} needs {one.label!r}, which compares with a reference, and"
                    " does not declare reference=True"
                )
        return found

    def create(self, request: Request) -> Any:
        """A new metric object for one stream.

        Raises:
            MissingBackend: a package or model it needs is not there.
            UsageError: a parameter's value turns out to be unusable.
            MetricError: the plugin is broken.
        """
        factory = load_factory(request.spec)
        try:
            return factory(**request.params)
        except VqaError:
            raise
        except (Exception, SystemExit) as error:
            kind = f"{type(error).__name__}: {one_line(error)}"
            raise MetricError(f"metric {request.spec.name!r} did not start: {kind}") from error


def _names(variable: str) -> set[str]:
    return {name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()}


def _warn_of_strangers(blocked: set[str], only: set[str], installed: list[str]) -> None:
    """Warn of names that were given in the environment and that no plugin has."""
    for variable, names in (("VQA_HARNESS_BLOCK", blocked), ("VQA_HARNESS_ONLY", only)):
        for name in sorted(names.difference(installed)):
            known = ", ".join(sorted(set(installed))) or "none"
            _warn(f"{variable} names {name!r}, which is no plugin here; installed are {known}")


def _warn(text: str) -> None:
    warnings.warn(" ".join(text.split()), PluginWarning, stacklevel=2)
