"""Making the frames of two videos comparable: one size, subsampling, depth, range and matrix.

The reference decides what can be kept: the distorted is scaled to it (bicubic, as Netflix measures
VMAF) and given its pixel format. Depth is only ever raised, because lowering it would round. What
cannot be made comparable is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from vqa_harness.alignment.colour_agreement import ColourAgreement
from vqa_harness.alignment.colour_notes import colour_json
from vqa_harness.alignment.format_checks import Regions, check_bars, check_transfer
from vqa_harness.alignment.geometry import Geometry, arrange
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.report import Note
from vqa_harness.alignment.signatures import Region
from vqa_harness.errors import AlignError
from vqa_harness.frames import ColourInfo, Frame, PixelSource, Plane, StreamInfo
from vqa_harness.media.colour import HD_LINES
from vqa_harness.media.colour_tags import fact_text
from vqa_harness.media.picture import PlaneSource
from vqa_harness.media.pixels import planar_name
from vqa_harness.media.recode import PixelFormat, recode

Side = Literal["distorted", "reference"]
ASPECT_SLACK = 0.01
"""Relative difference of two aspect ratios up to which they are the same."""


@dataclass(frozen=True, slots=True)
class FormatPlan:
    """How frames of each side become comparable.

    Attributes:
        width: width of the frames given to metrics, in pixels.
        height: their height.
        pixel_format: their subsampling, depth, range and matrix.
        colour: how their code values mean light.
        geometries: how each side's picture comes to lie in these frames.
        notes: what the user should know.
        agreed: how the colour of each side is read; None where nobody looked at pictures.
    """

    width: int
    height: int
    pixel_format: PixelFormat
    colour: ColourInfo
    geometries: dict[Side, Geometry]
    notes: tuple[Note, ...] = ()
    agreed: ColourAgreement | None = None

    def apply(self, frame: Frame, side: Side) -> Frame:
        """A frame to give to metrics; its pixels are converted when they are first asked for.

        The frame is always a new object with a cache of its own, so that it may be released while
        others show the same picture.
        """
        geometry = self.geometries[side]
        own = _pixel_format(frame)
        size = (self.width, self.height)
        source = frame.source
        same = own == self.pixel_format and geometry.keeps((frame.width, frame.height), size)
        if source is not None and not same:
            source = _Converted(source, own, self, geometry)
        return frame.showing(
            source,
            width=self.width,
            height=self.height,
            depth=self.pixel_format.depth,
            chroma=self.pixel_format.chroma,
            colour=frame.colour if same else self.colour,
        )

    def stream(self, info: StreamInfo) -> StreamInfo:
        """The facts of a stream whose frames were converted."""
        return replace(
            info,
            width=self.width,
            height=self.height,
            depth=self.pixel_format.depth,
            chroma=self.pixel_format.chroma,
            pix_fmt=info.pix_fmt
            if (info.depth, info.chroma) == (self.pixel_format.depth, self.pixel_format.chroma)
            else planar_name(self.pixel_format.chroma, self.pixel_format.depth),
            colour=info.colour if _pixel_format(info) == self.pixel_format else self.colour,
        )

    def to_json(self, distorted: StreamInfo, reference: StreamInfo) -> dict[str, Any]:
        """What is measured and what was done to each side."""
        sides: dict[Side, StreamInfo] = {"distorted": distorted, "reference": reference}
        return {
            "measured": {
                "size": [self.width, self.height],
                "pix_fmt": planar_name(self.pixel_format.chroma, self.pixel_format.depth),
                "full_range": self.pixel_format.full_range,
                "matrix": self.pixel_format.matrix,
                "kernel": "bicubic",
            },
            **{side: self._done(side, info) for side, info in sides.items()},
            "colour": None if self.agreed is None else colour_json(self.agreed),
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
            **self.geometries[side].to_json(),
        }


class _Converted:
    """A `PixelSource` that converts another one's planes when asked."""

    def __init__(
        self, source: PixelSource, old: PixelFormat, plan: FormatPlan, geometry: Geometry
    ) -> None:
        self._source: PixelSource | None = source
        self._old, self._plan, self._geometry = old, plan, geometry
        self._converted: PlaneSource | None = None

    def planes(self) -> tuple[Plane, ...]:
        """See `PixelSource.planes`."""
        return self._convert().planes()

    @property
    def rgb_depth(self) -> int:
        """See `Frame.rgb_depth`."""
        return self._old.depth if self._old.chroma == "rgb" else 0

    def rgb(self) -> Any:
        """See `PixelSource.rgb`; an RGB picture of the right size is given as it is."""
        if self._old.chroma == "rgb":
            assert self._source is not None
            picture = self._source.rgb()
            size = picture.shape[1], picture.shape[0]
            if self._geometry.keeps(size, (self._plan.width, self._plan.height)):
                return picture
        return self._convert().rgb()

    def _convert(self) -> PlaneSource:
        """Convert once.

        There is no lock, because `Frame` asks under its own.
        """
        if self._converted is None:
            assert self._source is not None
            plan = self._plan
            planes = self._geometry.cut(self._source.planes(), self._old.chroma)
            planes = recode(planes, self._old, plan.pixel_format)
            planes = arrange(planes, plan.pixel_format, (plan.width, plan.height), self._geometry)
            self._converted = PlaneSource(
                planes, plan.pixel_format.chroma, plan.pixel_format.depth, plan.colour
            )
            if self._old.chroma != "rgb":  # nobody asks for it any more
                self._source = None
        return self._converted


