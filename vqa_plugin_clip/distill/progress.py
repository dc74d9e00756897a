"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int, str], None]
"""A function that is called as work goes on.

Its arguments are the name of the work, how much is done, how much there is to do, and a note.
"""
