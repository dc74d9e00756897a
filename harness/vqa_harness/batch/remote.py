"""Addresses of what lies elsewhere, which fsspec opens.

Nothing is fetched because a manifest says so: the user allows it, and only these kinds of address.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vqa_harness.errors import InputError, MissingBackend, one_line
from vqa_harness.installation import pip_install

SCHEMES = ("s3", "gs", "gcs", "az", "abfs", "https", "http", "file", "memory")
"""The kinds of address that are opened; fsspec knows more, some of which run programs."""
_TAGS = ("ETag", "etag", "md5Hash", "crc32c", "content_md5", "checksum", "generation")
"""What stores call a sum or a version of an object's content."""
_DATES = ("mtime", "LastModified", "last_modified", "updated", "created")
_BLOCK = 4 << 20


def require() -> None:
    """Check, before long work, that addresses can be opened.

    Raises:
        MissingBackend: fsspec is not installed.
    """
    if find_spec("fsspec") is None:
        raise MissingBackend(f"--allow-remote needs fsspec; {pip_install('vqa-harness[batch]')}")


def opens(address: str) -> bool:
    """Whether an address is of a kind that is opened."""
    return address.partition(":")[0].lower() in SCHEMES and "::" not in address


def object_facts(address: str) -> dict[str, Any] | None:
    """What tells that an object has not changed: size, and tag or date; None where it is missing.

    Both are None where the store cannot be asked; fetching then tells why.

    Raises:
        MissingBackend: the package for this kind of address is not installed.
    """
    system, path = opened(address)
    try:
        info = system.info(path)
    except FileNotFoundError:
        return None
    except Exception:  # each store has errors of its own
        return {"size": None}
    found: dict[str, Any] = {"size": info.get("size")}
    for names in (_TAGS, _DATES):
        for name in names:
            if info.get(name) is not None:
                return found | {name: str(info[name])}
    return found


def fetch(address: str, folder: Path, limit: int) -> Path:
    """Copy an object into a new folder.

    Args:
        address: of the object.
        folder: is made.
        limit: bytes that it may have.

    Raises:
        InputError: it is missing, too large, or cannot be read.
        MissingBackend: the package for this kind of address is not installed.
    """
    name = address.partition("?")[0].rstrip("/").rpartition("/")[2] or "object"
    folder.mkdir()
    target = folder / name[-200:].replace("%", "_")
    system, path = opened(address)
    try:
        with system.open(path, "rb") as source, target.open("wb") as file:
            count = 0
            while block := source.read(_BLOCK):
                count += len(block)
                if count > limit:
                    raise InputError(
                        f"{address}: is larger than the {limit} bytes of --stage-limit; raise it"
                    )
                file.write(block)
    except FileNotFoundError:
        raise InputError(f"{address}: no such object; check the address") from None
    except InputError:
        raise
    except Exception as error:  # each store has errors of its own
        raise InputError(f"{address}: cannot be fetched ({one_line(error)})") from error
    return target


def opened(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Raises:
        MissingBackend: the package for this kind of address is not installed.
    """
    try:
        import fsspec

        found: tuple[Any, str] = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise MissingBackend(f"{address}: cannot be opened ({one_line(error)})") from None
    return found
