"""Time of NIQE and BRISQUE on one 1080p frame, one thread, beside other packages that are there.

    OPENBLAS_NUM_THREADS=1 python benchmarks/bench_nss.py     # writes results/nss.json
    python benchmarks/bench_nss.py --rounds 5 --no-save

All candidates take turns, so that other load on the machine falls on all alike; processor time is
counted, the smallest and the median of the rounds are given. The packages get the LIVE parameters
where they would download them (pyiqa, piq). OpenCV's wheel has no BRISQUE model: only its features
are timed, nearly all of the work. Ours takes luma as a decoder gives it, the others RGB.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from facts import save
from numpy.typing import NDArray

from vqa_harness.frames import ColourInfo
from vqa_harness.protocols import RunInfo
from vqa_harness.testing.kit import stream_info, yuv_frame
from vqa_harness.testing.synthetic import moving_pattern
from vqa_metrics.brisque import Brisque
from vqa_metrics.niqe import Niqe
from vqa_metrics.nss.params import brisque_params, niqe_params
from vqa_metrics.reference_warmup import warmup

Timed = Callable[[], float]
OURS = ("niqe", "brisque", "niqe and brisque (sum)")


def ours(planes: tuple[NDArray[Any], ...]) -> dict[str, Timed]:
    """The metric classes on a fresh full-range frame each time."""

    def fresh() -> Any:
        return yuv_frame(planes, colour=ColourInfo(full_range=True, matrix="bt709"))

    makers = {"niqe": Niqe, "brisque": Brisque}

    def timed(*names: str) -> Timed:
        metrics = {name: makers[name]() for name in names}
        for metric in metrics.values():
            metric.open(RunInfo(stream_info([fresh()]), metrics=names))

        def run() -> float:
            frame = fresh()
            return sum(metric.measure(frame, None)[name] for name, metric in metrics.items())

        return run

    return {OURS[0]: timed("niqe"), OURS[1]: timed("brisque"), OURS[2]: timed("niqe", "brisque")}


def pyiqa_metrics(rgb: NDArray[np.uint8]) -> dict[str, Timed]:
    import torch
    from pyiqa.archs.brisque_arch import brisque
    from pyiqa.archs.niqe_arch import calculate_niqe

    torch.set_num_threads(1)
    image = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255
    mean = torch.from_numpy(niqe_params().mean)[None]
    covariance = torch.from_numpy(niqe_params().covariance)
    vectors = torch.from_numpy(brisque_params().support_vectors)
    weights = torch.from_numpy(brisque_params().weights)

    def niqe() -> float:
        with torch.no_grad():
            score = calculate_niqe(image, mu_pris_param=mean, cov_pris_param=covariance)
        return float(score)

    def score_brisque() -> float:
        with torch.no_grad():
            return float(brisque(image, sv_coef=weights, sv=vectors))

    return {"pyiqa NIQE": niqe, "pyiqa BRISQUE": score_brisque}


def piq_metrics(rgb: NDArray[np.uint8]) -> dict[str, Timed]:
    import piq
    import torch

    torch.set_num_threads(1)
    image = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255

    def parameters(*_: Any, **__: Any) -> tuple[Any, Any]:
        params = brisque_params()
        return torch.from_numpy(params.weights).float(), torch.from_numpy(
            params.support_vectors
        ).float()

    sys.modules["piq.brisque"].load_url = parameters  # type: ignore[attr-defined]

    def brisque() -> float:
        with torch.no_grad():
            return float(piq.brisque(image, data_range=1.0))

    return {"piq BRISQUE": brisque}


def opencv_metrics(rgb: NDArray[np.uint8]) -> dict[str, Timed]:
    import cv2

    cv2.setNumThreads(1)
    image = np.ascontiguousarray(rgb[..., ::-1])

    def features() -> float:
        cv2.quality.QualityBRISQUE_computeFeatures(image)
        return float("nan")

    return {"OpenCV contrib BRISQUE, features": features}


def brisque_metrics(rgb: NDArray[np.uint8]) -> dict[str, Timed]:
    from brisque import BRISQUE

    model = BRISQUE(url=False)
    scale_features = model.scale_features
    # 0.2.0 calls float() on arrays of one element, which NumPy 2.4 refuses.
    model.scale_features = lambda values: scale_features([np.asarray(v).item() for v in values])
    return {"brisque (PyPI)": lambda: float(model.score(rgb))}


PEERS = {
    "pyiqa": pyiqa_metrics,
    "piq": piq_metrics,
    "opencv-contrib-python-headless": opencv_metrics,
    "brisque": brisque_metrics,
}


def others(rgb: NDArray[np.uint8]) -> tuple[dict[str, Timed], dict[str, str]]:
    """Those that are installed and run, and why others do not."""
    found: dict[str, Timed] = {}
    missing: dict[str, str] = {}
    for package, load in PEERS.items():
        try:
            version(package)
            candidates = load(rgb)
            for call in candidates.values():
                call()
            found |= candidates
        except PackageNotFoundError:
            missing[package] = "not installed"
        except Exception as error:
            missing[package] = f"does not run: {type(error).__name__}: {error}".splitlines()[0]
    return found, missing


def race(candidates: dict[str, Timed], rounds: int, repeats: int) -> dict[str, dict[str, Any]]:
    """Processor milliseconds, taking turns; ours run several times a turn, being short."""
    spent: dict[str, list[float]] = {name: [] for name in candidates}
    values = {name: call() for name, call in candidates.items()}
    for _ in range(rounds):
        for name, call in candidates.items():
            for _ in range(repeats if name in OURS else 1):
                begin = time.process_time()
                call()
                spent[name].append(1e3 * (time.process_time() - begin))
    return {
        name: {
            "min_ms": round(min(times), 3),
            "median_ms": round(statistics.median(times), 3),
            "value": None if np.isnan(values[name]) else round(values[name], 6),
        }
        for name, times in spent.items()
    }


def add_ratios(table: dict[str, dict[str, Any]]) -> None:
    """How many times longer a peer takes than our metric of that name, by the medians."""
    for name, row in table.items():
        if name not in OURS:
            mine = table["niqe" if "NIQE" in name else "brisque"]
            row["times_ours"] = round(row["median_ms"] / mine["median_ms"], 1)
            row["times_ours_by_min"] = round(row["min_ms"] / mine["min_ms"], 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--no-save", action="store_true")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    warnings.simplefilter("ignore")
    warmup()
    planes = tuple(moving_pattern(1, width, height)[0])
    rgb = np.repeat(planes[0][..., None], 3, axis=2)
    found, missing = others(rgb)
    table = race({**ours(planes), **found}, options.rounds, options.repeats)
    add_ratios(table)
    print(f"{width}x{height}{'min ms':>39}{'median ms':>12}{'times ours':>12}{'value':>14}")
    for name, row in table.items():
        ratio = row.get("times_ours", "")
        value = "" if row["value"] is None else row["value"]
        print(f"  {name:<36}{row['min_ms']:>10.2f}{row['median_ms']:>12.2f}{ratio:>12}{value:>14}")
    for package, reason in missing.items():
        print(f"  {package}: {reason}")
    names = [*(name for name in PEERS if name not in missing), "numba"]
    results = {
        "size": [width, height],
        "rounds": options.rounds,
        "frame": table,
        "missing": missing,
        "versions": {name: version(name) for name in names},
    }
    if not options.no_save:
        print(save("nss", results).name)


if __name__ == "__main__":
    main()
