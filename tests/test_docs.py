"""What the documents say exists, and what exists is documented."""

import inspect
import re

import pytest
import typer

from tests.paths import ROOT
from vqa_harness import hookspecs
from vqa_harness.cli.app import build_app
from vqa_harness.registry import Registry

DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = DOCS[0].read_text("utf-8")


@pytest.mark.parametrize(
    "hook", [name for name, _ in inspect.getmembers(hookspecs) if name.startswith("vqa_")]
)
def test_every_hook_is_documented(hook):
    assert hook in (ROOT / "docs" / "writing-a-metric.md").read_text("utf-8")


def test_every_metric_is_in_the_readme():
    registry = Registry.installed()
    ours = [n for n in registry.specs() if registry.provider(n).distribution == "vqa-harness"]
    assert "clipvqa" in ours
    assert [name for name in ours if f"`{name}`" not in README] == []


def test_every_command_is_in_the_readme():
    group = typer.main.get_command(build_app(Registry.installed()))
    assert [name for name in group.commands if f"`vqa-harness {name}" not in README] == []


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
    local = [link for link in links if not link.startswith(("http://", "https://", "mailto:"))]
    assert [link for link in local if not (page.parent / link).exists()] == []


PACKAGES = [
    ROOT / "harness" / "vqa_harness",
    ROOT / "metrics" / "vqa_metrics",
    ROOT / "vqa_plugin_clip",
]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_the_architecture_page_names_every_folder_and_top_file(package):
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    tree = page.split("```")[1]
    folders = {f"{p.parent.relative_to(package)}/" for p in package.rglob("*.py")} - {"./"}
    files = {p.name for p in package.glob("*.py")} - {"__init__.py"}
    assert [
        n for n in sorted(folders | files) if not re.search(rf"(^|[\s/]){re.escape(n)}", tree)
    ] == []


def test_the_architecture_page_names_no_file_that_is_not_there():
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    there = {p.name for package in PACKAGES for p in package.rglob("*.py")}
    assert [n for n in re.findall(r"[\w/]*?(\w+\.py)\b", page) if n not in there] == []
