"""The commands that messages advise for a package that is missing.

The project's name is on no package index, so ``pip install 'vqa-harness[vmaf]'`` works for nobody.
What works depends on where this installation came from, and pip records that (PEP 610).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

OWN = "vqa-harness"
"""The name of this distribution."""


def pip_install(requirement: str) -> str:
    """The command that adds the extras of a package to this installation, for a message.

    An installation from a clone or from a wheel names that clone or wheel; one from a repository
    names the repository. Where the clone or the wheel is gone, or pip recorded no origin, the
    packages that the extras bring are named, which are on an index.

    Args:
        requirement: a name with extras, such as ``vqa-harness[clip,train]``, or a plain name.
    """
    name, _, extras = requirement.removesuffix("]").partition("[")
    try:
        found = distribution(name)
    except PackageNotFoundError:
        found = None
    arguments = _from_origin(found, name, extras) or _from_requirements(found, extras)
    if not arguments and name == OWN:
        arguments = _from_source_tree(extras)
    return f"pip install {arguments or shlex.quote(requirement)}"


def _from_origin(found: Distribution | None, name: str, extras: str) -> str:
    """The clone, wheel or repository with the extras, as pip takes it; empty if there is none."""
    origin = _origin(found) if found is not None else {}
    url, ending = str(origin.get("url", "")), f"[{extras}]" if extras else ""
    details = origin.get("vcs_info")
    if isinstance(details, dict):
        commit = f"@{details['commit_id']}" if details.get("commit_id") else ""
        return shlex.quote(f"{name}{ending} @ {details.get('vcs', 'git')}+{url}{commit}")
    path = _local(url)
    if path is None:
        return ""
    details = origin.get("dir_info")
    editable = isinstance(details, dict) and details.get("editable") is True
    return ("--editable " if editable else "") + shlex.quote(f"{path}{ending}")


def _origin(found: Distribution) -> dict[str, Any]:
    try:
        origin = json.loads(found.read_text("direct_url.json") or "{}")
    except ValueError:
        return {}
    return origin if isinstance(origin, dict) else {}


def _local(url: str) -> Path | None:
    """The clone or the wheel behind a ``file:`` address, if it is still there."""
    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    path = Path(url2pathname(parts.path))
    there = path.is_file() or any((path / n).is_file() for n in ("pyproject.toml", "setup.py"))
    return path if there else None


def _from_requirements(found: Distribution | None, extras: str) -> str:
    """The packages that the extras of this project bring; empty for another's, or for none."""
    if found is None or found.name != OWN:
        return ""
    brought = (name for extra in extras.split(",") for name in _brought(found, extra))
    return " ".join(map(shlex.quote, dict.fromkeys(brought)))


def _brought(found: Distribution, extra: str) -> Iterator[str]:
    for line in found.requires or ():
        needed, _, marker = line.partition(";")
        if re.fullmatch(rf"extra == ['\"]{re.escape(extra)}['\"]", marker.strip()):
            yield needed.strip()


def _from_source_tree(extras: str) -> str:
    """The clone that this file lies in, where nothing was installed and the code runs from it."""
    root = Path(__file__).resolve().parents[2]
    ending = f"[{extras}]" if extras else ""
    return shlex.quote(f"{root}{ending}") if (root / "pyproject.toml").is_file() else ""
