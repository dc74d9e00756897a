"""What an ONNX graph beside a checkpoint may hold, checked before anything runs it.

A graph is untrusted input. It may have operators of ONNX's own domain only, no graphs inside its
nodes and no functions, and no data outside itself but parts of the weights file that lies beside
it, whose hash it carries. Field numbers are those of ``onnx.proto``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from vqa_plugin_clip.graph.fields import Message, fields, part, text

_OWN_DOMAINS = ("", "ai.onnx")
_EXTERNAL = 1
"""The value of ``data_location`` for data outside the file."""
_PLAIN_NAME = re.compile(r"[^/\\:\x00]{1,255}")


@dataclass
class Contents:
    """What a graph says of itself.

    Attributes:
        metadata: Its ``metadata_props``.
        locations: Names of the files that its tensors lie in, beside the graph itself.
        end: One past the last byte of those files that it uses.
    """

    metadata: dict[str, str] = field(default_factory=dict)
    locations: set[str] = field(default_factory=set)
    end: int = 0


def read_contents(content: bytes) -> Contents:
    """Take a graph apart.

    Args:
        content: The bytes of the ``.onnx`` file.

    Raises:
        ValueError: It is not an ONNX file, or holds what it may not; the message says which.
    """
    found = Contents()
    graphs = 0
    for number, value in fields(memoryview(content)):
        if number == 7:  # graph
            graphs += 1
            _read_graph(part(value), found)
        elif number == 8:  # opset_import
            _check_domain(_texts(part(value)).get(1, ""))
        elif number == 14:  # metadata_props
            entry = _texts(part(value))
            found.metadata[entry.get(1, "")] = entry.get(2, "")
        elif number in (20, 25):  # training_info, functions
            raise ValueError("it holds functions or training steps")
    if graphs != 1:
        raise ValueError("it holds no graph, or several")
    return found


def _read_graph(graph: Message, found: Contents) -> None:
    for number, value in fields(graph):
        if number == 1:  # node
            _check_node(part(value))
        elif number == 5:  # initializer
            _read_tensor(part(value), found)
        elif number == 15:  # sparse_initializer
            raise ValueError("it holds sparse tensors")


def _check_node(node: Message) -> None:
    for number, value in fields(node):
        if number == 7:  # domain
            _check_domain(text(value))
        elif number == 5:  # attribute
            _check_attribute(part(value))


def _check_attribute(attribute: Message) -> None:
    for number, value in fields(attribute):
        if number in (5, 10):  # t, tensors
            inside = Contents()
            _read_tensor(part(value), inside)
            if inside.locations:
                raise ValueError("an operator's attribute refers to data in another file")
        elif number in (6, 11):  # g, graphs
            raise ValueError("an operator holds a graph of its own")
        elif number in (22, 23):  # sparse_tensor, sparse_tensors
            raise ValueError("it holds sparse tensors")


def _read_tensor(tensor: Message, found: Contents) -> None:
    entries: dict[str, str] = {}
    outside = False
    for number, value in fields(tensor):
        if number == 13:  # external_data
            entry = _texts(part(value))
            key = entry.get(1, "")
            if key in entries:
                raise ValueError(f"a tensor names its {key} twice")
            entries[key] = entry.get(2, "")
        elif number == 14:  # data_location
            outside = outside or value == _EXTERNAL
    if not outside and not entries:
        return
    location = entries.get("location", "")
    if not _PLAIN_NAME.fullmatch(location) or location in (".", ".."):
        raise ValueError(f"it refers to data at {location[:80]!r}, which is not a file beside it")
    found.locations.add(location)
    found.end = max(found.end, _count(entries, "offset") + _count(entries, "length"))


def _count(entries: dict[str, str], key: str) -> int:
    value = entries.get(key, "")
    if not re.fullmatch(r"[0-9]{1,15}", value):
        raise ValueError(f"a tensor's {key} is {value[:20]!r}, not a number of bytes")
    return int(value)


def _check_domain(domain: str) -> None:
    if domain not in _OWN_DOMAINS:
        raise ValueError(f"it uses operators of the domain {domain[:80]!r}")


def _texts(message: Message) -> dict[int, str]:
    """Read the texts of a message of texts and numbers; of a field given twice, the last."""
    return dict(_text_fields(message))


def _text_fields(message: Message) -> Iterator[tuple[int, str]]:
    for number, value in fields(message):
        if not isinstance(value, int):
            yield number, text(value)
