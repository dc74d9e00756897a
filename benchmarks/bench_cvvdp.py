"""ColorVideoVDP as a metric beside pycvvdp itself, on a CPU and, where there is one, a CUDA GPU.

    PYTHONPATH=harness:examples/vqa-metric-cvvdp python benchmarks/bench_cvvdp.py
        [--device cpu,cuda] [--size 1280x720] [--frames 10] [--save] [--output FILE]

The pictures are made: PQ, 10 bits, 4:2:0, moving waves and noise. No video is read, so PyAV is not
needed, only numpy, torch, pluggy, pycvvdp 0.5.7 and what that imports (torchvision, scipy, imageio,
einops, huggingface_hub, ffmpeg-python, tqdm). For every size and device it tells seconds a frame
(processor and wall, median of the rounds, one more round before does not count), the memory that
the device was asked for at most, and how far the score is from pycvvdp's for the same pictures at
once and from the score on the CPU.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from vqa_harness.frames import ColourInfo, Frame, StreamInfo
from vqa_harness.protocols import RunInfo

PQ = ColourInfo(full_range=False, matrix="bt2020", transfer="pq", primaries="bt2020")
RATE = 25


class Planes:
    """Pixels of a made picture."""

    def __init__(self, planes):
        self._planes = planes

    def planes(self):
        return self._planes

    def rgb(self):
        raise NotImplementedError


def pictures(size, count, noise):
    """Frames of moving waves, with noise of this deviation in 10-bit codes."""
    width, height = size
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    made = []
    for number in range(count):
        luma = 440 + 200 * np.sin((x + 4 * number) / 23) * np.cos(y / 31)
        if noise:
            luma = luma + rng.standard_normal(luma.shape, np.float32) * noise
        cb = 512 + 90 * np.sin((x[::2, ::2] + 2 * number) / 41)
        cr = 512 + 90 * np.cos(y[::2, ::2] / 37)
        planes = tuple(np.clip(np.round(p), 64, 940).astype(np.uint16) for p in (luma, cb, cr))
        time_of = Fraction(number, RATE)
        made.append(Frame(number, time_of, width, height, 10, "420", PQ, Planes(planes)))
    return made


def by_metric(pair, device, threads):
    """The score by the metric of the plugin."""
    from vqa_metric_cvvdp.metric import ColorVideoVdp

    first = pair[0][0]
    about = StreamInfo("made", "none", first.width, first.height, "", 10, "420", Fraction(RATE), PQ)
    metric = ColorVideoVdp(device=device)
    metric.open(RunInfo(about, about, ("cvvdp",), threads))
    for shown, reference in zip(*pair, strict=True):
        metric.measure(shown, reference)
    return metric.close().frames[0]["cvvdp"]


def directly(pair, device, _threads):
    """The score by pycvvdp, given all pictures at once."""
    from vqa_metric_cvvdp.library import pycvvdp
    from vqa_metric_cvvdp.pictures import display_encoded

    where = torch.device(device)
    videos = [torch.cat([display_encoded(f, where) for f in side], 2) for side in pair]
    metric = pycvvdp().cvvdp(display_name="standard_hdr_pq", device=where, quiet=True)
    with torch.no_grad():
        return float(metric.predict(*videos, dim_order="BCFHW", frames_per_second=RATE)[0])


def timed(score, pair, device, arguments):
    """(The score, facts about what it cost)."""
    processor, wall = [], []
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    for number in range(arguments.rounds + 1):
        begin, spent = time.perf_counter(), time.process_time()
        found = score(pair, device, arguments.threads)
        if number:
            wall.append((time.perf_counter() - begin) / arguments.frames)
            processor.append((time.process_time() - spent) / arguments.frames)
    cost = {
        "cpu_s_per_frame": statistics.median(processor),
        "wall_s_per_frame": statistics.median(wall),
    }
    cost = {name: round(value, 4) for name, value in cost.items()}
    if device == "cuda":
        cost["gpu_memory_mb"] = round(torch.cuda.max_memory_allocated() / 2**20)
    return found, cost


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu,cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--size", action="append", help="WIDTHxHEIGHT; default: 1280x720")
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--output", type=Path, help="write the results as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found = {"torch": torch.__version__, "frames": arguments.frames, "threads": arguments.threads}
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    for text in arguments.size or ["1280x720"]:
        size = tuple(int(side) for side in text.split("x"))
        pair = [pictures(size, arguments.frames, noise) for noise in (12.0, 0.0)]
        scores = {}
        for device in arguments.device.split(","):
            ours = timed(by_metric, pair, device, arguments)
            theirs = timed(directly, pair, device, arguments)
            scores[device] = ours[0]
            row = {"cvvdp": ours[0], "metric": ours[1], "pycvvdp": theirs[1]}
            row["difference_to_pycvvdp"] = abs(ours[0] - theirs[0])
            if "cpu" in scores:
                row["difference_to_cpu"] = abs(ours[0] - scores["cpu"])
            found[f"{text} {device}"] = row
            print(text, device, json.dumps(row), flush=True)
    if arguments.output:
        arguments.output.write_text(json.dumps(found, indent=2) + "\n")
    if arguments.save:
        from facts import save  # asks PyAV for FFmpeg's versions

        save("cvvdp", found)


if __name__ == "__main__":
    main()
