"""Time and value of the metrics with a reference, per frame, beside other packages that are there.

    python benchmarks/bench_reference.py                 # 1080p, writes results/reference.json
    python benchmarks/bench_reference.py --size 1280x720 --rounds 10 --no-save

Everything runs on one thread and all candidates take turns, so that other load on the machine falls
on all alike; processor time is counted, the smallest and the median of the rounds are given. The
frames are decoded already.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
from facts import save

from vqa_harness.errors import MissingBackend
from vqa_harness.frames import Frame
from vqa_harness.media.filters import FilterGraph
from vqa_harness.protocols import RunInfo
from vqa_harness.testing.kit import stream_info, yuv_frame
from vqa_harness.testing.synthetic import moving_pattern
from vqa_metrics import ffmpeg_filters as filters
from vqa_metrics.psnr import Psnr
from vqa_metrics.siti import Siti
from vqa_metrics.specs.filters import ROWS
from vqa_metrics.ssim import MsSsim, Ssim

Timed = Callable[[], float]


def pair(width: int, height: int, depth: int) -> tuple[Frame, Frame]:
    """Texture, and the same with Gaussian noise."""
    rng = np.random.default_rng(0)
    reference = moving_pattern(1, width, height, depth=depth)[0]
    scale, peak = 2 ** (depth - 8), 2**depth - 1
    shown = [
        np.clip(np.rint(p + rng.normal(0, 4 * scale, p.shape)), 0, peak).astype(p.dtype)
        for p in reference
    ]
    return yuv_frame(shown, depth=depth), yuv_frame(reference, depth=depth)


def ours(frame: Frame, ref: Frame) -> dict[str, Timed]:
    psnr, ssim, ms_ssim = Psnr(), Ssim(), MsSsim()

    def fresh() -> Frame:
        return yuv_frame(frame.planes, depth=frame.depth)

    def both() -> float:
        one = fresh()
        return ssim.measure(one, ref)["ssim"] + ms_ssim.measure(one, ref)["ms_ssim"]

    siti = Siti()

    def both_of_siti() -> float:
        siti.measure(fresh(), None)
        return float(siti.close().frames[-1]["siti_si"])

    return {
        "siti": both_of_siti,
        "psnr, 3 planes": lambda: psnr.measure(fresh(), ref)["psnr_y"],
        "ssim": lambda: ssim.measure(fresh(), ref)["ssim"],
        "ms_ssim": lambda: ms_ssim.measure(fresh(), ref)["ms_ssim"],
        "ssim and ms_ssim (sum)": both,
    }


def of_filters(frame: Frame, ref: Frame) -> dict[str, Timed]:
    """Our filter metrics, and FFmpeg's own PSNR; each call feeds one frame more."""

    def fed(name: str) -> Timed:
        metric = getattr(filters, name)()
        metric.open(RunInfo(stream_info([frame])))

        def feed() -> float:
            metric.measure(frame, ref)
            return float("nan")

        return feed

    size = (frame.width, frame.height)
    graph = FilterGraph(2, ["psnr"], size, frame.chroma, frame.depth)

    def ffmpeg_psnr() -> float:
        rows = graph.push(frame.planes, ref.planes)
        return float(rows[-1]["lavfi.psnr.psnr.y"]) if rows else float("nan")

    return {"FFmpeg filter psnr": ffmpeg_psnr, **{name: fed(name) for name in ROWS}}


