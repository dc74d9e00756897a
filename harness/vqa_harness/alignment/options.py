"""What a user can say about pairing two videos."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from math import inf
from typing import Any, Literal, get_args

from vqa_harness.errors import UsageError
from vqa_harness.media.colour_tags import ColourTags, parse_colour
from vqa_harness.media.input_format import MAX_SIDE

Mode = Literal["auto", "index", "time", "content"]
Tail = Literal["common", "error", "repeat"]
FpsPolicy = Literal["auto", "error", "match-dist", "match-ref"]
OnCorrupt = Literal["score", "skip", "fail"]
Fit = Literal["none", "stretch", "pad", "crop"]
Crop = Literal["warn", "auto", "off"]
Deinterlace = Literal["off", "auto", "both"]
Grain = Literal["on", "off"]
ScanType = Literal["auto", "progressive", "tff", "bff"]
MAX_AREA = (1 << 28) - 1
"""Pixels of the largest picture that FFmpeg makes, with 128 more a side."""
CHOICES = {
    "mode": Mode,
    "tail": Tail,
    "fps_policy": FpsPolicy,
    "on_corrupt": OnCorrupt,
    "fit": Fit,
    "crop": Crop,
    "deinterlace": Deinterlace,
    "distorted_scan": ScanType,
    "reference_scan": ScanType,
    "grain": Grain,
}


@dataclass(frozen=True, slots=True)
class AlignOptions:
    """How frames of two videos are paired and made comparable; all of it is put in the report.

    Attributes:
        mode: ``auto`` takes the simplest model that the pictures confirm; ``index`` and ``time``
            pair by number and by presentation time whatever the pictures say (what they say is
            still reported); ``content`` pairs by the pictures alone.
        tail: when one video is longer: ``common`` scores the common part, ``error`` refuses,
            ``repeat`` holds the shorter one's last frame.
        fps_policy: where the frame rates differ. ``auto`` accepts what the pictures confirm,
            ``error`` refuses, ``match-dist`` compares each distorted frame with the reference frame
            shown at its time, ``match-ref`` each reference frame with the distorted frame shown at
            its time.
        max_offset: seconds by which the videos may be shifted, and frames may be missing in a row,
            that the search covers at once; what lies farther takes another pass over both.
        on_corrupt: pairs with a frame that the decoder flags as damaged are scored, left out, or
            refused.
        strict: whether any warning becomes an `AlignError`.
        scale_to: ``ref``, ``dist`` or ``WIDTHxHEIGHT``: the size both are scaled to (bicubic).
        fit: what to do with aspect ratios that differ by more than 1 %: refuse, stretch, pad the
            distorted with black, or crop it.
        crop: black bars on one side only: ``warn``, ``auto`` cuts them off, ``off`` does not look.
        deinterlace: ``auto`` deinterlaces a side that is interlaced, unless its first frames show
            that a flag is wrong; ``both`` deinterlaces both sides whatever they are. A frame is
            made of each frame, or of each field where the other side has twice as many frames.
        distorted_colour: what the distorted video does not say of its colour, or says wrongly:
            ``matrix=bt709,range=full,transfer=pq,primaries=bt2020``, or a word such as ``bt709``;
            see `vqa_harness.media.colour_tags.parse_colour`.
        reference_colour: the same of the reference.
        distorted_scan: what the distorted video is, whatever it says itself: ``progressive``,
            ``tff`` or ``bff`` (interlaced, top or bottom field first); ``auto`` takes its word.
        reference_scan: the same of the reference.
        grain: whether decoders add the film grain that a stream describes, on both sides; ``off``
            shows the pictures as they were coded.

    Raises:
        UsageError: a value is none of these, or two contradict each other.
    """

    mode: Mode = "auto"
    tail: Tail = "common"
    fps_policy: FpsPolicy = "auto"
    max_offset: float = 2.0
    on_corrupt: OnCorrupt = "score"
    strict: bool = False
    scale_to: str = "ref"
    fit: Fit = "none"
    crop: Crop = "warn"
    deinterlace: Deinterlace = "off"
    distorted_colour: str = ""
    reference_colour: str = ""
    distorted_scan: ScanType = "auto"
    reference_scan: ScanType = "auto"
    grain: Grain = "on"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            allowed = get_args(choices)
            if getattr(self, name) not in allowed:
                option = "align" if name == "mode" else name.replace("_", "-")
                raise UsageError(
                    f"--{option} {getattr(self, name)}: choose one of {', '.join(allowed)}"
                )
        for side in ("distorted", "reference"):
            if self.deinterlace == "both" and getattr(self, f"{side}_scan") == "progressive":
                raise UsageError(
                    f"--deinterlace both deinterlaces the {side} video too, which --{side}-scan "
                    "progressive says is progressive: say --deinterlace auto"
                )
        if not 0 < self.max_offset < inf:
            raise UsageError(f"--max-offset {self.max_offset:g}: needs seconds, above 0")
        if self.scale_to not in ("ref", "dist"):
            self.size()
        for name in ("distorted_colour", "reference_colour"):
            tags = parse_colour(getattr(self, name), f"--{name.replace('_', '-')}")
            object.__setattr__(self, name, str(tags))  # one text for one meaning, as keys hold it

    @property
    def colours(self) -> tuple[ColourTags, ColourTags]:
        """What is stated of the distorted video and of the reference."""
        return (
            parse_colour(self.distorted_colour, "--distorted-colour"),
            parse_colour(self.reference_colour, "--reference-colour"),
        )

    def size(self) -> tuple[int, int] | None:
        """Width and height of ``scale_to``; None where it names a side.

        Raises:
            UsageError: it is neither a side nor WIDTHxHEIGHT.
        """
        if self.scale_to in ("ref", "dist"):
            return None
        size = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", self.scale_to)
        if size is None:
            raise UsageError(f"--scale-to {self.scale_to}: needs ref, dist or WIDTHxHEIGHT")
        width, height = int(size[1]), int(size[2])
        if max(width, height) > MAX_SIDE or (width + 128) * (height + 128) > MAX_AREA:
            raise UsageError(
                f"--scale-to {self.scale_to}: is too large; FFmpeg scales to at most {MAX_SIDE} "
                f"pixels a side and {MAX_AREA / 1e6:.0f} million in all"
            )
        return width, height

    def to_json(self) -> dict[str, Any]:
        """All options by name; ``grain`` where it is off."""
        options = asdict(self)
        if self.grain == "on":
            del options["grain"]
        return options
