"""Making the frames of two videos comparable: one size, subsampling, depth, range and matrix.

The reference decides what can be kept: the distorted is scaled to it (bicubic, as Netflix measures
VMAF) and recoded like it. Depth is only ever raised. What cannot be made comparable is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from vqa_harness.alignment.format_checks import Regions, check_bars, check_scan, check_transfer
from vqa_harness.alignment.geometry import Placing, place
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.report import Note
from vqa_harness.alignment.signatures import Region
from vqa_harness.errors import AlignError
from vqa_harness.frames import ColourInfo, Frame, PixelSource, Plane, StreamInfo
from vqa_harness.media.picture import PlaneSource
from vqa_harness.media.pixels import planar_name
from vqa_harness.media.recode import Coding, recode

Side = Literal["distorted", "reference"]
ASPECT_SLACK = 0.01


@dataclass(frozen=True, slots=True)
class FormatPlan:
    """How frames of each side become comparable.

    Attributes:
        width: of the frames given to metrics.
        height: likewise.
        coding: likewise.
        colour: likewise.
        placings: how each side's picture comes to lie in them.
        notes: what the user should know.
    """

    width: int
    height: int
    coding: Coding
    colour: ColourInfo
    placings: dict[Side, Placing]
    notes: tuple[Note, ...] = ()

    def apply(self, frame: Frame, side: Side) -> Frame:
        """A frame to give to metrics; its pixels are converted when they are first asked for.

        The frame is always a new object with a cache of its own, so that it may be released while
        others show the same picture.
        """
        placing = self.placings[side]
        own = _coding(frame)
        size = (self.width, self.height)
        source = frame.source
        same = own == self.coding and placing.keeps((frame.width, frame.height), size)
        if source is not None and not same:
            source = _Converted(source, own, frame, self, placing)
        return Frame(
            index=frame.index,
            time=frame.time,
            width=self.width,
            height=self.height,
            depth=self.coding.depth,
            chroma=self.coding.chroma,
            colour=frame.colour if same else self.colour,
            source=source,
            corrupt=frame.corrupt,
        )

    def stream(self, info: StreamInfo) -> StreamInfo:
        """The facts of a stream whose frames were converted."""
        return replace(
            info,
            width=self.width,
            height=self.height,
            depth=self.coding.depth,
            chroma=self.coding.chroma,
            pix_fmt=info.pix_fmt
            if (info.depth, info.chroma) == (self.coding.depth, self.coding.chroma)
            else planar_name(self.coding.chroma, self.coding.depth),
            colour=info.colour if _coding(info) == self.coding else self.colour,
        )

    def to_json(self, distorted: StreamInfo, reference: StreamInfo) -> dict[str, Any]:
        """What is measured and what was done to each side."""
        sides: dict[Side, StreamInfo] = {"distorted": distorted, "reference": reference}
        return {
            "measured": {
                "size": [self.width, self.height],
                "pix_fmt": planar_name(self.coding.chroma, self.coding.depth),
                "full_range": self.coding.full_range,
                "matrix": self.coding.matrix,
                "kernel": "bicubic",
            },
            **{side: self._done(side, info) for side, info in sides.items()},
        }

    def _done(self, side: Side, info: StreamInfo) -> dict[str, Any]:
        return {
            "size": [info.width, info.height],
            "pix_fmt": info.pix_fmt,
            "full_range": info.colour.full_range,
            "matrix": info.colour.matrix,
            "transfer": info.colour.transfer,
            "guessed": list(info.colour.guessed),
            "rotation_undone": info.rotation,
            "mirror_undone": info.mirrored,
            "sar": f"{info.sar.numerator}:{info.sar.denominator}",
            **self.placings[side].to_json(),
        }


class _Converted:
    """A `PixelSource` that converts another one's planes when asked."""

    def __init__(
        self, source: PixelSource, old: Coding, frame: Frame, plan: FormatPlan, placing: Placing
    ) -> None:
        self._source, self._old, self._plan, self._placing = source, old, plan, placing
        self._made: PlaneSource | None = None

    def planes(self) -> tuple[Plane, ...]:
        """See `PixelSource.planes`."""
        return self._convert().planes()

    def rgb(self) -> Any:
        """See `PixelSource.rgb`."""
        return self._convert().rgb()

    def _convert(self) -> PlaneSource:
        """Convert once; two threads at a time would both get the same."""
        if self._made is None:
            plan = self._plan
            planes = self._placing.cut(self._source.planes(), self._old.chroma)
            planes = recode(planes, self._old, plan.coding)
            planes = place(planes, plan.coding, (plan.width, plan.height), self._placing)
            self._made = PlaneSource(planes, plan.coding.chroma, plan.coding.depth, plan.colour)
        return self._made


