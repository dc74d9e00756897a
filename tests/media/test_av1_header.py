"""Headers of AV1 frames: which frames are kept for others to be predicted from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqa_harness.media.av1_header import (
    INTER,
    INTRA_ONLY,
    KEY,
    SWITCH,
    Av1Reader,
    Sequence,
    refreshes,
)

SEQUENCE = Sequence(id_bits=0, screen_tools=0, integer_motion=2, order_bits=7)


def frame_header(kind=INTER, shown=1, resilient=0, order=5, refreshed=0, sequence=SEQUENCE):
    """The bits of a frame's header up to the slots it is kept in."""
    bits = f"0{kind:02b}{shown}" + ("" if shown else "1") + f"{resilient}0"
    tools = sequence.screen_tools
    bits += "1" * (tools == 2) + "1" * (tools > 0 and sequence.integer_motion == 2)
    bits += "0" * sequence.id_bits + "0" + f"{order:0{sequence.order_bits}b}"
    bits += ("" if resilient or kind == INTRA_ONLY else "101") + f"{refreshed:08b}"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


@pytest.mark.parametrize(
    "sequence",
    [SEQUENCE, Sequence(15, 2, 2, 3), Sequence(0, 1, 1, 1), Sequence(0, 2, 0, 8)],
)
@pytest.mark.parametrize("resilient", [0, 1])
@pytest.mark.parametrize("kind", [INTER, INTRA_ONLY])
@pytest.mark.parametrize("refreshed", [0, 1, 0x80, 0x5A, 0xFF])
def test_slots_of_an_av1_frame(sequence, resilient, kind, refreshed):
    for shown in (0, 1):
        header = frame_header(kind, shown, resilient, 1, refreshed, sequence)
        assert refreshes(header, sequence) == refreshed


def test_av1_frames_that_are_always_kept():
    assert refreshes(frame_header(KEY, 1), SEQUENCE) == 255
    assert refreshes(frame_header(SWITCH, 1), SEQUENCE) == 255
    assert refreshes(b"\x80", SEQUENCE) == 255  # shows a frame of before


def unit(kind, payload):
    """A unit of AV1 with its size."""
    return bytes([kind << 3 | 2, len(payload)]) + payload


def test_a_temporal_unit_is_left_out_only_if_none_of_its_frames_is_kept():
    reader = Av1Reader(None)
    alone, kept = frame_header(refreshed=0), frame_header(refreshed=4)
    assert not reader.stands_alone(unit(2, b"") + unit(6, alone))  # no sequence is known yet
    reader._sequence = SEQUENCE
    assert reader.stands_alone(unit(2, b"") + unit(6, alone))
    assert reader.stands_alone(unit(3, alone) + unit(4, b"tiles") + unit(5, b"metadata"))
    assert not reader.stands_alone(unit(6, kept) + unit(6, alone))
    assert not reader.stands_alone(unit(6, alone) + unit(6, kept))
    assert not reader.stands_alone(unit(2, b""))
    assert not reader.stands_alone(unit(6, alone)[:3])
    assert not reader.stands_alone(bytes([6 << 3 | 6, 0, 2]) + alone)  # has layers


@given(st.binary(max_size=80))
def test_any_bytes_are_read_as_av1(data):
    reader = Av1Reader(b"\x81\0\0\0" + data)
    reader._sequence = SEQUENCE
    assert reader.stands_alone(data) in (True, False)
