"""Chooses the worst frames of a report's videos and finds the files they are in."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa_harness.errors import InputError, MetricError, about, one_line
from vqa_harness.files import file_sha256
from vqa_harness.logs.view import Role
from vqa_harness.report.alignment import reference_frame
from vqa_harness.report.charts import SHOWN_LINES, leading_features
from vqa_harness.report.data import ReportItem, Section, facts_of, name_of, rate_of, times_of
from vqa_harness.report.parts import Figure, SectionPage

if TYPE_CHECKING:
    from vqa_harness.frames import Frame
    from vqa_harness.processes import Apart
    from vqa_harness.registry import Registry


PER_VIDEO = 3
"""Most frames that are shown of a video."""

MOST_BYTES = 1_100_000
"""Most bytes of all thumbnails of a page together."""

FULL_MEGABYTES = 6.0
"""Most megabytes of all pictures of a page at full size together."""

WIDTH = 400
"""Width of a thumbnail in pixels."""

THUMBNAIL_QUALITY, FULL_QUALITY = 5, 3
"""Quantisers of the JPEGs, from 2 up; the larger ones are there to be looked at closely."""


@dataclass(slots=True)
class Media:
    """The places where videos may be: files, and folders that are searched for a log's file names.

    Attributes:
        distorted: places of the distorted videos.
        reference: places of the references.
    """

    distorted: Sequence[Path] = ()
    reference: Sequence[Path] = ()

    def files(self) -> list[Path]:
        """The places that are files."""
        return [place for place in (*self.distorted, *self.reference) if place.is_file()]

    def find(self, item: ReportItem, role: Role) -> Path | None:
        """The video of a log, with the same name, and the same hash if the log has one.

        None where there is no such file.
        """
        name = name_of(item.log, role)
        places = self.distorted if role == "distorted" else self.reference
        for place in places:
            path = place / Path(name).name if place.is_dir() and name else place
            if path.is_file() and (path.name == name or place.is_file()) and _is(path, item, role):
                return path
        return None


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame as JPEGs in ``data:`` URIs.

    Attributes:
        small: as a thumbnail.
        full: at its own size.
    """

    small: str
    full: str


class _Room:
    """The bytes that pictures may still take in the page.

    Those at full size are dealt out evenly over the videos, and what one leaves is for the next.

    Args:
        full: bytes of all pictures at full size.
        videos: how many videos are shown.
    """

    def __init__(self, full: int, videos: int) -> None:
        self._small = MOST_BYTES
        self._share = full // max(1, videos)
        self._full = 0

    def next_video(self) -> None:
        """Another video is shown from now on."""
        self._full += self._share

    def choose(self, *shots: Shot | None) -> tuple[list[str | None], bool] | None:
        """The pictures of a figure, and whether they have full size; None where nothing fits."""
        there = [shot for shot in shots if shot is not None]
        size = sum(len(shot.full) for shot in there)
        if size <= self._full:
            self._full -= size
            return [None if shot is None else shot.full for shot in shots], True
        size = sum(len(shot.small) for shot in there)
        self._small -= size
        if self._small < 0:
            return None
        return [None if shot is None else shot.small for shot in shots], False


def add_figures(
    pages: Sequence[SectionPage],
    sections: Sequence[Section],
    media: Media,
    megabytes: float = FULL_MEGABYTES,
) -> None:
    """Put the worst frames of the videos that are found into the pages, while there is room.

    Args:
        pages: what each section shows.
        sections: the sources.
        media: where the videos are.
        megabytes: how much the pictures at full size may take; those for which there is no room
            are thumbnails.
    """
    from vqa_harness.processes import in_processes, one_apart

    chosen = [_chosen(section) for section in sections]
    count = sum(map(len, chosen))
    room = _Room(round(megabytes * 1e6), count)
    with one_apart() if in_processes(2 * count, 1) else nullcontext() as call:
        grabbing = _Grabbing(media, call)
        for page, section, items in zip(pages, sections, chosen, strict=True):
            facts = [facts_of(item.log) for item in section.items]
            feature, sign = _feature(facts)
            if feature is None:
                continue
            for item in items:
                room.next_video()
                _add(page, item, feature, sign, grabbing, room)
            page.figures_note = _note(page.figures, feature, megabytes)


@dataclass(frozen=True, slots=True)
class _Grabbing:
    """Where videos are, and the process that reads them, so that a crash costs their pictures.

    Attributes:
        media: where the videos are.
        call: the process; None for this one.
    """

    media: Media
    call: Apart | None

    def grab(self, path: Path, indices: Iterable[int]) -> dict[int, Shot]:
        """The same as `grab`.

        Raises:
            InputError: the video cannot be opened.
            MetricError: a library crashed that reads it.
        """
        if self.call is None:
            return grab(path, indices)
        try:
            return self.call(_grab, path, list(indices))
        except MetricError as error:
            raise MetricError(about(path.name, one_line(error))) from None


def _grab(path: Path, _registry: Registry, indices: list[int]) -> dict[int, Shot]:
    return grab(path, indices)


