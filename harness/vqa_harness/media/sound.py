"""The sound of a file, measured in one pass: where it is, where it is silent, how loud it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, BinaryIO, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from numpy.typing import NDArray

from vqa_harness import interruption
from vqa_harness.media.container import (
    FFmpegError,
    exact_rate,
    main_video,
    message,
    open_container,
)

SILENT = 10 ** (-60 / 20)
"""Amplitude up to which a sample is silent: -60 dBFS, as of FFmpeg's silencedetect."""
SHORTEST_SILENCE = Fraction(1, 2)
"""Seconds of the shortest silence that is told."""
SHORTEST_GAP = Fraction(1, 10)
"""Seconds between two frames of sound from which something is missing between them."""
OVERSAMPLED = 192_000
"""Samples a second at which true peaks are read (ITU-R BS.1770-5, Annex 2: four times 48 kHz)."""
GATE = -70.0
"""LUFS at and below which there is no programme loudness (ITU-R BS.1770)."""

Span = tuple[Fraction, Fraction]


@dataclass(slots=True)
class SoundFacts:
    """What was measured of the sound of a file.

    Attributes:
        start: seconds of its first sample, from the first frame of the video.
        end: seconds of its end likewise; equal to ``start`` where nothing could be decoded.
        silences: (start, end) in seconds of every silence of half a second and more.
        gaps: (start, end) of what is missing between its packets.
        integrated: programme loudness in LUFS (EBU R 128); None where all is below the gate.
        range: loudness range in LU (EBU Tech 3342); None likewise.
        true_peak: highest true peak of all channels in dBTP; None for digital silence.
        tracks: how many tracks of sound the file has; the main one was measured.
        errors: how many packets could not be decoded, or are marked as damaged.
        first_error: what the decoder said first; empty where it said nothing.
    """

    start: Fraction = Fraction(0)
    end: Fraction = Fraction(0)
    silences: list[Span] = field(default_factory=list)
    gaps: list[Span] = field(default_factory=list)
    integrated: float | None = None
    range: float | None = None
    true_peak: float | None = None
    tracks: int = 1
    errors: int = 0
    first_error: str = ""


@dataclass(frozen=True, slots=True)
class Tracks:
    """How many tracks of each kind a file has, cover art left aside."""

    video: int
    sound: int


def tracks_of(source: str | BinaryIO) -> Tracks:
    """The tracks of a file; sound files are opened too.

    Raises:
        FFmpegError: it is none that FFmpeg knows.
    """
    with open_container(source, sound=True) as container:
        return Tracks(int(_has_video(container)), len(container.streams.audio))


def measure_sound(source: str | BinaryIO) -> SoundFacts | None:
    """Decode the main track of sound to its end; None where there is none.

    Raises:
        FFmpegError: the file cannot be opened.
        LookupError: there is no decoder for its sound.
    """
    with open_container(source, sound=True) as container:
        streams = container.streams.audio
        if not streams:
            return None
        stream = max(streams, key=lambda s: (bool(s.disposition & Disposition.default), -s.index))
        if stream.codec_context is None:
            raise LookupError("no decoder for its sound in this build of FFmpeg")
        meter = _Meter(len(streams))
        for frame in _decoded(container, stream, meter.facts):
            meter.take(frame)
        return meter.finish(_origin(container))


class _Meter:
    """Takes decoded sound, frame by frame."""

    def __init__(self, tracks: int) -> None:
        self.facts = SoundFacts(tracks=tracks)
        self._resampler: AudioResampler | None = None
        self._loudness: _Loudness | None = None
        self._rate = 0
        self._begun: Fraction | None = None
        self._at = Fraction(0)
        """When the next sample is due."""
        self._silent_from: Fraction | None = None
        self._peak = 0.0

    def take(self, frame: AudioFrame) -> None:
        """Take the next frame."""
        start = self._at
        if frame.pts is not None and frame.time_base:
            start = frame.pts * cast(Fraction, exact_rate(frame.time_base))
        if self._begun is None:
            self._begun = self._at = start
        elif start - self._at >= SHORTEST_GAP:
            self._end_silence(self._at)
            self.facts.gaps.append((self._at, start))
            self._at = start
        if self._resampler is None:
            self._rate = frame.sample_rate
            layout = frame.layout.name
            self._resampler = AudioResampler("fltp", layout, self._rate)
            self._loudness = _Loudness(self._rate, layout)
        frame.pts = None
        for ready in self._resampler.resample(frame):
            self._measure(np.asarray(ready.to_ndarray(), np.float32))

    def finish(self, origin: Fraction) -> SoundFacts:
        """The facts, with times from the first frame of the video."""
        facts = self.facts
        if self._begun is None or self._loudness is None or self._resampler is None:
            return facts
        for ready in self._resampler.resample(None):
            self._measure(np.asarray(ready.to_ndarray(), np.float32))
        self._end_silence(self._at)
        facts.start, facts.end = self._begun - origin, self._at - origin
        facts.silences = [(a - origin, b - origin) for a, b in facts.silences]
        facts.gaps = [(a - origin, b - origin) for a, b in facts.gaps]
        facts.integrated, facts.range = self._loudness.finish()
        peak = max(self._peak, self._loudness.peak)
        facts.true_peak = round(20 * math.log10(peak), 3) if peak > 0 else None
        return facts

    def _measure(self, samples: NDArray[np.float32]) -> None:
        """Measure (channels, n) samples that follow those before."""
        assert self._loudness is not None
        if not samples.shape[1]:
            return
        self._loudness.push(samples)
        loudest = np.abs(samples).max(axis=0)
        self._peak = max(self._peak, float(loudest.max()))
        loud = np.flatnonzero(loudest > SILENT)
        if not len(loud):
            if self._silent_from is None:
                self._silent_from = self._at
        else:
            self._silences(loud, samples.shape[1])
        self._at += Fraction(samples.shape[1], self._rate)

    def _silences(self, loud: NDArray[np.intp], count: int) -> None:
        """End and begin silences around the samples of a block that are not silent."""
        if self._silent_from is None:
            self._silent_from = self._at
        self._end_silence(self._at + Fraction(int(loud[0]), self._rate))
        least = int(SHORTEST_SILENCE * self._rate)
        for place in np.flatnonzero(np.diff(loud) > least):
            self._silent_from = self._at + Fraction(int(loud[place]) + 1, self._rate)
            self._end_silence(self._at + Fraction(int(loud[place + 1]), self._rate))
        if loud[-1] + 1 < count:
            self._silent_from = self._at + Fraction(int(loud[-1]) + 1, self._rate)

    def _end_silence(self, end: Fraction) -> None:
        begin, self._silent_from = self._silent_from, None
        if begin is not None and end - begin >= SHORTEST_SILENCE:
            self.facts.silences.append((begin, end))


