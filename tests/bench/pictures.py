"""Stills for the tests of the benchmark."""

import struct

import numpy as np

LEVELS = (30, 55, 80, 100, 125, 150, 175, 200, 215, 235)
OPINIONS = (12.5, 20, 31, 29, 52, 60, 58, 77, 90, 88)


def write_bmp(path, rgb):
    """A 24-bit BMP file of (H, W, 3) uint8."""
    height, width, _ = rgb.shape
    padding = -3 * width % 4
    rows = np.pad(rgb[::-1, :, ::-1].reshape(height, -1), ((0, 0), (0, padding)))
    size = 54 + rows.size
    head = struct.pack("<2sIHHI", b"BM", size, 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, rows.size, 0, 0, 0, 0)
    path.write_bytes(head + info + rows.tobytes())
