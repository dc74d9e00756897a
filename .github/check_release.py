"""Refuse a release whose tag, version and changelog do not agree.

python .github/check_release.py v1.2.3
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def faults(tag: str, package: str, changelog: str) -> list[str]:
    """What speaks against releasing ``tag``, one line each.

    Args:
        tag: name of the tag, such as ``v1.2.3``.
        package: source of the package's ``__init__.py``.
        changelog: text of CHANGELOG.md.
    """
    found = re.search(r'^__version__ = "([^"]+)"$', package, re.MULTILINE)
    if found is None:
        return ['vqa_harness/__init__.py has no line __version__ = "..."']
    version = found[1]
    lines = []
    if tag != f"v{version}":
        lines.append(f"the tag is {tag}, but the version is {version}: tag v{version}, or set it")
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    text = {
        section.split("\n", 1)[0].split(" ")[0]: section.split("\n", 1)[1] for section in sections
    }
    if version not in text:
        lines.append(f'CHANGELOG.md has no section "## {version}"')
    elif not text[version].strip():
        lines.append(f'section "## {version}" of CHANGELOG.md is empty')
    if text.get("Unreleased", "").strip():
        lines.append(f'section "## Unreleased" of CHANGELOG.md is not empty: move it to {version}')
    return lines


def main() -> None:
    """Exit with status 1, and every fault on a line of its own, where there is one."""
    if len(sys.argv) != 2:
        sys.exit("usage: python .github/check_release.py TAG")
    package = (ROOT / "harness" / "vqa_harness" / "__init__.py").read_text("utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    found = faults(sys.argv[1], package, changelog)
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
