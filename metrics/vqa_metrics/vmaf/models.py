"""VMAF models: built into libvmaf or a file, and what their scores are called in the log."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from vqa_harness.errors import UsageError
from vqa_metrics.vmaf.model_file import check_model_file

DEFAULT = "vmaf_v0.6.1"
V1 = tuple(
    f"vmaf_v1.0.16_{rate}{distance}"
    for rate in ("", "hfr_")
    for distance in ("3d0h", "5d0h", "3d0h_2160", "1d5h_2160")
)
PUBLISHED = (
    DEFAULT,
    "vmaf_v0.6.1neg",
    "vmaf_4k_v0.6.1",
    "vmaf_4k_v0.6.1neg",
    *V1,
    "vmaf_float_v0.6.1",
    "vmaf_float_v0.6.1neg",
    "vmaf_float_4k_v0.6.1",
    "vmaf_float_b_v0.6.3",
    "vmaf_b_v0.6.3",
)
"""Every model that some libvmaf from 2.0 to 3.2 has built in; builds differ."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_VERSION = re.compile(r"[A-Za-z0-9_.]+")


@dataclass(frozen=True, slots=True)
class VmafModel:
    """A VMAF model.

    Attributes:
        version: Name of a model that is built into libvmaf; unused where ``path`` is given.
        name: What its score is called in the log.
        path: A model file (JSON) instead of a built-in model.
        text: What stands in a model file of our own; there is no ``path`` then.
    """

    version: str = DEFAULT
    name: str = "vmaf"
    path: Path | None = None
    text: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"VMAF model name {self.name!r}: use letters, digits and _")
        if not _VERSION.fullmatch(self.version):
            raise UsageError(
                f"VMAF model {self.version!r}: give a built-in name such as vmaf_v0.6.1"
            )
        if self.path is not None:
            check_model_file(self.path)

    @property
    def built_in(self) -> bool:
        """Whether libvmaf has it, rather than a file."""
        return self.path is None and not self.text

    def put(self, folder: Path, index: int) -> None:
        """Write the file that libvmaf reads, under `file_name`; nothing for a built-in model."""
        target = folder / self.file_name(index)
        if self.path is not None:
            shutil.copyfile(self.path, target)
        elif self.text:
            target.write_text(self.text, "utf-8")

    def file_name(self, index: int) -> str:
        """Name the copy of a model file, without characters that need escaping.

        Args:
            index: Place of the model in the run.
        """
        return f"model{index}.json"

    def option(self, where: str) -> str:
        """Write the part of libvmaf's ``model`` option for this model.

        Args:
            where: Path of the copy of the model file, escaped; unused for a built-in model.
        """
        source = f"version={self.version}" if self.built_in else f"path={where}"
        return f"{source}:name={self.name}"


def model_of(text: str) -> VmafModel:
    """Interpret what a user wrote as a model.

    Args:
        text: libvmaf's name of a built-in model, such as ``vmaf_v0.6.1neg``, or the path of a model
            file, which ends in ``.json``.

    Returns:
        The model under the name its score has in the log, see `model_name`; a file's begins with
        ``vmaf_file_``.

    Raises:
        UsageError: The file cannot be used, or the name cannot be one of libvmaf's.
    """
    if is_file(text):
        return VmafModel(name=model_name(text), path=Path(text))
    return VmafModel(text, model_name(text))


def model_name(version: str) -> str:
    """Return what the score of a model is called in the log.

    Such names are ``vmaf``, ``vmaf_neg``, ``vmaf_4k``, ``vmaf_4k_neg`` and ``vmaf_v1_3d0h``:
    v0.6.1 goes without saying; of v1.0.16 only the first number is kept, then the viewing distance.
    A file ``my_model.json`` is called ``vmaf_file_my_model``; it need not exist.

    Args:
        version: libvmaf's name, such as ``vmaf_4k_v0.6.1``, or the path of a model file.

    Raises:
        UsageError: The text is not the path of a model file, and does not begin with ``vmaf_``.
    """
    if is_file(version):
        stem = re.sub(r"[^a-z0-9]+", "_", Path(version).stem.lower()).strip("_")
        return f"vmaf_file_{stem.removeprefix('vmaf_')}"
    if not version.startswith("vmaf_"):
        raise UsageError(
            f"VMAF model {version!r}: give a built-in name such as vmaf_v0.6.1, or a file"
        )
    name = re.sub(r"_?v0\.6\.1(neg)?$", lambda m: "_neg" if m[1] else "", version[4:])
    name = re.sub(r"^_v1\.[0-9]+\.[0-9]+", "_v1", name)
    return "vmaf" + re.sub(r"[^a-z0-9]+", "_", name.lower())


def is_file(model: str) -> bool:
    """Whether a text names a model file rather than a built-in model."""
    return model.lower().endswith(".json")
