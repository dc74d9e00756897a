"""Makes the clips of this example: moving texture with a tone of -23 LUFS, and one with faults.

python make_clips.py            writes clips/ beside this file
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vqa_harness.frames import Plane
from vqa_harness.testing.synthetic import moving_pattern

WIDTH, HEIGHT, RATE = 192, 108, 48000
Picture = tuple[Plane, ...]


def write(path: Path, pictures: Sequence[Picture], seconds: float) -> None:
    """Write pictures at 25 a second, with that many seconds of a 1 kHz tone in two channels."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "20"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=RATE, layout="stereo")
        for number, planes in enumerate(pictures):
            joined = np.concatenate([plane.reshape(-1) for plane in planes])
            frame = av.VideoFrame.from_ndarray(joined.reshape(-1, WIDTH), "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        time = np.arange(round(seconds * RATE)) / RATE
        wave = (10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
        for at in range(0, len(wave), 1024):
            block = np.stack([wave[at : at + 1024]] * 2)
            part = av.AudioFrame.from_ndarray(block, "fltp", "stereo")
            part.sample_rate, part.time_base, part.pts = RATE, Fraction(1, RATE), at
            container.mux(sound.encode(part))
        container.mux(sound.encode())


def make_clips(folder: Path, frames: int = 75) -> None:
    """Write ``good.mov`` and ``bad.mov`` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = moving_pattern(frames, WIDTH, HEIGHT)
    black = tuple(np.full_like(p, 128 if number else 16) for number, p in enumerate(pictures[0]))
    write(folder / "good.mov", pictures, frames / 25)
    third = frames // 3
    frozen, dark = [pictures[third]] * 25, [black] * 38
    bad = [*pictures[:third], *frozen, *pictures[third : 2 * third], *dark, *pictures[2 * third :]]
    write(folder / "bad.mov", bad, len(bad) / 25 - 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent / "clips")
    make_clips(parser.parse_args().folder)
