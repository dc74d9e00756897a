"""What plugins offer under names: each item is checked, and a name belongs to one plugin only.

Names of our own distribution are ours. Where two others offer one name, neither gets it: which of
them the search path lists first must not decide which scores a run gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar


class Named(Protocol):
    """A spec that can say what is wrong with it."""

    @property
    def name(self) -> str:
        """The name it is asked for by."""

    def fault(self) -> str:
        """What is wrong with it; empty if nothing is."""


Item = TypeVar("Item", bound=Named)


@dataclass(slots=True)
class Offers(Generic[Item]):
    """The items of one kind that plugins offer.

    Attributes:
        items: name to the item and the plugin that offers it.
        contested: name to the plugins that all offer it, where none of them is ours.
        left_out: why an item or an answer is left out, one line each.
    """

    items: dict[str, tuple[Item, str]] = field(default_factory=dict)
    contested: dict[str, list[str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def contest(self, noun: str, name: str) -> str:
        """Say who offers a contested name, and what to do."""
        plugins = self.contested[name]
        return (
            f"{noun} {name!r} is offered by the plugins {' and '.join(map(repr, plugins))}; leave"
            f" one out with VQA_HARNESS_BLOCK={plugins[0]}"
        )


def collect(
    answers: Iterable[tuple[str, Any]],
    kind: type[Item],
    noun: str,
    is_ours: Callable[[str], bool],
) -> Offers[Item]:
    """Sort out what plugins answered when they were asked for their items.

    Args:
        answers: the name of each plugin, and what its hook returned: a list of items, or None.
        kind: the class that items must be of.
        noun: what an item is called in messages.
        is_ours: tells from the name of a plugin whether it is part of our own distribution.
    """
    offers: Offers[Item] = Offers()
    claims: dict[str, list[tuple[Item, str]]] = {}
    for plugin, answer in answers:
        for item in _items(plugin, answer, kind, noun, offers):
            claims.setdefault(item.name, []).append((item, plugin))
    for name, claimed in claims.items():
        ours = [claim for claim in claimed if is_ours(claim[1])]
        plugins = list(dict.fromkeys(plugin for _, plugin in claimed))
        if ours or len(plugins) == 1:
            taken = (ours or claimed)[0]
            offers.items[name] = taken
            others = [plugin for item, plugin in claimed if item is not taken[0]]
            offers.left_out += [
                f"{noun} {name!r} of plugin {plugin!r} is left out: plugin {taken[1]!r} has one of"
                " that name"
                for plugin in others
            ]
        else:
            offers.contested[name] = plugins
            offers.left_out.append(offers.contest(noun, name))
    return offers


def _items(
    plugin: str, answer: Any, kind: type[Item], noun: str, offers: Offers[Item]
) -> list[Item]:
    """The items of one plugin that are in order; what is not is added to ``offers.left_out``."""
    if answer is None:
        return []
    if not isinstance(answer, list | tuple):
        offers.left_out.append(
            f"plugin {plugin!r}: its hook returned {_shown(answer)}; it must return a list of"
            f" {kind.__name__} objects"
        )
        return []
    good = []
    for item in answer:
        if isinstance(item, kind):
            named, fault = repr(item.name), item.fault()
        else:
            named, fault = "", f"{_shown(item)} is no {kind.__name__}"
        if fault:
            title = f"{noun} {named}" if named else noun
            offers.left_out.append(f"{title} of plugin {plugin!r} is left out: {fault}")
        else:
            good.append(item)
    return good


def _shown(value: Any) -> str:
    """A value from a plugin for a message: its type, and its text where that is short."""
    text = repr(value)
    return text if len(text) <= 40 else f"an object of type {type(value).__name__}"
