"""ONNX files put together byte by byte, as nobody's exporter would write them."""

import json

from vqa_plugin_clip.graph.file import FACTS_KEY, FORMAT_KEY, WEIGHTS_KEY

VARINT, LENGTH = 0, 2


def number(field, value):
    """A field with a whole number."""
    return _varint(field << 3 | VARINT) + _varint(value)


def part(field, content):
    """A field with bytes: a text, an array or a message."""
    content = content.encode() if isinstance(content, str) else content
    return _varint(field << 3 | LENGTH) + _varint(len(content)) + content


def entry(field, key, value):
    """A pair of texts."""
    return part(field, part(1, key) + part(2, value))


def tensor(location="x.safetensors", offset="0", length="8"):
    """An initializer that lies in another file."""
    pairs = {"location": location, "offset": offset, "length": length}
    return part(5, b"".join(entry(13, *pair) for pair in pairs.items()) + number(14, 1))


def node(*attributes, domain=""):
    return part(1, part(4, "Relu") + part(7, domain) + b"".join(part(5, a) for a in attributes))


def model(*parts, more=b"", **metadata):
    """A model of these parts of a graph, with what a graph of this project says of itself."""
    said = {FORMAT_KEY: "1", WEIGHTS_KEY: "0" * 64, FACTS_KEY: json.dumps({})} | metadata
    pairs = b"".join(entry(14, key, value) for key, value in said.items())
    return part(7, b"".join(parts)) + pairs + more


def _varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
