"""Files of VMAF models, looked at before libvmaf reads them.

libvmaf trusts the support vector machine inside: one that is cut short or has another header ends
the process. So what such a file must have is checked here.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from vqa_harness.errors import UsageError

_BYTES_MAX = 64 << 20
"""Largest model file that is read; libvmaf's own have 20 kB."""
_HEADER = {
    "svm_type": r"nu_svr|epsilon_svr",
    "kernel_type": r"linear|polynomial|rbf|sigmoid",
    "nr_class": r"2",
    "total_sv": r"[1-9][0-9]{0,5}",
    "rho": r"\S+",
}
"""What the header of a regression has to say, and how."""
_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_VECTOR = re.compile(rf"{_NUMBER}(?: [1-9][0-9]{{0,3}}:{_NUMBER})+ ?")


def check_model_file(path: Path) -> None:
    """Refuse what is no model file, or one that libvmaf could end the process over.

    Raises:
        UsageError: The file is not there, cannot be read, or lacks what every model has.
    """
    if not path.is_file():
        raise UsageError(f"VMAF model file {path}: no such file")
    try:
        with path.open("rb") as file:
            text = file.read(_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"VMAF model file {path}: cannot be read: {error.strerror}") from None
    fault = "is too large" if len(text) > _BYTES_MAX else _fault(text)
    if fault:
        raise UsageError(f"VMAF model file {path}: {fault}; give one in libvmaf's JSON format")


def model_dictionary(path: Path) -> dict[str, Any]:
    """What a model file that was checked says of its model."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))["model_dict"]
    return found


def _fault(text: bytes) -> str:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return "is not JSON"
    model = document.get("model_dict") if isinstance(document, dict) else None
    if not isinstance(model, dict):
        return "has no model_dict, or holds a collection of models"
    names = model.get("feature_names")
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        return "has no feature_names"
    options = model.get("feature_opts_dicts")
    if options is not None and not _fit(options, names):
        return "has other feature_opts_dicts than feature_names"
    if not isinstance(model.get("norm_type"), str):
        return "has no norm_type"
    machine = model.get("model")
    return _machine_fault(machine) if isinstance(machine, str) else "has no model"


def _fit(options: Any, names: list[str]) -> bool:
    return (
        isinstance(options, list)
        and len(options) == len(names)
        and all(isinstance(one, dict) for one in options)
    )


def _machine_fault(text: str) -> str:
    """What is wrong with a regression of LIBSVM's text format; empty if nothing is."""
    head, found, body = text.partition("SV\n")
    said = dict(line.partition(" ")[::2] for line in head.splitlines())
    for key, form in _HEADER.items():
        if not re.fullmatch(form, said.get(key, "").strip()):
            return f"its model has no usable {key}"
    vectors = body.splitlines()
    if not found or len(vectors) != int(said["total_sv"]):
        return "its model has another number of support vectors than it says"
    if not all(_VECTOR.fullmatch(vector) for vector in vectors):
        return "its model has a support vector that cannot be read"
    return ""