class _Loudness:
    """FFmpeg's ebur128, and the peak of the oversampled sound.

    Attributes:
        peak: the highest amplitude between the samples so far.
    """

    def __init__(self, rate: int, layout: str) -> None:
        self.peak = 0.0
        self._rate, self._layout = rate, layout
        self._pushed = 0
        self._last: dict[str, str] = {}
        facts = f"sample_rate={rate}:sample_fmt=fltp:channel_layout={layout}:time_base=1/{rate}"
        self._graph = av.filter.Graph()
        source, split = self._graph.add("abuffer", facts), self._graph.add("asplit", "2")
        source.link_to(split)
        meter = self._graph.add("ebur128", "metadata=1")
        over = self._graph.add("aresample", str(max(rate, OVERSAMPLED)))
        planar = self._graph.add("aformat", "sample_fmts=fltp")
        self._meter, self._over = self._graph.add("abuffersink"), self._graph.add("abuffersink")
        split.link_to(meter, 0, 0)
        split.link_to(over, 1, 0)
        self._graph.link_nodes(meter, self._meter)
        self._graph.link_nodes(over, planar, self._over)
        self._source = source
        self._graph.configure()

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take (channels, n) samples."""
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", self._layout)
        frame.sample_rate, frame.pts = self._rate, self._pushed
        frame.time_base = Fraction(1, self._rate)
        self._pushed += samples.shape[1]
        self._source.push(frame)
        self._pull()

    def finish(self) -> tuple[float | None, float | None]:
        """Integrated loudness and loudness range of everything; None where below the gate."""
        self._source.push(None)
        self._pull()
        integrated = float(self._last.get("lavfi.r128.I", GATE))
        if not math.isfinite(integrated) or integrated <= GATE:
            return None, None
        return integrated, float(self._last["lavfi.r128.LRA"])

    def _pull(self) -> None:
        for frame in _ready(self._meter):
            if frame.metadata:
                self._last = dict(frame.metadata)
        for frame in _ready(self._over):
            self.peak = max(self.peak, float(np.abs(frame.to_ndarray()).max(initial=0)))


def _ready(sink: av.filter.context.FilterContext) -> Iterator[Any]:
    while True:
        try:
            yield sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _decoded(
    container: InputContainer, stream: AudioStream, facts: SoundFacts
) -> Iterator[AudioFrame]:
    """The frames of a track; an error costs its packet, and is counted."""
    packets = container.demux(stream)
    while True:
        interruption.check()
        try:
            packet = next(packets, None)
        except FFmpegError as error:
            _count(facts, f"reading stopped: {message(error)}")
            packet = None
        if packet is not None and packet.is_corrupt:
            _count(facts, "")
        last = packet is None or not packet.size
        try:
            yield from stream.codec_context.decode(None if last else packet)
        except av.error.EOFError:
            return
        except (FFmpegError, ValueError) as error:
            _count(facts, message(error))
        if last:
            return


def _count(facts: SoundFacts, error: str) -> None:
    facts.errors += 1
    facts.first_error = facts.first_error or error


def _origin(container: InputContainer) -> Fraction:
    """Seconds at which the first frame of the video is shown; 0 without video."""
    if not _has_video(container):
        return Fraction(0)
    stream = main_video(container)
    base = exact_rate(stream.time_base)
    return Fraction(0) if stream.start_time is None or base is None else stream.start_time * base


def _has_video(container: InputContainer) -> bool:
    try:
        main_video(container)
    except LookupError:
        return False
    return True
