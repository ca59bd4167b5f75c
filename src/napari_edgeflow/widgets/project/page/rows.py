"""Tables of objects as a project keeps them, and back."""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from napari_edgeflow.engine.system.json_text import parse_json
from napari_edgeflow.project.content.records import Row

_JSON = ("clicks", "plane", "view", "prompts")
"""Columns that hold JSON as text."""


class FeatureRows(Mapping[int, Row]):
    """The rows of a layer's features by object, made when somebody asks.

    Taking them takes a moment whatever their number; the saver makes them in its
    thread.

    Parameters
    ----------
    features : DataFrame
        The layer's features; they are copied, the values are not.
    """

    def __init__(self, features: Any) -> None:
        self._features = features.copy()

    @cached_property
    def _rows(self) -> dict[int, Row]:
        columns = {str(n): self._features[n].tolist() for n in self._features}
        ids = columns.pop("index", None) or range(len(self._features))
        return {
            int(index): {n: _plain(n, values[at]) for n, values in columns.items()}
            for at, index in enumerate(ids)
        }

    def __getitem__(self, index: int) -> Row:
        """Return the row of an object."""
        return self._rows[index]

    def __iter__(self) -> Iterator[int]:
        """Iterate over the objects' ids."""
        return iter(self._rows)

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self._features)


def as_features(rows: Mapping[int, Row]) -> dict[str, list[object]]:
    """Return the columns of the features that rows were made of."""
    names = dict.fromkeys(name for row in rows.values() for name in row)
    columns: dict[str, list[object]] = {"index": list(rows)} if rows else {}
    for name in names:
        columns[name] = [_column_value(name, row.get(name)) for row in rows.values()]
    return columns


def _plain(name: str, value: Any) -> object:
    """Return a cell as a JSON value."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str) and name in _JSON:
        try:
            return parse_json(value)
        except ValueError:
            return value
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | None) else str(value)


def _column_value(name: str, value: object) -> object:
    return json.dumps(value) if name in _JSON else value
