"""FFmpeg's colour numbers (ITU-T H.273) as the names in `ColourInfo`, guessed where untagged."""

from __future__ import annotations

from functools import lru_cache

from vqa_harness.frames import ColourInfo

HD_LINES = 720
"""Lines from which untagged YUV is taken as BT.709, as players do; below it is taken as BT.601."""
MATRICES = {0: "rgb", 1: "bt709", 4: "bt601", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}
TRANSFERS = {1: "bt709", 6: "bt709", 8: "linear", 13: "srgb", 14: "bt709", 15: "bt709", 16: "pq"}
TRANSFERS |= {18: "hlg"}
PRIMARIES = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020", 11: "smpte431", 12: "smpte432"}
UNTAGGED = frozenset({0, 2, 3})
"""Codes of transfer and primaries that are reserved or unspecified."""
FULL, LIMITED = 2, 1
"""AVColorRange: "JPEG" and "MPEG"; 0 is unspecified and counts as limited."""

MATRIX_CODES = {"rgb": 0, "bt709": 1, "bt601": 6, "bt2020": 9}
TRANSFER_CODES = {"bt709": 1, "linear": 8, "srgb": 13, "pq": 16, "hlg": 18}
PRIMARY_CODES = {"bt709": 1, "bt601": 6, "bt2020": 9, "smpte431": 11, "smpte432": 12}
UNSPECIFIED = 2
"""The code by which H.273 says that nothing is said."""


@lru_cache(maxsize=64)
def describe(
    colorspace: int,
    color_range: int,
    transfer: int,
    primaries: int,
    *,
    lines: int,
    rgb: bool,
    still: bool = False,
    full_format: bool = False,
) -> ColourInfo:
    """The `ColourInfo` of a picture.

    Args:
        colorspace: AVColorSpace.
        color_range: AVColorRange.
        transfer: AVColorTransferCharacteristic.
        primaries: AVColorPrimaries.
        lines: stored height, by which the matrix is guessed where not even primaries are tagged.
        rgb: whether the samples are RGB.
        still: a still image: untagged YUV is taken as JPEG's and HEIF's full-range BT.601.
        full_format: the pixel format itself says full range (``yuvj420p``).
    """
    guessed = []
    if rgb:
        full, matrix = color_range != LIMITED, "rgb"
    else:
        full = color_range == FULL or full_format or (still and color_range != LIMITED)
        if color_range not in (LIMITED, FULL) and not full_format:
            guessed.append("full_range")
        matrix = MATRICES.get(colorspace, "")
        if matrix in ("", "rgb"):
            guessed.append("matrix")
            matrix = "bt709" if lines >= HD_LINES else "bt601"
            if still:
                matrix = "bt601"
            elif PRIMARIES.get(primaries) in MATRIX_CODES:
                matrix = PRIMARIES[primaries]
    names = {}
    for name, code, table in (
        ("transfer", transfer, TRANSFERS),
        ("primaries", primaries, PRIMARIES),
    ):
        if code in UNTAGGED:
            guessed.append(name)
        names[name] = "unknown" if code in UNTAGGED else table.get(code, str(code))
    return ColourInfo(full, matrix, names["transfer"], names["primaries"], tuple(guessed))


def unsupported_matrix(colorspace: int) -> bool:
    """Whether the stream names a matrix other than BT.601, 709, 2020 and RGB (such as YCgCo)."""
    return colorspace not in MATRICES and colorspace not in UNTAGGED


def codes(colour: ColourInfo) -> tuple[int, int, int, int]:
    """AVColorSpace, AVColorRange, transfer and primaries to tag a stream with; 2 where guessed."""
    said = set(colour.guessed)
    return (
        UNSPECIFIED if "matrix" in said else MATRIX_CODES[colour.matrix],
        0 if "full_range" in said else (FULL if colour.full_range else LIMITED),
        TRANSFER_CODES.get(colour.transfer, UNSPECIFIED),
        PRIMARY_CODES.get(colour.primaries, UNSPECIFIED),
    )
