"""Holds scores frame by frame, as columns by name and as a table for other libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import MissingBackend, nearest

if TYPE_CHECKING:
    import pandas
    import pyarrow

Floats = NDArray[np.float64]


class FrameTable(Mapping[str, Floats]):
    """The scores of a video frame by frame.

    It maps the name of a feature to (n,) float64 scores, one for each frame scored; NaN where
    undefined.

    Any library that reads Arrow's C stream takes it as a table: ``pyarrow.table(frames)``,
    ``polars.from_arrow(frames)``, DuckDB.

    Attributes:
        numbers: (n,) int64, number of each frame, from 0.
        times: (n,) float64, presentation time in seconds; NaN where unknown.
    """

    def __init__(
        self, columns: Mapping[str, Floats], numbers: NDArray[np.int64], times: Floats
    ) -> None:
        self._columns, self.numbers, self.times = dict(columns), numbers, times

    def __getitem__(self, name: str) -> Floats:
        if name not in self._columns:
            raise KeyError(f"no feature {name!r}{nearest(name, self._columns)}")
        return self._columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        """How many features there are; ``len(frames.numbers)`` is how many frames."""
        return len(self._columns)

    def __repr__(self) -> str:
        return f"FrameTable({len(self.numbers)} frames: {', '.join(self) or 'no feature'})"

    def columns(self) -> dict[str, NDArray[Any]]:
        """All columns of the table: ``frame``, ``time``, then the features."""
        return {"frame": self.numbers, "time": self.times} | self._columns

    def to_pandas(self) -> pandas.DataFrame:
        """A data frame with the columns ``time`` and the features, and the index ``frame``.

        Raises:
            MissingBackend: pandas is not installed.
        """
        _need("pandas", "to_pandas")
        import pandas

        return pandas.DataFrame(self.columns()).set_index("frame")

    def to_arrow(self) -> pyarrow.Table:
        """A table with the columns ``frame``, ``time`` and the features; undefined is null.

        Raises:
            MissingBackend: pyarrow is not installed.
        """
        _need("pyarrow", "to_arrow")
        return _pyarrow(self.columns())

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The table of `to_arrow` as Arrow's PyCapsule stream.

        Made by the first of pyarrow, polars and arro3 that is installed.

        Raises:
            MissingBackend: none of them is.
        """
        for name, make in _TABLES.items():
            if _installed(name):
                return make(self.columns()).__arrow_c_stream__(requested_schema)
        raise MissingBackend(
            "an Arrow table needs pyarrow, polars or arro3-core; pip install pyarrow"
        )


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # the package that would hold it is missing, too
        return False


def _need(package: str, method: str) -> None:
    if not _installed(package):
        raise MissingBackend(f"{method} needs {package}; pip install {package}")


def _pyarrow(columns: Mapping[str, NDArray[Any]]) -> Any:
    import pyarrow

    made = {name: pyarrow.array(column, from_pandas=True) for name, column in columns.items()}
    return pyarrow.table(made)


def _polars(columns: Mapping[str, NDArray[Any]]) -> Any:
    import polars

    return polars.DataFrame(dict(columns), nan_to_null=True)


def _arro3(columns: Mapping[str, NDArray[Any]]) -> Any:
    from arro3.core import Array, DataType, Table

    def made(column: NDArray[Any]) -> Any:
        if column.dtype.kind != "f":
            return Array.from_numpy(column)
        values = [None if np.isnan(x) else x for x in column.tolist()]
        return Array(values, type=DataType.float64())

    return Table.from_pydict({name: made(column) for name, column in columns.items()})


_TABLES: dict[str, Callable[[Mapping[str, NDArray[Any]]], Any]] = {
    "pyarrow": _pyarrow,
    "polars": _polars,
    "arro3.core": _arro3,
}
