"""Conformance kit: what any metric package can run on itself.

    from vqa_harness.testing import check_metric

    def test_follows_the_contract():
        check_metric(SPEC)

`check_metric` raises `AssertionError` with one line that says what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.frames import Chroma, Clip, ColourInfo, Frame, Plane, StreamInfo
from vqa_harness.media.picture import PlaneSource
from vqa_harness.protocols import RunInfo, ask
from vqa_harness.request import Request, load_factory
from vqa_harness.spec import Feature, MetricSpec, ParamValue, Scores
from vqa_harness.testing.declarations import check_features, check_spec, defaults, fail

VIDEO = ColourInfo(full_range=False, matrix="bt601")
"""Colour of the frames of `yuv_frame`, if no other is given."""

PICTURE = ColourInfo(full_range=True, matrix="rgb")
"""Colour of the frames of `rgb_frame`."""


def yuv_frame(
    planes: Sequence[Plane],
    *,
    index: int = 0,
    depth: int = 8,
    chroma: Chroma = "420",
    colour: ColourInfo = VIDEO,
) -> Frame:
    """A frame at 25 frames per second from Y (, U, V) planes, (H, W) uint8 or uint16 each.

    Its RGB is what a decoded picture of these planes would give.

    Raises:
        ValueError: the planes do not fit ``chroma`` and ``depth``.
    """
    height, width = planes[0].shape
    source = PlaneSource(planes, chroma, depth, colour)
    time = Fraction(index, 25)
    return Frame(index, time, width, height, depth, chroma, colour, source)


def rgb_frame(rgb: NDArray[np.uint8], *, index: int = 0) -> Frame:
    """A frame from (H, W, 3) uint8 RGB."""
    height, width, _ = rgb.shape
    planes = [np.ascontiguousarray(rgb[..., c]) for c in range(3)]
    source = PlaneSource(planes, "rgb", 8, PICTURE)
    return Frame(index, Fraction(index, 25), width, height, 8, "rgb", PICTURE, source)


def sample_frames(
    count: int = 4, width: int = 208, height: int = 208, *, noise: float = 0.0, seed: int = 0
) -> list[Frame]:
    """A textured picture that moves by a pixel per frame.

    Args:
        count: how many frames.
        width: in pixels.
        height: in pixels.
        noise: standard deviation of Gaussian noise that is added to luma, in code values.
        seed: of the texture and the noise.
    """
    rng = np.random.default_rng(seed)
    texture = rng.normal(size=(height + 16, width + count + 16))
    for axis in (0, 1):
        texture = np.sum([np.roll(texture, shift, axis) for shift in range(-4, 5)], axis=0) / 3
    dirt = np.random.default_rng(seed + 1)
    frames = []
    for index in range(count):
        y = 120 + 40 * texture[8 : 8 + height, 8 + index : 8 + index + width]
        y = y + noise * dirt.normal(size=y.shape)
        half = (height + 1) // 2, (width + 1) // 2
        u = np.full(half, 110, np.uint8) + (np.arange(half[1]) % 16).astype(np.uint8)
        v = np.full(half, 140, np.uint8)
        frames.append(yuv_frame([_bytes(y), u, v], index=index))
    return frames


def stream_info(frames: Sequence[Frame]) -> StreamInfo:
    """The stream that frames of `sample_frames`, `yuv_frame` or `rgb_frame` are from."""
    first = frames[0]
    return StreamInfo(
        name="sample",
        codec="rawvideo",
        width=first.width,
        height=first.height,
        pix_fmt="gbrp" if first.chroma == "rgb" else f"yuv{first.chroma}p",
        depth=first.depth,
        chroma=first.chroma,
        rate=Fraction(25),
        colour=first.colour,
        expected_frames=len(frames),
    )


def check_metric(
    spec: MetricSpec,
    *,
    params: Mapping[str, ParamValue] | None = None,
    frames: Sequence[Frame] | None = None,
) -> None:
    """Check a spec and the class behind it: form, parameters, scores, threads, read-only pixels.

    What ``measure`` gives is compared with what the metric declares for these parameters: every
    declared feature is there and within its range, and a frame or clip metric gives no other.

    Args:
        spec: the metric.
        params: values for its parameters, where the defaults do not suit a test; of a metric whose
            features depend on its parameters, call this once for each kind of value.
        frames: what to score instead of `sample_frames`.

    Raises:
        AssertionError: the metric breaks the contract; the message says how.
        MissingBackend: its packages or model are not there.
    """
    check_spec(spec)
    shown = list(frames or sample_frames(noise=6.0))
    references = list(frames or sample_frames()) if spec.reference else None
    chosen = {**defaults(spec), **(params or {})}
    declared = Request(spec, chosen).declared
    check_features(spec, declared)
    before = [[plane.copy() for plane in frame.planes] for frame in shown]
    first = _score(spec, chosen, shown, references)
    _check_rows(spec, first, declared)
    again = _score(spec, chosen, [replace(f, _cache={}) for f in shown], references)
    if not _same(first, again):
        fail(spec, "gives different scores the second time")
    for frame, planes in zip(shown, before, strict=True):
        if not all(np.array_equal(a, b) for a, b in zip(frame.planes, planes, strict=True)):
            fail(spec, f"changed the pixels of frame {frame.index}")


def _score(
    spec: MetricSpec,
    params: Mapping[str, Any],
    frames: Sequence[Frame],
    refs: Sequence[Frame] | None,
) -> list[Scores]:
    metric = load_factory(spec)(**params)
    rows = _rows(spec, metric, frames, refs)
    for method in ("warnings", "notes"):
        if not all(isinstance(line, str) for line in ask(metric, method)):
            fail(spec, f"{method} gives something other than lines of text")
    if not isinstance(ask(metric, "info"), Mapping):
        fail(spec, "info gives no mapping")
    return rows


def _rows(
    spec: MetricSpec, metric: Any, frames: Sequence[Frame], refs: Sequence[Frame] | None
) -> list[Scores]:
    if spec.kind == "fusion":
        return []  # a fusion metric takes the scores of others, which are not here
    beside: Sequence[Frame | None] = refs or [None] * len(frames)
    pairs = list(zip(frames, beside, strict=True))
    about_ref = stream_info(refs) if refs else None
    metric.open(RunInfo(stream_info(frames), about_ref, (spec.name,), 2))
    if spec.kind == "frame":
        with ThreadPoolExecutor(2) as pool:
            rows = list(pool.map(lambda pair: metric.measure(*pair), pairs))
        metric.close()
        return rows
    if spec.kind == "clip":
        indices = [min(i, len(frames) - 1) for i in range(metric.sampling.size)]
        data = tuple(metric.prepare(*pairs[i]) for i in indices)
        rows = list(metric.measure([Clip(0, len(frames), tuple(indices), data)]))
        metric.close()
        return rows
    if spec.kind == "stream":
        for pair in pairs:
            if metric.measure(*pair) is not None:
                fail(spec, "a stream metric gives its scores at the end, measure returns nothing")
        rows = list(metric.close().frames)
        if len(rows) != len(frames):
            fail(spec, f"gave {len(rows)} scores for {len(frames)} frames")
        return rows
    return []  # a file metric reads files by itself


def _check_rows(spec: MetricSpec, rows: Sequence[Scores], features: Sequence[Feature]) -> None:
    declared = {f.name: f for f in features}
    for row in rows:
        absent = set(declared) - set(row)
        if absent:
            fail(spec, f"does not give {', '.join(sorted(absent))}")
        if spec.kind in ("frame", "clip") and set(row) - set(declared):
            fail(spec, f"gives undeclared {', '.join(sorted(set(row) - set(declared)))}")
        for name, value in row.items():
            _check_value(spec, name, value, declared)


def _check_value(
    spec: MetricSpec, name: str, value: float | None, declared: Mapping[str, Any]
) -> None:
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        fail(spec, f"{name} = {value!r}: needs a finite number, or None where undefined")
    feature = declared.get(name)
    if feature is None:
        return
    low, high = feature.lo, feature.hi
    if (low is not None and value < low) or (high is not None and value > high):
        fail(spec, f"{name} = {value} is outside its range {low} to {high}")


def _same(first: Sequence[Scores], again: Sequence[Scores]) -> bool:
    def close(a: float | None, b: float | None) -> bool:
        return a == b if a is None or b is None else math.isclose(a, b, abs_tol=1e-4)

    return len(first) == len(again) and all(
        a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
        for a, b in zip(first, again, strict=True)
    )


def _bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
