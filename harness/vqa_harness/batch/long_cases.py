"""Long cases on their way: which pieces are still to be handed out, and what the others gave."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from vqa_harness.batch.case import Case, Divided, Item, Joint, Part


@dataclass(slots=True)
class _LongCase:
    case: Case
    divided: Divided
    began: float
    given: dict[int, bytes] = field(default_factory=dict)

    def joint(self) -> Joint:
        given = tuple(self.given[number] for number in range(self.divided.pieces))
        return Joint(self.case, self.divided, given, time.monotonic() - self.began)


class LongCases:
    """The long cases that are under way."""

    def __init__(self) -> None:
        self._cases: dict[str, _LongCase] = {}
        self._ready: deque[Item] = deque()

    def begin(self, case: Case, divided: Divided) -> None:
        """Have the pieces of a case handed out."""
        self._cases[case.key] = _LongCase(case, divided, time.monotonic() - divided.seconds)
        self._ready += [Part(case, divided, number) for number in range(divided.pieces)]

    @property
    def ready(self) -> bool:
        """Whether something may be there to be handed out."""
        return bool(self._ready)

    def next(self) -> Item | None:
        """What is to be handed out next; None where nothing is."""
        while self._ready:
            item = self._ready.popleft()
            if self.wants(item):
                return item
        return None

    def wants(self, item: Item) -> bool:
        """Whether the outcome of this is still of use: that of a piece of a failed case is not."""
        return isinstance(item, Case) or item.case.key in self._cases

    def take(self, part: Part, given: bytes) -> None:
        """Take what a piece gave; after the last, they are to be joined."""
        long = self._cases[part.case.key]
        long.given[part.number] = given
        if len(long.given) == long.divided.pieces:
            self._ready.append(long.joint())

    def whole(self, case: Case) -> None:
        """Have a case scored in one piece after all."""
        self.end(case)
        self._ready.append(case)

    def end(self, case: Case) -> None:
        """Forget a case, which has a row."""
        self._cases.pop(case.key, None)

    def state(self) -> list[tuple[str, int, int, float]]:
        """Of each case its name, pieces done, all pieces, and seconds that its pairs took."""
        return [
            (long.case.file, len(long.given), long.divided.pieces, long.divided.seconds)
            for long in self._cases.values()
        ]
