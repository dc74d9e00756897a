"""Gives commands the same group of options, made into one value that the command takes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import typer


class Added(NamedTuple):
    """An option that is added to a command.

    Attributes:
        kind: the type of its value, as typer takes it.
        flag: the option as typed.
        text: its help.
        default: the value where it is not given.
    """

    kind: Any
    flag: str
    text: str
    default: Any


def add_options(
    command: Callable[..., None],
    argument: str,
    options: Mapping[str, Added],
    make: Callable[[dict[str, Any]], Any],
    panel: str,
) -> Callable[..., None]:
    """Give a command further options, whose values it takes as one argument.

    Args:
        command: takes ``argument``.
        argument: the name of the keyword-only argument that is replaced.
        options: what is added, by name.
        make: makes the argument of the values by name.
        panel: under what title help shows the options.

    Returns:
        The command for typer.
    """

    @functools.wraps(command)
    def wrapper(**arguments: Any) -> None:
        chosen = {name: arguments.pop(name) for name in options}
        command(**{argument: make(chosen)}, **arguments)

    own = inspect.signature(command, eval_str=True)
    last = inspect.Parameter.KEYWORD_ONLY
    kept = [p.replace(kind=last) for name, p in own.parameters.items() if name != argument]
    added = [
        inspect.Parameter(
            name,
            last,
            default=option.default,
            annotation=Annotated[
                option.kind, typer.Option(option.flag, help=option.text, rich_help_panel=panel)
            ],
        )
        for name, option in options.items()
    ]
    wrapper.__signature__ = own.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in [*kept, *added]}
    return wrapper