def others(frame: Frame, ref: Frame) -> dict[str, Timed]:
    x, y, peak = frame.luma, ref.luma, 2**frame.depth - 1
    found: dict[str, Timed] = {}
    if importlib.util.find_spec("skimage"):
        from skimage.metrics import peak_signal_noise_ratio, structural_similarity

        def skimage_ssim() -> float:
            image = structural_similarity(
                x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                data_range=peak, full=True,
            )[1]  # fmt: skip
            return float(image[5:-5, 5:-5].mean())

        found["scikit-image SSIM"] = skimage_ssim
        found["scikit-image PSNR, luma"] = lambda: peak_signal_noise_ratio(x, y, data_range=peak)
    if importlib.util.find_spec("siti_tools"):
        from siti_tools.siti import ColorRange, SiTiCalculator

        peer = SiTiCalculator(bit_depth=frame.depth, color_range=ColorRange.FULL, legacy=True)

        def siti_tools() -> float:
            shown, before = (peer.normalize_between_0_1(p.astype(int)) for p in (x, y))
            peer.ti(shown, before)
            return float(255 * peer.si(shown))

        found["siti-tools, two pictures read"] = siti_tools
    if importlib.util.find_spec("cv2"):
        import cv2

        cv2.setNumThreads(1)

        def blur(a: np.ndarray) -> np.ndarray:
            return cv2.GaussianBlur(a, (11, 11), 1.5)[5:-5, 5:-5]

        def cv2_ssim() -> float:
            a, b = x.astype(np.float64), y.astype(np.float64)
            ma, mb = blur(a), blur(b)
            va, vb, cov = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
            c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
            top = (2 * ma * mb + c1) * (2 * cov + c2)
            return float((top / ((ma * ma + mb * mb + c1) * (va + vb + c2))).mean())

        found["OpenCV GaussianBlur SSIM, float64"] = cv2_ssim
        found["OpenCV PSNR, luma"] = lambda: cv2.PSNR(x, y, float(peak))
    return found


def race(candidates: dict[str, Timed], rounds: int) -> dict[str, dict[str, float | None]]:
    """Milliseconds of processor time of each candidate, taking turns, and what it gave."""
    spent: dict[str, list[float]] = {name: [] for name in candidates}
    values = {name: call() for name, call in candidates.items()}
    for _ in range(rounds):
        for name, call in candidates.items():
            begin = time.process_time()
            values[name] = call()
            spent[name].append(1e3 * (time.process_time() - begin))
    return {
        name: {
            "min_ms": round(min(times), 3),
            "median_ms": round(statistics.median(times), 3),
            "value": None if np.isnan(values[name]) else round(values[name], 7),
        }
        for name, times in spent.items()
    }


def vmaf(frame: Frame, ref: Frame, frames: int) -> dict[str, float] | None:
    """Processor time per pair of our side of the pipe and of the ffmpeg process."""
    from vqa_metrics.vmaf.metric import Vmaf

    try:
        metric = Vmaf(threads=1, backend="program")
    except MissingBackend:
        return None
    metric.open(RunInfo(stream_info([frame]), stream_info([ref])))
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.process_time()
    for _ in range(frames):
        metric.measure(frame, ref)
    scores = metric.close()
    mine = time.process_time() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "harness_ms": round(1e3 * mine / frames, 3),
        "ffmpeg_ms": round(1e3 * child / frames, 3),
        "value": scores.frames[-1]["vmaf"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--no-save", action="store_true")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    results: dict[str, object] = {"size": [width, height], "rounds": options.rounds}
    for depth in (8, 10):
        frame, ref = pair(width, height, depth)
        candidates = {**ours(frame, ref), **of_filters(frame, ref), **others(frame, ref)}
        table = race(candidates, options.rounds)
        results[f"{depth} bit"] = {"frame": table, "vmaf": vmaf(frame, ref, options.rounds)}
        print(f"{width}x{height}, {depth} bit{'min ms':>32}{'median ms':>12}{'value':>14}")
        for name, row in table.items():
            value = "" if row["value"] is None else f"{row['value']:.7f}"
            print(f"  {name:<40}{row['min_ms']:>10.2f}{row['median_ms']:>12.2f}{value:>14}")
        print(f"  vmaf: {results[f'{depth} bit']['vmaf']}")  # type: ignore[index]
    names = {"skimage": "scikit-image", "cv2": "opencv-python-headless", "numba": "numba"}
    results["versions"] = {n: version(n) for m, n in names.items() if importlib.util.find_spec(m)}
    if not options.no_save:
        print(save("reference", results).name)


if __name__ == "__main__":
    main()
