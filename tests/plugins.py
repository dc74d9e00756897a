"""Plugins, registries and modules made up for a test."""

import sys
import types

from vqa_harness import hookimpl
from vqa_harness.registry import Registry


def plugin_with(*specs):
    """A plugin that registers these metrics."""

    class Plugin:
        @hookimpl
        def vqa_register_metrics(self):
            return list(specs)

    return Plugin()


def registry_with(*specs, named="test"):
    """A registry with these metrics and no other; ``named`` is the plugin that brings them."""
    registry = Registry()
    registry.register(plugin_with(*specs), named)
    return registry


def installed_with(monkeypatch, *specs):
    """The registry that commands use: the installed metrics and these."""
    registry = Registry.installed()
    registry.register(plugin_with(*specs), "test")
    monkeypatch.setattr(Registry, "installed", classmethod(lambda _: registry))
    return registry


def module_with(monkeypatch, name, *classes):
    """A module of this name with these classes, found by imports until the test ends."""
    module = types.ModuleType(name)
    for cls in classes:
        setattr(module, cls.__name__, cls)
    monkeypatch.setitem(sys.modules, name, module)
    return module