def plan_formats(
    distorted: StreamInfo,
    reference: StreamInfo,
    options: AlignOptions,
    areas: Regions = (None, None),
    alike: Regions = (None, None),
) -> FormatPlan:
    """Decide how the two are made comparable.

    Args:
        distorted: its facts.
        reference: its facts.
        options: see `AlignOptions`.
        areas: picture inside black bars, of each; None where unknown.
        alike: what ``crop="auto"`` keeps of each where these differ; None for all.

    Raises:
        AlignError: high dynamic range against standard, interlaced against progressive, or aspect
            ratios that differ without ``fit``.
    """
    notes = [*check_transfer(distorted, reference), *check_scan(distorted, reference)]
    regions, found = check_bars(distorted, reference, options, areas, alike)
    size = _target_size(distorted, reference, options, regions)
    placings: dict[Side, Placing] = {}
    sides: tuple[tuple[Side, StreamInfo, Region | None], ...] = (
        ("distorted", distorted, regions[0]),
        ("reference", reference, regions[1]),
    )
    ratio = _aspect(reference, regions[1]) if options.size() is None else None
    if ratio is not None and options.scale_to == "dist":
        ratio = _aspect(distorted, regions[0])
    for side, info, region in sides:
        wanted = ratio if ratio is not None else size[0] / size[1]
        placings[side], told = _placing(side, info, region, size, wanted, options)
        found += told
    coding, colour, told = _common_coding(distorted, reference)
    return FormatPlan(*size, coding, colour, placings, tuple(notes + found + told))


def _coding(frame: Frame | StreamInfo) -> Coding:
    return Coding(frame.chroma, frame.depth, frame.colour.full_range, frame.colour.matrix)


def _aspect(info: StreamInfo, region: Region | None) -> float:
    width, height = (info.width, info.height) if region is None else region[2:]
    return float(Fraction(width, height) * info.sar)


def _target_size(
    distorted: StreamInfo,
    reference: StreamInfo,
    options: AlignOptions,
    regions: Regions,
) -> tuple[int, int]:
    asked = options.size()
    if asked is not None:
        return asked
    info, region = (
        (distorted, regions[0]) if options.scale_to == "dist" else (reference, regions[1])
    )
    return (info.width, info.height) if region is None else (region[2], region[3])


def _placing(
    side: Side,
    info: StreamInfo,
    region: Region | None,
    size: tuple[int, int],
    wanted: float,
    options: AlignOptions,
) -> tuple[Placing, list[Note]]:
    own = _aspect(info, region)
    if abs(own / wanted - 1) <= ASPECT_SLACK:
        return Placing(region), []
    shape = f"{own:.3f} against {wanted:.3f}"
    if options.fit == "none":
        hint = "say --fit stretch, pad or crop"
        if options.crop == "warn":
            hint += ", or --crop auto if black bars differ"
        raise AlignError(f"the {side} video's aspect ratio differs: {shape}; {hint}")
    note = Note("format", f"the {side} video's aspect ratio differs: {shape}; fit={options.fit}")
    if options.fit == "stretch":
        return Placing(region), [note]
    return Placing(region, options.fit, own / wanted), [note]


def _common_coding(
    distorted: StreamInfo, reference: StreamInfo
) -> tuple[Coding, ColourInfo, list[Note]]:
    """The reference's coding at the greater depth; YCbCr and gray win over RGB and colour."""
    depth = max(distorted.depth, reference.depth)
    one, two = distorted, reference
    notes: list[Note] = []
    lead = two if two.chroma != "rgb" or one.chroma == "rgb" else one
    chroma = lead.chroma
    if "gray" in (one.chroma, two.chroma) and one.chroma != two.chroma:
        chroma = "gray"
        notes.append(Note("format", "one video has no colour: only luma is compared"))
    elif one.chroma != two.chroma:
        told = f"subsampling differs (distorted {one.chroma}, reference {two.chroma})"
        notes.append(Note("format", f"{told}: compared as {chroma}"))
    colour = lead.colour
    if chroma == "gray" and lead.chroma == "rgb":
        colour = one.colour if lead is two else two.colour
    coding = Coding(chroma, depth, colour.full_range, colour.matrix)
    for name in ("full_range", "matrix"):
        a, b = getattr(one.colour, name), getattr(two.colour, name)
        if a != b and "rgb" not in (one.chroma, two.chroma):
            kept = getattr(colour, name)
            text = f"{name} differs (distorted {a}, reference {b}): compared as {kept}"
            notes.append(Note("format", text))
    if one.depth != two.depth:
        text = f"depth differs (distorted {one.depth}, reference {two.depth}): compared at {depth}"
        notes.append(Note("format", text))
    return coding, colour, notes
