"""Makes the rungs of a ladder: one source, a grid of resolutions and qualities or bitrates.

Each rung is encoded in a process of its own, frame by frame, under a temporary name. The name of a
finished one holds a hash of everything it depends on, so a second call encodes only what is
missing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from vqa_harness.errors import InputError, UsageError, VqaError
from vqa_harness.files import file_sha256, replacing
from vqa_harness.ladder.timing import TICKS, increasing, timestamp
from vqa_harness.processes import as_they_finish
from vqa_harness.system import place_is_full

if TYPE_CHECKING:
    from vqa_harness.frames import ColourInfo, Frame, Plane, StreamInfo

Codec = Literal["libx264", "libx265", "libsvtav1", "libvpx-vp9"]
CODECS: tuple[Codec, ...] = get_args(Codec)
CRF_RANGE = {"libx264": (0, 51), "libx265": (0, 51), "libsvtav1": (1, 63), "libvpx-vp9": (0, 63)}
"""Smallest and largest CRF that each encoder takes."""
FRACTIONAL_CRF = {"libx264", "libx265"}
"""Encoders that take a CRF between two whole ones."""


@dataclass(frozen=True, slots=True)
class EncodeGrid:
    """Encodings to make of every source with one encoder: heights times qualities.

    Attributes:
        codec: one of `CODECS`.
        name: name of the series; empty for the codec and its options.
        options: options of the encoder itself, such as ``{"preset": "fast"}``.
        heights: in pixels, rounded to even; empty for the source's own.
        crfs: constant quality levels; the bounds of a search.
        bitrates: bit/s, single pass; instead of or beside ``crfs``.
    """

    codec: str
    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    heights: tuple[int, ...] = ()
    crfs: tuple[float, ...] = ()
    bitrates: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.codec not in CODECS:
            raise UsageError(f"encoder {self.codec!r}: choose one of {', '.join(CODECS)}")
        low, high = CRF_RANGE[self.codec]
        for crf in self.crfs:
            if not low <= crf <= high:
                raise UsageError(f"{self.codec}: crf {crf:g} must be from {low} to {high}")
        if any(not 1000 <= rate <= 1e9 for rate in self.bitrates):
            raise UsageError(f"{self.codec}: bitrates must be from 1 kbit/s to 1 Gbit/s")
        if any(not 16 <= height <= 8640 for height in self.heights):
            raise UsageError(f"{self.codec}: heights must be from 16 to 8640")

    def require_qualities(self) -> None:
        """Refuse a grid of nothing, which only a search may have.

        Raises:
            UsageError: it has neither CRFs nor bitrates.
        """
        if not self.crfs and not self.bitrates:
            raise UsageError(
                f"{self.codec}: nothing to encode; give CRFs or bitrates, or a target to search for"
            )

    @property
    def label(self) -> str:
        """The name of the series that these encodings are."""
        words = [self.codec.removeprefix("lib"), *self.options.values()]
        return self.name or " ".join(words)


@dataclass(frozen=True, slots=True)
class EncodeJob:
    """One rung to make.

    Attributes:
        source: the video that is encoded.
        target: the file to make; exists if it was made before.
        codec: FFmpeg's name of the encoder.
        options: options of the encoder, those of the quality included.
        size: (width, height) in pixels.
        setting: the quality in words: ``crf 28`` or ``500 kbit/s``.
    """

    source: Path
    target: Path
    codec: str
    options: dict[str, str]
    size: tuple[int, int]
    setting: str


def plan(
    source: Path,
    name: str,
    grid: EncodeGrid,
    folder: Path,
    digest: str | None = None,
    info: StreamInfo | None = None,
) -> list[EncodeJob]:
    """The jobs of a grid over one source; nothing is encoded.

    Args:
        source: the video that is encoded.
        name: the source's name, with which those of the files begin.
        grid: what to make.
        folder: where the files go.
        digest: SHA-256 of the source; None to read it.
        info: its facts; None to look.

    Raises:
        InputError: the source cannot be read.
    """
    from vqa_harness.media.reader import probe

    info = info or probe(source)
    digest = digest or file_sha256(source)
    jobs = []
    for height in grid.heights or (info.height,):
        size = even(info.width * height / info.height), even(height)
        for setting, quality in _qualities(grid):
            options = {**grid.options, **quality}
            key = _key(digest, grid.codec, options, size)
            stem = _safe(f"{name}-{grid.label}-{size[1]}p-{setting.replace(' ', '')}")
            target = folder / f"{stem}-{key}.mp4"
            jobs.append(EncodeJob(source, target, grid.codec, options, size, setting))
    return jobs


def encode_all(
    jobs: Sequence[EncodeJob],
    workers: int,
    done: Callable[[EncodeJob], None] | None = None,
    timeout: float | None = None,
) -> dict[Path, VqaError]:
    """Make the rungs that do not exist yet, in ``workers`` processes.

    Args:
        jobs: the rungs.
        workers: how many are made at once.
        done: called with each that was made.
        timeout: seconds that one may take; None for no bound.

    Returns:
        The targets of rungs that were lost, with why: their process crashed, or they took too long.

    Raises:
        InputError: a source cannot be read, or an encoder refuses its options. Rungs that are
            finished stay, and the next call makes the others.
    """
    lost: dict[Path, VqaError] = {}

    def died(job: EncodeJob, error: VqaError) -> None:
        lost[job.target] = error

    missing = [job for job in jobs if not job.target.exists()]
    for job, _ in as_they_finish(encode_rung, missing, workers, died=died, timeout=timeout):
        if done is not None:
            done(job)
    return lost


def encode_rung(job: EncodeJob) -> None:
    """Encode one rung frame by frame; its file appears complete or not at all.

    Raises:
        InputError: the source cannot be read, or the encoder refuses.
    """
    from vqa_harness.media.container import FFmpegError, message
    from vqa_harness.media.encode import encode_frames
    from vqa_harness.media.reader import VideoReader

    try:
        with replacing(job.target) as part, VideoReader(job.source) as reader:
            info = reader.info
            rate = info.rate or Fraction(25)
            stamps: list[int] = []
            encode_frames(
                str(part),
                _scaled(iter(reader), job.size, rate, stamps),
                codec=job.codec,
                rate=rate,
                options=job.options,
                chroma=info.chroma,
                depth=info.depth,
                pix_fmt="yuv420p" if info.depth == 8 else "yuv420p10le",
                pts=increasing(stamps),
                time_base=1 / (rate * TICKS),
                colour=_tagged(info.colour),
                sar=info.sar,
                container="mp4",
            )
    except (FFmpegError, OSError, ValueError) as error:
        if place_is_full(error):
            raise UsageError(
                f"cannot write {job.target}: {message(error)}; make room, or name another -o"
            ) from None
        raise InputError(
            f"{job.source.name}: {job.codec} at {job.setting} failed ({message(error)}); "
            "check the encoder's options"
        ) from None


def _scaled(
    frames: Iterator[Frame], size: tuple[int, int], rate: Fraction, stamps: list[int]
) -> Iterator[tuple[Plane, ...]]:
    """Yield the planes of each frame at a size, and put its timestamp into ``stamps``."""
    from vqa_harness.media.picture import resize_planes

    for frame in frames:
        stamps.append(timestamp(frame, rate))
        planes = frame.planes
        if (frame.width, frame.height) != size:
            planes = resize_planes(planes, frame.chroma, frame.depth, size)
        yield planes
        frame.release()


def _tagged(colour: ColourInfo) -> ColourInfo:
    """The colour with matrix and range declared, which readers would guess from the new height."""
    guessed = tuple(name for name in colour.guessed if name not in ("matrix", "full_range"))
    return replace(colour, guessed=guessed)


def _qualities(grid: EncodeGrid) -> list[tuple[str, dict[str, str]]]:
    constant = [(f"crf {crf:g}", _crf(grid.codec, crf)) for crf in grid.crfs]
    average = [(f"{rate / 1000:g} kbit/s", {"b": f"{rate:.0f}"}) for rate in grid.bitrates]
    return constant + average


def _crf(codec: str, crf: float) -> dict[str, str]:
    return {"crf": f"{crf:g}", **({"b": "0"} if codec == "libvpx-vp9" else {})}


def _key(digest: str, codec: str, options: Mapping[str, str], size: tuple[int, int]) -> str:
    from vqa_harness.media.container import VERSIONS

    what = [digest, codec, sorted(options.items()), size, VERSIONS["libavcodec"]]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:10]


def even(length: float) -> int:
    """The nearest even number of pixels, which coders with subsampled chroma need."""
    return max(2, 2 * round(length / 2))


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._")[:120]


def describe(job: EncodeJob) -> dict[str, object]:
    """The job as JSON-compatible facts, with file names instead of paths."""
    facts = asdict(job)
    return {**facts, "source": job.source.name, "target": job.target.name}
