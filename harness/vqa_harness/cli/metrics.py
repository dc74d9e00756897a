"""``vqa-harness metrics`` and ``vqa-harness plugins``: what is installed; imports no metric."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vqa_harness.cli.options import Json, put_json
from vqa_harness.destinations import STDOUT
from vqa_harness.registry import Registry
from vqa_harness.request import missing_parts
from vqa_harness.spec import Feature, MetricSpec


def metrics_command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A metric whose parameters and paper to show.")] = "",
    json_target: Json = None,
) -> None:
    """List metrics, or show the details of one."""
    from vqa_harness.console import print_table, show

    registry: Registry = context.obj
    if name:
        spec = registry.spec(name)
        facts = _facts(registry, spec)
        if json_target is not None:
            put_json(json_target, facts)
        if json_target != STDOUT:
            show(*_page(facts))
        return
    rows = [_facts(registry, spec) for spec in registry.specs().values()]
    if json_target is not None:
        put_json(json_target, rows)
    if json_target == STDOUT:
        return
    columns = ("name", "kind", "reference", "range", "better", "provider", "missing")
    print_table(columns, [[str(row[c]) for c in columns] for row in rows], title="Metrics")


def plugins_command(context: typer.Context) -> None:
    """List plugins with the distribution that brings each, its metrics and its log formats."""
    from vqa_harness.console import print_table

    registry: Registry = context.obj
    metrics = registry.specs()
    rows = []
    for plugin, provider in sorted(registry.providers.items()):
        names = [n for n in metrics if registry.provider(n).plugin == plugin]
        lists = [", ".join(some) or "-" for some in (names, registry.formats(plugin))]
        rows.append([plugin, str(provider), *lists])
    print_table(("plugin", "distribution", "metrics", "log formats"), rows, title="Plugins")


def _facts(registry: Registry, spec: MetricSpec) -> dict[str, Any]:
    main = spec.features[0] if spec.features else Feature(spec.name, None)
    return {
        "name": spec.name,
        "kind": spec.kind,
        "reference": "full" if spec.reference else "none",
        "range": value_range(main),
        "better": {True: "higher", False: "lower", None: "-"}[main.higher_is_better],
        "provider": str(registry.provider(spec.name)),
        "missing": missing_parts(spec),
        "summary": spec.summary,
        "paper": spec.paper,
        "version": spec.version,
        "features": [
            {"name": f.name, "range": value_range(f), "unit": f.unit, "help": f.help}
            for f in spec.features
        ],
        "parameters": [
            {"name": p.name, "default": p.default, "choices": list(p.choices), "help": p.help}
            for p in spec.params
        ],
    }


def value_range(feature: Feature) -> str:
    """The values a feature may have, in words: ``0 to 100 dB``, ``0 and up``, or ``any``."""
    lo, hi, unit = feature.lo, feature.hi, f" {feature.unit}" if feature.unit else ""
    if lo is not None and hi is not None:
        return f"{lo:g} to {hi:g}{unit}"
    if lo is not None:
        return f"{lo:g} and up{unit}"
    return f"up to {hi:g}{unit}" if hi is not None else f"any{unit}"


def _page(facts: dict[str, Any]) -> list[str]:
    lines = [f"{facts['name']}: {facts['summary']}"]
    lines += [
        f"  {label:<10} {facts[key]}"
        for label, key in (
            ("kind", "kind"),
            ("reference", "reference"),
            ("range", "range"),
            ("better", "better"),
            ("paper", "paper"),
            ("provider", "provider"),
            ("version", "version"),
            ("missing", "missing"),
        )
        if facts[key]
    ]
    lines += ["features:"] + [f"  {f['name']:<16} {f['help']}".rstrip() for f in facts["features"]]
    lines += ["parameters:"] if facts["parameters"] else ["parameters: none"]
    for p in facts["parameters"]:
        choices = f" ({'|'.join(p['choices'])})" if p["choices"] else ""
        shown = str(p["default"]).lower() if isinstance(p["default"], bool) else p["default"]
        lines.append(f"  {p['name']}={shown}{choices}  {p['help']}".rstrip())
    return lines
