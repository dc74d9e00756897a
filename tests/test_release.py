"""What `.github/check_release.py` lets pass, and what it stops."""

import importlib.util

import pytest

from tests.paths import ROOT

SCRIPT = ROOT / ".github" / "check_release.py"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="no repository around the tests")

PACKAGE = '"""A package."""\n\n__version__ = "1.2.3"\n'
CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n## 1.2.3 (2030-01-02)\n\n* A change.\n\n## 1.2.2\n\n* One.\n"
)


@pytest.fixture(scope="module")
def faults():
    spec = importlib.util.spec_from_file_location("check_release", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.faults


def test_a_release_that_agrees_passes(faults):
    assert faults("v1.2.3", PACKAGE, CHANGELOG) == []


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2.2", "v1.2.3rc1"])
def test_another_tag_is_refused(faults, tag):
    (line,) = faults(tag, PACKAGE, CHANGELOG)
    assert line.startswith(f"the tag is {tag}, but the version is 1.2.3")


@pytest.mark.parametrize(
    ("changelog", "line"),
    [
        (CHANGELOG.replace("## 1.2.3", "## 1.2.30"), 'CHANGELOG.md has no section "## 1.2.3"'),
        (CHANGELOG.replace("* A change.\n", ""), 'section "## 1.2.3" of CHANGELOG.md is empty'),
        (
            CHANGELOG.replace("## Unreleased\n", "## Unreleased\n\n* More.\n"),
            'section "## Unreleased" of CHANGELOG.md is not empty: move it to 1.2.3',
        ),
    ],
)
def test_a_changelog_that_does_not_tell_is_refused(faults, changelog, line):
    assert faults("v1.2.3", PACKAGE, changelog) == [line]


def test_the_packages_own_version_is_found(faults):
    package = SCRIPT.parents[1] / "harness" / "vqa_harness" / "__init__.py"
    (line,) = faults("v0", package.read_text("utf-8"), "")[:1]
    assert line.startswith("the tag is v0, but the version is ")