def _note(figures: Sequence[Figure], feature: str, megabytes: float) -> str:
    text = f"The frames with the worst {feature} of each video."
    full = sum(figure.full for figure in figures)
    if full == len(figures) or not megabytes:
        return text
    return (
        f"{text} {full} of {len(figures)} open at full size: such pictures may take "
        f"{megabytes:g} MB of the page (--full-size)."
    )


def _chosen(section: Section) -> list[ReportItem]:
    """A few videos, from the worst to the best bitrate."""
    step = max(1, -(-len(section.items) // SHOWN_LINES))
    return list(section.items)[::step]


def _feature(facts: Sequence[Mapping[str, Any]]) -> tuple[str | None, int]:
    """The feature that decides which frames are worst, and its sign: the first with a direction."""
    for name in leading_features(facts):
        sign = next((one[name]["sign"] for one in facts if name in one), 0)
        if sign or name == "vmaf":
            return name, sign or 1
    return None, 0


def _add(
    page: SectionPage,
    item: ReportItem,
    feature: str,
    sign: int,
    grabbing: _Grabbing,
    room: _Room,
) -> None:
    """Add the figures of one video, the worst frame first."""
    path = grabbing.media.find(item, "distorted")
    if path is None or feature not in item.log.columns:
        return
    rate, times = rate_of(item.log), times_of(item.log)
    gaps = set(item.log.view.undefined_frames.get(feature, ()))
    values = [None if i in gaps else x for i, x in enumerate(item.log.columns[feature])]
    apart = max(1, round(rate or 25))
    worst = worst_frames(values, PER_VIDEO, apart, higher_is_better=sign > 0)
    decoded = {i: frame_at(times, i, rate) for i in worst}
    partners: dict[int, int] = {}
    for i, number in decoded.items():
        partner = reference_frame(item.log.view.alignment, number)
        partners[i] = number if partner is None else partner
    reference = grabbing.media.find(item, "reference")
    try:
        pictures = grabbing.grab(path, decoded.values())
        beside = grabbing.grab(reference, partners.values()) if reference else {}
    except (InputError, MetricError) as error:
        page.warnings.append(f"no thumbnails: {error}")
        return
    for i in (i for i in worst if decoded[i] in pictures):
        found = room.choose(pictures[decoded[i]], beside.get(partners[i]))
        if found is None:
            return
        (distorted, other), full = found
        assert distorted is not None  # a frame without a picture was left out
        score = f"{feature} {item.log.columns[feature][i]:.3f}"
        frame = item.log.frame_numbers[i]
        page.figures.append(Figure(item.label, frame, times[i], score, distorted, other, full))


def _is(path: Path, item: ReportItem, role: Role) -> bool:
    stream = item.log.view.inputs.stream(role)
    return stream is None or stream.sha256 is None or file_sha256(path) == stream.sha256


def worst_frames(
    values: Sequence[float | None], count: int, apart: int, *, higher_is_better: bool
) -> list[int]:
    """Indices of the worst frames, worst first, each at least ``apart`` from the others.

    A run of equal scores, such as a window's, counts by its middle frame.
    """
    sign = 1.0 if higher_is_better else -1.0
    chosen: list[int] = []
    ranked = sorted((sign * x, i) for i, x in enumerate(values) if x is not None)
    for _, index in ranked:
        middle = _middle(values, index)
        if all(abs(middle - other) >= apart for other in chosen):
            chosen.append(middle)
        if len(chosen) == count:
            break
    return chosen


def _middle(values: Sequence[float | None], index: int) -> int:
    start = stop = index
    while start > 0 and values[start - 1] == values[index]:
        start -= 1
    while stop + 1 < len(values) and values[stop + 1] == values[index]:
        stop += 1
    return (start + stop) // 2


def grab(path: Path, indices: Iterable[int]) -> dict[int, Shot]:
    """Frames of a video by index; frames that do not come are left out.

    The video is decoded up to the last of them, and nothing is kept but the pictures.

    Args:
        path: the video.
        indices: indices of decoded frames, in display order.

    Raises:
        InputError: the video cannot be opened.
    """
    from vqa_harness.media.reader import VideoReader

    left = set(indices)
    pictures: dict[int, Shot] = {}
    if not left:
        return pictures
    with VideoReader(path) as reader:
        for frame in reader:
            if frame.index in left:
                left.discard(frame.index)
                pictures[frame.index] = _shot(frame)
            frame.release()
            if not left:
                break
    return pictures


def frame_at(times: Sequence[float | None], index: int, rate: float | None) -> int:
    """The index of the decoded frame that a score is of, by its time where that is known.

    Scores begin where reference and distorted first pair, which may be after the first frame.
    """
    time = times[index] if index < len(times) else None
    if time is None or not rate:
        return index
    return max(index, round(time * rate))


def _shot(frame: Frame) -> Shot:
    from vqa_harness.media.one_picture import jpeg, shrunk

    small = jpeg(shrunk(frame.rgb, WIDTH), THUMBNAIL_QUALITY)
    return Shot(_uri(small), _uri(jpeg(frame.rgb, FULL_QUALITY)))


def _uri(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")
