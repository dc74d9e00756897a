"""An editable install makes the three packages importable, and nothing else of the repository."""

import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from tests.paths import ROOT

LOOK = """
import importlib.util, json, sys
places = {}
for name in sys.argv[1:]:
    spec = importlib.util.find_spec(name)
    places[name] = list(spec.submodule_search_locations or [spec.origin]) if spec else []
print(json.dumps(places))
"""


def installed_tree():
    """Folder that the environment has installed as editable, or None."""
    try:
        direct_url = distribution("vqa-harness").read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    facts = json.loads(direct_url or "{}")
    if not facts.get("dir_info", {}).get("editable"):
        return None
    return Path(url2pathname(urlsplit(facts["url"]).path))


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Where Python, started elsewhere, finds the packages and the folders of the repository."""
    tree = installed_tree()
    if tree is None:
        pytest.skip("vqa-harness is not installed editable")
    if not tree.is_dir() or not tree.samefile(ROOT):
        pytest.skip(f"the editable install is of another folder: {tree}")
    folders = [p.name for p in ROOT.iterdir() if p.is_dir() and p.name.isidentifier()]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *folders, "vqa_harness", "vqa_metrics"],
        cwd=tmp_path_factory.mktemp("elsewhere"), env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    return {name: [Path(place) for place in found[name]] for name in found}


PACKAGES = {
    "vqa_harness": ROOT / "harness" / "vqa_harness",
    "vqa_metrics": ROOT / "metrics" / "vqa_metrics",
    "vqa_plugin_clip": ROOT / "vqa_plugin_clip",
}


def test_the_three_packages_are_found(places):
    assert {name: places[name] for name in PACKAGES} == {
        name: [folder] for name, folder in PACKAGES.items()
    }


def test_no_other_folder_of_the_repository_is_found(places):
    assert "tests" in places
    others = {name: found for name, found in places.items() if name not in PACKAGES}
    assert {n: f for n, f in others.items() if any(p.is_relative_to(ROOT) for p in f)} == {}
