"""Protocol buffers taken apart into their fields: what an ONNX file says before anything runs it.

Only the encoding is known here, not ONNX. A graph may come from anybody, so every occurrence of a
field is yielded: a reader that took only the last of two could be shown another file than the
library that runs it.

Source: https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

from collections.abc import Iterator

Message = memoryview
"""Bytes of a message, or of a text or array inside one."""

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_VARINT_BYTES = 10
"""Most bytes that a number of 64 bits takes."""


def fields(message: Message) -> Iterator[tuple[int, int | Message]]:
    """Yield the fields of a message in their order.

    Args:
        message: The bytes of the message.

    Yields:
        The field's number and its value: an unsigned integer for a varint, else its bytes.

    Raises:
        ValueError: These are not the bytes of a message, or a field is of a kind that is obsolete.
    """
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        if kind == _LENGTH:
            size, position = _varint(message, position)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            size = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"field {number} is of the unknown kind {kind}")
        if size > len(message) - position:
            raise ValueError(f"field {number} is cut off")
        yield number, message[position : position + size]
        position += size


def part(value: int | Message) -> Message:
    """Return a field's value where it must be a message, a text or an array.

    Raises:
        ValueError: It is a number.
    """
    if isinstance(value, int):
        raise ValueError("a number stands where a part should")
    return value


def text(value: int | Message) -> str:
    """Return a field's value where it must be a text.

    Raises:
        ValueError: It is not one (UnicodeDecodeError is a kind of that).
    """
    return bytes(part(value)).decode()


def _varint(message: Message, position: int) -> tuple[int, int]:
    """Read a number of up to 64 bits, and where it ends."""
    value = 0
    for shift, byte in enumerate(message[position : position + _VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, position + shift + 1
    raise ValueError("a number has no end")
