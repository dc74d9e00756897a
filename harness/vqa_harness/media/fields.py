"""Fields of MPEG-2 without their other half.

Where a stream codes fields as pictures and one of a pair is lost, FFmpeg gives the frame without
flagging it: every other row is what lay in memory, and two readings of the file differ.
"""

from __future__ import annotations

_EXTENSION = b"\0\0\1\xb5"
_CODING = 8
_FRAME = 3


class FieldPairs:
    """Follows the pictures of an MPEG-2 stream, packet by packet, in the order of coding.

    Attributes:
        lone: how many fields had no other half, of those that are settled.
    """

    def __init__(self) -> None:
        self.lone = 0
        self._open: int | None = None

    def see(self, packet: bytes) -> None:
        """Take the next packet: a frame, a field, or both fields of a frame.

        Each picture has a picture coding extension, whose ``picture_structure`` is 1 for a top
        field, 2 for a bottom field and 3 for a frame (ISO/IEC 13818-2, 6.2.3.1).
        """
        at = packet.find(_EXTENSION)
        while at >= 0 and at + 6 < len(packet):
            if packet[at + 4] >> 4 == _CODING:
                self._picture(packet[at + 6] & 3)
            at = packet.find(_EXTENSION, at + 4)

    def end(self) -> None:
        """No more packets come."""
        self._picture(_FRAME)

    def _picture(self, structure: int) -> None:
        if structure == _FRAME:
            self.lone += self._open is not None
            self._open = None
        elif self._open is None:
            self._open = structure
        elif self._open == structure:
            self.lone += 1
        else:
            self._open = None
