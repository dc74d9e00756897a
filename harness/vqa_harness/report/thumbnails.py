"""Chooses the worst frames of a report's videos and finds the files they are in."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vqa_harness.errors import InputError
from vqa_harness.files import file_sha256
from vqa_harness.logs.view import Role
from vqa_harness.report.alignment import reference_frame
from vqa_harness.report.charts import SHOWN_LINES, leading_features
from vqa_harness.report.data import ReportItem, Section, facts_of, name_of, rate_of, times_of
from vqa_harness.report.page import Figure, SectionPage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vqa_harness.frames import Frame


PER_VIDEO = 3
"""Most frames that are shown of a video."""

MOST_BYTES = 1_100_000
"""Most bytes of all pictures of a page together."""

WIDTH = 400
"""Width of a thumbnail in pixels."""


@dataclass(slots=True)
class Media:
    """The places where videos may be: files, and folders that are searched for a log's file names.

    Attributes:
        distorted: places of the distorted videos.
        reference: places of the references.
    """

    distorted: Sequence[Path] = ()
    reference: Sequence[Path] = ()

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


def add_figures(pages: Sequence[SectionPage], sections: Sequence[Section], media: Media) -> None:
    """Put the worst frames of the videos that are found into the pages, while there is room."""
    room = MOST_BYTES
    for page, section in zip(pages, sections, strict=True):
        facts = [facts_of(item.log) for item in section.items]
        feature, sign = _feature(facts)
        if feature is None:
            continue
        page.figures_note = f"The frames with the worst {feature} of each video."
        for item in _chosen(section):
            room = _add(page, item, feature, sign, media, room)


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
    page: SectionPage, item: ReportItem, feature: str, sign: int, media: Media, room: int
) -> int:
    """Add the figures of one video, and return the bytes of room that are left."""
    path = media.find(item, "distorted")
    if path is None or feature not in item.log.columns:
        return room
    figures = _figures(item, feature, sign, path, media.find(item, "reference"), page)
    for figure in figures:
        room -= len(figure.distorted) + len(figure.reference or "")
        if room < 0:
            break
        page.figures.append(figure)
    return max(room, 0)


def _figures(
    item: ReportItem, feature: str, sign: int, path: Path, reference: Path | None, page: SectionPage
) -> list[Figure]:
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
    try:
        pictures = grab(path, decoded.values())
        beside = grab(reference, partners.values()) if reference else {}
    except InputError as error:
        page.warnings.append(f"no thumbnails: {error}")
        return []
    return [
        Figure(
            item.label,
            item.log.frame_numbers[i],
            times[i],
            f"{feature} {item.log.columns[feature][i]:.3f}",
            pictures[decoded[i]],
            beside.get(partners[i]),
        )
        for i in worst
        if decoded[i] in pictures
    ]


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


def grab(path: Path, indices: Iterable[int]) -> dict[int, str]:
    """Frames of a video as JPEGs in ``data:`` URIs, by index; frames that do not come are left out.

    The video is decoded up to the last of them, and nothing is kept but the pictures.

    Args:
        path: the video.
        indices: indices of decoded frames, in display order.

    Raises:
        InputError: the video cannot be opened.
    """
    from vqa_harness.media.reader import VideoReader

    left = set(indices)
    pictures: dict[int, str] = {}
    if not left:
        return pictures
    with VideoReader(path) as reader:
        for frame in reader:
            if frame.index in left:
                left.discard(frame.index)
                pictures[frame.index] = jpeg_uri(frame)
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


def jpeg_uri(frame: Frame, width: int = WIDTH) -> str:
    """A frame as a JPEG of at most that width, in a ``data:`` URI."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(frame.rgb, width)).decode("ascii")


def jpeg(rgb: NDArray[np.uint8], width: int = WIDTH) -> bytes:
    """An (H, W, 3) uint8 picture as a JPEG of at most that width."""
    from vqa_harness.frames import ColourInfo
    from vqa_harness.media.encode import encode_bytes
    from vqa_harness.media.picture import resize_planes

    height, full_width = rgb.shape[:2]
    small_width = min(width, full_width)
    size = small_width, max(1, round(height * small_width / full_width))
    planes = [np.ascontiguousarray(rgb[..., c]) for c in range(3)]
    small = np.stack(resize_planes(planes, "rgb", 8, size, "area"), axis=-1)
    return encode_bytes(
        [np.ascontiguousarray(small)],
        codec="mjpeg",
        container="mjpeg",
        pix_fmt="yuvj420p",
        options={"qmin": "5", "qmax": "5"},
        colour=ColourInfo(full_range=True, matrix="bt601"),
    )
