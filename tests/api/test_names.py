"""What `vqa_harness` exports, and that asking for it costs nothing."""

import importlib
import json
import pkgutil
import re
import subprocess
import sys

import pytest

import vqa_harness
from tests.paths import ROOT

HEAVY = ["av", "llvmlite", "numba", "numpy", "pydantic", "rich", "scipy", "torch", "typer"]
PAGE = ROOT / "docs" / "python-api.md"


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_import_is_light():
    loaded = python(
        "import json, sys, vqa_harness; dir(vqa_harness); json.dump(list(sys.modules), sys.stdout)"
    )
    assert "vqa_harness" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_every_name_is_there_and_listed():
    listed = python("import json, sys, vqa_harness; json.dump(dir(vqa_harness), sys.stdout)")
    assert set(vqa_harness.__all__) <= set(listed)
    assert vqa_harness.__all__ == sorted(vqa_harness.__all__)
    for name in vqa_harness.__all__:
        value = getattr(vqa_harness, name)
        assert getattr(value, "__name__", name) == name


def test_no_module_takes_the_place_of_a_public_name():
    public = {name: getattr(vqa_harness, name) for name in vqa_harness.__all__}
    found = [m.name for m in pkgutil.walk_packages(vqa_harness.__path__, "vqa_harness.")]
    for name in found:
        if not name.endswith("__main__"):
            importlib.import_module(name)
    assert len(found) > 100
    assert {name: getattr(vqa_harness, name) for name in public} == public
    own = {m.name for m in pkgutil.iter_modules(vqa_harness.__path__)}
    assert own.isdisjoint(public)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        vqa_harness.scores  # noqa: B018


@pytest.mark.slow
def test_a_type_checker_sees_what_is_loaded_lazily(tmp_path):
    mypy = pytest.importorskip("mypy.api")
    code = tmp_path / "script.py"
    code.write_text(
        "import vqa_harness\n"
        "reveal_type(vqa_harness.score)\n"
        "reveal_type(vqa_harness.score('a.mp4')['vmaf'])\n"
        "vqa_harness.scores\n"
    )
    out, _, _ = mypy.run([str(code), "--no-incremental", "--follow-imports=silent"])
    assert "def (distorted: " in out
    assert re.search(r'Revealed type is "(builtins\.)?float"', out)
    assert 'Module has no attribute "scores"' in out


@pytest.mark.parametrize("name", vqa_harness.__all__)
def test_every_name_is_on_the_page(name):
    assert re.search(rf"`(vqa_harness\.)?{name}\b", PAGE.read_text("utf-8"))
