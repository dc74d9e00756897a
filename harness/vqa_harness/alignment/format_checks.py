"""Whether two videos can be compared at all, and what differs between their pictures."""

from __future__ import annotations

from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.report import Note
from vqa_harness.alignment.signatures import Region
from vqa_harness.errors import AlignError
from vqa_harness.frames import StreamInfo

AREA_SLACK = 0.01
"""Share of the width or height by which two picture areas may differ and still be the same."""
Regions = tuple[Region | None, Region | None]
"""A region of the distorted video's picture and one of the reference's; None for all of it."""


def check_transfer(distorted: StreamInfo, reference: StreamInfo) -> list[Note]:
    """Notes on transfer functions and primaries that differ.

    Raises:
        AlignError: high dynamic range against standard, or PQ against HLG.
    """
    one, two = distorted.colour, reference.colour
    if (one.hdr or two.hdr) and one.transfer != two.transfer:
        raise AlignError(
            f"transfer functions differ (distorted {one.transfer}, reference {two.transfer}): high "
            "dynamic range is not compared with standard; convert one, or state a tag that is lost "
            "or wrong, as in --distorted-colour transfer=pq"
        )
    notes = []
    for name in ("transfer", "primaries"):
        a, b = getattr(one, name), getattr(two, name)
        if a != b and "unknown" not in (a, b):
            text = f"{name} differ (distorted {a}, reference {b}) and are compared as they are"
            notes.append(Note("format", text))
    return notes


def check_bars(
    distorted: StreamInfo,
    reference: StreamInfo,
    options: AlignOptions,
    areas: Regions,
    alike: Regions,
) -> tuple[Regions, list[Note]]:
    """The part of each picture that is compared, and notes on black bars that differ."""
    one, two = areas
    if one is None or two is None or not bars_differ(distorted, reference, areas):
        return (None, None), []
    layout = ", ".join(
        f"{side} {a[2]}x{a[3]} at {a[0]},{a[1]} of {i.width}x{i.height}"
        for side, a, i in (("distorted", one, distorted), ("reference", two, reference))
    )
    if options.crop == "auto":
        cuts = " and ".join(str(list(r)) for r in alike if r is not None)
        what = f"{cuts} (x, y, width, height) were compared" if cuts else "nothing was cut off"
        return alike, [Note("format", f"black bars differ ({layout}): {what}")]
    return (None, None), [
        Note("format", f"black bars differ ({layout}); --crop auto compares the pictures inside")
    ]


def bars_differ(distorted: StreamInfo, reference: StreamInfo, areas: Regions) -> bool:
    """Whether the pictures inside black bars lie differently in their frames."""
    one, two = areas
    if one is None or two is None:
        return False
    shares = [
        (a[0] / i.width, a[1] / i.height, a[2] / i.width, a[3] / i.height)
        for a, i in ((one, distorted), (two, reference))
    ]
    return any(abs(a - b) > AREA_SLACK for a, b in zip(*shares, strict=True))