def plan_formats(
    distorted: StreamInfo,
    reference: StreamInfo,
    options: AlignOptions,
    areas: Regions = (None, None),
    alike: Regions = (None, None),
) -> FormatPlan:
    """Decide how the two videos are made comparable.

    Args:
        distorted: facts of the distorted video.
        reference: facts of the reference.
        options: how the user wants differences treated.
        areas: the picture inside black bars, of each; None where unknown.
        alike: the part of each that ``crop="auto"`` keeps where the bars differ; None for all.

    Raises:
        AlignError: high dynamic range against standard, or aspect ratios that differ without
            ``fit``.
    """
    notes = check_transfer(distorted, reference)
    regions, bar_notes = check_bars(distorted, reference, options, areas, alike)
    notes += bar_notes
    size = _target_size(distorted, reference, options, regions)
    geometries: dict[Side, Geometry] = {}
    sides: tuple[tuple[Side, StreamInfo, Region | None], ...] = (
        ("distorted", distorted, regions[0]),
        ("reference", reference, regions[1]),
    )
    ratio = _aspect(reference, regions[1]) if options.size() is None else None
    if ratio is not None and options.scale_to == "dist":
        ratio = _aspect(distorted, regions[0])
    for side, info, region in sides:
        target = ratio if ratio is not None else size[0] / size[1]
        geometries[side], aspect_notes = _geometry(side, info, region, target, options)
        notes += aspect_notes
    pixel_format, colour, format_notes = _common_pixel_format(distorted, reference)
    return FormatPlan(*size, pixel_format, colour, geometries, (*notes, *format_notes))


def _pixel_format(frame: Frame | StreamInfo) -> PixelFormat:
    return PixelFormat(frame.chroma, frame.depth, frame.colour.full_range, frame.colour.matrix)


def _aspect(info: StreamInfo, region: Region | None) -> float:
    width, height = (info.width, info.height) if region is None else region[2:]
    return float(Fraction(width, height) * info.sar)


def _target_size(
    distorted: StreamInfo,
    reference: StreamInfo,
    options: AlignOptions,
    regions: Regions,
) -> tuple[int, int]:
    named = options.size()
    if named is not None:
        return named
    info, region = (
        (distorted, regions[0]) if options.scale_to == "dist" else (reference, regions[1])
    )
    return (info.width, info.height) if region is None else (region[2], region[3])


def _geometry(
    side: Side,
    info: StreamInfo,
    region: Region | None,
    target: float,
    options: AlignOptions,
) -> tuple[Geometry, list[Note]]:
    """How a picture comes to lie in a frame whose aspect ratio is ``target``, with notes on that.

    Raises:
        AlignError: its aspect ratio differs, and the options say nothing about that.
    """
    own = _aspect(info, region)
    if abs(own / target - 1) <= ASPECT_SLACK:
        return Geometry(region), []
    shape = f"{own:.3f} against {target:.3f}"
    if options.fit == "none":
        hint = "say --fit stretch, pad or crop"
        if options.crop == "warn":
            hint += ", or --crop auto if black bars differ"
        raise AlignError(f"the {side} video's aspect ratio differs: {shape}; {hint}")
    note = Note("format", f"the {side} video's aspect ratio differs: {shape}; fit={options.fit}")
    if options.fit == "stretch":
        return Geometry(region), [note]
    return Geometry(region, options.fit, own / target), [note]


def _of_rgb(reference: StreamInfo, depth: int) -> tuple[PixelFormat, ColourInfo, list[Note]]:
    """What two RGB videos are compared as: full-range YCbCr, as a JPEG has it.

    The matrix is that of JPEG for images, and for videos the one that untagged ones are taken to
    have.
    """
    hd = reference.height >= HD_LINES and not reference.still
    matrix = "bt709" if hd else "bt601"
    colour = replace(reference.colour, full_range=True, matrix=matrix)
    notes = []
    if not reference.still:
        text = f"both videos are RGB: compared as full-range YCbCr 4:4:4 ({matrix})"
        notes.append(Note("format", text))
    return PixelFormat("444", depth, True, matrix), colour, notes


def _common_pixel_format(
    distorted: StreamInfo, reference: StreamInfo
) -> tuple[PixelFormat, ColourInfo, list[Note]]:
    """The reference's pixel format at the greater depth, with its colour, and notes.

    YCbCr goes before RGB, and gray before all others.
    """
    depth = max(distorted.depth, reference.depth)
    one, two = distorted, reference
    notes: list[Note] = []
    if one.chroma == two.chroma == "rgb":
        return _of_rgb(reference, depth)
    lead = two if two.chroma != "rgb" or one.chroma == "rgb" else one
    chroma = lead.chroma
    if "gray" in (one.chroma, two.chroma) and one.chroma != two.chroma:
        chroma = "gray"
        notes.append(Note("format", "one video has no colour: only luma is compared"))
    elif one.chroma != two.chroma:
        text = f"subsampling differs (distorted {one.chroma}, reference {two.chroma})"
        notes.append(Note("format", f"{text}: compared as {chroma}"))
    colour = lead.colour
    if chroma == "gray" and lead.chroma == "rgb":
        colour = one.colour if lead is two else two.colour
    pixel_format = PixelFormat(chroma, depth, colour.full_range, colour.matrix)
    for name in ("full_range", "matrix"):
        a, b, common = (fact_text(name, getattr(c, name)) for c in (one.colour, two.colour, colour))
        if a != b and "rgb" not in (one.chroma, two.chroma):
            word = "range" if name == "full_range" else name
            text = f"{word} differs (distorted {a}, reference {b}): compared as {common}"
            notes.append(Note("format", text))
    if one.depth != two.depth:
        text = f"depth differs (distorted {one.depth}, reference {two.depth}): compared at {depth}"
        notes.append(Note("format", text))
    return pixel_format, colour, notes
