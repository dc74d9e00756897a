"""What the server answers: facts as JSON, pictures, and the notes and files that it writes."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

import numpy as np

from vqa_harness import __version__
from vqa_harness.errors import InputError, UsageError, VqaError
from vqa_harness.files import make_folder, write_bytes
from vqa_harness.logs.log import Log
from vqa_harness.logs.notes import checked_notes, read_notes, write_notes
from vqa_harness.media.one_picture import png
from vqa_harness.report.data import rate_of, times_of
from vqa_harness.view.encodes import Encode
from vqa_harness.view.pairing import SIDES, Found, Pairing
from vqa_harness.view.pictures import (
    Asked,
    Form,
    Pictures,
    Showing,
    What,
    code_values,
    is_one_of,
    mapping_of,
)
from vqa_harness.view.timeline import bands, defined, events, features

MOST_WIDTH = 16384
"""Width in pixels above which no picture is made."""
MOST_GAIN = 128
"""Largest gain of a difference."""
MOST_EXPORTED = 500
"""Most pairs that are written at once."""
MOST_AHEAD = 3
"""Most pairs that are decoded before they are asked for."""
OPEN_AT_ONCE = 4
"""Encodes whose videos are held open."""


class NotYet(Exception):
    """The pairs are not known yet."""


class Answers:
    """Everything that can be asked of a session.

    Args:
        encodes: what is looked at.
        title: of the page.
    """

    def __init__(self, encodes: Sequence[Encode], title: str) -> None:
        self.encodes, self._title = list(encodes), title
        self._pairings: dict[int, Pairing] = {}
        self._pictures: dict[int, Pictures] = {}
        self._lock = threading.Lock()

    def session(self) -> dict[str, Any]:
        """What is looked at."""
        return {
            "title": self._title,
            "version": __version__,
            "encodes": [{"label": one.label, "group": one.group} for one in self.encodes],
        }

    def scores(self, encode: int) -> dict[str, Any]:
        """The features of an encode, and the time of each frame."""
        one = self._encode(encode)
        log = one.log
        notes = [asdict(note) for note in read_notes(one.notes)]
        kept = {"notes": notes, "notes_file": one.notes.name}
        if log is None:
            return {"frames": 0, "features": [], **kept}
        return {
            "frames": len(log),
            "rate": rate_of(log),
            "times": times_of(log),
            "features": features(log),
            "events": events(log),
            "warnings": list(log.view.warnings)[:200],
            **kept,
        }

    def values(self, encode: int, feature: int) -> list[float | None]:
        """The values of a feature, by its place among the `scores`."""
        log = self._log(encode)
        names = [one["name"] for one in features(log)]
        if not 0 <= feature < len(names):
            raise InputError(f"there is no feature {feature}")
        return defined(log, names[feature])

    def pairing(self, encode: int) -> dict[str, Any]:
        """How far the pairs are, and once they are known, what they are."""
        pairing = self._pairing(encode)
        found = pairing.found
        if found is None:
            return {
                "state": pairing.state,
                "done": pairing.done,
                "expected": pairing.expected,
                "error": pairing.error,
            }
        columns = list(zip(*found.numbers, strict=True)) or [() for _ in found.finders]
        return {
            "state": "ready",
            "numbers": dict(zip(SIDES, map(list, columns), strict=False)),
            "sides": {
                side: {
                    "name": info.name,
                    "width": info.width,
                    "height": info.height,
                    "depth": info.depth,
                    "chroma": info.chroma,
                    "codec": info.codec,
                    "pix_fmt": info.pix_fmt,
                    "sar": float(info.sar),
                    "hdr": info.colour.hdr,
                }
                for side, info in zip(SIDES, (found.distorted, found.reference), strict=True)
                if info is not None
            },
            "mapping": mapping_of(found),
            "remarks": list(found.remarks)[:200],
            "bands": bands(found.alignment, list(columns[0])),
        }

    def picture(self, encode: int, pair: int, what: str, query: Mapping[str, str]) -> bytes:
        """The bytes of an image file; see `Asked` for what ``query`` may hold."""
        return self._images(encode).image(asked(pair, what, query))

    def code_values(self, encode: int, pair: int, query: Mapping[str, str]) -> dict[str, Any]:
        """The code values around a pixel."""
        x, y, reach = (whole(query, name, 0) for name in ("x", "y", "reach"))
        return code_values(self._found(encode), pair, x, y, reach)

    def prefetch(self, encode: int, pair: int, query: Mapping[str, str]) -> None:
        """Decode the pairs that may be asked for next; ``ahead`` tells how many."""
        try:
            found = self._found(encode)
            for number in range(1, min(whole(query, "ahead", 0), MOST_AHEAD) + 1):
                found.prefetch(pair + number)
        except (VqaError, NotYet):  # who asks for the frame itself is told
            return

    def pair_png(self, encode: int, pair: int) -> bytes:
        """Both frames of a pair side by side as a PNG, the reference at the left."""
        found, images = self._found(encode), self._images(encode)
        sides = [side for side in reversed(SIDES) if SIDES.index(side) < len(found.finders)]
        return png(np.hstack([images.rgb(Asked(pair, s, MOST_WIDTH)) for s in sides]))

    def put_notes(self, encode: int, document: Any) -> dict[str, Any]:
        """Write the notes of an encode beside its log.

        Raises:
            UsageError: it is no document of notes, or cannot be written.
        """
        one = self._encode(encode)
        try:
            notes = checked_notes(document)
        except ValueError as error:
            raise UsageError(f"what was sent {error}") from None
        with self._lock:
            write_notes(one.notes, notes)
        return {"saved": len(notes), "file": one.notes.name}

    def export(self, encode: int, document: Any) -> dict[str, Any]:
        """Write pairs as PNGs into a folder beside the notes.

        Raises:
            UsageError: too many or no numbers of pairs, or the folder cannot be written.
        """
        numbers = document.get("pairs") if isinstance(document, dict) else None
        good = isinstance(numbers, list) and all(type(n) is int for n in numbers)
        if not good or not 0 < len(numbers or ()) <= MOST_EXPORTED:
            raise UsageError(f"needs the numbers of 1 to {MOST_EXPORTED} pairs")
        found, images = self._found(encode), self._images(encode)
        notes = self._encode(encode).notes
        folder = notes.with_name(notes.name.removesuffix(".notes.json") + ".frames")
        make_folder(folder)
        written = 0
        for pair in sorted(set(numbers or ())):
            for side in SIDES[: len(found.finders)]:
                rgb = images.rgb(Asked(pair, side, MOST_WIDTH))
                write_bytes(folder / f"{pair:06d}-{side}.png", png(rgb))
                written += 1
        return {"folder": folder.name, "files": written}

    def close(self) -> None:
        """Close all videos."""
        for pairing in self._pairings.values():
            pairing.close()

    def _encode(self, number: int) -> Encode:
        if not 0 <= number < len(self.encodes):
            raise InputError(f"there is no encode {number}")
        return self.encodes[number]

    def _log(self, encode: int) -> Log:
        log = self._encode(encode).log
        if log is None:
            raise InputError("there is no log")
        return log

    def _pairing(self, encode: int) -> Pairing:
        one = self._encode(encode)
        with self._lock:
            pairing = self._pairings.pop(encode, None) or Pairing(one)
            self._pairings[encode] = pairing  # the last used is the last
            old = [n for n, p in self._pairings.items() if p.state != "pairing" and n != encode]
            for number in old[: max(0, len(self._pairings) - OPEN_AT_ONCE)]:
                self._pairings.pop(number).close()
                self._pictures.pop(number, None)
        pairing.start()
        return pairing

    def _found(self, encode: int) -> Found:
        pairing = self._pairing(encode)
        if pairing.found is None:
            if pairing.error:
                raise InputError(pairing.error)
            raise NotYet
        return pairing.found

    def _images(self, encode: int) -> Pictures:
        found = self._found(encode)
        with self._lock:
            return self._pictures.setdefault(encode, Pictures(found))


def asked(pair: int, what: str, query: Mapping[str, str]) -> Asked:
    """A picture that a request asks for.

    Raises:
        InputError: it asks for something that there is not.
    """
    form, mapping = query.get("form", "png"), query.get("mapping", "shown")
    for kind, value in ((What, what), (Form, form), (Showing, mapping)):
        if not is_one_of(kind, value):
            raise InputError("there is no such picture")
    width = whole(query, "width", MOST_WIDTH)
    gain = whole(query, "gain", 8)
    return Asked(
        pair,
        cast(What, what),
        min(max(width, 16), MOST_WIDTH),
        cast(Form, form),
        cast(Showing, mapping),
        min(max(gain, 1), MOST_GAIN),
    )


def whole(query: Mapping[str, str], name: str, default: int) -> int:
    """A whole number of a request.

    Raises:
        InputError: it is none.
    """
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InputError(f"{name} needs a whole number")
    return int(text)
