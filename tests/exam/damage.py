"""Damage to the bytes of a file, the same for the same name and seed number."""

import random
import re

FOURCC = re.compile(rb"[A-Za-z0-9_ ]{4}")
EBML = re.compile(
    rb"\x1a\x45\xdf\xa3|\x18\x53\x80\x67|\x15\x49\xa9\x66|\x16\x54\xae\x6b|\x1f\x43\xb6\x75|\xa3"
)
"""Identifiers of Matroska elements, each followed by the element's length."""


def damaged(content: bytes, kind: str, name: str) -> bytes:
    """The content with damage of one of `KINDS`; ``name`` seeds what is drawn."""
    return bytes(KINDS[kind](bytearray(content), random.Random(f"{name} {kind}")))


def header(data, rng):
    """Some bytes of the first 400 are others."""
    for _ in range(rng.randint(1, 6)):
        data[rng.randrange(min(400, len(data)))] = rng.randrange(256)
    return data


def truncated(data, rng):
    """The end is missing."""
    return data[: int(len(data) * rng.uniform(0.03, 0.98))]


def swapped(data, rng):
    """Two pieces of one length have changed places."""
    size = rng.randint(16, max(17, len(data) // 8))
    a, b = sorted((rng.randrange(len(data) // 2 - size), rng.randrange(len(data) - size)))
    if b - a < size:
        b = a + size
    data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]
    return data


def length_zero(data, rng):
    """A length is 0."""
    return _with_length(data, rng, b"\0\0\0\0", b"\x80")


def length_huge(data, rng):
    """A length is greater than any file."""
    huge = rng.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"])
    return _with_length(data, rng, huge, rng.choice([b"\x08\xff", b"\x01\x7f", b"\xff"]))


def bits(data, rng):
    """Single bits have changed everywhere."""
    for _ in range(rng.randint(1, 30)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def burst(data, rng):
    """A stretch is noise."""
    at, size = _stretch(data, rng)
    data[at : at + size] = rng.randbytes(size)
    return data


def blanked(data, rng):
    """A stretch holds one value."""
    at, size = _stretch(data, rng)
    data[at : at + size] = bytes([rng.choice([0, 255])]) * size
    return data


def removed(data, rng):
    """A stretch is missing."""
    at, size = _stretch(data, rng)
    del data[at : at + size]
    return data


def repeated(data, rng):
    """A stretch is there twice."""
    at, size = _stretch(data, rng)
    data[at:at] = data[at : at + size]
    return data


KINDS = {
    function.__name__: function
    for function in (
        *(header, truncated, swapped, length_zero, length_huge),
        *(bits, burst, blanked, removed, repeated),
    )
}


def _stretch(data, rng):
    size = rng.randint(1, min(600, len(data) // 4))
    return rng.randrange(len(data) - size), size


def _with_length(data, rng, plain, ebml):
    """Write over a length: after an element's identifier, or on either side of a name."""
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        at = rng.choice([found.end() for found in EBML.finditer(data)])
        data[at : at + len(ebml)] = ebml
        return data
    names = [found.start() for found in FOURCC.finditer(data)]
    at = rng.choice(names) if names else rng.randrange(min(len(data), 2000))
    at = max(0, at + rng.choice([-4, 4]))
    data[at : at + 4] = plain
    return data
