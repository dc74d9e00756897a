"""What somebody says about the colour of a video: facts that its stream leaves out or has wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from vqa_harness.errors import UsageError

if TYPE_CHECKING:
    from vqa_harness.frames import ColourInfo

_RANGES = {"tv": "limited", "mpeg": "limited", "pc": "full", "jpeg": "full"}
_GENTLE = ("bt601", "smpte170m", "bt2020-10", "bt2020-12")
"""FFmpeg's names of transfer functions that are BT.709's curve."""


def _values(names: str, others: dict[str, str]) -> dict[str, str]:
    return {name: name for name in names.split()} | others


VALUES = {
    "matrix": _values(
        "bt601 bt709 bt2020", {"smpte170m": "bt601", "bt470bg": "bt601", "bt2020nc": "bt2020"}
    ),
    "range": _values("limited full", _RANGES),
    "transfer": _values(
        "bt709 pq hlg srgb linear",
        {"smpte2084": "pq", "arib-std-b67": "hlg", "iec61966-2-1": "srgb"}
        | dict.fromkeys(_GENTLE, "bt709"),
    ),
    "primaries": _values(
        "bt601 bt709 bt2020 smpte431 smpte432",
        {"smpte170m": "bt601", "bt470bg": "bt601", "dci-p3": "smpte431", "display-p3": "smpte432"},
    ),
}
"""Values that may be stated, by key: our names and those of FFmpeg."""
WORDS = {
    "bt601": {"matrix": "bt601", "transfer": "bt709", "primaries": "bt601"},
    "bt709": {"matrix": "bt709", "transfer": "bt709", "primaries": "bt709"},
    "bt2020": {"matrix": "bt2020", "transfer": "bt709", "primaries": "bt2020"},
    "pq": {"matrix": "bt2020", "transfer": "pq", "primaries": "bt2020"},
    "hlg": {"matrix": "bt2020", "transfer": "hlg", "primaries": "bt2020"},
    "limited": {"range": "limited"},
    "full": {"range": "full"},
}
"""Single words, and what each of them states."""
_WORD_ALIASES = {"smpte170m": "bt601", "smpte2084": "pq", "arib-std-b67": "hlg", **_RANGES}
FACTS = ("matrix", "full_range", "transfer", "primaries")
"""The attributes of `ColourInfo` that a stream may say nothing about."""


@dataclass(frozen=True, slots=True)
class ColourTags:
    """Facts about colour, each in the values of `ColourInfo`; None where nothing is said.

    Attributes:
        matrix: ``bt601``, ``bt709`` or ``bt2020``.
        full_range: whether all code values are used.
        transfer: ``bt709``, ``pq``, ``hlg``, ``srgb``, ``linear``, or FFmpeg's number as text.
        primaries: ``bt601``, ``bt709``, ``bt2020``, ``smpte431``, ``smpte432``, or FFmpeg's number
            as text.
    """

    matrix: str | None = None
    full_range: bool | None = None
    transfer: str | None = None
    primaries: str | None = None

    def facts(self) -> dict[str, str | bool]:
        """What is said, by the name of the attribute."""
        said = {name: getattr(self, name) for name in FACTS}
        return {name: value for name, value in said.items() if value is not None}

    def __str__(self) -> str:
        """The facts as `parse_colour` takes them; empty where nothing is said."""
        return ",".join(option_of(name, value) for name, value in self.facts().items())


@dataclass(frozen=True, slots=True)
class ColourRule:
    """How the colour of a stream is read where its own tags do not settle it.

    Attributes:
        stated: facts that somebody states; they go before the stream's tags.
        assumed: facts that are assumed where the stream says nothing.
    """

    stated: ColourTags = ColourTags()
    assumed: ColourTags = ColourTags()

    def of(self, colour: ColourInfo) -> ColourInfo:
        """The colour of a picture by this rule; RGB keeps its matrix.

        What is assumed stays among `ColourInfo.guessed`, what is stated leaves it.
        """
        return _by_rule(self, colour)


def silent(colour: ColourInfo, fact: str) -> bool:
    """Whether the stream says nothing about a fact."""
    return fact in colour.guessed or getattr(colour, fact) == "unknown"


def option_of(fact: str, value: str | bool) -> str:
    """A fact as an option states it: ``matrix=bt709``, ``range=full``."""
    return f"{'range' if fact == 'full_range' else fact}={fact_text(fact, value)}"


def fact_text(fact: str, value: str | bool) -> str:
    """The value of a fact as people write it: ``full`` or ``limited`` for a range."""
    if fact == "full_range":
        return "full" if value else "limited"
    return str(value)


def parse_colour(text: str, option: str) -> ColourTags:
    """Read ``matrix=bt709,range=full``, or a word such as ``bt709`` that states several facts.

    A key goes before a word: ``pq,primaries=smpte432`` is Display P3 with the PQ curve.

    Args:
        text: what was typed; empty states nothing.
        option: what it was typed for, for messages: ``--distorted-colour``.

    Raises:
        UsageError: an unknown key, word or value, or a key that is there twice.
    """
    words: dict[str, str] = {}
    keys: dict[str, str] = {}
    for part in (p.strip() for p in text.lower().split(",")) if text.strip() else ():
        key, equals, value = part.partition("=")
        if not equals:
            word = _WORD_ALIASES.get(part, part)
            if word not in WORDS:
                raise UsageError(
                    f"{option} {text}: {part!r} states nothing; write one of {', '.join(WORDS)}, "
                    f"or KEY=VALUE with {', '.join(VALUES)}"
                )
            _add(words, WORDS[word], option, text)
        elif key not in VALUES:
            raise UsageError(f"{option} {text}: no key {key!r}; choose one of {', '.join(VALUES)}")
        elif value not in VALUES[key]:
            raise UsageError(
                f"{option} {text}: no {key} {value!r}; choose one of {', '.join(VALUES[key])}"
            )
        else:
            _add(keys, {key: VALUES[key][value]}, option, text)
    said = words | keys
    full = said["range"] == "full" if "range" in said else None
    return ColourTags(said.get("matrix"), full, said.get("transfer"), said.get("primaries"))


def _add(facts: dict[str, str], more: dict[str, str], option: str, text: str) -> None:
    for key, value in more.items():
        if facts.setdefault(key, value) != value:
            raise UsageError(
                f"{option} {text}: says both {key}={facts[key]} and {key}={value}; leave one out"
            )


@lru_cache(maxsize=256)
def _by_rule(rule: ColourRule, colour: ColourInfo) -> ColourInfo:
    stated = rule.stated.facts()
    facts = {n: v for n, v in rule.assumed.facts().items() if silent(colour, n)} | stated
    if colour.matrix == "rgb":
        facts.pop("matrix", None)
    if not facts:
        return colour
    guessed = tuple(name for name in colour.guessed if name not in stated)
    return replace(colour, guessed=guessed, **facts)  # type: ignore[arg-type]
