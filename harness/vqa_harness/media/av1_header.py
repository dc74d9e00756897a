"""Which AV1 frames no other frame is predicted from, read from their headers.

AV1 Bitstream & Decoding Process Specification, 5.3 to 5.9. A frame that refreshes none of the eight
slots leaves no trace in the decoder. Only as much of the headers is read as that takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SEQUENCE, DELIMITER, HEADER, FRAME = 1, 2, 3, 6
"""Types of the units that matter; the others of a frame hold tiles, metadata or padding."""
KEY, INTER, INTRA_ONLY, SWITCH = range(4)
"""Types of frames."""
SELECT = 2
"""Value of two fields of the sequence that leaves the choice to each frame."""


class Bits:
    """Reads numbers of some bits.

    Raises:
        IndexError: there are no more, when reading.
    """

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        """The next ``count`` bits as a number."""
        self._left -= count
        if self._left < 0:
            raise IndexError("the header is cut short")
        return self._value >> self._left & (1 << count) - 1


@dataclass(frozen=True, slots=True)
class Sequence:
    """What the header of a sequence says about those of its frames.

    Attributes:
        id_bits: bits of a frame's number; 0 where frames have none.
        screen_tools: whether tools for screen content are used, or `SELECT`.
        integer_motion: whether motion is in whole pixels, or `SELECT`.
        order_bits: bits of a frame's place in the order of display.
    """

    id_bits: int
    screen_tools: int
    integer_motion: int
    order_bits: int


class Av1Reader:
    """Tells of each temporal unit whether it can be left out.

    Args:
        extradata: the codec's configuration as the container has it (``av1C``), or None.
    """

    def __init__(self, extradata: bytes | None) -> None:
        self._sequence: Sequence | None = None
        if extradata is not None and len(extradata) > 4 and extradata[0] == 0x81:
            self.stands_alone(extradata[4:])

    def stands_alone(self, data: bytes) -> bool:
        """Whether no other picture is predicted from those of a temporal unit.

        Args:
            data: the unit; headers of sequences in it hold for it and those that follow.
        """
        alone = frames = False
        try:
            for kind, payload in _units(data):
                if kind == SEQUENCE:
                    self._sequence = read_sequence(payload)
                    return False
                if kind in (HEADER, FRAME):
                    alone = self._sequence is not None and refreshes(payload, self._sequence) == 0
                    frames = True
                    if not alone:
                        return False
        except IndexError:
            return False
        return frames and alone


def _units(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and the first bytes of each unit (OBU).

    Raises:
        IndexError: a unit is cut short, or has layers, which are not looked at.
    """
    at = 0
    while at < len(data):
        head = data[at]
        if head & 4:
            raise IndexError("layers")
        at += 1
        size, shift = len(data) - at, 0
        if head & 2:
            size = 0
            while True:
                byte = data[at]
                at += 1
                size |= (byte & 127) << shift
                shift += 7
                if not byte & 128:
                    break
        yield head >> 3 & 15, data[at : at + min(size, 64)]
        at += size


def read_sequence(payload: bytes) -> Sequence | None:
    """Read the header of a sequence; None for stills and where frames carry times of buffers."""
    bits = Bits(payload)
    bits.take(3)
    still, reduced, timing = bits.take(1), bits.take(1), bits.take(1)
    if still or reduced or timing:
        return None
    delays = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delays and bits.take(1):
            bits.take(4)
    across, down = bits.take(4) + 1, bits.take(4) + 1
    bits.take(across + down)
    id_bits = 0
    if bits.take(1):
        id_bits = bits.take(4) + bits.take(3) + 3
    bits.take(3 + 4)
    ordered = bits.take(1)
    bits.take(2 * ordered)
    screen = SELECT if bits.take(1) else bits.take(1)
    integer = SELECT if not screen or bits.take(1) else bits.take(1)
    return Sequence(id_bits, screen, integer, bits.take(3) + 1 if ordered else 0)


def refreshes(payload: bytes, sequence: Sequence) -> int:
    """The slots that a frame is kept in, a bit each; all where it only shows an earlier one."""
    bits = Bits(payload)
    if bits.take(1):
        return 255
    kind, shown = bits.take(2), bits.take(1)
    if kind == SWITCH or (kind == KEY and shown):
        return 255
    if not shown:
        bits.take(1)
    resilient = bits.take(1)
    bits.take(1)
    tools = bits.take(1) if sequence.screen_tools == SELECT else sequence.screen_tools
    if tools and sequence.integer_motion == SELECT:
        bits.take(1)
    bits.take(sequence.id_bits + 1 + sequence.order_bits)
    if kind == INTER and not resilient:
        bits.take(3)
    return bits.take(8)
