"""Takes arrays of any library as NumPy's, without a copy where possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import UsageError, one_line

Stack = Sequence[NDArray[Any]] | NDArray[Any]
"""Frames one behind the other: an array, or a list of arrays of one shape and dtype."""


def is_array(value: Any) -> bool:
    """Whether the value offers its memory as an array."""
    return hasattr(value, "__array__") or hasattr(value, "__dlpack__")


def stack_of(value: Any, what: str, axes: tuple[str, ...]) -> Stack:
    """Frames as arrays.

    Args:
        value: one array with all ``axes``, or a list of arrays without the first of them.
        what: the value's name, for messages.
        axes: names of the axes, such as ``("T", "H", "W", "3")``.

    Raises:
        UsageError: the value is not an array, has another number of axes or no frame, or is a list
            of unlike frames.
    """
    shape = f"[{', '.join(axes)}]"
    if isinstance(value, list | tuple):
        frames = [as_array(one, what, f"[{', '.join(axes[1:])}]") for one in value]
        for frame in frames:
            if frame.ndim != len(axes) - 1:
                raise UsageError(f"{what}: one of the frames is {frame.shape}; stacked: {shape}")
            if (frame.shape, frame.dtype) != (frames[0].shape, frames[0].dtype):
                raise UsageError(
                    f"{what}: one frame is {frame.dtype} {frame.shape}, the first "
                    f"{frames[0].dtype} {frames[0].shape}; give frames of one size and type"
                )
        stack: Stack = frames
    else:
        stack = as_array(value, what, shape)
        if stack.ndim != len(axes):
            hint = "; for one frame, add an axis: x[None]" if stack.ndim == len(axes) - 1 else ""
            raise UsageError(f"{what}: they are {stack.shape}, {shape} is needed{hint}")
    if not len(stack) or not stack[0].size:
        raise UsageError(f"{what}: there is no picture in them; {shape} is needed")
    return stack


def as_array(value: Any, what: str, shape: str) -> NDArray[Any]:
    """A value as a NumPy array.

    Args:
        value: anything with ``__array__`` or ``__dlpack__``.
        what: the value's name, for messages.
        shape: the shape that is needed, for messages.

    Raises:
        UsageError: it is not an array, or is not in main memory.
    """
    if not is_array(value):
        raise UsageError(
            f"{what}: an object of type {type(value).__name__} is not an array; {shape} is needed"
        )
    try:
        array = np.asarray(value) if hasattr(value, "__array__") else np.from_dlpack(value)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        raise UsageError(
            f"{what}: cannot be read as a NumPy array ({one_line(error)}); copy them to main memory"
        ) from None
    return array
