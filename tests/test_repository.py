"""Files that no test of the program reads, and that must agree with each other."""

import re

import pytest

from tests.paths import ROOT

HOOKS = ROOT / ".pre-commit-config.yaml"
pytestmark = pytest.mark.skipif(not HOOKS.exists(), reason="no repository around the tests")


def test_the_hooks_run_the_ruff_that_the_checks_run():
    pinned = re.findall(r"^ruff==(\S+)", (ROOT / "constraints.txt").read_text("utf-8"), re.M)
    assert set(re.findall(r"\bruff==([\d.]+)", HOOKS.read_text("utf-8"))) == set(pinned)


def test_actions_are_pinned_to_full_versions():
    flows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    used = [u for f in flows for u in re.findall(r"uses: (\S+)", f.read_text("utf-8"))]
    assert used
    loose = [u for u in used if not u.startswith("./") and not re.search(r"@v\d+\.\d+\.\d+$", u)]
    assert loose == []


def test_every_target_of_the_makefile_says_what_it_does():
    text = (ROOT / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.M)
    assert set(phony.split()) == set(re.findall(r"^([a-z-]+):.* ## \S", text, re.M))
